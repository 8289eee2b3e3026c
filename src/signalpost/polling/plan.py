"""When an instance is polled next: by its interval, by what failed, and by the calls that are left. Pure."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from signalpost.model.instance import PollState
from signalpost.model.quota import SHORTEST_WAIT, Allowance
from signalpost.polling.grid import next_on_grid


@dataclass(slots=True)
class Outcome:
    """What came of a poll's resources. ``retries`` are when those that failed, now or before, may be read again.

    ``error`` is the kind of the first failure. ``resumes_at`` is when the first of those that were read for a part, as
    the provider asked to wait then, may be read on.
    """

    started_at: datetime
    read: int = 0
    failed: int = 0
    waiting: int = 0
    retries: list[datetime] = field(default_factory=list)
    spent_until: datetime | None = None
    resumes_at: datetime | None = None
    unfinished: bool = False
    pages: int = 0
    events: int = 0
    gaps: int = 0
    error: str | None = None

    def add_success(self) -> None:
        """Count a resource that was read."""
        self.read += 1

    def add_failure(self, retry_at: datetime | None, error: Exception | None = None) -> None:
        """Count one that failed with ``error``; ``retry_at`` None: it is not read again by itself."""
        self.failed += 1
        if error is not None and self.error is None:
            self.error = type(error).__name__
        if retry_at is not None:
            self.retries.append(retry_at)

    def add_pause(self, resumes_at: datetime) -> None:
        """Count one that was read for a part, and is read on after a wait."""
        self.read += 1
        self.resumes_at = resumes_at if self.resumes_at is None else min(self.resumes_at, resumes_at)

    def add_written(self, pages: int, events: int) -> None:
        """Count what was committed."""
        self.pages += pages
        self.events += events

    def add_waiting(self, retry_at: datetime) -> None:
        """Count one that failed before and is not tried yet."""
        self.waiting += 1
        self.retries.append(retry_at)

    @property
    def name(self) -> str:
        """The outcome in one word, for the log."""
        if self.failed:
            return "failed"
        if self.spent_until is not None:
            return "throttled"
        return "unfinished" if self.unfinished or self.resumes_at is not None else "ok"

    @property
    def only_waited(self) -> bool:
        """Whether nothing was tried, as all that is polled waits for its time: it stays as the poll before left it."""
        return bool(self.waiting) and not self.read and not self.failed and self.spent_until is None

    @property
    def succeeded(self) -> bool:
        """Whether all that is polled was read."""
        return self.read > 0 and not self.failed and not self.waiting and self.spent_until is None


@dataclass(frozen=True, slots=True)
class Plan:
    """When the next poll is due (None: never), and until when polling is held back for the calls to last."""

    next_poll_at: datetime | None
    throttled_until: datetime | None = None


def plan_next(state: PollState, outcome: Outcome, allowance: Allowance | None, now: datetime) -> Plan:
    """Plan the next poll.

    When nothing at all could be read, at the first retry; else by the interval. Either as much later as the day's
    calls need to last; but what fails is not said to be held back, for that would hide the failure. What was left
    unfinished goes on at once, while there are calls; or when the provider wants it to.
    """
    if outcome.spent_until is not None:
        new_calls_at = max(outcome.spent_until, now + SHORTEST_WAIT)
        return Plan(new_calls_at, new_calls_at)
    if outcome.unfinished:
        return Plan(now)
    spaced_at = _space(state, allowance, now)
    if not outcome.read:
        earliest = (
            spaced_at if spaced_at is not None and outcome.failed else now
        )  # who only waits makes no calls
        return Plan(max(earliest, min(outcome.retries)) if outcome.retries else None)
    next_at = spaced_at or next_on_grid(state.instance_id, state.interval_seconds, now)
    if spaced_at is None and outcome.resumes_at is not None:
        next_at = min(next_at, outcome.resumes_at)
    return Plan(next_at, spaced_at)


def _space(state: PollState, allowance: Allowance | None, now: datetime) -> datetime | None:
    """Give the earliest time of the next poll for the day's calls to last; None where the interval is long enough."""
    spaced_seconds = 0.0 if allowance is None else allowance.space_polls_seconds(now)
    return now + timedelta(seconds=spaced_seconds) if spaced_seconds > state.interval_seconds else None
