"""The body of a notification, as Standard Webhooks recommends: ``type``, ``timestamp``, ``data``. Pure."""

from __future__ import annotations

import re
from typing import Any

import orjson

from signalpost.delivery.formats.records import link_event, show_time, take_records
from signalpost.model.delivery import Notification

_OTHERS = re.compile(r"[^A-Za-z0-9_]+")


def write_standard_webhooks(notification: Notification, *, public_url: str | None) -> bytes:
    """Write the payload, as JSON; ``timestamp`` is when the notification was made, the same at every attempt.

    Each event has its ``record``, or where they are too large together a ``link`` to it.
    """
    context = notification.context
    records = take_records(notification)
    events: list[dict[str, Any]] = []
    for position, event in enumerate(notification.events):
        written = {
            "id": str(event.id),
            "sequence": event.sequence,
            "eventType": event.event_type,
            "objectId": event.object_id,
            "objectType": event.object_type,
            "date": show_time(event),
            "pollDate": notification.polled_at,
        }
        if records is None:
            written["link"] = link_event(notification, event, public_url)
        else:
            written["record"] = orjson.Fragment(records[position])
        events.append(written)
    body = {
        # Libraries route by the type: the name of a resource, which may be any text, must not break its dots.
        "type": f"{_OTHERS.sub('_', context.connector)}.{_OTHERS.sub('_', context.resource)}.changed",
        "timestamp": notification.created_at,
        "data": {
            "instanceId": notification.instance_id,
            "instanceName": context.instance_name,
            "instanceTags": list(context.instance_tags),
            "notificationId": str(notification.id),
            "resource": context.resource,
            "events": events,
        },
    }
    return orjson.dumps(body, option=orjson.OPT_UTC_Z)
