"""The time of the next poll: the instance's own phase, after now, within one interval."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from signalpost.model.ids import InstanceId
from signalpost.polling.grid import is_first_of_hour, next_on_grid

moments = st.datetimes(datetime(2020, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
intervals = st.floats(1, 86_400 * 31)


@given(st.integers(1, 2**62), intervals, moments)
def test_the_next_time_is_after_now_and_within_an_interval(instance_id, interval, now):
    planned = next_on_grid(InstanceId(instance_id), interval, now)
    assert now < planned <= now + timedelta(seconds=interval * 1.001 + 0.001)
    assert next_on_grid(InstanceId(instance_id), interval, planned) > planned


@given(st.integers(1, 2**62), st.integers(1, 86_400), moments, st.integers(1, 1000))
def test_the_phase_is_kept_and_misses_are_skipped(instance_id, interval, now, missed):
    first = next_on_grid(InstanceId(instance_id), interval, now)
    later = next_on_grid(
        InstanceId(instance_id), interval, first + timedelta(seconds=interval * missed + 0.1)
    )
    turns = (later - first).total_seconds() / interval
    assert abs(turns - round(turns)) < 0.01


def test_instances_are_spread_over_the_interval():
    now = datetime(2026, 1, 1, tzinfo=UTC)
    seconds = [(next_on_grid(InstanceId(i), 600, now) - now).total_seconds() for i in range(1, 6001)]
    each_minute = [sum(minute * 60 <= wait < minute * 60 + 60 for wait in seconds) for minute in range(10)]
    assert min(each_minute) > 450
    assert max(each_minute) < 750


def test_the_first_of_an_hour_is_the_first_of_all_or_one_after_another_hours():
    now = datetime(2026, 1, 1, 12, 30, tzinfo=UTC)
    assert is_first_of_hour(None, now)
    assert not is_first_of_hour(now - timedelta(minutes=30), now)
    assert is_first_of_hour(now - timedelta(minutes=31), now)
