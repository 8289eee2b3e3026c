"""Reads the event log back: found by what is asked of them, in the order of their sequence; one event; gaps."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from signalpost.model.delivery import State
from signalpost.model.ids import InstanceId, OrganizationId
from signalpost.store.analytics import Analytics
from signalpost.store.arguments import Arguments

COLUMNS = """
SELECT event.id, event.instance_id, event.sequence, event.notification_id, event.resource,
       event.object_id, event.object_type, event.event_type, event.occurred_at, event.polled_at,
       page.records[event.record_index + 1] AS record, notification.state, notification.created_at AS notified_at,
       coalesce(notification.delivered_at, notification.dead_at) AS ended_at, event.label
"""

FIND = (
    COLUMNS
    + """
FROM event JOIN page ON page.id = event.page_id JOIN instance ON instance.id = event.instance_id
LEFT JOIN notification ON notification.id = event.notification_id
WHERE event.id = $2 AND instance.organization_id = $1 AND ($3::bigint IS NULL OR event.instance_id = $3)
"""
)

# Instance after instance, each by its sequence: numbers are given under the lock of the endpoint, so that within an
# instance nothing ever comes up before what was shown. Of each no more is read than the page takes.
LIST = (
    COLUMNS
    + """
FROM (
    SELECT found.* FROM instance CROSS JOIN LATERAL (
        SELECT event.* FROM event
        WHERE event.instance_id = instance.id
          AND event.sequence > CASE WHEN instance.id = $2 THEN $3::bigint ELSE 0 END {of_event}
        ORDER BY event.sequence {direction} LIMIT $4::bigint + $5::bigint
    ) AS found
    WHERE instance.organization_id = $1 AND instance.id >= $2 {of_instance}
    ORDER BY instance.id {direction}, found.sequence {direction} LIMIT $4 OFFSET $5
) AS event
JOIN page ON page.id = event.page_id LEFT JOIN notification ON notification.id = event.notification_id
ORDER BY event.instance_id, event.sequence
"""
)

MOST_ATTEMPTS = 20

ATTEMPTS = """
SELECT attempt.notification_id, attempt.replay_id, attempt.status, attempt.error
FROM unnest($1::bigint[]) AS wanted (id) CROSS JOIN LATERAL (
    SELECT * FROM attempt WHERE attempt.notification_id = wanted.id
    ORDER BY attempt.started_at DESC, attempt.number DESC LIMIT $2
) AS attempt
ORDER BY attempt.notification_id, attempt.started_at, attempt.number
"""


@dataclass(frozen=True, slots=True)
class EventSearch:
    """What is asked of events; None: anything. Times are those of the poll: from ``begin_at``, before ``end_at``."""

    object_id: str | None = None
    object_type: str | None = None
    event_type: str | None = None
    resource: str | None = None
    begin_at: datetime | None = None
    end_at: datetime | None = None
    states: frozenset[State] | None = None


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event of the log with its record (JSON text) and where its notification stands (``state`` None: it has none).

    ``ended_at``: when it was delivered or given up as a dead letter. ``label``: what people call the object ("": not
    known).
    """

    id: UUID
    instance_id: int
    sequence: int
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
    ended_at: datetime | None
    label: str


@dataclass(frozen=True, slots=True)
class LoggedAttempt:
    """An attempt at a notification. ``replay_id``: what it was made for, 0: its lane."""

    notification_id: int
    replay_id: int
    status: int | None
    error: str | None


class EventLog:
    """Reads events, and counts them (``analytics``); every call names the organization."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self.analytics = Analytics(pool)

    async def list_events(
        self,
        organization_id: OrganizationId,
        *,
        instance_id: InstanceId | None,
        search: EventSearch = EventSearch(),
        after: tuple[int, int] = (0, 0),
        limit: int,
        offset: int = 0,
        backwards: bool = False,
    ) -> list[LoggedEvent]:
        """List what is asked for after the position ``after`` (instance id, sequence), in this order.

        ``backwards``: the last of it, in the same order.

        What is committed meanwhile stands after all of its instance that was shown: nothing comes twice or is missed.
        """
        arguments = Arguments([organization_id, *after, limit, offset])
        of_event, of_instance = _write_conditions(search, instance_id, arguments)
        statement = LIST.format(
            of_event=" ".join(of_event),
            of_instance=" ".join(of_instance),
            direction="DESC" if backwards else "",
        )
        return [LoggedEvent(*row) for row in await self._pool.fetch(statement, *arguments)]

    async def find_event(
        self, organization_id: OrganizationId, event_id: UUID, instance_id: InstanceId | None
    ) -> LoggedEvent | None:
        """Find one event."""
        row = await self._pool.fetchrow(FIND, organization_id, event_id, instance_id)
        return None if row is None else LoggedEvent(*row)

    async def list_attempts(self, events: Sequence[LoggedEvent]) -> list[LoggedAttempt]:
        """List the newest attempts at the notifications of events, at most twenty each, oldest first."""
        ids = {event.notification_id for event in events if event.notification_id is not None}
        rows = await self._pool.fetch(ATTEMPTS, list(ids), MOST_ATTEMPTS)
        return [LoggedAttempt(*row) for row in rows]

    async def list_gaps(
        self, organization_id: OrganizationId, instance_id: InstanceId
    ) -> list[dict[str, Any]]:
        """List the newest recorded gaps of an instance, oldest first: who misses a number asks for one of these."""
        rows = await self._pool.fetch(
            "SELECT gap.resource, gap.sequence, gap.reason, gap.from_watermark, gap.to_watermark, gap.detected_at"
            " FROM gap JOIN instance ON instance.id = gap.instance_id"
            " WHERE gap.instance_id = $1 AND instance.organization_id = $2 ORDER BY gap.id DESC LIMIT 1000",
            instance_id,
            organization_id,
        )
        return [dict(row) for row in reversed(rows)]


def _write_conditions(
    search: EventSearch, instance_id: InstanceId | None, arguments: Arguments
) -> tuple[list[str], list[str]]:
    """Write what is asked for as conditions of events and of instances; values are added to ``arguments``."""
    of_event, of_instance = [], []
    if instance_id is not None:
        of_instance.append(f"AND instance.id = {arguments.place(instance_id)}")
    if search.object_id is not None:
        named = arguments.place(search.object_id)
        of_event.append(f"AND event.object_id = {named}")
        of_instance.append(f"AND instance.id IN (SELECT instance_id FROM event WHERE object_id = {named})")
    for comparison, value in (
        ("object_type =", search.object_type),
        ("event_type =", search.event_type),
        ("resource =", search.resource),
        ("polled_at >=", search.begin_at),
        ("polled_at <", search.end_at),
    ):
        if value is not None:
            of_event.append(f"AND event.{comparison} {arguments.place(value)}")
    if search.states is not None:
        of_event.append(f"AND ({_write_states(search.states)})")
    return of_event, of_instance


def _write_states(states: Collection[State]) -> str:
    """Write which states a notification may be in. The words stand in the text: partial indexes are found by them."""
    if not states:
        return "false"
    words = ", ".join(f"'{state.value}'" for state in sorted(states))
    condition = (
        "event.notification_id IN (SELECT notification.id FROM notification"
        f" WHERE notification.instance_id = instance.id AND notification.state IN ({words}))"
    )
    # Events of older versions have no notification where there was no callback URL.
    return f"event.notification_id IS NULL OR {condition}" if State.UNSENT in states else condition
