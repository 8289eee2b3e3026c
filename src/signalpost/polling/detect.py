"""Changes become events: who they are, and whether they create or update. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from signalpost.model.event import Change, Event, EventType, Page, Remembered
from signalpost.model.ids import EventId, InstanceId, derive_event_ids

REFRESH = timedelta(days=1)
"""How old the note of an object seen may be before it is written anew: what is seen lately is dropped last."""

TOLD_AS_CREATED, TOLD_AS_UPDATED = '"event_type":"CREATED"', '"event_type":"UPDATED"'


@dataclass(frozen=True, slots=True)
class Detected:
    """What a page of a feed becomes: its events, and what they change in the memory of objects."""

    events: tuple[Event, ...]
    records: tuple[str, ...]
    remembered: tuple[Remembered, ...]
    forgotten: tuple[str, ...]


def identify(instance_id: InstanceId, resource: str, changes: Sequence[Change]) -> list[EventId]:
    """Give each change's event id, in order."""
    return derive_event_ids(instance_id, resource, (change.change_id for change in changes))


def make_events(
    changes: Sequence[Change], event_ids: Sequence[EventId], stored_events: Collection[EventId]
) -> list[Event]:
    """Give the events that ``changes`` become, in order, without those stored already or twice in the page."""
    passed: set[EventId] = set()
    events: list[Event] = []
    for change, event_id in zip(changes, event_ids, strict=True):
        if event_id not in stored_events and event_id not in passed:
            passed.add(event_id)
            events.append(
                Event(
                    id=event_id,
                    object_id=change.object_id,
                    object_type=change.object_type,
                    event_type=change.event_type,
                    occurred_at=change.occurred_at,
                    record_index=change.record_index,
                )
            )
    return events


def detect(
    page: Page,
    event_ids: Sequence[EventId],
    *,
    known: Mapping[str, Remembered],
    stored_events: Collection[EventId],
    now: datetime,
) -> Detected:
    """Decide a feed's page: a change that may create or update an object updates it if the object is ``known``.

    Known is what was seen before and not deleted since. What this page itself creates and deletes counts from there
    on. A record that says CREATED of what turns out to be an update is made to say so.
    """
    alive: dict[str, bool] = {}
    changes: list[Change] = []
    records = list(page.records)
    types: dict[str, str] = {}
    for change in page.changes:
        decided, object_id = change, change.remembered_id
        if change.creates_or_updates and alive.get(object_id, object_id in known):
            decided = change._replace(event_type=EventType.UPDATED)
            before, told, after = records[change.record_index].rpartition(TOLD_AS_CREATED)
            if told:
                records[change.record_index] = before + TOLD_AS_UPDATED + after
        alive[object_id] = decided.event_type is not EventType.DELETED
        types[object_id] = change.object_type
        changes.append(decided)
    remembered = tuple(
        Remembered(object_id, types[object_id], "", None, now)
        for object_id in types
        if alive[object_id] and (object_id not in known or known[object_id].seen_at < now - REFRESH)
    )
    forgotten = tuple(object_id for object_id in types if not alive[object_id] and object_id in known)
    return Detected(
        tuple(make_events(changes, event_ids, stored_events)), tuple(records), remembered, forgotten
    )
