"""What an answer means."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.model.delivery import Outcome, judge_attempt, read_retry_after

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def judge(status, failures=0, after=None):
    return judge_attempt(status, failures=failures, after_seconds=after, chance=lambda: 0.5)


@given(st.integers(200, 299), st.integers(0, 100))
def test_every_2xx_delivers(status, failures):
    assert judge(status, failures).outcome is Outcome.DELIVERED


@pytest.mark.parametrize(
    "status", [None, 100, 199, 301, 302, 307, 308, 400, 401, 403, 404, 408, 409, 422, 429, 500, 502, 503, 599]
)
def test_all_else_is_retried_then_spent_redirects_and_silence_included(status):
    assert judge(status, 0).outcome is Outcome.RETRY
    assert judge(status, 0).retry_after_seconds == 8
    assert judge(status, 4).outcome is Outcome.RETRY
    assert judge(status, 5).outcome is Outcome.SPENT


def test_gone_is_gone_at_once():
    assert judge(410).outcome is Outcome.GONE


def test_retry_after_as_seconds_and_as_date():
    assert read_retry_after({"Retry-After": " 120 "}, NOW) == 120
    later = format_datetime(NOW + timedelta(seconds=90), usegmt=True)
    assert read_retry_after({"Retry-After": later}, NOW) == 90
    earlier = format_datetime(NOW - timedelta(seconds=90), usegmt=True)
    assert read_retry_after({"Retry-After": earlier}, NOW) == 0


@given(st.text(max_size=100))
def test_retry_after_of_a_hostile_receiver_never_raises(text):
    found = read_retry_after({"Retry-After": text}, NOW)
    assert found is None or found >= 0
