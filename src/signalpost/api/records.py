"""The record of an event as it is, nothing around it: what ``dataref`` of a CloudEvent leads to."""

from __future__ import annotations

from fastapi import APIRouter, Response

from signalpost.api.events import read_instance_event
from signalpost.api.parts import Asking, Named, Parts

router = APIRouter(prefix="/instances", tags=["events"])


@router.get("/{instance_id}/events/{event_id}/record")
async def read_record(parts: Parts, caller: Asking, instance: Named, event_id: str) -> Response:
    """Give the record of an event, to the byte as it is in notifications."""
    event = await read_instance_event(parts, caller, instance, event_id)
    return Response(event["providerData"], media_type="application/json")
