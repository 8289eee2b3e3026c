"""Deliveries read back: notifications with what became of them, and their attempts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from signalpost.model.delivery import State
from signalpost.model.ids import InstanceId, NotificationId, OrganizationId
from signalpost.store.arguments import Arguments
from signalpost.store.endpoints import IS_TRIED
from signalpost.store.event_log import EventSearch

DELIVERY = f"""
SELECT notification.id, notification.instance_id, instance.connector, notification.state, notification.attempts,
       notification.failures, notification.created_at, notification.delivered_at, notification.dead_at,
       CASE WHEN {IS_TRIED} THEN notification.next_attempt_at END AS next_attempt_at,
       endpoint.state AS endpoint_state, endpoint.url AS endpoint_url,
       last.status AS last_status, last.error AS last_error, last.started_at AS last_attempt_at
"""

# Of the attempts at the endpoint's own URL: by the lane, or by a replay that was not sent elsewhere.
LAST_ATTEMPT = """
LEFT JOIN LATERAL (
    SELECT attempt.status, attempt.error, attempt.started_at
    FROM attempt LEFT JOIN replay ON replay.id = attempt.replay_id
    WHERE attempt.notification_id = notification.id
      AND (attempt.replay_id = 0 OR (replay.id IS NOT NULL AND replay.url IS NULL))
    ORDER BY attempt.started_at DESC LIMIT 1) AS last ON true
"""

OF_INSTANCE = f"""
{DELIVERY}
FROM notification JOIN instance ON instance.id = notification.instance_id
JOIN endpoint ON endpoint.instance_id = instance.id {LAST_ATTEMPT}
WHERE notification.instance_id = $1
"""

# Per instance one index range of each state. Lane orders rise with ids.
RANGES = {
    State.PENDING: """
(SELECT * FROM notification WHERE notification.instance_id = instance.id AND notification.state = 'pending'
 AND lane_order > CASE WHEN instance.id = $3 THEN coalesce((SELECT lane_order FROM notification WHERE id = $4), 0)
                  ELSE -1 END
 AND notification.id > CASE WHEN instance.id = $3 THEN $4 ELSE 0 END
 ORDER BY lane_order LIMIT $5)""",
    State.DEAD: """
(SELECT * FROM notification WHERE notification.instance_id = instance.id AND notification.state = 'dead'
 AND notification.id > CASE WHEN instance.id = $3 THEN $4 ELSE 0 END ORDER BY notification.id LIMIT $5)""",
}

STUCK = """
SELECT id FROM instance WHERE organization_id = $1 AND ($2::bigint IS NULL OR id = $2) AND id > $3 AND NOT disabled
  AND (EXISTS (SELECT FROM notification WHERE instance_id = instance.id AND state = 'pending')
       OR EXISTS (SELECT FROM notification WHERE instance_id = instance.id AND state = 'dead'))
ORDER BY id LIMIT $4
"""

EVENTS = """
SELECT notification_id, id, sequence, object_id, object_type, event_type, label
FROM event WHERE notification_id = ANY($1) ORDER BY sequence
"""


@dataclass(frozen=True, slots=True)
class LoggedDelivery:
    """A notification and what became of it; the last attempt is that at the endpoint's own URL."""

    id: int
    instance_id: int
    connector: str
    state: State
    attempts: int
    failures: int
    created_at: datetime
    delivered_at: datetime | None
    dead_at: datetime | None
    next_attempt_at: datetime | None
    endpoint_state: str
    endpoint_url: str | None
    last_status: int | None
    last_error: str | None
    last_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class DeliveredObject:
    """An event of a delivery, in short. ``label`` is what people call the object ("": not known)."""

    id: UUID
    sequence: int
    object_id: str
    object_type: str
    event_type: str
    label: str


@dataclass(frozen=True, slots=True)
class DeliveryAttempt:
    """An attempt; ``replay_id`` 0: by the lane."""

    replay_id: int
    number: int
    started_at: datetime
    duration_milliseconds: int
    status: int | None
    error: str | None
    excerpt: str | None


