"""The body of a notification as a batch of CloudEvents 1.0, in JSON: one event of theirs for each of ours. Pure."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

import orjson

from signalpost.delivery.formats.records import link_event, link_instance, show_time, take_records
from signalpost.model.delivery import DeliveredEvent, Notification

_OTHERS = re.compile(r"[^a-z0-9._-]+")
_NONCHARACTERS = "".join(chr(plane << 16 | last) for plane in range(17) for last in (0xFFFE, 0xFFFF))
_FORBIDDEN = re.compile(f"[\x00-\x1f\x7f-\x9f\ufdd0-\ufdef{_NONCHARACTERS}]")
"""What the specification's strings may not hold: control characters and noncharacters."""

_SEQUENCE_DIGITS = 20


def write_cloudevents(notification: Notification, *, public_url: str | None) -> bytes:
    """Write the batch: ``data`` is the record.

    Where the records are too large together there is none, but ``dataref``, the address that gives the very record
    (the specification's extension "Dataref (Claim Check Pattern)"). ``sequence`` is its extension of that name.
    """
    records = take_records(notification)
    shared = _describe_notification(notification, public_url)
    batch: list[dict[str, Any]] = []
    for position, event in enumerate(notification.events):
        written = {**shared, **_describe_event(notification, event)}
        if records is None:
            written["dataref"] = f"{link_event(notification, event, public_url)}/record"
        else:
            written["data"] = orjson.Fragment(records[position])
        # An attribute that says nothing is left out: their strings are not empty.
        batch.append({name: value for name, value in written.items() if value != ""})
    return orjson.dumps(batch, option=orjson.OPT_UTC_Z)


def _describe_notification(notification: Notification, public_url: str | None) -> dict[str, Any]:
    context = notification.context
    return {
        "specversion": "1.0",
        "source": link_instance(notification, public_url),
        "datacontenttype": "application/json",
        "polltime": notification.polled_at,
        # As text: the specification's integers have 32 bits.
        "instanceid": str(notification.instance_id),
        "instancename": _write_string(context.instance_name),
        "notificationid": str(notification.id),
        "resource": _write_string(context.resource),
    }


def _describe_event(notification: Notification, event: DeliveredEvent) -> dict[str, Any]:
    return {
        "id": str(event.id),
        "type": _write_type(notification.context.connector, event.object_type, event.event_type),
        "subject": _write_string(event.object_id),
        "time": show_time(event),
        # Padded, so that it sorts as text.
        "sequence": f"{event.sequence:0{_SEQUENCE_DIGITS}}",
        "eventtype": event.event_type,
        "objecttype": _write_string(event.object_type),
    }


@lru_cache(maxsize=1024)  # there are few kinds of objects, and each has events without end
def _write_type(*names: str) -> str:
    return ".".join(["signalpost", *(_OTHERS.sub("-", name.lower()) for name in names)])


def _write_string(text: str) -> str:
    return text if text.isprintable() else _FORBIDDEN.sub("\ufffd", text)
