"""The event log, read back (``/instances/events``, ``/instances/{id}/events``), gaps, and the trial of a callback."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from fastapi import APIRouter, Response

from signalpost.api.bodies import CallbackBody
from signalpost.api.paging import NextPage, PageNumber, PageSize, Paging, read_paging, write_paging
from signalpost.api.parts import Asking, Named, Parts, Scope
from signalpost.api.reading import JsonRoute
from signalpost.api.shapes import show_event, show_time
from signalpost.model.errors import NotFoundError
from signalpost.model.ids import InstanceId
from signalpost.model.instance import Caller

router = APIRouter(prefix="/instances", tags=["events"], route_class=JsonRoute)


@router.post("/test-callback")
async def try_callback(parts: Parts, caller: Asking, body: CallbackBody) -> dict[str, Any]:
    """Send one sample notification under the same rules as real ones and say what was answered."""
    return await parts.sampler.send(caller, body.url, body.configuration)


@router.get("/events")
async def list_events(
    parts: Parts,
    caller: Asking,
    scope: Scope,
    response: Response,
    page_size: PageSize = None,
    next_page: NextPage = None,
    page: PageNumber = None,
) -> list[dict[str, Any]]:
    """List the events of all instances, or of the one whose token is given; oldest first."""
    return await _list(parts, caller, response, read_paging(page_size, next_page, page), scope)


@router.get("/events/{event_id}")
async def read_event(parts: Parts, caller: Asking, scope: Scope, event_id: str) -> dict[str, Any]:
    """Show one event."""
    return await _find(parts, caller, event_id, scope)


@router.get("/{instance_id}/events")
async def list_instance_events(
    parts: Parts,
    caller: Asking,
    instance: Named,
    response: Response,
    page_size: PageSize = None,
    next_page: NextPage = None,
    page: PageNumber = None,
) -> list[dict[str, Any]]:
    """List the events of an instance; oldest first."""
    return await _list(parts, caller, response, read_paging(page_size, next_page, page), instance.id)


@router.get("/{instance_id}/events/{event_id}")
async def read_instance_event(parts: Parts, caller: Asking, instance: Named, event_id: str) -> dict[str, Any]:
    """Show one event of an instance."""
    return await _find(parts, caller, event_id, instance.id)


@router.get("/{instance_id}/gaps")
async def list_gaps(parts: Parts, caller: Asking, instance: Named) -> list[dict[str, Any]]:
    """List what the provider no longer kept when we came to read it: each with the sequence number left out."""
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


async def _list(
    parts: Parts, caller: Caller, response: Response, paging: Paging, instance_id: InstanceId | None
) -> list[dict[str, Any]]:
    after = paging.after if len(paging.after) == 2 else (0, 0)  # noqa: PLR2004 - page and sequence
    found = await parts.event_log.list_events(
        caller.organization_id,
        instance_id=instance_id,
        after=(after[0], after[1]),
        limit=paging.size,
        offset=paging.offset,
    )
    write_paging(response, paging, found, [found[-1].page_id, found[-1].sequence] if found else None)
    return [show_event(event) for event in found]


async def _find(
    parts: Parts, caller: Caller, event_id: str, instance_id: InstanceId | None
) -> dict[str, Any]:
    try:
        wanted = UUID(event_id)
    except ValueError:
        wanted = None
    event = None
    if wanted is not None:
        event = await parts.event_log.find_event(caller.organization_id, wanted, instance_id)
    if event is None:
        message = f"there is no event {event_id[:50]!r}"
        raise NotFoundError(message)
    return show_event(event)
