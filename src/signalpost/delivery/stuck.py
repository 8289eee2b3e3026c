"""What is stuck: notifications that wait and dead letters, of a whole organization, found and released."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from itertools import groupby

from signalpost.model.delivery import State
from signalpost.model.errors import ConflictError
from signalpost.model.ids import InstanceId, OrganizationId
from signalpost.store.delivery_log import DeliveryLog, LoggedDelivery
from signalpost.store.endpoints import Endpoints
from signalpost.store.queue import Queue
from signalpost.store.replay_orders import Replay, ReplayOrders, ReplayWish
from signalpost.store.replays import ReplayKind

AT_ONCE = 200
MOST_LOOKED_AT = 2000
"""Notifications that one reading looks at; a page may have fewer and a next one all the same."""

MOST_WAITING = 200
MOST_DEAD = 1000
"""Notifications of one endpoint that a release looks at: the oldest that wait, the oldest dead letters."""

MOST_ENDPOINTS = 1000
MOST_RELEASED = 10_000
"""Endpoints that one release looks at, and notifications that it concerns, before it must be called again."""

Choose = Callable[[Sequence[LoggedDelivery]], Awaitable[list[LoggedDelivery]]]
"""Gives those of some deliveries that are looked for, in their order."""


@dataclass(frozen=True, slots=True)
class Found:
    """What was found, up to the position ``last``; whether there may be ``more`` after it."""

    deliveries: list[LoggedDelivery]
    last: tuple[int, ...]
    more: bool


def name_status(delivery: LoggedDelivery) -> str:
    """Say where a delivery stands in the original's words (open-connectors.md 1.4); ours where it has none."""
    if delivery.state is not State.PENDING:
        return delivery.state.value
    if delivery.endpoint_state != "active" or delivery.endpoint_url is None:
        return "queued"
    return "retry" if delivery.attempts else "created"


class Stuck:
    """Finds and releases what is stuck. Every call names the organization; ``instance_id`` None: all it has."""

    def __init__(
        self, delivery_log: DeliveryLog, endpoints: Endpoints, replays: ReplayOrders, queue: Queue
    ) -> None:
        self._delivery_log = delivery_log
        self._endpoints = endpoints
        self._replays = replays
        self._queue = queue

    async def search(
        self,
        organization_id: OrganizationId,
        instance_id: InstanceId | None,
        choose: Choose,
        *,
        after: tuple[int, int],
        size: int,
    ) -> Found:
        """Find at most ``size`` that match after (instance, notification), in that order.

        Cost: two looks into an index for each instance of the organization, and at most ``MOST_LOOKED_AT`` rows.
        """
        found: list[LoggedDelivery] = []
        for _ in range(0, MOST_LOOKED_AT, AT_ONCE):
            looked_at = await self._delivery_log.list_stuck(
                organization_id,
                instance_id=instance_id,
                states=(State.PENDING, State.DEAD),
                after=after,
                limit=AT_ONCE,
            )
            found += await choose(looked_at)
            if len(found) >= size:
                last = found[size - 1]
                return Found(found[:size], (last.instance_id, last.id), more=True)
            if looked_at:
                after = (looked_at[-1].instance_id, looked_at[-1].id)
            if len(looked_at) < AT_ONCE:
                return Found(found, after, more=False)
        return Found(found, after, more=True)

    async def release(
        self,
        organization_id: OrganizationId,
        instance_id: InstanceId | None,
        choose: Choose,
        *,
        after_id: int,
    ) -> Found:
        """Release the endpoints of all that match and are queued or retried; have dead letters that match sent again.

        Gives those concerned, as they were before. Disabled instances are left out. Cost: as ``search``, and for each
        endpoint with something stuck two index ranges.
        """
        instance_ids = await self._delivery_log.list_stuck_instances(
            organization_id, instance_id=instance_id, after_id=after_id, limit=MOST_ENDPOINTS
        )
        found: list[LoggedDelivery] = []
        for place, each in enumerate(instance_ids, 1):
            found += await self._release_endpoint(organization_id, each, choose)
            found += await self._send_dead(organization_id, each, choose)
            if len(found) >= MOST_RELEASED or place == MOST_ENDPOINTS:
                return Found(found, (each,), more=True)
        return Found(found, (after_id,), more=False)

    async def _release_endpoint(
        self, organization_id: OrganizationId, instance_id: InstanceId, choose: Choose
    ) -> list[LoggedDelivery]:
        waiting = await self._delivery_log.list_stuck(
            organization_id,
            instance_id=instance_id,
            states=(State.PENDING,),
            after=(0, 0),
            limit=MOST_WAITING,
        )
        matching = await choose([each for each in waiting if name_status(each) != "created"])
        if not matching or not await self._endpoints.release(instance_id):
            return []
        await self._queue.enqueue_deliveries([instance_id])
        return matching

    async def _send_dead(
        self, organization_id: OrganizationId, instance_id: InstanceId, choose: Choose
    ) -> list[LoggedDelivery]:
        dead = await self._delivery_log.list_stuck(
            organization_id, instance_id=instance_id, states=(State.DEAD,), after=(0, 0), limit=MOST_DEAD
        )
        matching = await choose(dead)
        if not matching:
            return []
        running = await self._replays.list_running(instance_id)
        sent = {each.id for each in matching if any(_covers(replay, each) for replay in running)}
        unsent = {each.id for each in matching} - sent
        # One replay for each row of neighbours that match: no other dead letter lies between its first and its last.
        for wanted, row in groupby(dead, lambda each: each.id in unsent):
            numbers = [each.id for each in row]
            try:
                if wanted:
                    await self._replays.ask(
                        instance_id, ReplayWish(ReplayKind.FAILED, numbers[0], numbers[-1])
                    )
                    sent.update(numbers)
            except ConflictError:  # as many run as may, or there is no URL: those left are not concerned
                break
        return [each for each in dead if each.id in sent]


def _covers(replay: Replay, dead: LoggedDelivery) -> bool:
    """Say whether a replay that runs will send this dead letter anyway."""
    is_meant = replay.failed_since is None or (dead.dead_at or replay.failed_since) >= replay.failed_since
    return replay.url is None and replay.position < dead.id <= replay.last_id and is_meant
