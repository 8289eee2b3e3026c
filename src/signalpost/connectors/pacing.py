"""The pace of calls: those of one token are kept apart, a user's go before polling's."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

PACES_KEPT = 100_000
GRAIN_SECONDS = 0.001
"""Timers are no finer: a shorter wait would take as long, and a thousand calls a second would be the most there is."""


class Timer(Protocol):
    """Something that will happen, unless it is cancelled."""

    def cancel(self) -> None:
        """Have it not happen."""
        ...


CallLater = Callable[[float, Callable[[], None]], Timer]
"""Calls a function after some seconds, once."""


def call_later(seconds: float, act: Callable[[], None]) -> Timer:
    """Call ``act`` after ``seconds``, in the running event loop."""
    return asyncio.get_running_loop().call_later(seconds, act)


class Pace:
    """Keeps the calls of one token apart, by the rate that the provider allots.

    A user's call goes before all background calls that wait; among the same kind the first come is the first served.
    """

    def __init__(
        self, calls_per_second: float, monotonic: Callable[[], float], later: CallLater = call_later
    ) -> None:
        self._calls_per_second = calls_per_second
        self._monotonic = monotonic
        self._call_later = later
        self._called_at = self._held_until = float("-inf")
        # Lists, as nearly all are empty and very many are kept: an empty deque takes 760 bytes.
        self._users: list[asyncio.Future[None]] = []
        self._background: list[asyncio.Future[None]] = []
        self._timer: Timer | None = None

    @property
    def calls_per_second(self) -> float:
        """The rate."""
        return self._calls_per_second

    async def wait(self, *, for_user: bool = False) -> None:
        """Wait for this call's turn."""
        if not (self._users or self._background) and not self._take_turn():
            return
        turn = asyncio.get_running_loop().create_future()
        (self._users if for_user else self._background).append(turn)
        self._give_turns()
        await turn

    def change_rate(self, calls_per_second: float) -> None:
        """Change the rate, for those who wait already as well."""
        if calls_per_second > 0 and calls_per_second != self._calls_per_second:
            self._calls_per_second = calls_per_second
            self._give_turns()

    def hold(self, seconds: float) -> None:
        """Let nobody call for so long."""
        self._held_until = max(self._held_until, self._monotonic() + seconds)
        self._give_turns()

    def _give_turns(self) -> None:
        """Give the turns that are due, and have this called when the next one is."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while waiting := self._users or self._background:
            if waiting[0].done():  # cancelled: its turn is the next one's
                waiting.pop(0)
                continue
            if seconds := self._take_turn():
                self._timer = self._call_later(seconds, self._give_turns)
                return
            waiting.pop(0).set_result(None)

    def _take_turn(self) -> float:
        """Take the next turn; where it is not due give in how many seconds it is."""
        now = self._monotonic()
        turn_at = max(self._called_at + 1 / self._calls_per_second, self._held_until)
        if turn_at - now > GRAIN_SECONDS:
            return turn_at - now
        # Booked for its own time, should that be a moment ahead: the rate is kept on the whole.
        self._called_at = max(now, turn_at)
        return 0.0


class Paces:
    """The paces of all tokens this process has used of late: they outlive the single poll."""

    def __init__(self, monotonic: Callable[[], float], later: CallLater = call_later) -> None:
        self._monotonic = monotonic
        self._call_later = later
        self._paces: OrderedDict[str, Pace] = OrderedDict()

    def find(self, token: str, calls_per_second: float) -> Pace:
        """Give the pace kept for ``token``, or a new one of ``calls_per_second``."""
        pace = self._paces.get(token) or Pace(calls_per_second, self._monotonic, self._call_later)
        self._keep(token, pace)
        return pace

    def carry_on(self, old_token: str, new_token: str) -> None:
        """Let the pace of ``old_token`` go on as that of its successor."""
        pace = self._paces.get(old_token)
        if pace is not None and new_token not in self._paces:
            self._keep(new_token, pace)

    def _keep(self, token: str, pace: Pace) -> None:
        self._paces[token] = pace
        self._paces.move_to_end(token)
        if len(self._paces) > PACES_KEPT:
            self._paces.popitem(last=False)
