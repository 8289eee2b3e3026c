"""Identifiers: what kinds there are, and how an event gets the same id every time it is read."""

from __future__ import annotations

from collections.abc import Iterable
from hashlib import sha1
from typing import NewType
from uuid import UUID

OrganizationId = NewType("OrganizationId", int)
UserId = NewType("UserId", int)
InstanceId = NewType("InstanceId", int)
NotificationId = NewType("NotificationId", int)
EventId = NewType("EventId", str)
WorkerId = NewType("WorkerId", UUID)

# The namespace of all our event ids. Never change it: ids already delivered would change with it.
EVENT_NAMESPACE = UUID("6e1d4b3c-6d3e-5b8e-9b57-3f0d7a3a1c11")


# The variant of RFC 9562 stands in two bits of the seventeenth digit of every id.
VARIANTS = {digit: "89ab"[int(digit, 16) % 4] for digit in "0123456789abcdef"}


def derive_event_ids(instance_id: InstanceId, resource: str, change_ids: Iterable[str]) -> list[EventId]:
    """Give the ids of changes at the provider: the same change read twice gets the same id.

    A ``change_id`` is the provider's own identification of the change (architecture, promise 2). The ids are the texts
    of UUIDs of version 5 (RFC 9562), of which what all have in common is hashed once.
    """
    common = sha1(EVENT_NAMESPACE.bytes + f"{instance_id}\n{resource}\n".encode(), usedforsecurity=False)
    ids: list[EventId] = []
    for change_id in change_ids:
        whole = common.copy()
        whole.update(change_id.encode())
        digits = whole.hexdigest()
        ids.append(
            EventId(
                f"{digits[:8]}-{digits[8:12]}-5{digits[13:16]}-{VARIANTS[digits[16]]}{digits[17:20]}-{digits[20:32]}"
            )
        )
    return ids


def derive_event_id(instance_id: InstanceId, resource: str, change_id: str) -> EventId:
    """Give the id of one change (``derive_event_ids``)."""
    return derive_event_ids(instance_id, resource, (change_id,))[0]
