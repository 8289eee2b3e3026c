"""The calls that a provider allots to an account in a day: what is left, and how far apart polls must be. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from statistics import median_low
from typing import Any

RESERVED_SHARE = 0.1
"""What polling leaves of a day's calls to the user's own."""
POLLS_KEPT = 5
"""The usual poll is the middle one of so many: two that had much to catch up with do not hold back those after them."""
FEWEST_POLLS = 2
"""One poll alone tells nothing: the first may have read what had gathered for years."""
SHORTEST_WAIT = timedelta(minutes=1)
"""A provider that says that the calls are used up is left alone at least so long, however soon it asks us back."""
A_DAY = timedelta(days=1)
CLOCK_DIFFERENCE = timedelta(minutes=10)
"""How far our clock may be from the provider's: around its reset the two may disagree on which day it is."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """A day's calls of one account: how many there are, how many were used, when counting begins anew.

    ``calls_of_polls`` is how many calls went by from one poll to the next, of the last ones, the newest last: those
    of the poll, and those of others that used the same token meanwhile.
    """

    calls_a_day: int
    used: int
    resets_at: datetime
    calls_of_polls: tuple[int, ...] = ()

    @property
    def calls_a_poll(self) -> int:
        """How many calls the usual poll takes."""
        return median_low(self.calls_of_polls) if len(self.calls_of_polls) >= FEWEST_POLLS else 1

    @property
    def left_to_polls(self) -> int:
        """How many calls polling may still make until the reset."""
        return max(0, self.calls_a_day - int(self.calls_a_day * RESERVED_SHARE) - self.used)

    @property
    def left_share(self) -> float:
        """Which share of the day's calls is left, from 0 to 1."""
        return max(0.0, 1 - self.used / max(self.calls_a_day, 1))

    def renew(self, now: datetime) -> Allowance:
        """Begin the next day if the reset has passed.

        A reset further off than any can be was reckoned by a clock that was ahead: else polls would be spread over
        all the time until then.
        """
        if now >= self.resets_at:
            return replace(self, used=0, resets_at=next_midnight(now))
        if self.resets_at - now > A_DAY + CLOCK_DIFFERENCE:
            return replace(self, resets_at=next_midnight(now))
        return self

    def count(self, calls: int) -> Allowance:
        """Count calls made."""
        # Written out, as in ``end_poll``, for every call and poll: ``replace`` takes four times as long.
        return Allowance(self.calls_a_day, self.used + calls, self.resets_at, self.calls_of_polls)

    def correct(
        self, calls_a_day: int | None, used: int | None, resets_at: datetime | None, now: datetime
    ) -> Allowance:
        """Take over what the provider told: its count is the one that matters. None: it told nothing.

        A reset that is long past is the last one, and says nothing of the next.
        """
        if resets_at is not None and resets_at < now - CLOCK_DIFFERENCE:
            resets_at = None
        return Allowance(
            calls_a_day or self.calls_a_day,
            self.used if used is None else used,
            self._find_reset(used, resets_at, now),
            self.calls_of_polls,
        )

    def _find_reset(self, used: int | None, told: datetime | None, now: datetime) -> datetime:
        if told is not None and told > now:
            return min(told, now + A_DAY + CLOCK_DIFFERENCE)
        # We began a day that the provider has not: were its count of the old day taken for that of the new one,
        # a day of polling would be lost. So look again soon.
        has_just_begun = now < self.resets_at - A_DAY + CLOCK_DIFFERENCE
        if used is not None and used > self.used and (told is not None or has_just_begun):
            return now + CLOCK_DIFFERENCE
        return self.resets_at

    def spend(self, after_seconds: float | None, now: datetime) -> Allowance:
        """Mark it as used up, as the provider says; new calls come in ``after_seconds``, if it told."""
        resets_at = self.resets_at
        if after_seconds is not None:
            resets_at = now + min(max(timedelta(seconds=after_seconds), SHORTEST_WAIT), A_DAY)
        return replace(self, used=max(self.used, self.calls_a_day), resets_at=resets_at)

    def end_poll(self, calls: int, used_before: int | None = None, *, unfinished: bool = False) -> Allowance:
        """Learn from a poll that took ``calls``; ``used_before`` is what was used when the poll before it ended.

        One that is ``unfinished`` (pages are left, or the calls ran out) does not tell how many a poll takes.
        """
        if unfinished:
            return self
        counted = 0 if used_before is None else self.used - used_before
        gone_by = max(calls, counted, 1)
        polls = (*self.calls_of_polls, gone_by)[-POLLS_KEPT:]
        return Allowance(self.calls_a_day, self.used, self.resets_at, polls)

    def space_polls_seconds(self, now: datetime) -> float:
        """Give how far apart polls must be, in seconds: those that the calls allow until the reset, and one at it."""
        until_reset = max((self.resets_at - now).total_seconds(), 0.0)
        return until_reset / (self.left_to_polls // self.calls_a_poll + 1)

    def to_json(self) -> dict[str, Any]:
        """Give it as it is kept."""
        return {
            "callsADay": self.calls_a_day,
            "used": self.used,
            "resetsAt": self.resets_at.isoformat(),
            "callsAPoll": list(self.calls_of_polls),
        }


def next_midnight(now: datetime) -> datetime:
    """Give the next midnight in UTC: when counting begins anew where the provider does not say otherwise."""
    return datetime.combine(now.astimezone(UTC).date(), datetime.min.time(), UTC) + A_DAY


def read_allowance(
    kept: Mapping[str, Any] | None, calls_a_day: int | None, now: datetime
) -> Allowance | None:
    """Read what ``to_json`` gave, or begin with the connector's ``calls_a_day``; None where there is no limit."""
    if kept is not None:
        polls = kept["callsAPoll"]
        allowance = Allowance(
            kept["callsADay"],
            kept["used"],
            datetime.fromisoformat(kept["resetsAt"]),
            tuple(polls) if isinstance(polls, list) else (),  # it was an average once: begin to learn anew
        )
        return allowance.renew(now)
    return None if calls_a_day is None else Allowance(calls_a_day, 0, next_midnight(now))
