"""Deliveries as people look through them: of all instances of an organization, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from signalpost.model.delivery import Notification, State
from signalpost.model.ids import InstanceId, NotificationId, OrganizationId
from signalpost.store.arguments import Arguments
from signalpost.store.delivery_log import LAST_ATTEMPT, DeliveryAttempt
from signalpost.store.endpoints import IS_TRIED
from signalpost.store.notifications import COLUMNS, load_notifications

LOOKED_AT = 20_000
"""Notifications that one page looks at, whatever it narrows them to."""

MOST_COUNTED = 10_000
"""So many are counted; more are not told apart."""

# Ids rise with the time of the poll, but for polls that were committed side by side.
ID_SLACK = 1000

BOUND = """
SELECT count(*) > 0 AS found, min(notification_id) AS id
FROM (SELECT notification_id FROM event WHERE polled_at >= $1
      ORDER BY polled_at, instance_id, sequence LIMIT 1000) AS early
"""

# Of each instance one range of the index of dead letters: only ids are read, and merged.
DEAD = """
SELECT found.id, found.instance_id, 0 AS lane_order FROM instance CROSS JOIN LATERAL (
    SELECT id, instance_id FROM notification WHERE instance_id = instance.id AND state = 'dead' {of_notification}
    ORDER BY id DESC LIMIT {limit}
) AS found WHERE instance.organization_id = $1 {of_instance} ORDER BY found.id DESC LIMIT {limit}
"""

# Instance after instance, what is sent next first.
WAITING = """
SELECT found.id, found.instance_id, found.lane_order FROM instance CROSS JOIN LATERAL (
    SELECT id, instance_id, lane_order FROM notification
    WHERE instance_id = instance.id AND state = 'pending' {of_notification} ORDER BY lane_order LIMIT {limit}
) AS found WHERE instance.organization_id = $1 {of_instance} ORDER BY found.instance_id, found.lane_order LIMIT {limit}
"""

OTHERS = """
SELECT notification.id, notification.instance_id, 0 AS lane_order FROM ({looked_at} LIMIT {most}) AS notification
CROSS JOIN LATERAL (SELECT id FROM instance
                    WHERE instance.id = notification.instance_id AND instance.organization_id = {organization}
                    LIMIT 1) AS instance
WHERE {wanted} ORDER BY notification.id DESC LIMIT {limit}
"""

ROWS = f"""
SELECT notification.id, notification.instance_id, instance.name AS instance_name, notification.state,
       notification.attempts, notification.created_at, notification.delivered_at, notification.dead_at,
       CASE WHEN {IS_TRIED} THEN notification.next_attempt_at END AS next_attempt_at,
       last.status AS last_status, last.error AS last_error,
       coalesce(first.event_type, '') AS event_type, coalesce(first.label, '') AS label,
       coalesce(first.object_id, '') AS object_id, coalesce(first.number, 0) AS events
FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted (id, place)
JOIN notification ON notification.id = wanted.id JOIN instance ON instance.id = notification.instance_id
JOIN endpoint ON endpoint.instance_id = instance.id
{LAST_ATTEMPT}
LEFT JOIN LATERAL (
    SELECT event_type, label, object_id, count(*) OVER () AS number FROM event
    WHERE event.notification_id = notification.id ORDER BY sequence LIMIT 1) AS first ON true
ORDER BY wanted.place
"""

COUNT = f"""
SELECT count(*) FROM (
    SELECT FROM instance CROSS JOIN LATERAL (
        SELECT FROM notification WHERE instance_id = instance.id AND state = '{{state}}' LIMIT {MOST_COUNTED + 1}
    ) AS found WHERE instance.organization_id = $1 AND ($2::bigint IS NULL OR instance.id = $2)
    LIMIT {MOST_COUNTED + 1}
) AS counted
"""


@dataclass(frozen=True, slots=True)
class DeliverySearch:
    """What is asked of deliveries; None: anything. Times are those of the poll."""

    instance_id: int | None = None
    state: State | None = None
    begin_at: datetime | None = None
    end_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Place:
    """Where a list of deliveries goes on: a notification's id; of what waits the instance and the lane order."""

    first: int
    second: int = 0


@dataclass(frozen=True, slots=True)
class SeenDelivery:
    """A delivery in a list, with the last attempt at the endpoint's own URL and the first of its ``events``."""

    id: int
    instance_id: int
    instance_name: str
    state: State
    attempts: int
    created_at: datetime
    delivered_at: datetime | None
    dead_at: datetime | None
    next_attempt_at: datetime | None
    last_status: int | None
    last_error: str | None
    event_type: str
    label: str
    object_id: str
    events: int


@dataclass(frozen=True, slots=True)
class DeliveryPage:
    """A page of deliveries. ``following``: where the next goes on, None: nothing more; ``cut_short`` as in the log."""

    deliveries: Sequence[SeenDelivery]
    following: Place | None
    cut_short: bool = False


