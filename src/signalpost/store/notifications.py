"""Notifications as rows, loaded with their records, ready to be sent. What their events say stands in their own row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC
from typing import Any

import asyncpg
import orjson

from signalpost.model.delivery import DeliveredEvent, Notification, PageContext, State, write_time
from signalpost.model.event import Event
from signalpost.model.ids import InstanceId, NotificationId

COLUMNS = """notification.id, notification.instance_id, lane_order, page_id, notification.state, notification.attempts,
       notification.failures, notification.refusals, next_attempt_at, notification.created_at, notification.events"""
"""What ``load_notifications`` needs of each row."""

PAGES = "SELECT id, polled_at, context, records FROM page WHERE id = ANY($1)"

EVENTS = """
SELECT notification_id, id, sequence, object_id, object_type, event_type, occurred_at, record_index
FROM event WHERE notification_id = ANY($1) ORDER BY sequence
"""


STATES = {state.value: state for state in State}


def write_events(events: Sequence[Event]) -> bytes:
    """Write what the events of a notification say, each with its place; what is kept says ``[first number, this]``.

    Raises:
        orjson.JSONEncodeError: a text is not Unicode.
    """
    return orjson.dumps(
        [
            (
                event.id,
                place,
                event.object_id,
                event.object_type,
                event.event_type,
                event.occurred_at.astimezone(UTC),
                event.record_index,
            )
            for place, event in enumerate(events)
        ]
    )


def _read_events(written: bytes) -> list[DeliveredEvent]:
    rows = orjson.loads(written)
    if isinstance(rows[0], int):  # before that was so, each said its own number
        first, rows = rows
        for row in rows:
            row[1] += first
    # As ``_make`` does, which counts besides; these rows are our own.
    return [tuple.__new__(DeliveredEvent, row) for row in rows]


async def load_notifications(pool: asyncpg.Pool, rows: Sequence[Any]) -> list[Notification]:
    """Load what notifications say, in the order of their ``rows``: one statement, whatever the number.

    One more for those made by a version that did not keep their events with them.
    """
    if not rows:
        return []
    old = await _load_events(pool, [row["id"] for row in rows if row["events"] is None])
    pages = await pool.fetch(PAGES, list({row["page_id"] for row in rows}))
    by_id = {
        page["id"]: (page["polled_at"], _read_context(page["context"]), page["records"]) for page in pages
    }
    return [
        Notification(
            id=NotificationId(row["id"]),
            instance_id=InstanceId(row["instance_id"]),
            lane_order=row["lane_order"],
            state=STATES[row["state"]],
            attempts=row["attempts"],
            failures=row["failures"],
            refusals=row["refusals"],
            next_attempt_at=row["next_attempt_at"],
            created_at=row["created_at"],
            polled_at=page[0],
            context=page[1],
            events=old[row["id"]] if row["events"] is None else _read_events(row["events"]),
            records=page[2],
        )
        for row in rows
        # A page that retention took meanwhile took its notifications with it.
        if (page := by_id.get(row["page_id"])) is not None and (row["events"] is not None or row["id"] in old)
    ]


async def _load_events(pool: asyncpg.Pool, ids: Sequence[int]) -> dict[int, list[DeliveredEvent]]:
    events: dict[int, list[DeliveredEvent]] = {}
    for row in await pool.fetch(EVENTS, ids) if ids else ():
        event = DeliveredEvent(
            id=str(row["id"]),
            sequence=row["sequence"],
            object_id=row["object_id"],
            object_type=row["object_type"],
            event_type=row["event_type"],
            occurred_at=write_time(row["occurred_at"]),
            record_index=row["record_index"],
        )
        events.setdefault(row["notification_id"], []).append(event)
    return events


def _read_context(value: Mapping[str, Any]) -> PageContext:
    return PageContext(**{**value, "instance_tags": tuple(value["instance_tags"])})
