"""The event log, read back (``/instances/events``, ``/instances/{id}/events``), gaps, and the trial of a callback."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from signalpost.api.bodies import CallbackBody
from signalpost.api.once import ONCE
from signalpost.api.paging import AfterSequence, Newest, Pages, Paging, go_on, write_paging
from signalpost.api.parts import Asking, Named, Parts, Scope
from signalpost.api.reading import JsonRoute
from signalpost.api.search import Search
from signalpost.api.shapes import show_event, show_time
from signalpost.model.addresses import parse_callback_url
from signalpost.model.errors import NotFoundError
from signalpost.model.ids import InstanceId
from signalpost.model.instance import Caller
from signalpost.store.event_log import EventSearch, LoggedEvent

router = APIRouter(prefix="/instances", tags=["events"], route_class=JsonRoute)


@router.post("/test-callback", dependencies=ONCE)
async def try_callback(parts: Parts, caller: Asking, body: CallbackBody) -> dict[str, Any]:
    """Send one sample notification under the same rules as real ones and say what was answered."""
    if body.url.strip():
        parse_callback_url(body.url.strip(), "url")
    return await parts.sampler.send(caller, body.url, body.configuration or {})


@router.get("/events")
async def list_events(
    parts: Parts,
    caller: Asking,
    scope: Scope,
    response: Response,
    search: Search,
    paging: Pages,
) -> list[dict[str, Any]]:
    """List the events of all instances, one instance after the other, or of the one whose token is given."""
    return [show_event(event) for event in await find_page(parts, caller, response, paging, scope, search)]


@router.get("/events/{event_id}")
async def read_event(parts: Parts, caller: Asking, scope: Scope, event_id: str) -> dict[str, Any]:
    """Show one event."""
    return show_event(await find_event(parts, caller, event_id, scope))


@router.get("/{instance_id}/events")
async def list_instance_events(
    parts: Parts,
    caller: Asking,
    instance: Named,
    response: Response,
    search: Search,
    paging: Pages,
    after_sequence: AfterSequence = None,
    newest: Newest = None,
) -> list[dict[str, Any]]:
    """List the events of an instance; oldest first."""
    paging = go_on(paging, "afterSequence", after_sequence, newest, within=(instance.id,))
    found = await find_page(parts, caller, response, paging, instance.id, search)
    return [show_event(event) for event in found]


@router.get("/{instance_id}/events/{event_id}")
async def read_instance_event(parts: Parts, caller: Asking, instance: Named, event_id: str) -> dict[str, Any]:
    """Show one event of an instance."""
    return show_event(await find_event(parts, caller, event_id, instance.id))


@router.get("/{instance_id}/gaps")
async def list_gaps(parts: Parts, caller: Asking, instance: Named) -> list[dict[str, Any]]:
    """List what is lost: at the provider, each with the sequence number left out, or as too much waited."""
    return [
        {
            "resource": gap["resource"],
            "sequence": gap["sequence"],
            "reason": gap["reason"],
            "fromWatermark": gap["from_watermark"],
            "toWatermark": gap["to_watermark"],
            "detectedDate": show_time(gap["detected_at"]),
        }
        for gap in await parts.event_log.list_gaps(caller.organization_id, instance.id)
    ]


async def find_page(
    parts: Parts,
    caller: Caller,
    response: Response,
    paging: Paging,
    instance_id: InstanceId | None,
    search: EventSearch,
) -> list[LoggedEvent]:
    """Find a page of events, of one instance or of all, and set the headers of the page."""
    found = await parts.event_log.list_events(
        caller.organization_id,
        instance_id=instance_id,
        search=search,
        after=paging.read_pair(),
        limit=paging.size,
        offset=paging.offset,
        backwards=paging.backwards,
    )
    write_paging(response, paging, found, [found[-1].instance_id, found[-1].sequence] if found else None)
    return found


async def find_event(
    parts: Parts, caller: Caller, event_id: str, instance_id: InstanceId | None
) -> LoggedEvent:
    """Find one event, of one instance or of any of the organization.

    Raises:
        NotFoundError: there is none.
    """
    try:
        wanted = UUID(event_id)
    except ValueError:
        wanted = None
    event = None
    if wanted is not None:
        event = await parts.event_log.find_event(caller.organization_id, wanted, instance_id)
    if event is None:
        message = f"there is no event {event_id[:50]!r}; it may be older than the log keeps"
        raise NotFoundError(message)
    return event