class DeliveryList:
    """Looks through deliveries; every call names the organization, or an instance found as its own."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def list_deliveries(
        self, organization_id: OrganizationId, search: DeliverySearch, *, after: Place | None, limit: int
    ) -> DeliveryPage:
        """List what is asked for: newest first; of what waits, instance after instance, what is sent next.

        Cost: for what is dead or waits one index range of a page's length for each instance, where a span of time is
        asked for, of what waits, the whole lane; else one range of at most ``LOOKED_AT``. And a page's rows.
        """
        if search.state in {State.DEAD, State.PENDING}:
            rows, end = await self._find_stuck(organization_id, search, after, limit), None
        else:
            rows, end = await self._find_others(organization_id, search, after, limit)
        seen = await self._load([row["id"] for row in rows[:limit]])
        if len(rows) > limit:
            last = rows[limit - 1]
            waits = search.state is State.PENDING
            following = Place(last["instance_id"], last["lane_order"]) if waits else Place(last["id"])
            return DeliveryPage(seen, following)
        return DeliveryPage(seen, None if end is None else Place(end), cut_short=end is not None)

    async def count(self, organization_id: OrganizationId, state: State, instance_id: int | None) -> int:
        """Count what is dead or waits, up to one more than ``MOST_COUNTED``. Cost: as many entries of an index."""
        number: int = await self._pool.fetchval(COUNT.format(state=state.value), organization_id, instance_id)
        return number

    async def find_instance(self, organization_id: OrganizationId, number: int) -> InstanceId | None:
        """Find the instance that a notification is for."""
        found: int | None = await self._pool.fetchval(
            "SELECT instance.id FROM notification JOIN instance ON instance.id = notification.instance_id"
            " WHERE notification.id = $1 AND instance.organization_id = $2",
            number,
            organization_id,
        )
        return None if found is None else InstanceId(found)

    async def load_notification(self, instance_id: InstanceId, number: NotificationId) -> Notification | None:
        """Load one notification as it is sent; None: it is gone."""
        rows = await self._pool.fetch(
            f"SELECT {COLUMNS} FROM notification WHERE instance_id = $1 AND id = $2", instance_id, number
        )
        found = await load_notifications(self._pool, rows)
        return found[0] if found else None

    async def list_newest_attempts(self, number: NotificationId, limit: int) -> list[DeliveryAttempt]:
        """List the newest attempts at a notification, the newest first. Cost: all attempts there were at it."""
        rows = await self._pool.fetch(
            "SELECT replay_id, number, started_at, duration_milliseconds, status, error, excerpt FROM attempt"
            " WHERE notification_id = $1 ORDER BY started_at DESC, replay_id DESC, number DESC LIMIT $2",
            number,
            limit,
        )
        return [DeliveryAttempt(*row) for row in rows]

    async def _find_stuck(
        self, organization_id: OrganizationId, search: DeliverySearch, after: Place | None, limit: int
    ) -> list[Any]:
        arguments = Arguments([organization_id])
        of_notification, of_instance = await self._bound(search, arguments), []
        if search.instance_id is not None:
            of_instance.append(f"instance.id = {arguments.place(search.instance_id)}")
        if after is not None and search.state is State.DEAD:
            of_notification.append(f"id < {arguments.place(after.first)}")
        elif after is not None:
            instance, order = arguments.place(after.first), arguments.place(after.second)
            of_instance.append(f"instance.id >= {instance}")
            of_notification.append(
                f"lane_order > CASE WHEN instance.id = {instance} THEN {order}::bigint ELSE -1 END"
            )
        statement = (DEAD if search.state is State.DEAD else WAITING).format(
            of_notification="".join(f" AND {each}" for each in of_notification),
            of_instance="".join(f" AND {each}" for each in of_instance),
            limit=limit + 1,
        )
        return list(await self._pool.fetch(statement, *arguments))

    async def _find_others(
        self, organization_id: OrganizationId, search: DeliverySearch, after: Place | None, limit: int
    ) -> tuple[list[Any], int | None]:
        """Find a page, and how far was looked where the page is not full as enough was looked at."""
        arguments = Arguments()
        conditions, order = ["true", *await self._bound(search, arguments)], "id DESC"
        if search.instance_id is not None:
            conditions.append(f"instance_id = {arguments.place(search.instance_id)}")
            order = "instance_id DESC, id DESC"
        if after is not None:
            conditions.append(f"id < {arguments.place(after.first)}")
        source = f"FROM notification WHERE {' AND '.join(conditions)} ORDER BY {order}"
        of_source = list(arguments)
        wanted = "true" if search.state is None else f"state = {arguments.place(search.state.value)}"
        statement = OTHERS.format(
            looked_at=f"SELECT id, instance_id, state {source}",
            most=LOOKED_AT,
            organization=arguments.place(organization_id),
            wanted=wanted,
            limit=limit + 1,
        )
        rows = list(await self._pool.fetch(statement, *arguments))
        if len(rows) > limit:
            return rows, None
        return rows, await self._pool.fetchval(
            f"SELECT id {source} OFFSET {LOOKED_AT - 1} LIMIT 1", *of_source
        )

    async def _bound(self, search: DeliverySearch, arguments: Arguments) -> list[str]:
        """Write the span of time as it is, and as one of ids, which the indexes have."""
        conditions = []
        for instant, slack, comparison in (
            (search.begin_at, -ID_SLACK, ">="),
            (search.end_at, ID_SLACK, "<"),
        ):
            if instant is None:
                continue
            conditions.append(f"created_at {comparison} {arguments.place(instant)}")
            first = await self._pool.fetchrow(BOUND, instant)
            if first["id"] is not None:
                conditions.append(f"id {comparison} {arguments.place(first['id'] + slack)}")
            elif comparison == ">=" and not first["found"]:
                conditions.append("false")
        return conditions

    async def _load(self, ids: Sequence[int]) -> list[SeenDelivery]:
        rows = await self._pool.fetch(ROWS, ids)
        return [SeenDelivery(**{**row, "state": State(row["state"])}) for row in rows]
