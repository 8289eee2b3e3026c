"""When an endpoint may be called next: by its rate, and within the slice of a turn."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime, timedelta

SWEEP_OVER = 1000
"""Entries that have passed are forgotten when there are more than so many."""


class Rates:
    """Keeps the calls to each endpoint apart, over turns. Kept in memory: another worker starts anew.

    Of each it is known when its last slot was: another rate counts from there at once.
    """

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._slots: dict[int, tuple[float, float]] = {}

    def take(self, key: int, per_second: float, *, most_seconds: float) -> float:
        """Take the next slot if it comes within ``most_seconds``; give the seconds until it comes, taken or not."""
        now = self._monotonic()
        last, _ = self._slots.get(key, (now - 1 / per_second, now))
        slot = max(now, last + 1 / per_second)
        if slot - now <= most_seconds:
            self._slots[key] = slot, slot + 1 / per_second
            if len(self._slots) > SWEEP_OVER:
                self._slots = {each: kept for each, kept in self._slots.items() if kept[1] > now}
        return slot - now


class Slice:
    """The time of one turn, of a lane or a replay. ``may_go_on``: the lease is good, and nobody asked us to stop."""

    def __init__(
        self,
        rates: Rates,
        key: int,
        per_second: float | None,
        *,
        seconds: float,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        may_go_on: Callable[[], bool],
    ) -> None:
        self._rates = rates
        self._key = key
        self._per_second = per_second
        self._clock = clock
        self._monotonic = monotonic
        self._may_go_on = may_go_on
        self._ends_at = monotonic() + seconds

    async def take_slot(self) -> datetime | None:
        """Wait for the rate to allow an attempt. Gives when the next turn is due, if this one is over."""
        left = self._ends_at - self._monotonic()
        if left <= 0 or not self._may_go_on():
            return self._clock()
        if self._per_second is None:
            return None
        wait = self._rates.take(self._key, self._per_second, most_seconds=left)
        if wait > left:
            return self._clock() + timedelta(seconds=wait)
        if wait > 0:
            await asyncio.sleep(wait)
        return None if self._may_go_on() else self._clock()
