"""A clock and timers that move on when a test says so."""

from __future__ import annotations

import asyncio
import heapq
from itertools import count


class FakeTimer:
    """A timer of ``FakeTime`` (``session.Timer``)."""

    def __init__(self, act):
        self.act = act

    def cancel(self):
        self.act = None


class FakeTime:
    """``monotonic`` and ``later`` for a pace; ``fired`` counts the timers that went off."""

    def __init__(self):
        self.now = 100.0
        self.fired = 0
        self._timers = []
        self._numbers = count()

    def monotonic(self):
        return self.now

    def later(self, seconds, act):
        timer = FakeTimer(act)
        heapq.heappush(self._timers, (self.now + seconds, next(self._numbers), timer))
        return timer

    async def advance(self, seconds):
        """Let so much time go by; all that becomes due happens at its time."""
        end_at = self.now + seconds
        await self._settle()
        while self._timers and self._timers[0][0] <= end_at:
            due_at, _, timer = heapq.heappop(self._timers)
            if timer.act is not None:
                self.now, self.fired = max(self.now, due_at), self.fired + 1
                timer.act()
                await self._settle()
        self.now = end_at

    async def _settle(self):
        for _ in range(5):
            await asyncio.sleep(0)


class HastyTime(FakeTime):
    """Time that goes by as soon as somebody waits."""

    def later(self, seconds, act):
        timer = FakeTimer(act)

        def pass_by():
            if timer.act is not None:
                self.now += seconds
                act()

        asyncio.get_running_loop().call_soon(pass_by)
        return timer
