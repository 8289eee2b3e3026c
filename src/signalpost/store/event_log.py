"""Reads the event log back: pages of events in the order they were stored, one event, gaps."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from signalpost.model.ids import InstanceId, OrganizationId

COLUMNS = """
SELECT event.id, event.instance_id, event.sequence, event.page_id, event.notification_id, event.resource,
       event.object_id, event.object_type, event.event_type, event.occurred_at, event.polled_at,
       page.records[event.record_index + 1] AS record, notification.state, notification.created_at AS notified_at,
       notification.delivered_at
FROM event JOIN page ON page.id = event.page_id JOIN instance ON instance.id = event.instance_id
LEFT JOIN notification ON notification.id = event.notification_id
WHERE instance.organization_id = $1
"""


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event of the log with its record (JSON text) and where its notification stands (None: not notified)."""

    id: UUID
    instance_id: int
    sequence: int
    page_id: int
    notification_id: int | None
    resource: str
    object_id: str
    object_type: str
    event_type: str
    occurred_at: datetime
    polled_at: datetime
    record: str
    state: str | None
    notified_at: datetime | None
    delivered_at: datetime | None


class EventLog:
    """Reads events; every call names the organization."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def list_events(
        self,
        organization_id: OrganizationId,
        *,
        instance_id: InstanceId | None,
        after: tuple[int, int],
        limit: int,
        offset: int = 0,
    ) -> list[LoggedEvent]:
        """List events after the position ``after`` (page id, sequence), oldest first."""
        rows = await self._pool.fetch(
            COLUMNS + " AND ($2::bigint IS NULL OR event.instance_id = $2)"
            " AND (event.page_id, event.sequence) > ($3, $4)"
            " ORDER BY event.page_id, event.sequence LIMIT $5 OFFSET $6",
            organization_id,
            instance_id,
            *after,
            limit,
            offset,
        )
        return [LoggedEvent(*row) for row in rows]

    async def find_event(
        self, organization_id: OrganizationId, event_id: UUID, instance_id: InstanceId | None
    ) -> LoggedEvent | None:
        """Find one event."""
        row = await self._pool.fetchrow(
            COLUMNS + " AND event.id = $2 AND ($3::bigint IS NULL OR event.instance_id = $3)",
            organization_id,
            event_id,
            instance_id,
        )
        return None if row is None else LoggedEvent(*row)

    async def list_gaps(
        self, organization_id: OrganizationId, instance_id: InstanceId
    ) -> list[dict[str, Any]]:
        """List the recorded gaps of an instance, oldest first."""
        rows = await self._pool.fetch(
            "SELECT gap.resource, gap.sequence, gap.reason, gap.from_watermark, gap.to_watermark, gap.detected_at"
            " FROM gap JOIN instance ON instance.id = gap.instance_id"
            " WHERE gap.instance_id = $1 AND instance.organization_id = $2 ORDER BY gap.id LIMIT 1000",
            instance_id,
            organization_id,
        )
        return [dict(row) for row in rows]
