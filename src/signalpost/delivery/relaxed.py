"""A lane without order (``event.notification.ordering=relaxed``): several attempts at once, none waits for another."""

from __future__ import annotations

import asyncio
from collections import deque
from datetime import datetime

from signalpost.delivery.attempts import Tried
from signalpost.delivery.turn import BATCH, Turn
from signalpost.model.delivery import Notification

FAILED_IN_A_ROW = 5
"""When so many attempts in a row fail, the endpoint is taken for failing, and the lane is held."""


async def send_relaxed(turn: Turn) -> None:
    """Send what may be tried now, ``concurrency`` at once. One that fails waits for its own time, alone."""
    flying: dict[asyncio.Task[Tried | None], Notification] = {}
    try:
        await _Flight(turn, flying).run()
    finally:
        for task in flying:
            task.cancel()
        await asyncio.gather(*flying, return_exceptions=True)


class _Flight:
    """The attempts of one turn: what is loaded, what is on its way, how many failed in a row."""

    def __init__(self, turn: Turn, flying: dict[asyncio.Task[Tried | None], Notification]) -> None:
        self._turn = turn
        self._flying = flying
        self._loaded: deque[Notification] = deque()
        self._loaded_to = 0
        self._all_loaded = False
        self._failed = 0
        self._going = True
        self._gives_way_at: datetime | None = None
        self._slots = asyncio.Lock()

    async def run(self) -> None:
        turn = self._turn
        while True:
            await self._take_off()
            if not self._flying:
                break
            done, _ = await asyncio.wait(self._flying, return_when=asyncio.FIRST_COMPLETED)
            for task in done:
                await self._land(self._flying.pop(task), task.result())
        if self._gives_way_at is not None and turn.next_at is not None:
            # What failed besides must not have the lane come later than it meant to.
            turn.next_at = min(turn.next_at, self._gives_way_at)
        if self._going and await turn.settle():
            turn.next_at = await turn.parts.waiting.find_next_attempt(turn.lane.instance_id)
            turn.held = turn.held and turn.next_at is not None

    async def _take_off(self) -> None:
        turn = self._turn
        while self._going and len(self._flying) < turn.settings.concurrency:
            if not self._loaded and not self._all_loaded:
                await self._load()
            if not self._loaded:
                return
            notification = self._loaded.popleft()
            self._flying[asyncio.create_task(self._fly(notification))] = notification

    async def _fly(self, notification: Notification) -> Tried | None:
        """Make an attempt as soon as the rate allows it; others land meanwhile. None: it is not made in this turn."""
        turn = self._turn
        async with self._slots:
            if self._going and not await turn.take_slot():
                self._going, self._gives_way_at = False, turn.next_at
        return await turn.send(notification) if self._going else None

    async def _load(self) -> None:
        turn = self._turn
        found = await turn.parts.waiting.load_due(
            turn.lane.instance_id, after_order=self._loaded_to, limit=BATCH, now=turn.parts.clock()
        )
        self._loaded.extend(found)
        self._loaded_to = found[-1].lane_order if found else self._loaded_to
        self._all_loaded = len(found) < BATCH

    async def _land(self, notification: Notification, tried: Tried | None) -> None:
        turn = self._turn
        if tried is None:
            return
        if await turn.note(notification, tried):
            self._failed = 0
        else:
            self._failed += 1
            self._going = self._going and self._failed < FAILED_IN_A_ROW and not turn.deactivate and turn.ours
