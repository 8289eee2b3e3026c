"""When the next poll comes: as configured, after a failure, and so that the day's calls last for the whole day."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

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


@dataclass
class TwoDays:
    """Two days of an instance that wishes to be polled every minute, and of its provider.

    ``calls_of`` says how many calls a poll takes, by its number; ``others_by`` how many another program has made with
    the same token, by the hours since the beginning; ``usual`` how many calls the usual poll takes.
    """

    calls_of: Callable[[int], int]
    others_by: Callable[[float], int] = lambda _: 0
    usual: int = 1
    tells_reset: bool = True
    polls: list[datetime] = field(default_factory=list)
    used: Counter[datetime] = field(default_factory=Counter)
    """By the day's end: all calls, as the provider counts them."""
    ours: Counter[datetime] = field(default_factory=Counter)
    needed: list[float] = field(default_factory=list)
    """After each poll: how many seconds usual polls must be apart for the calls to last."""

    def run(self):
        now, kept, others, used_before = MIDNIGHT, None, 0, None
        while now < MIDNIGHT + timedelta(days=2):
            others_now = self.others_by((now - MIDNIGHT) / AN_HOUR)
            self.used[next_midnight(now)] += others_now - others
            others = others_now
            budget = Budget(read_allowance(kept, CALLS_A_DAY, now), lambda at=now: at)
            outcome = self.poll(budget, now)
            allowance = budget.allowance
            if budget.calls:
                allowance = allowance.end_poll(budget.calls, used_before)
                self.polls.append(now)
                self.needed.append(self.space(now))
            kept, used_before = allowance.to_json(), allowance.used
            now = plan_next(STATE, outcome, allowance, now).next_poll_at
        return self

    def poll(self, budget, now):
        day, outcome = next_midnight(now), Outcome(now)
        try:
            for _ in range(self.calls_of(len(self.polls))):
                budget.check()
                budget.count()
                self.used[day] += 1
                self.ours[day] += 1
                budget.correct(Quota(2.0, CALLS_A_DAY, self.used[day], day if self.tells_reset else None))
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
        """A poll in each hour of both days, within the share, and never a gap of more than twice what is needed."""
        hours = {(at - MIDNIGHT) // AN_HOUR for at in self.polls}
        assert hours == set(range(48))
        for day, calls in self.ours.items():
            assert calls <= SHARE
            assert self.used[day] <= CALLS_A_DAY
            assert self.used[day] >= SHARE * 0.9
        gaps = [(b - a).total_seconds() for a, b in zip(self.polls, self.polls[1:], strict=False)]
        for gap, needed, at in zip(gaps, self.needed, self.polls, strict=False):
            assert gap <= 2 * needed, at


@pytest.mark.parametrize("tells_reset", [True, False])
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
    ],
    ids=["1 call", "3 calls", "bursts", "begins", "goes on", "oldest", "outage", "large bursts"],
)
def test_a_minutely_poll_goes_on_all_day_on_a_thousand_calls(days, tells_reset):
    TwoDays(days.calls_of, days.others_by, days.usual, tells_reset).run().check()