class DeliveryLog:
    """Reads deliveries. Where no organization is named, who calls has found the instance as the organization's own."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def list_deliveries(
        self,
        instance_id: InstanceId,
        search: EventSearch,
        *,
        after_id: int,
        limit: int,
        offset: int = 0,
        backwards: bool = False,
    ) -> list[LoggedDelivery]:
        """List the deliveries of an instance, oldest first, made in the time and with an event that is asked for.

        ``backwards``: the last of them, oldest first all the same. Ids rise in the order of commits within an instance:
        they are given under the lock of its endpoint.

        Cost: one index range of the instance; by object that of the object's events. What the rest of the search leaves
        out is read all the same.
        """
        arguments = Arguments([instance_id, after_id, limit, offset])
        conditions = [OF_INSTANCE, "notification.id > $2"]
        if search.states is not None:  # ours, written out for the index of a state to be found
            states = ", ".join(f"'{state.value}'" for state in sorted(search.states))
            conditions.append(f"notification.state IN ({states})" if states else "false")
        for comparison, instant in (("created_at >=", search.begin_at), ("created_at <", search.end_at)):
            if instant is not None:
                conditions.append(f"notification.{comparison} {arguments.place(instant)}")
        of_event = _write_event_conditions(search, arguments)
        if of_event:
            conditions.append(of_event)
        rows = await self._pool.fetch(
            f"{' AND '.join(conditions)} ORDER BY notification.id {'DESC' if backwards else ''} LIMIT $3 OFFSET $4",
            *arguments,
        )
        return [_read(row) for row in (reversed(rows) if backwards else rows)]

    async def find_delivery(
        self, instance_id: InstanceId, notification_id: NotificationId
    ) -> LoggedDelivery | None:
        """Find one delivery of an instance."""
        row = await self._pool.fetchrow(
            f"{OF_INSTANCE} AND notification.id = $2", instance_id, notification_id
        )
        return None if row is None else _read(row)

    async def load_events(self, deliveries: Sequence[LoggedDelivery]) -> dict[int, list[DeliveredObject]]:
        """Load the events of deliveries: one statement, whatever the number."""
        found: dict[int, list[DeliveredObject]] = {each.id: [] for each in deliveries}
        for row in await self._pool.fetch(EVENTS, list(found)):
            found[row[0]].append(DeliveredObject(*row[1:]))
        return found

    async def list_attempts(
        self, notification_id: NotificationId, *, after: tuple[int, int], limit: int, offset: int = 0
    ) -> list[DeliveryAttempt]:
        """List attempts after (replay id, number): first those of the lane, then those of each replay."""
        rows = await self._pool.fetch(
            "SELECT replay_id, number, started_at, duration_milliseconds, status, error, excerpt FROM attempt"
            " WHERE notification_id = $1 AND (replay_id, number) > ($2, $3)"
            " ORDER BY replay_id, number LIMIT $4 OFFSET $5",
            notification_id,
            *after,
            limit,
            offset,
        )
        return [DeliveryAttempt(*row) for row in rows]

    async def list_stuck(
        self,
        organization_id: OrganizationId,
        *,
        instance_id: InstanceId | None,
        states: Sequence[State],
        after: tuple[int, int],
        limit: int,
    ) -> list[LoggedDelivery]:
        """List what waits and what is dead (``states``) after (instance, notification), in that order.

        Cost: two looks into an index for each instance of the organization, and the rows that are given.
        """
        ranges = " UNION ALL ".join(RANGES[state] for state in states)
        rows = await self._pool.fetch(
            f"{DELIVERY} FROM instance JOIN endpoint ON endpoint.instance_id = instance.id"
            f" CROSS JOIN LATERAL ({ranges}) AS notification {LAST_ATTEMPT}"
            " WHERE instance.organization_id = $1 AND ($2::bigint IS NULL OR instance.id = $2)"
            " AND instance.id >= $3 ORDER BY instance.id, notification.id LIMIT $5",
            organization_id,
            instance_id,
            *after,
            limit,
        )
        return [_read(row) for row in rows]

    async def list_stuck_instances(
        self,
        organization_id: OrganizationId,
        *,
        instance_id: InstanceId | None,
        after_id: int,
        limit: int,
    ) -> list[InstanceId]:
        """List the instances, not disabled, for which something waits or is dead. Cost: as ``list_stuck``."""
        rows = await self._pool.fetch(STUCK, organization_id, instance_id, after_id, limit)
        return [InstanceId(row["id"]) for row in rows]


def _write_event_conditions(search: EventSearch, arguments: Arguments) -> str:
    """Write the condition that one event meets all that is asked of events; its values go to ``arguments``."""
    conditions = []
    for column in ("object_type", "event_type", "resource", "object_id"):
        value = getattr(search, column)
        if value is not None:
            conditions.append(f"event.{column} = {arguments.place(value)}")
    if search.object_id is not None:  # by the index of objects: few notifications, whatever there is besides
        conditions.append(f"md5(event.object_id) = md5(${len(arguments)}) AND event.instance_id = $1")
        ids = f"SELECT notification_id FROM event WHERE {' AND '.join(conditions)}"
        return f"notification.id = ANY (ARRAY({ids}))"
    if not conditions:
        return ""
    conditions.append("event.notification_id = notification.id")
    return f"EXISTS (SELECT FROM event WHERE {' AND '.join(conditions)})"


def _read(row: Any) -> LoggedDelivery:
    return LoggedDelivery(**{**row, "state": State(row["state"])})
