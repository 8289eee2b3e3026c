"""The rate of an endpoint: when it may be called next."""

from __future__ import annotations

from collections.abc import Callable

SWEEP_OVER = 1000
"""Entries that have passed are forgotten when there are more than so many."""


class Rates:
    """Keeps the calls to each endpoint apart, over turns. Kept in memory: another worker starts anew."""

    def __init__(self, monotonic: Callable[[], float]) -> None:
        self._monotonic = monotonic
        self._free_at: dict[int, float] = {}

    def take(self, key: int, per_second: float, *, most_seconds: float) -> float:
        """Take the next slot if it comes within ``most_seconds``; give the seconds until it comes, taken or not."""
        now = self._monotonic()
        slot = max(now, self._free_at.get(key, now))
        if slot - now <= most_seconds:
            self._free_at[key] = slot + 1 / per_second
            if len(self._free_at) > SWEEP_OVER:
                self._free_at = {key: at for key, at in self._free_at.items() if at > now}
        return slot - now
