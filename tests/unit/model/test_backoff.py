"""How long to wait: within the schedule, within the jitter, never for ever."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.model.backoff import (
    A_DAY_SECONDS,
    JITTER,
    RETRY_SCHEDULE_SECONDS,
    read_retry_after,
    spread,
    wait_before_poll,
    wait_before_retry,
)

chances = st.floats(0, 1, exclude_max=True)
waits = st.floats(0.001, 1e6)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@given(waits, chances)
def test_spread_stays_within_the_jitter(seconds, chance):
    assert seconds * (1 - JITTER) <= spread(seconds, lambda: chance) <= seconds * (1 + JITTER)


def test_the_schedule_is_the_original_ones():
    assert [round(2 ** (3 * turn)) for turn in range(1, 6)] == list(RETRY_SCHEDULE_SECONDS)


@given(st.integers(1, 5), chances)
def test_each_failure_waits_as_the_schedule_says(failures, chance):
    planned = RETRY_SCHEDULE_SECONDS[failures - 1]
    wait = wait_before_retry(failures, after_seconds=None, chance=lambda: chance)
    assert wait is not None
    assert planned * 0.9 <= wait <= planned * 1.1


@given(st.integers(6, 1000), st.one_of(st.none(), waits), chances)
def test_retries_are_spent_after_the_schedule(failures, after, chance):
    assert wait_before_retry(failures, after_seconds=after, chance=lambda: chance) is None


@given(st.integers(1, 5), st.floats(0, 1e12), chances)
def test_retry_after_lengthens_but_neither_shortens_nor_parks_for_ever(failures, after, chance):
    asked = wait_before_retry(failures, after_seconds=after, chance=lambda: chance)
    planned = wait_before_retry(failures, after_seconds=None, chance=lambda: chance)
    assert asked is not None
    assert planned is not None
    assert planned <= asked <= max(planned, *RETRY_SCHEDULE_SECONDS)
    assert asked >= min(after, max(RETRY_SCHEDULE_SECONDS))


@given(st.integers(1, 10_000), st.floats(1, 1e6), chances)
def test_polls_back_off_to_an_hour_or_one_interval(failures, interval, chance):
    wait = wait_before_poll(failures, interval_seconds=interval, chance=lambda: chance)
    assert interval * 0.9 <= wait <= max(3600, interval) * 1.1


def write_date(seconds, **form):
    return format_datetime(NOW + timedelta(seconds=seconds), **form)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        (" 120 ", 120),
        ("0", 0),
        (write_date(90, usegmt=True), 90),
        (write_date(90), 90),
        (write_date(90).replace("+0000", "-0000"), 90),  # a date without a zone
        (write_date(-90, usegmt=True), 0),
        (write_date(10 * A_DAY_SECONDS), A_DAY_SECONDS),
        ("9" * 400, A_DAY_SECONDS),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("2.0", 2),  # as Shopify writes it
        ("0.25", 0.25),
        ("9" * 400 + ".5", A_DAY_SECONDS),
        ("1.", None),
        (".5", None),
        ("1e3", None),
        ("\u0661", None),
    ],
)
def test_retry_after_is_seconds_or_a_date_and_a_day_at_most(text, seconds):
    assert read_retry_after({"Retry-After": text}, NOW) == seconds


@given(st.text(max_size=100))
def test_retry_after_of_a_hostile_server_never_raises(text):
    found = read_retry_after({"Retry-After": text}, NOW)
    assert found is None or 0 <= found <= A_DAY_SECONDS
