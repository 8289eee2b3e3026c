"""The body of a notification, in the form that Open Connectors sends (open-connectors.md 1.1). Pure."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any

import orjson

from signalpost.delivery.formats.records import are_sendable, link_event, take_records
from signalpost.model.delivery import Notification, write_time

SENDER = "notifications@signalpost.invalid"
_TO_THE_SECOND = len("2026-05-28T11:41:12")


@lru_cache(maxsize=1024)  # the notifications of a page, and their repetitions, have one time in common
def format_java_date(moment: datetime) -> str:
    """Write a time as Java's ``Date.toString()`` does: ``Tue Mar 05 10:16:02 UTC 2024``."""
    day = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")[moment.weekday()]
    months = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
    return f"{day} {months[moment.month - 1]} {moment:%d %H:%M:%S} UTC {moment.year:04d}"


def write_open_connectors(notification: Notification, *, public_url: str | None) -> bytes:
    """Write the Open Connectors envelope, as JSON.

    Beyond the original's fields each event has ``id`` (the same at every repetition) and ``sequence`` (rising by
    one per instance; a number left out is a recorded gap). ``raw`` holds the records of this notification's
    events, or the whole page where the instance asks for it; records that are too large together are left out, and
    ``omitted`` says where they are.
    """
    context = notification.context
    polled_at = notification.polled_at.astimezone(UTC)
    first = notification.events[0]
    records = _choose_records(notification)
    raw: dict[str, Any] = {
        context.resource: [orjson.Fragment(record) for record in records or ()],
        "pollDate": int(polled_at.timestamp() * 1000),
        "objectType": context.resource,
    }
    if records is None:
        links = [link_event(notification, event, public_url) for event in notification.events]
        raw["omitted"] = {"links": links}
    instance_id = notification.instance_id
    body = {
        "severity": "medium",
        "createdDate": format_java_date(notification.created_at.astimezone(UTC)),
        "topic": f"instance-{instance_id}-{context.connector}-events",
        "action": "create",
        "id": str(notification.id),
        "message": {
            "elementKey": context.connector,
            "accountId": context.organization_id,
            "eventId": first.id,
            "companyId": context.organization_id,
            "instanceId": instance_id,
            "instance_id": instance_id,
            "instanceName": context.instance_name,
            "instanceTags": list(context.instance_tags),
            "raw": raw,
            "userId": context.user_id,
            "events": _write_events(notification, polled_at),
        },
        "user": SENDER,
    }
    return orjson.dumps(body)


def _choose_records(notification: Notification) -> Sequence[str] | None:
    if notification.context.full_raw and are_sendable(notification.records):
        return notification.records
    return take_records(notification)


def _write_events(notification: Notification, polled_at: datetime) -> list[dict[str, object]]:
    context = notification.context
    connector, hub, polled = context.connector, context.hub, write_time(polled_at)[:_TO_THE_SECOND] + "Z"
    return [
        {
            "date": occurred_at[:_TO_THE_SECOND] + "Z",
            "elementKey": connector,
            "pollDate": polled,
            "eventType": event_type,
            "hubKey": hub,
            "objectId": object_id,
            "objectType": object_type,
            "id": event_id,
            "sequence": sequence,
        }
        for event_id, sequence, object_id, object_type, event_type, occurred_at, _ in notification.events
    ]
