"""Changes become events: who they are, and whether they create or update. Pure."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from signalpost.model.event import Change, Event, EventType
from signalpost.model.ids import EventId, InstanceId, derive_event_id


def identify(instance_id: InstanceId, resource: str, changes: Sequence[Change]) -> list[EventId]:
    """Give each change's event id, in order."""
    return [derive_event_id(instance_id, resource, change.change_id) for change in changes]


def detect(
    changes: Sequence[Change],
    event_ids: Sequence[EventId],
    *,
    known_objects: Collection[str],
    stored_events: Collection[EventId],
) -> list[Event]:
    """Give the events that ``changes`` become, in order, without those stored already or twice in the page.

    ``known_objects`` were seen before and not deleted since: a change that may create or update one of them
    updates it. What this page itself creates and deletes counts from there on.
    """
    known = set(known_objects)
    passed = set(stored_events)
    events: list[Event] = []
    for change, event_id in zip(changes, event_ids, strict=True):
        if event_id in passed:
            continue
        passed.add(event_id)
        event_type = change.event_type
        if change.creates_or_updates and change.object_id in known:
            event_type = EventType.UPDATED
        if event_type is EventType.DELETED:
            known.discard(change.object_id)
        else:
            known.add(change.object_id)
        events.append(
            Event(
                id=event_id,
                object_id=change.object_id,
                object_type=change.object_type,
                event_type=event_type,
                occurred_at=change.occurred_at,
                record_index=change.record_index,
            )
        )
    return events
