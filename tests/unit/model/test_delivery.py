"""What an answer means."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.model.delivery import (
    MOST_REFUSALS,
    REFUSALS,
    Outcome,
    Policy,
    judge_attempt,
)

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SCHEDULE = (8, 64, 512, 4096, 32768)
HELD = [None, 100, 199, 301, 302, 307, 308, 401, 403, 404, 405, 406, 408, 425, 429, 500, 502, 503, 599]


def judge(status, failures=0, *, refusals=0, after=None, policy=Policy.RETRY, schedule=SCHEDULE):
    return judge_attempt(
        status,
        failures=failures,
        refusals=refusals,
        policy=policy,
        after_seconds=after,
        chance=lambda: 0.5,
        schedule_seconds=schedule,
    )


statuses = st.none() | st.integers(100, 999)
counts = st.integers(0, 20)


@given(st.integers(200, 299), counts, st.sampled_from(Policy))
def test_every_2xx_delivers(status, failures, policy):
    assert judge(status, failures, policy=policy).outcome is Outcome.DELIVERED


@pytest.mark.parametrize("status", HELD)
def test_all_else_is_retried_then_spent_redirects_and_silence_included(status):
    for failures, seconds in enumerate(SCHEDULE):
        verdict = judge(status, failures)
        assert (verdict.outcome, verdict.retry_after_seconds) == (Outcome.RETRY, seconds)
    assert judge(status, 5).outcome is Outcome.SPENT
    assert judge(status, 5, policy=Policy.SKIP).outcome is Outcome.DEAD


@given(counts, counts, st.sampled_from(Policy))
def test_gone_is_gone_at_once(failures, refusals, policy):
    assert judge(410, failures, refusals=refusals, policy=policy).outcome is Outcome.GONE


@pytest.mark.parametrize("status", sorted(REFUSALS))
@pytest.mark.parametrize("schedule", [SCHEDULE, (5,)])
@pytest.mark.parametrize("policy", [Policy.RETRY, Policy.SKIP])
def test_a_notification_is_refused_three_times_however_short_the_schedule(status, schedule, policy):
    outcomes = [
        judge(status, number, refusals=number, schedule=schedule, policy=policy).outcome
        for number in range(MOST_REFUSALS)
    ]
    assert outcomes == [Outcome.RETRY, Outcome.RETRY, Outcome.DEAD]


@pytest.mark.parametrize("status", sorted(REFUSALS))
def test_one_that_was_taken_back_goes_by_the_schedule(status):
    assert judge(status, 3, refusals=3).outcome is Outcome.RETRY
    assert judge(status, 4, refusals=4).outcome is Outcome.RETRY
    assert judge(status, 5, refusals=5).outcome is Outcome.SPENT
    assert judge(status, 3, refusals=3, schedule=(5,)).outcome is Outcome.SPENT


@given(statuses, counts, counts)
def test_queued_nothing_is_ever_retried_by_itself(status, failures, refusals):
    outcome = judge(status, failures, refusals=refusals, policy=Policy.QUEUE).outcome
    assert outcome in {Outcome.DELIVERED, Outcome.GONE, Outcome.SPENT}


@given(statuses, counts, counts, st.sampled_from(Policy), st.none() | st.floats(0, 1e9))
def test_a_wait_is_told_where_one_is_needed_and_stays_within_the_schedule(
    status, failures, refusals, policy, after
):
    verdict = judge(status, failures, refusals=refusals, policy=policy, after=after)
    if verdict.outcome is Outcome.RETRY:
        assert verdict.retry_after_seconds is not None
        assert 8 <= verdict.retry_after_seconds <= max(SCHEDULE)
    elif verdict.outcome is not Outcome.DEAD:
        assert verdict.retry_after_seconds is None


def test_retry_after_lengthens_the_wait_and_never_shortens_it():
    assert judge(503, 0, after=100).retry_after_seconds == 100
    assert judge(503, 2, after=100).retry_after_seconds == 512
    assert judge(429, 0, after=1e9).retry_after_seconds == max(SCHEDULE)
