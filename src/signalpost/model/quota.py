"""The calls that a provider allots to an account in a day: what is left, and how far apart polls must be. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any

RESERVED_SHARE = 0.1
"""What polling leaves of a day's calls to the user's own."""
USUAL_WEIGHT = 0.1
"""How much the newest poll counts in the usual number of calls of one."""
MOST_TIMES_USUAL = 10
"""One poll counts as so many usual ones at most: after a single long one the next must not come hours later."""
A_DAY = timedelta(days=1)
CLOCK_DIFFERENCE = timedelta(minutes=10)
"""How far our clock may be from the provider's: around its reset the two may disagree on which day it is."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """A day's calls of one account: how many there are, how many were used, when counting begins anew.

    ``calls_a_poll`` is how many calls go by from one poll to the next, on average of late: those of the poll, and
    those of others that use the same token meanwhile.
    """

    calls_a_day: int
    used: int
    resets_at: datetime
    calls_a_poll: float = 1.0

    @property
    def left_to_polls(self) -> int:
        """How many calls polling may still make until the reset."""
        return max(0, self.calls_a_day - int(self.calls_a_day * RESERVED_SHARE) - self.used)

    def renew(self, now: datetime) -> Allowance:
        """Begin the next day if the reset has passed."""
        return self if now < self.resets_at else replace(self, used=0, resets_at=next_midnight(now))

    def count(self, calls: int) -> Allowance:
        """Count calls made."""
        return replace(self, used=self.used + calls)

    def correct(
        self, calls_a_day: int | None, used: int | None, resets_at: datetime | None, now: datetime
    ) -> Allowance:
        """Take over what the provider told: its count is the one that matters. None: it told nothing."""
        return replace(
            self,
            calls_a_day=calls_a_day or self.calls_a_day,
            used=self.used if used is None else used,
            resets_at=self._find_reset(used, resets_at, now),
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
            resets_at = now + min(timedelta(seconds=after_seconds), A_DAY)
        return replace(self, used=max(self.used, self.calls_a_day), resets_at=resets_at)

    def end_poll(self, calls: int, used_before: int | None = None) -> Allowance:
        """Learn from a poll that took ``calls``; ``used_before`` is what was used when the poll before it ended."""
        gone_by = calls if used_before is None else max(calls, self.used - used_before)
        usual = self.calls_a_poll
        usual += USUAL_WEIGHT * (min(gone_by, MOST_TIMES_USUAL * usual) - usual)
        return replace(self, calls_a_poll=max(usual, 0.1))

    def space_polls_seconds(self, now: datetime) -> float:
        """Give how far apart polls must be, in seconds, for the calls to last until the reset."""
        until_reset = max((self.resets_at - now).total_seconds(), 0.0)
        if self.left_to_polls < self.calls_a_poll:
            return until_reset
        return until_reset * self.calls_a_poll / self.left_to_polls

    def to_json(self) -> dict[str, Any]:
        """Give it as it is kept."""
        return {
            "callsADay": self.calls_a_day,
            "used": self.used,
            "resetsAt": self.resets_at.isoformat(),
            "callsAPoll": round(self.calls_a_poll, 3),
        }


def next_midnight(now: datetime) -> datetime:
    """Give the next midnight in UTC: when counting begins anew where the provider does not say otherwise."""
    return datetime.combine(now.astimezone(UTC).date(), datetime.min.time(), UTC) + A_DAY


def read_allowance(
    kept: Mapping[str, Any] | None, calls_a_day: int | None, now: datetime
) -> Allowance | None:
    """Read what ``to_json`` gave, or begin with the connector's ``calls_a_day``; None where there is no limit."""
    if kept is not None:
        allowance = Allowance(
            kept["callsADay"],
            kept["used"],
            datetime.fromisoformat(kept["resetsAt"]),
            kept["callsAPoll"],
        )
        return allowance.renew(now)
    return None if calls_a_day is None else Allowance(calls_a_day, 0, next_midnight(now))
