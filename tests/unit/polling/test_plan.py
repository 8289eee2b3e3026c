"""When the next poll comes: as configured, after a failure, and so that the day's calls last for the whole day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from signalpost.connectors.base import Quota
from signalpost.connectors.budget import Budget
from signalpost.model.errors import QuotaSpentError
from signalpost.model.ids import InstanceId, OrganizationId, UserId
from signalpost.model.instance import PollState, Tokens
from signalpost.model.quota import Allowance, next_midnight, read_allowance
from signalpost.polling.grid import next_on_grid
from signalpost.polling.plan import Outcome, Plan, plan_next

MIDNIGHT = datetime(2026, 3, 4, tzinfo=UTC)
NOON = MIDNIGHT + timedelta(hours=12)
AN_HOUR = timedelta(hours=1)
INTERVAL_SECONDS = 60.0
CALLS_A_DAY = 1000
SHARE = 900
STATE = PollState(
    instance_id=InstanceId(1),
    organization_id=OrganizationId(1),
    user_id=UserId(1),
    connector="egnyte",
    name="Acme",
    tags=(),
    configuration={},
    tokens=Tokens("token", None, None),
    interval_seconds=INTERVAL_SECONDS,
    last_poll_at=None,
    quota=None,
    notified=True,
    full_raw=False,
    resources=(),
)
ON_GRID = next_on_grid(STATE.instance_id, INTERVAL_SECONDS, NOON)
PLENTY = Allowance(1_000_000, 0, MIDNIGHT + timedelta(days=1))
USUALLY_ONE = Allowance(CALLS_A_DAY, 0, MIDNIGHT + timedelta(days=1), (1,) * 5)


def read_one(started_at=NOON):
    outcome = Outcome(started_at)
    outcome.add_success()
    return outcome


def fail_one(*minutes, outcome=None):
    outcome = outcome or Outcome(NOON)
    for each in minutes:
        outcome.add_failure(None if each is None else NOON + timedelta(minutes=each))
    return outcome


@pytest.mark.parametrize("allowance", [None, PLENTY])
def test_without_need_of_sparing_the_interval_counts(allowance):
    assert plan_next(STATE, read_one(), allowance, NOON) == Plan(ON_GRID)
    assert plan_next(STATE, fail_one(5, outcome=read_one()), allowance, NOON) == Plan(ON_GRID)
    assert plan_next(STATE, fail_one(7, 5, None), allowance, NOON) == Plan(NOON + timedelta(minutes=5))
    assert plan_next(STATE, fail_one(-5), allowance, NOON) == Plan(NOON)
    assert plan_next(STATE, fail_one(None), allowance, NOON) == Plan(None)


def test_what_is_unfinished_goes_on_at_once_but_not_without_calls():
    outcome = read_one()
    outcome.unfinished = True
    assert plan_next(STATE, outcome, PLENTY, NOON) == Plan(NOON)
    outcome.spent_until = PLENTY.resets_at
    assert plan_next(STATE, outcome, PLENTY, NOON) == Plan(PLENTY.resets_at, PLENTY.resets_at)


def test_what_was_read_for_a_part_goes_on_when_the_provider_wants_it_to():
    outcome = Outcome(NOON)
    for seconds in (40, 20, 30):
        outcome.add_pause(NOON + timedelta(seconds=seconds))
    assert (outcome.name, outcome.succeeded) == ("unfinished", True)
    assert plan_next(STATE, outcome, PLENTY, NOON) == Plan(NOON + timedelta(seconds=20))
    late = Outcome(NOON)
    late.add_pause(NOON + timedelta(days=1))
    assert plan_next(STATE, late, PLENTY, NOON) == Plan(ON_GRID)  # other resources may have their turn before
    scarce = Allowance(CALLS_A_DAY, SHARE - 11, MIDNIGHT + timedelta(days=1))
    assert plan_next(STATE, outcome, scarce, NOON) == Plan(NOON + AN_HOUR, NOON + AN_HOUR)


def test_a_provider_without_calls_is_left_alone_for_a_minute_at_least():
    outcome = Outcome(NOON, spent_until=NOON + timedelta(seconds=1))
    a_minute_on = NOON + timedelta(minutes=1)
    assert plan_next(STATE, outcome, PLENTY, NOON) == Plan(a_minute_on, a_minute_on)


def test_polls_that_fail_are_as_far_apart_as_the_calls_need_and_still_shown_as_failing():
    scarce = Allowance(CALLS_A_DAY, SHARE - 11, MIDNIGHT + timedelta(days=1))
    assert plan_next(STATE, fail_one(5), scarce, NOON) == Plan(NOON + AN_HOUR)
    assert plan_next(STATE, fail_one(90), scarce, NOON) == Plan(NOON + 1.5 * AN_HOUR)
    assert plan_next(STATE, fail_one(None), scarce, NOON) == Plan(None)
    only_waiting = Outcome(NOON)
    only_waiting.add_waiting(NOON + timedelta(minutes=1))
    assert plan_next(STATE, only_waiting, scarce, NOON) == Plan(NOON + timedelta(minutes=1))
    in_part = fail_one(5, outcome=read_one())
    assert plan_next(STATE, in_part, scarce, NOON) == Plan(NOON + AN_HOUR, NOON + AN_HOUR)


@dataclass
class TwoDays:
    """Two days of an instance that wishes to be polled every minute, and of its provider.

    ``calls_of`` says how many calls a poll takes, by its number; ``others_by`` how many another program has made with
    the same token, by the hours since the beginning; ``usual`` how many calls the usual poll takes; ``resets_in`` how
    many days after the reset that comes is the one that the provider tells (None: it tells none). Polling begins at
    ``begins_at``, with what is ``kept`` of the days before.
    """

    calls_of: Callable[[int], int]
    others_by: Callable[[float], int] = lambda _: 0
    usual: int = 1
    resets_in: int | None = 0
    begins_at: datetime = MIDNIGHT
    kept: dict[str, Any] | None = None
    polls: list[datetime] = field(default_factory=list)
    used: Counter[datetime] = field(default_factory=Counter)
    """By the day's end: all calls, as the provider counts them."""
    ours: Counter[datetime] = field(default_factory=Counter)
    needed: list[float] = field(default_factory=list)
    """After each poll: how many seconds usual polls must be apart for the calls to last."""

    def run(self):
        now, kept, others, used_before = self.begins_at, self.kept, 0, None
        while now < MIDNIGHT + timedelta(days=2):
            others_now = self.others_by((now - MIDNIGHT) / AN_HOUR)
            self.used[next_midnight(now)] += others_now - others
            others = others_now
            budget = Budget(read_allowance(kept, CALLS_A_DAY, now), lambda at=now: at)
            outcome = self.poll(budget, now)
            allowance = budget.allowance
            if budget.calls:
                unfinished = outcome.spent_until is not None
                allowance = allowance.end_poll(budget.calls, used_before, unfinished=unfinished)
                self.polls.append(now)
                self.needed.append(self.space(now))
            kept, used_before = allowance.to_json(), allowance.used
            now = plan_next(STATE, outcome, allowance, now).next_poll_at
        return self

    def poll(self, budget, now):
        day, outcome = next_midnight(now), Outcome(now)
        told = None if self.resets_in is None else day + timedelta(days=self.resets_in)
        try:
            for _ in range(self.calls_of(len(self.polls))):
                budget.check()
                budget.count()
                self.used[day] += 1
                self.ours[day] += 1
                budget.correct(Quota(2.0, CALLS_A_DAY, self.used[day], told))
            outcome.add_success()
        except QuotaSpentError as error:
            outcome.spent_until = now + timedelta(seconds=error.after_seconds)
        return outcome

    def space(self, now):
        day = next_midnight(now)
        hours = (now - MIDNIGHT) / AN_HOUR
        hours_left = (day - now) / AN_HOUR
        to_come = self.others_by(hours) - self.others_by(hours - 1) if hours >= 1 else 0
        left = SHARE - self.used[day] - to_come * hours_left
        return max(hours_left * 3600 * self.usual / max(left, self.usual), INTERVAL_SECONDS)

    def check(self):
        """A poll in each hour from the beginning on, within the share, and never a gap of more than twice what is needed."""
        hours = {(at - MIDNIGHT) // AN_HOUR for at in self.polls}
        assert hours == set(range((self.begins_at - MIDNIGHT) // AN_HOUR, 48))
        for day, calls in self.ours.items():
            assert calls <= SHARE
            assert self.used[day] <= CALLS_A_DAY
            assert self.used[day] >= SHARE * 0.9
        gaps = [(b - a).total_seconds() for a, b in zip(self.polls, self.polls[1:], strict=False)]
        for gap, needed, at in zip(gaps, self.needed, self.polls, strict=False):
            assert gap <= 2 * needed, at


@pytest.mark.parametrize("resets_in", [0, -1, None], ids=["next reset", "last reset", "no reset"])
@pytest.mark.parametrize(
    "days",
    [
        TwoDays(lambda _: 1),
        TwoDays(lambda _: 3, usual=3),
        # Hundreds of events came, and took calls that others missed afterwards.
        TwoDays(lambda number: 12 if number % 100 == 50 else 3, usual=3),
        # Another program begins to use the token, at eleven of each day.
        TwoDays(lambda _: 1, lambda hours: 300 * ((hours >= 11) + (hours >= 35))),
        # Another program uses it all the time: what it will need until the reset is not ours to spend.
        TwoDays(lambda _: 1, lambda hours: int(20 * hours)),
        # The first poll reads from the oldest; or much has come in an outage.
        TwoDays(lambda number: 1 if number else 300),
        TwoDays(lambda number: 200 if number == 500 else 1),
        TwoDays(lambda number: 40 if number % 100 == 50 else 1),
        # At noon little is left of the day.
        TwoDays(lambda number: 1 if number else 800, begins_at=NOON),
        TwoDays(lambda number: 1 if number else 800, begins_at=NOON, kept=USUALLY_ONE.to_json()),
    ],
    ids=[
        *("1 call", "3 calls", "bursts", "begins", "goes on", "oldest", "outage", "large bursts"),
        *("oldest at noon", "outage until noon"),
    ],
)
def test_a_minutely_poll_goes_on_all_day_on_a_thousand_calls(days, resets_in):
    replace(days, resets_in=resets_in, polls=[], used=Counter(), ours=Counter(), needed=[]).run().check()


@pytest.mark.parametrize("resets_in", [0, -1, None])
def test_a_list_of_hundreds_of_calls_is_spread_over_the_day_from_the_second_poll_on(resets_in):
    polls = TwoDays(lambda _: 300, usual=300, resets_in=resets_in).run().polls
    hours = [round((at - MIDNIGHT) / AN_HOUR) for at in polls]
    assert hours == [0, 0, 12, 24, 32, 40]
