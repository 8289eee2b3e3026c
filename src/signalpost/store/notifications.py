"""Notifications as rows, loaded with their events and records, ready to be written and sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from signalpost.model.delivery import DeliveredEvent, Notification, PageContext, State
from signalpost.model.ids import InstanceId, NotificationId

COLUMNS = """notification.id, notification.instance_id, lane_order, page_id, notification.state, notification.attempts,
       notification.failures, notification.refusals, next_attempt_at, notification.created_at"""
"""What ``load_notifications`` needs of each row."""

EVENTS = """
SELECT id, sequence, object_id, object_type, event_type, occurred_at, record_index, notification_id
FROM event WHERE notification_id = ANY($1) ORDER BY sequence
"""


async def load_notifications(pool: asyncpg.Pool, rows: Sequence[Any]) -> list[Notification]:
    """Load what notifications say, in the order of their ``rows``: two statements, whatever the number."""
    if not rows:
        return []
    events: dict[int, list[DeliveredEvent]] = {row["id"]: [] for row in rows}
    for event in await pool.fetch(EVENTS, list(events)):
        events[event[-1]].append(DeliveredEvent(*event[:-1]))
    pages = await pool.fetch(
        "SELECT id, polled_at, context, records FROM page WHERE id = ANY($1)",
        list({row["page_id"] for row in rows}),
    )
    by_id = {page["id"]: page for page in pages}
    contexts = {page["id"]: _read_context(page["context"]) for page in pages}
    return [
        Notification(
            id=NotificationId(row["id"]),
            instance_id=InstanceId(row["instance_id"]),
            lane_order=row["lane_order"],
            state=State(row["state"]),
            attempts=row["attempts"],
            failures=row["failures"],
            refusals=row["refusals"],
            next_attempt_at=row["next_attempt_at"],
            created_at=row["created_at"],
            polled_at=by_id[row["page_id"]]["polled_at"],
            context=contexts[row["page_id"]],
            events=events[row["id"]],
            records=by_id[row["page_id"]]["records"],
        )
        for row in rows
        # A page that retention took meanwhile took its notifications with it.
        if row["page_id"] in by_id and events[row["id"]]
    ]


def _read_context(value: Mapping[str, Any]) -> PageContext:
    return PageContext(**{**value, "instance_tags": tuple(value["instance_tags"])})
