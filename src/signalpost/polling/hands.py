"""The polls that this process has in hand, each by itself: a job brings many, and ends once they have begun."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

from signalpost.model.ids import InstanceId
from signalpost.observe import get_logger
from signalpost.polling.poller import Poller

log = get_logger("polling")

MOST_IN_HAND = 250
"""Polls that one process has in hand. One takes a tenth of a megabyte while its answer comes."""

Due = Mapping[InstanceId, datetime]
"""Instances to poll, each with since when it was due."""


class Hands:
    """Runs polls side by side, ``most`` at once: one that hangs takes one place, and holds up no other.

    The row of an instance is its claim. That ends after a grace, and then another process may take the instance: so the
    scheduler renews those of polls that last, and what a dead process had in hand comes up by itself.

    Args:
        poller: polls one instance.
        hand_back: has others take polls that were not begun, as this process stops.
        is_known: says whether a fault was told already (the database's are told once for all).
        clock: gives the time.
    """

    def __init__(
        self,
        poller: Poller,
        hand_back: Callable[[Due], Awaitable[object]],
        is_known: Callable[[Exception], bool],
        clock: Callable[[], datetime],
        *,
        most: int = MOST_IN_HAND,
    ) -> None:
        self._poller = poller
        self._hand_back = hand_back
        self._is_known = is_known
        self._clock = clock
        self._places = asyncio.Semaphore(most)
        self._closing = False
        self._before: frozenset[InstanceId] = frozenset()
        self.started: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """Begin no more."""
        self._closing = True

    async def take(self, due: Due, handed_out_at: datetime, good_seconds: float) -> None:
        """Begin polls, as soon as there are places; gives control back once all have begun.

        What has waited for longer than ``good_seconds`` since it was handed out is left: its claim may have ended, and
        then it is handed out anew.
        """
        good_until = handed_out_at + timedelta(seconds=good_seconds)
        left = dict(due)
        for instance_id, due_at in due.items():
            await self._places.acquire()
            if self._closing or self._clock() > good_until:
                self._places.release()
                break
            del left[instance_id]
            task = asyncio.create_task(self._poll(instance_id, due_at))
            self.started.add(task)
            task.add_done_callback(self._note_end)
        if left and self._closing:
            await self._hand_back(left)

    def list_lasting(self) -> list[InstanceId]:
        """Give the instances that were being polled at the last call already: most polls have ended by then."""
        active = self._poller.active
        lasting = [each for each in active if each in self._before]
        self._before = frozenset(active)
        return lasting

    def _note_end(self, task: asyncio.Task[None]) -> None:
        self.started.discard(task)
        self._places.release()

    async def _poll(self, instance_id: InstanceId, due_at: datetime) -> None:
        try:
            await self._poller.poll(instance_id, due_at)
        except Exception as error:  # the instance is due again after the grace, and the tick comes to it
            if not self._is_known(error):
                log.exception("poll.lost", instance=instance_id)
