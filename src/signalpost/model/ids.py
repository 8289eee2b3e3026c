"""Identifiers: what kinds there are, and how an event gets the same id every time it is read."""

from __future__ import annotations

from typing import NewType
from uuid import UUID, uuid5

OrganizationId = NewType("OrganizationId", int)
UserId = NewType("UserId", int)
InstanceId = NewType("InstanceId", int)
NotificationId = NewType("NotificationId", int)
EventId = NewType("EventId", UUID)
WorkerId = NewType("WorkerId", UUID)

# The namespace of all our event ids. Never change it: ids already delivered would change with it.
EVENT_NAMESPACE = UUID("6e1d4b3c-6d3e-5b8e-9b57-3f0d7a3a1c11")


def derive_event_id(instance_id: InstanceId, resource: str, change_id: str) -> EventId:
    """Give the id of one change at the provider: the same change read twice gets the same id.

    ``change_id`` is the provider's own identification of the change (architecture, promise 2).
    """
    return EventId(uuid5(EVENT_NAMESPACE, f"{instance_id}\n{resource}\n{change_id}"))
