"""One turn of a lane: how far it came, what each attempt means for it, and how it ends."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from signalpost.delivery.attempts import Sender, Tried
from signalpost.delivery.configuration import DeliverySettings
from signalpost.delivery.rate import Rates, Slice
from signalpost.model.delivery import Notification, Outcome
from signalpost.observe import get_logger
from signalpost.store.deliveries import AttemptRecord, Deliveries, Lane
from signalpost.store.waiting import Waiting

log = get_logger("delivery")

BATCH = 50
"""Notifications loaded at a time."""

SLICE_SECONDS = 5.0
RELAXED_SLICE_SECONDS = 30.0
"""After this long a lane gives way, so that others get their turn. One without order has a slow attempt to wait for
now and then, and goes on with others meanwhile."""

UNRECORDED_MOST = 20
"""Attempts that may be on their way to the database while the lane goes on: what a crash may have sent again."""


@dataclass(frozen=True, slots=True)
class TurnParts:
    """What turns work with."""

    deliveries: Deliveries
    waiting: Waiting
    sender: Sender
    rates: Rates
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]


class Turn:
    """How far a turn came (``position``, ``held``) and how it ends (``next_at``, ``deactivate``, ``error``).

    ``last_id`` is the notification that was tried last, 0: none. ``calls`` are the attempts that were begun.
    ``may_go_on``: the lease is surely good, and was since the claim, and nobody asked us to stop.
    """

    def __init__(
        self, parts: TurnParts, lane: Lane, settings: DeliverySettings, may_go_on: Callable[[], bool]
    ) -> None:
        self.parts = parts
        self.lane = lane
        self.settings = settings
        self.position = 0
        self.last_id = 0
        self.calls = self._under_way = 0
        self.was_answered = False
        self.next_at: datetime | None = None
        self.deactivate = False
        self.held = lane.failing
        self.error: str | None = None
        self.ours = True
        self._slice = Slice(
            parts.rates,
            lane.instance_id,
            settings.rate_per_second,
            seconds=RELAXED_SLICE_SECONDS if settings.relaxed else SLICE_SECONDS,
            clock=parts.clock,
            monotonic=parts.monotonic,
            may_go_on=may_go_on,
        )
        self._unrecorded: list[asyncio.Future[bool]] = []

    async def take_slot(self) -> bool:
        """Wait for the rate to allow an attempt. False: the turn is over, and ``next_at`` says when the next is due."""
        over_at = await self._slice.take_slot()
        if over_at is not None:
            self.next_at = over_at
        return over_at is None

    async def send(self, notification: Notification) -> Tried:
        """Make one attempt."""
        self.calls += 1
        self._under_way += 1
        try:
            tried = await self.parts.sender.send(notification, self.lane.url, self.settings)
        finally:
            self._under_way -= 1
        self.was_answered = self.was_answered or tried.attempt.status is not None
        return tried

    @property
    def is_calling(self) -> bool:
        """Whether an attempt is under way."""
        return self._under_way > 0

    async def note(self, notification: Notification, tried: Tried) -> bool:
        """Have an attempt told and recorded, and note what it means. Says whether the lane may go on."""
        self.last_id = notification.id
        if tried.outcome is Outcome.DEAD and tried.next_at is not None:
            tried = await self._weigh_refusal(notification, tried, tried.next_at)
        self.parts.sender.tell(notification, tried)
        self._unrecorded.append(
            self.parts.deliveries.record(
                AttemptRecord(
                    instance_id=self.lane.instance_id,
                    generation=self.lane.generation,
                    made_at=notification.created_at,
                    known_failures=notification.failures,
                    attempt=tried.attempt,
                    outcome=tried.outcome,
                    refused=tried.refused,
                    next_attempt_at=tried.next_at,
                )
            )
        )
        if tried.outcome is Outcome.DELIVERED:
            self.held = self.deactivate
            return len(self._unrecorded) < UNRECORDED_MOST or await self.settle()
        if tried.outcome is Outcome.DEAD:
            if not await self.settle():
                return False
            log.error(
                "notification.dead",
                instance=self.lane.instance_id,
                notification=notification.id,
                reason=tried.attempt.error,
            )
            return True
        self._hold(tried)
        return False

    async def _weigh_refusal(self, notification: Notification, tried: Tried, again_at: datetime) -> Tried:
        """Tell a poisonous notification from an endpoint that refuses whatever it is sent.

        In the second case those next to it, refused as well, wait again with it: nothing was delivered in between, so
        that the order holds.
        """
        if not await self.settle() or not await self.parts.waiting.revive_refused(
            self.lane, around=notification.id, next_attempt_at=again_at
        ):
            return tried._replace(next_at=None)
        log.warning("notifications.revived", instance=self.lane.instance_id, reason=tried.attempt.error)
        return tried._replace(outcome=Outcome.RETRY)

    def _hold(self, tried: Tried) -> None:
        """Note why the lane must wait; log it once when it begins."""
        if self.deactivate:  # by an attempt that was on its way together with this one
            return
        is_first = self.error is None and not self.lane.failing
        self.held, self.error, self.next_at = True, tried.attempt.error, tried.next_at
        self.deactivate = tried.outcome in {Outcome.SPENT, Outcome.GONE}
        told = {"instance": self.lane.instance_id, "reason": self.error}
        if self.deactivate:
            log.error("endpoint.deactivated", outcome=tried.outcome.value, **told)
        elif is_first:
            log.warning("endpoint.held", next_at=str(self.next_at), **told)

    async def settle(self) -> bool:
        """Wait for the records on their way. Says whether the lane is still ours."""
        unrecorded, self._unrecorded = self._unrecorded, []
        for each in unrecorded:  # they come together: gathering them would cost more than all the rest of it
            self.ours = await each and self.ours
        return self.ours
