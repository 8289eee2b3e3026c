"""A lane: what waits for one endpoint is sent one after the other, by one worker at a time."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from signalpost.delivery.configuration import DeliverySettings, read_delivery_settings
from signalpost.delivery.egress import Egress
from signalpost.delivery.formats import write_open_connectors
from signalpost.model.backoff import RETRY_SCHEDULE_SECONDS, Chance
from signalpost.model.delivery import Attempt, Notification, Outcome, judge_attempt, read_retry_after
from signalpost.model.ids import InstanceId
from signalpost.observe import Metrics, get_logger
from signalpost.store.deliveries import AttemptRecord, Deliveries, Lane, Release

log = get_logger("delivery")

BATCH = 50
"""Notifications loaded at a time."""

SLICE_SECONDS = 5.0
"""After this long a lane gives way, so that others get their turn."""

AFTER_A_FAULT = timedelta(seconds=5)
"""When a turn ended by a fault of our own or a cut connection is taken up again."""

UNRECORDED_MOST = 20
"""Attempts that may be on their way to the database while the lane goes on: what a crash may have sent again."""


@dataclass(frozen=True, slots=True)
class LaneParts:
    """What lanes work with. ``is_alive`` says whether this worker's lease is surely still good."""

    deliveries: Deliveries
    egress: Egress
    metrics: Metrics
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    chance: Chance
    is_alive: Callable[[], bool]
    schedule_seconds: Sequence[float] = RETRY_SCHEDULE_SECONDS


@dataclass(slots=True)
class Turn:
    """One turn of a lane: how far it came and how it ends."""

    lane: Lane
    settings: DeliverySettings
    position: int = 0
    next_at: datetime | None = None
    deactivate: bool = False
    held: bool = False
    error: str | None = None
    ours: bool = True
    unrecorded: list[asyncio.Future[bool]] = field(default_factory=list)


class Lanes:
    """Works lanes. A repeat is possible wherever we may die between a POST and its record; it carries the same ids."""

    def __init__(self, parts: LaneParts) -> None:
        self._parts = parts
        self._counters = {outcome: parts.metrics.attempts.labels(outcome.value) for outcome in Outcome}
        self._active: set[InstanceId] = set()
        self._closing = False

    def close(self) -> None:
        """Have every lane stop after the attempt it is in."""
        self._closing = True

    async def work(self, instance_id: InstanceId) -> None:
        """Send what is due in the lane of the instance, in order, for one turn at most."""
        if instance_id in self._active or self._closing:
            return
        self._active.add(instance_id)
        try:
            lane = await self._parts.deliveries.claim(instance_id)
            if lane is None:
                return
            turn = Turn(lane, read_delivery_settings(lane.configuration), held=lane.failing)
            try:
                await self._send_waiting(turn)
            except BaseException:
                turn.next_at = self._parts.clock() + AFTER_A_FAULT
                raise
            finally:
                await self._leave(turn)
        finally:
            self._active.discard(instance_id)

    async def _send_waiting(self, turn: Turn) -> None:
        parts = self._parts
        ends_at = parts.monotonic() + SLICE_SECONDS
        while True:
            waiting = await parts.deliveries.load_pending(
                turn.lane.instance_id, after_order=turn.position, limit=BATCH
            )
            for notification in waiting:
                if notification.next_attempt_at > parts.clock():
                    turn.next_at = notification.next_attempt_at
                    return
                if self._closing or parts.monotonic() >= ends_at or not parts.is_alive():
                    turn.next_at = parts.clock()
                    return
                if not await self._send(turn, notification):
                    return
            if len(waiting) < BATCH:
                turn.held = False
                return

    async def _send(self, turn: Turn, notification: Notification) -> bool:
        """Make one attempt. Says whether the lane may go on to the next notification."""
        parts = self._parts
        started_at, began = parts.clock(), parts.monotonic()
        body = write_open_connectors(notification)
        answered = await parts.egress.post(
            turn.lane.url,
            turn.settings,
            notification_id=str(notification.id),
            timestamp=int(started_at.timestamp()),
            body=body,
        )
        seconds = parts.monotonic() - began
        number = notification.attempts + 1
        verdict = judge_attempt(
            answered.status,
            failures=notification.failures,
            after_seconds=read_retry_after(answered.headers, parts.clock()),
            chance=parts.chance,
            schedule_seconds=parts.schedule_seconds,
        )
        delivered = verdict.outcome is Outcome.DELIVERED
        next_at = None
        if verdict.retry_after_seconds is not None:
            next_at = parts.clock() + timedelta(seconds=verdict.retry_after_seconds)
        attempt = Attempt(
            notification_id=notification.id,
            number=number,
            started_at=started_at,
            duration_milliseconds=round(seconds * 1000),
            status=answered.status,
            error=answered.error,
            excerpt=None if delivered else answered.excerpt,
        )
        self._counters[verdict.outcome].inc()
        parts.metrics.delivery_seconds.observe(seconds)
        turn.unrecorded.append(
            parts.deliveries.record(AttemptRecord(turn.lane.instance_id, attempt, verdict.outcome, next_at))
        )
        if delivered:
            turn.position, turn.held = notification.lane_order, False
            return len(turn.unrecorded) < UNRECORDED_MOST or await self._settle(turn)
        self._hold(turn, verdict.outcome, answered.error, next_at)
        return False

    def _hold(self, turn: Turn, outcome: Outcome, error: str | None, next_at: datetime | None) -> None:
        """Note why the lane must wait; log it once when it begins."""
        turn.held, turn.error, turn.next_at = True, error, next_at
        turn.deactivate = outcome in {Outcome.SPENT, Outcome.GONE}
        if turn.deactivate:
            log.error(
                "endpoint.deactivated", instance=turn.lane.instance_id, reason=error, outcome=outcome.value
            )
        elif not turn.lane.failing:
            log.warning("endpoint.held", instance=turn.lane.instance_id, reason=error, next_at=str(next_at))

    async def _settle(self, turn: Turn) -> bool:
        """Wait for the records on their way. Says whether the lane is still ours."""
        unrecorded, turn.unrecorded = turn.unrecorded, []
        turn.ours = turn.ours and all(await asyncio.gather(*unrecorded))
        return turn.ours

    async def _leave(self, turn: Turn) -> None:
        """Record what is on its way and give the lane back."""
        if not await self._settle(turn):
            log.warning("lane.overtaken", instance=turn.lane.instance_id)
            return
        if turn.lane.failing and not turn.held:
            log.info("endpoint.recovered", instance=turn.lane.instance_id)
        await self._parts.deliveries.release(
            Release(
                instance_id=turn.lane.instance_id,
                generation=turn.lane.generation,
                seen_order=max(turn.lane.seen_order, turn.position),
                next_at=turn.next_at,
                deactivate=turn.deactivate,
                held=turn.held,
                error=turn.error,
            )
        )
