"""What happened with an instance lately: its newest events, deliveries, replays and gaps. Every reading is bounded."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from signalpost.model.event import Watermark
from signalpost.model.ids import InstanceId
from signalpost.store.replay_orders import COLUMNS, Replay, read_replay

MOST_NOTICES = 1000
"""So many notices that wait are counted; more are not told apart."""

EVENTS = """
SELECT event.id, event.sequence, event.resource, event.event_type, event.object_id, event.object_type, event.label,
       event.polled_at, event.notification_id, notification.state
FROM (SELECT * FROM event WHERE instance_id = $1 ORDER BY sequence DESC LIMIT $2) AS event
LEFT JOIN notification ON notification.id = event.notification_id
ORDER BY event.sequence DESC
"""

DELIVERIES = """
SELECT notification.id, notification.state, notification.attempts, notification.created_at,
       coalesce(notification.delivered_at, notification.dead_at) AS ended_at, notification.next_attempt_at,
       (SELECT count(*) FROM event WHERE notification_id = notification.id) AS events,
       last.status AS last_status, last.error AS last_error
FROM (SELECT * FROM notification WHERE instance_id = $1 ORDER BY id DESC LIMIT $2) AS notification
LEFT JOIN LATERAL (SELECT status, error FROM attempt WHERE notification_id = notification.id
                   ORDER BY started_at DESC LIMIT 1) AS last ON true
ORDER BY notification.id DESC
"""

GAPS = """
SELECT resource, sequence, reason, from_watermark, to_watermark, detected_at FROM gap
WHERE instance_id = $1 ORDER BY id DESC LIMIT $2
"""

NOTICES = f"""
SELECT count(*) FROM (SELECT FROM operation_notice WHERE instance_id = $1 LIMIT {MOST_NOTICES}) AS counted
"""


@dataclass(frozen=True, slots=True)
class NewEvent:
    """An event in short; ``state`` is that of its notification (None: it has none)."""

    id: UUID
    sequence: int
    resource: str
    event_type: str
    object_id: str
    object_type: str
    label: str
    polled_at: datetime
    notification_id: int | None
    state: str | None


@dataclass(frozen=True, slots=True)
class NewDelivery:
    """A notification in short, with its last attempt; ``ended_at``: delivered or given up."""

    id: int
    state: str
    attempts: int
    created_at: datetime
    ended_at: datetime | None
    next_attempt_at: datetime
    events: int
    last_status: int | None
    last_error: str | None


@dataclass(frozen=True, slots=True)
class FoundGap:
    """Changes that are lost, and the number that the event sequence leaves out for them."""

    resource: str
    sequence: int
    reason: str
    from_watermark: Watermark | None
    to_watermark: Watermark | None
    detected_at: datetime


class InstanceStory:
    """Reads the newest of an instance, newest first. Who calls has found it as the organization's own.

    Cost of each: one statement, that reads ``limit`` rows of an index and what belongs to them.
    """

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def list_events(self, instance_id: InstanceId, *, limit: int) -> list[NewEvent]:
        """List the newest events."""
        return [NewEvent(*row) for row in await self._pool.fetch(EVENTS, instance_id, limit)]

    async def list_deliveries(self, instance_id: InstanceId, *, limit: int) -> list[NewDelivery]:
        """List the newest notifications; those never to be sent, as there was no callback URL, are among them."""
        return [NewDelivery(*row) for row in await self._pool.fetch(DELIVERIES, instance_id, limit)]

    async def list_replays(self, instance_id: InstanceId, *, limit: int) -> list[Replay]:
        """List the newest replays."""
        rows: Any = await self._pool.fetch(
            f"SELECT {COLUMNS} FROM replay WHERE instance_id = $1 ORDER BY id DESC LIMIT $2",
            instance_id,
            limit,
        )
        return [read_replay(row) for row in rows]

    async def list_gaps(self, instance_id: InstanceId, *, limit: int) -> list[FoundGap]:
        """List the newest gaps."""
        return [FoundGap(*row) for row in await self._pool.fetch(GAPS, instance_id, limit)]

    async def count_notices(self, instance_id: InstanceId) -> int:
        """Count the notices that still wait to be told to the operations URL, up to 1,000."""
        return int(await self._pool.fetchval(NOTICES, instance_id))
