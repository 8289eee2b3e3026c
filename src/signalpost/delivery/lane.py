"""A lane: what waits for one endpoint is sent in its order, by one worker at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from urllib.parse import urlsplit

from signalpost.delivery.attempts import Sender
from signalpost.delivery.configuration import read_delivery_settings
from signalpost.delivery.rate import Rates
from signalpost.delivery.relaxed import send_relaxed
from signalpost.delivery.turn import BATCH, Turn, TurnParts
from signalpost.model.backoff import Chance, spread
from signalpost.model.crowds import Crowds
from signalpost.model.errors import ConfigurationError, InvalidRequestError
from signalpost.model.ids import InstanceId
from signalpost.observe import get_logger
from signalpost.store.deliveries import Deliveries, Lane, Release
from signalpost.store.queue import Queue
from signalpost.store.waiting import Waiting

log = get_logger("delivery")

AFTER_A_FAULT = timedelta(seconds=5)
"""When a turn ended by a fault of our own or a cut connection is taken up again."""

MOST_STARTED = 500
"""Lanes worked beside the queue, which has hands of its own."""

MANY_HANGING = 100
"""So many lanes that wait for one receiver, and have for a while, are no chance: it hangs."""

MOST_OF_HANGING = 500
"""Lanes of such a receiver that are worked at once: a third of all, so that those of the others find places."""

PUT_OFF_SECONDS = 15.0
"""When a lane comes again that found no place for its receiver."""

WHILE_UNREADABLE = timedelta(minutes=1)
"""When a lane is looked at again whose configuration cannot be read."""


@dataclass(frozen=True, slots=True)
class LaneParts:
    """What lanes work with. ``watch`` gives what says whether all that is claimed from then on is surely still ours.

    ``is_known`` says whether an error is a trouble that was told already.
    """

    deliveries: Deliveries
    waiting: Waiting
    queue: Queue
    sender: Sender
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    chance: Chance
    watch: Callable[[], Callable[[], bool]]
    is_known: Callable[[Exception], bool]


class Lanes:
    """Works lanes. A repeat is possible wherever we may die between a POST and its record; it carries the same ids."""

    def __init__(self, parts: LaneParts) -> None:
        self._parts = parts
        self._turn_parts = TurnParts(
            deliveries=parts.deliveries,
            waiting=parts.waiting,
            sender=parts.sender,
            rates=Rates(parts.monotonic),
            clock=parts.clock,
            monotonic=parts.monotonic,
        )
        self._active: set[InstanceId] = set()
        self._closing = False
        self._crowds = Crowds(many=MANY_HANGING, most=MOST_OF_HANGING)
        self.started: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """Have every lane stop after the attempts it is in."""
        self._closing = True

    def start(self, instance_id: InstanceId) -> bool:
        """Work a lane at once, beside the queue: whoever commits a page here need not ask another to send it.

        False: it is being worked already, or too many are, or we stop; then it is for the queue.
        """
        if self._closing or instance_id in self._active or len(self.started) >= MOST_STARTED:
            return False
        # Not a part of the poll: with nothing of what it was doing.
        task = asyncio.create_task(self._work_alone(instance_id), context=Context())
        self.started.add(task)
        task.add_done_callback(self.started.discard)
        return True

    async def _work_alone(self, instance_id: InstanceId) -> None:
        try:
            await self.work(instance_id)
        except Exception as error:  # the lane is due again, and the tick comes to it
            if not self._parts.is_known(error):
                log.exception("lane.failed", instance=instance_id)

    async def work(self, instance_id: InstanceId) -> None:
        """Send what is due in the lane of the instance, in order, for one turn at most."""
        if instance_id in self._active or self._closing:
            return
        self._active.add(instance_id)
        is_ours = self._parts.watch()  # what ends between the claim and its answer counts
        try:
            lane = await self._parts.deliveries.claim(instance_id)
            if lane is None:
                return
            try:
                settings = read_delivery_settings(lane.read_configuration())
            except (ConfigurationError, InvalidRequestError) as error:  # its key is gone, or more was allowed
                await self._hold_unreadable(lane, str(error))
                return
            receiver = find_receiver(lane.url)
            if not self._crowds.has_room(receiver):
                await self._put_off(lane)
                return
            turn = Turn(self._turn_parts, lane, settings, lambda: not self._closing and is_ours())
            self._crowds.enter(instance_id, receiver, turn)
            try:
                await (send_relaxed(turn) if settings.relaxed else send_strict(turn))
            except asyncio.CancelledError:
                turn.next_at = self._parts.clock()  # cut off by a stop: another worker goes on at once
                raise
            except BaseException:
                turn.next_at = self._parts.clock() + AFTER_A_FAULT
                raise
            finally:
                await self._leave(turn)
        finally:
            self._active.discard(instance_id)
            self._crowds.leave(instance_id)

    def look(self) -> None:
        """Find the receivers that hang, and tell it: to be called every few seconds."""
        looked = self._crowds.look()
        for receiver, lanes in looked.hangs.items():
            log.warning("lane.receiver_hangs", receiver=receiver, lanes=lanes)
        for receiver, put_off in looked.answers.items():
            log.info("lane.receiver_answers", receiver=receiver, put_off=put_off)

    async def _put_off(self, lane: Lane) -> None:
        """Leave a lane as it is for a while, as too many wait for its receiver."""
        next_at = self._parts.clock() + timedelta(seconds=spread(PUT_OFF_SECONDS, self._parts.chance))
        await self._release(lane, seen_order=lane.seen_order, next_at=next_at, held=lane.failing, error=None)

    async def _hold_unreadable(self, lane: Lane, error: str) -> None:
        next_at = self._parts.clock() + WHILE_UNREADABLE
        if not lane.failing:
            log.warning("endpoint.held", next_at=str(next_at), instance=lane.instance_id, reason=error)
        await self._release(lane, seen_order=lane.seen_order, next_at=next_at, held=True, error=error)

    async def _leave(self, turn: Turn) -> None:
        """Record what is on its way and give the lane back."""
        if not await turn.settle():
            # Where the lease is another's by now the release does nothing; where the endpoint was released it is due.
            log.info("lane.overtaken", instance=turn.lane.instance_id)
            turn.next_at = self._parts.clock()
        elif turn.lane.failing and not turn.held:
            log.info("endpoint.recovered", instance=turn.lane.instance_id)
        await self._release(
            turn.lane,
            seen_order=max(turn.lane.seen_order, turn.position),
            next_at=turn.next_at,
            held=turn.held,
            error=turn.error,
            deactivate=turn.deactivate,
            last_id=turn.last_id,
        )

    async def _release(
        self,
        lane: Lane,
        *,
        seen_order: int,
        next_at: datetime | None,
        held: bool,
        error: str | None,
        deactivate: bool = False,
        last_id: int = 0,
    ) -> None:
        release = Release(lane.instance_id, lane.generation, seen_order, next_at, deactivate, held, error)
        if await self._parts.deliveries.release(release):
            # Behind the others that wait for a turn; should it be lost, the tick comes within a second.
            # A turn that came nowhere has the cause of the one before, and waits for the tick: no loop without a pause.
            cause = f"turn:{lane.generation}:{seen_order}:{last_id}"
            await self._parts.queue.wake_lane(lane.instance_id, cause)


@lru_cache(1024)
def find_receiver(url: str) -> str:
    """Give the host of a callback: what answers nothing there may do so to all lanes that lead to it."""
    with suppress(ValueError):
        return urlsplit(url).hostname or ""
    return ""


async def send_strict(turn: Turn) -> None:
    """Send one after the other; the first that must wait holds all that follow."""
    while True:
        waiting = await turn.parts.waiting.load_pending(
            turn.lane.instance_id, after_order=turn.position, limit=BATCH
        )
        for notification in waiting:
            if notification.next_attempt_at > turn.parts.clock():
                turn.next_at = notification.next_attempt_at
                return
            if not await turn.take_slot():
                return
            tried = await turn.send(notification)
            if not await turn.note(notification, tried):
                return
            turn.position = notification.lane_order
        if len(waiting) < BATCH:
            turn.held = False
            return
