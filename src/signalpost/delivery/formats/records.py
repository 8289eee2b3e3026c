"""What several forms have in common: which records go into a body, where those too large are found, times. Pure."""

from __future__ import annotations

from collections.abc import Sequence

from signalpost.model.delivery import DeliveredEvent, Notification

MOST_RECORD_BYTES = 8_000_000
"""Records that are larger together are not sent; links to them are."""

_INSTANCES = "/elements/api-v2/instances"
_MOST_BYTES_A_CHARACTER = 4


def take_records(notification: Notification) -> Sequence[str] | None:
    """Give the record of each event, in their order, as JSON text; None when they are too large to be sent."""
    records = [notification.records[event.record_index] for event in notification.events]
    return records if are_sendable(records) else None


def are_sendable(records: Sequence[str]) -> bool:
    """Tell whether the records are small enough, all together, to be sent."""
    # Almost always the number of characters, which costs nothing, answers it.
    characters = sum(map(len, records))
    if characters * _MOST_BYTES_A_CHARACTER <= MOST_RECORD_BYTES:
        return True
    return sum(len(record.encode()) for record in records) <= MOST_RECORD_BYTES


def show_time(event: DeliveredEvent) -> str:
    """Give the time of an event with its microseconds, as the other times of a body are written."""
    return event.occurred_at.replace("+00:00", "Z")


def link_instance(notification: Notification, public_url: str | None) -> str:
    """Give the address of the notification's instance in our API, a path where our public address is not known."""
    return f"{(public_url or '').rstrip('/')}{_INSTANCES}/{notification.instance_id}"


def link_event(notification: Notification, event: DeliveredEvent, public_url: str | None) -> str:
    """Give the address where the event is shown with its record."""
    return f"{link_instance(notification, public_url)}/events/{event.id}"
