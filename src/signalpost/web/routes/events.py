"""The event log (Activity > Event Logs), and the story of one event."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from fastapi import APIRouter, Request, Response

from signalpost.api.events import find_event
from signalpost.api.parts import ApiParts
from signalpost.api.shapes import show_time
from signalpost.model.delivery import State
from signalpost.model.errors import ConflictError, NotFoundError
from signalpost.model.event import EventType
from signalpost.model.ids import InstanceId, NotificationId
from signalpost.store.event_log import LoggedEvent
from signalpost.store.views.recent import LOOKED_AT, MOST_CHOICES, Position, SeenEvent
from signalpost.web.delivery_story import tell_delivery
from signalpost.web.log_form import (
    EVENT_FIELDS,
    STATE_WORDS,
    read_form,
    read_position,
    write_position,
)
from signalpost.web.pages import go, render
from signalpost.web.parts import Web, WebParts
from signalpost.web.sides import Sides, compare_sides
from signalpost.web.visits import Operator, Sent, Viewer, Visit

router = APIRouter()

PAGE_SIZE = 50
NEWS_SECONDS = 60
"""Newer events are counted from so long ago at the earliest: what was committed late is told as well."""


@router.get("/events")
async def show_log(request: Request, parts: Web, visit: Viewer) -> Response:
    """Show the log, newest first, narrowed to what the form asks."""
    form = read_form(request.query_params, EVENT_FIELDS)
    search = form.read_event_search()
    choices = await list_choices(parts, visit, search.instance_id)
    before = read_position(request.query_params.get("before", ""))
    page = await parts.recent.list_events(visit.organization_id, search, before=before, limit=PAGE_SIZE)
    live = None
    if before is None and search.end_at is None and not form.errors:
        live = "/events/live?" + form.write_query(since=write_position(_choose_since(parts, page.events)))
    older = None if page.older is None else "/events?" + form.write_query(before=write_position(page.older))
    return render(
        request,
        "events/list.html",
        visit,
        status=400 if form.errors else 200,
        form=form,
        page=page,
        older=older,
        live=live,
        later=before is not None,
        looked_at=LOOKED_AT,
        choices=choices,
        resources=list_resources(parts.api),
        types=[(each.value, each.value) for each in EventType],
        states=STATE_WORDS,
        newest="/events?" + form.write_query(),
        by_object="/events?" + form.write_query(object=form.values["path"], path=""),
    )


@router.get("/events/{event_id}")
async def show_event(request: Request, parts: Web, visit: Viewer, event_id: str) -> Response:
    """Show the whole story of one event."""
    event = await find_event(parts.api, visit.caller, event_id, None)
    instance = await parts.api.instances.find(visit.organization_id, InstanceId(event.instance_id))
    if instance is None:
        raise NotFoundError("the instance was deleted")
    pulse = await parts.pulse.feel(visit.organization_id, instance.id)
    story = None
    if event.notification_id is not None:
        story = await tell_delivery(parts, instance, NotificationId(event.notification_id))
    return render(
        request,
        "events/event.html",
        visit,
        event=event,
        instance=instance,
        standing=State(event.state or State.UNSENT),
        sides=_compare(event),
        story=story,
        pulse=pulse or "",
    )


@router.get("/events/{event_id}/record")
async def give_record(parts: Web, visit: Viewer, event_id: str) -> Response:
    """Give the raw record of an event as a file, to the byte as it is in notifications."""
    event = await find_event(parts.api, visit.caller, event_id, None)
    return Response(
        event.record,
        media_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f'attachment; filename="event-{event.id}.json"'},
    )


@router.post("/events/{event_id}/send-again")
async def send_again(request: Request, parts: Web, visit: Operator, form: Sent, event_id: str) -> Response:
    """Have the notification of an event sent again."""
    event = await find_event(parts.api, visit.caller, event_id, None)
    if event.notification_id is None:
        raise ConflictError("this event has no notification: when it was logged there was no callback URL")
    replay = await parts.again.send_one(InstanceId(event.instance_id), NotificationId(event.notification_id))
    detail = f"had delivery {event.notification_id} sent again"
    await parts.note(visit.member, "delivery.sent_again", detail, event.instance_id)
    return go(
        request, f"/deliveries/progress?replays={replay.id}", "It is to be sent again, with the same id."
    )


async def list_choices(parts: WebParts, visit: Visit, chosen: int | None) -> list[tuple[int, str]] | None:
    """List the instances that a form offers; None: there are too many to choose from.

    Raises:
        NotFoundError: the chosen one is not there.
    """
    choices = await parts.recent.list_choices(visit.organization_id)
    if chosen is not None and all(number != chosen for number, _ in choices):
        instance = await parts.api.instances.find(visit.organization_id, InstanceId(chosen))
        if instance is None:
            message = f"there is no instance {chosen}; it may have been deleted, and its events with it"
            raise NotFoundError(message)
    return choices if len(choices) <= MOST_CHOICES else None


def list_resources(parts: ApiParts) -> list[str]:
    """List the resources that connectors declare."""
    return sorted({resource.name for connector in parts.registry for resource in connector.resources})


def _choose_since(parts: WebParts, events: Sequence[SeenEvent]) -> Position:
    earliest = Position(parts.api.clock() - timedelta(seconds=NEWS_SECONDS), 0, 0)
    return max(earliest, events[0].position) if events else earliest


def _compare(event: LoggedEvent) -> Sides:
    normalised: dict[str, Any] = {
        "id": str(event.id),
        "sequence": event.sequence,
        "instanceId": event.instance_id,
        "resource": event.resource,
        "objectId": event.object_id,
        "objectType": event.object_type,
        "eventType": event.event_type,
        "date": show_time(event.occurred_at),
        "pollDate": show_time(event.polled_at),
    }
    names: dict[str, Any] = {
        "objectId": event.object_id,
        "objectType": event.object_type,
        "eventType": event.event_type,
        "date": event.occurred_at,
    }
    if event.label:
        names["label"] = event.label
    return compare_sides(normalised, names, event.record)
