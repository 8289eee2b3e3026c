"""Changes as a connector finds them, and the events they become. What there are a hundred of in a page is a tuple."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from signalpost.model.ids import EventId

Watermark: TypeAlias = dict[str, Any]
"""The committed position in a resource, as JSON; only the connector knows what is in it."""


class EventType(StrEnum):
    """What happened to the object (open-connectors.md 1.1)."""

    CREATED = "CREATED"
    UPDATED = "UPDATED"
    DELETED = "DELETED"
    MOVED = "MOVED"
    UNKNOWN = "UNKNOWN"


class Change(NamedTuple):
    """One difference at the provider, not yet stored.

    ``change_id`` is unique and stable per instance and resource, and the change's, not the object's: another change
    under an id that was told is taken for that one, and left out. ``record_index`` points into the page's records.
    ``creates_or_updates`` marks a change that the provider tells alike for a new object and a new version of a
    known one: detection decides by whether the object is known. It is by its ``object_id``, or by ``known_by``, where
    that is one that passes to other objects, as a path does.
    """

    change_id: str
    object_id: str
    object_type: str
    event_type: EventType
    occurred_at: datetime
    record_index: int
    creates_or_updates: bool = False
    known_by: str = ""

    @property
    def remembered_id(self) -> str:
        """The id that the object is remembered by."""
        return self.known_by or self.object_id


class Remembered(NamedTuple):
    """An object that was seen, and in which version: one entry of a resource's memory.

    ``version`` tells versions apart and is "" where only the object matters; ``dated_at`` is the date of
    the record, ``seen_at`` when it was read.
    """

    object_id: str
    object_type: str
    version: str
    dated_at: datetime | None
    seen_at: datetime


@dataclass(frozen=True, slots=True)
class Page:
    """What one read of a resource gave.

    ``records`` are JSON texts in the provider's order; ``watermark`` is the position after this page, None while the
    first is not reached; ``more`` says whether to read again at once; ``remark`` is shown with the polling.
    ``remembered`` and ``forgotten`` (object ids) change the resource's memory together with it; those that a feed gives
    are not read, as its changes say that.
    """

    records: tuple[str, ...]
    changes: tuple[Change, ...]
    watermark: Watermark | None
    more: bool
    remembered: tuple[Remembered, ...] = ()
    forgotten: tuple[str, ...] = ()
    remark: str | None = None


class Event(NamedTuple):
    """A change with its identity, ready for the log. The ``sequence`` is given when it is stored."""

    id: EventId
    object_id: str
    object_type: str
    event_type: EventType
    occurred_at: datetime
    record_index: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Changes known to be lost: those that the provider no longer keeps, or that were given up as too much waited."""

    reason: str
    from_watermark: Watermark
    to_watermark: Watermark
