"""Identifiers: what kinds there are, and how an event gets the same id every time it is read."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha1
from typing import NewType
from uuid import UUID, SafeUUID

OrganizationId = NewType("OrganizationId", int)
UserId = NewType("UserId", int)
InstanceId = NewType("InstanceId", int)
NotificationId = NewType("NotificationId", int)
EventId = NewType("EventId", UUID)
WorkerId = NewType("WorkerId", UUID)

# The namespace of all our event ids. Never change it: ids already delivered would change with it.
EVENT_NAMESPACE = UUID("6e1d4b3c-6d3e-5b8e-9b57-3f0d7a3a1c11")


# Version 5 and the variant of RFC 9562 stand in six bits of every id.
VERSION_BITS = 5 << 76 | 2 << 62
KEPT_BITS = ~(0xF << 76 | 3 << 62)


def derive_event_ids(instance_id: InstanceId, resource: str, change_ids: Iterable[str]) -> list[EventId]:
    """Give the ids of changes at the provider: the same change read twice gets the same id.

    A ``change_id`` is the provider's own identification of the change (architecture, promise 2). The ids are UUIDs of
    version 5 (RFC 9562), of which what all have in common is hashed once.
    """
    # Made as the class makes them itself, without its checks of arguments: there is one for every event.
    new, put = UUID.__new__, object.__setattr__
    common = sha1(EVENT_NAMESPACE.bytes + f"{instance_id}\n{resource}\n".encode(), usedforsecurity=False)
    ids: list[EventId] = []
    for change_id in change_ids:
        whole = common.copy()
        whole.update(change_id.encode())
        made = new(UUID)
        put(made, "int", int.from_bytes(whole.digest()[:16]) & KEPT_BITS | VERSION_BITS)
        put(made, "is_safe", SafeUUID.unknown)
        ids.append(EventId(made))
    return ids


def derive_event_id(instance_id: InstanceId, resource: str, change_id: str) -> EventId:
    """Give the id of one change (``derive_event_ids``)."""
    return derive_event_ids(instance_id, resource, (change_id,))[0]
