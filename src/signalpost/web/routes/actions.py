"""What can be done with an instance from its page."""

from __future__ import annotations

import os
import unicodedata
from datetime import datetime
from http import HTTPStatus

import orjson
from fastapi import APIRouter, Request, Response

from signalpost.api import deliveries as api_deliveries
from signalpost.api import instances as api_instances
from signalpost.api import polling as api_polling
from signalpost.api import signature_keys as api_keys
from signalpost.instances.signature_keys import make_key
from signalpost.instances.wishes import LONGEST_NAME
from signalpost.model.configuration import PREVIOUS_KEY_UNTIL, SIGNATURE_KEY
from signalpost.model.errors import InvalidRequestError
from signalpost.model.instance import Instance
from signalpost.store.views.instance_health import Health
from signalpost.web.connect_filling import KEPT_SECONDS
from signalpost.web.instance_page import Shown, Standing, load_standing
from signalpost.web.pages import go, render
from signalpost.web.parts import Web, WebParts
from signalpost.web.standing import say_waiting
from signalpost.web.visits import Admin, Operator, Sent, Visit

router = APIRouter()

OVERLAPS = (
    ("86400", "24 hours"),
    ("3600", "1 hour"),
    ("604800", "7 days"),
    ("0", "not at all: only the new key signs from now on"),
)
"""How long the key before a new one signs as well: seconds, and the words."""


@router.post("/instances/{instance_id}/poll")
async def poll_now(request: Request, parts: Web, visit: Operator, form: Sent, instance: Shown) -> Response:
    """Have an instance polled at once."""
    await api_polling.ask_poll(parts.api, instance)
    await parts.note(visit.member, "instance.polled", f"asked for a poll of {instance.name}", instance.id)
    return _back(
        request, form, instance, f"{instance.name} is polled at once; what is new shows here in a moment."
    )


@router.post("/instances/{instance_id}/pause")
async def pause(request: Request, parts: Web, visit: Operator, form: Sent, instance: Shown) -> Response:
    """Disable an instance."""
    await api_instances.disable_instance(parts.api, instance)
    await parts.note(visit.member, "instance.disabled", f"disabled {instance.name}", instance.id)
    told = f"{instance.name} is paused: nothing is polled or delivered, nothing is lost."
    return _back(request, form, instance, told)


@router.post("/instances/{instance_id}/resume")
async def resume(request: Request, parts: Web, visit: Operator, form: Sent, instance: Shown) -> Response:
    """Enable an instance that is disabled, and have what was given up read again, from the watermark."""
    if instance.disabled:
        await parts.api.instances.set_disabled(instance, disabled=False)
        await parts.note(visit.member, "instance.enabled", f"enabled {instance.name}", instance.id)
    resumed = await parts.api.polling.resume(instance, parts.api.clock())
    if resumed:
        told = f"resumed polling of {', '.join(resumed)} at {instance.name}"
        await parts.note(visit.member, "instance.resumed", told, instance.id)
    told = f"{instance.name} goes on from its watermark: nothing is lost."
    return _back(request, form, instance, told)


@router.post("/instances/{instance_id}/release")
async def release(request: Request, parts: Web, visit: Operator, form: Sent, instance: Shown) -> Response:
    """Release a held or deactivated endpoint: what waits is sent at once."""
    if instance.disabled:
        message = f"{instance.name} is paused, and nothing is delivered; resume it: that releases its endpoint as well"
        raise InvalidRequestError(message)
    await api_deliveries.release_endpoint(parts.api, instance)
    await parts.note(
        visit.member, "endpoint.released", f"released the endpoint of {instance.name}", instance.id
    )
    told = f"What waits for {instance.name} is sent at once; its failures count from none."
    return _back(request, form, instance, told)


@router.get("/instances/{instance_id}/key")
async def ask_key(request: Request, parts: Web, visit: Admin, instance: Shown) -> Response:
    """Show what rotating the signature key means."""
    return await _render_key(request, parts, visit, instance, OVERLAPS[0][0])


@router.post("/instances/{instance_id}/key")
async def rotate_key(request: Request, parts: Web, visit: Admin, form: Sent, instance: Shown) -> Response:
    """Rotate the signature key and show the new one: this once.

    A form that is sent again shows the same key: another one would end the key that receivers still have.
    """
    overlap = form.get("overlap", OVERLAPS[0][0])
    if overlap not in dict(OVERLAPS):
        message = f"{overlap[:50]!r} is none of the times that a key can sign on"
        raise InvalidRequestError(message)
    purpose = _name_purpose(instance, visit)
    kept = parts.vault.unseal_text(purpose, form.get("kept", ""), parts.api.clock(), seconds=KEPT_SECONDS)
    if kept is None:
        fault = "The page was open for more than an hour, so nothing was done; send it again"
        return await _render_key(request, parts, visit, instance, overlap, fault)
    key, before = orjson.loads(kept)
    current = instance.configuration.get(SIGNATURE_KEY)
    if current not in {key, before}:
        fault = (
            "The key was changed after this page was opened, as the history says, so nothing was done: another"
            " rotation ends the key before that one, which the receiver may still have. To rotate all the same, send"
            " it again"
        )
        return await _render_key(request, parts, visit, instance, overlap, fault)
    body = api_keys.SignatureKeyBody(key=key, overlapSeconds=float(overlap))
    rotated = await api_keys.rotate_signature_key(parts.api, instance, body)
    if current != key:
        await parts.note(
            visit.member, "key.rotated", f"rotated the signature key of {instance.name}", instance.id
        )
    return render(
        request,
        "instances/key.html",
        visit,
        standing=await load_standing(parts, instance),
        key=key,
        until=rotated["previousKeyUntil"],
    )


@router.get("/instances/{instance_id}/delete")
async def ask_delete(request: Request, parts: Web, visit: Admin, instance: Shown) -> Response:
    """Show what is lost when an instance is deleted, and ask for its name."""
    return _render_delete(request, visit, await load_standing(parts, instance))


@router.post("/instances/{instance_id}/delete")
async def delete(request: Request, parts: Web, visit: Admin, form: Sent, instance: Shown) -> Response:
    """Delete an instance whose name was typed."""
    typed = form.get("name", "")
    if _fold_name(typed) != _fold_name(instance.name):
        return _render_delete(request, visit, await load_standing(parts, instance), typed)
    await api_instances.delete_instance(parts.api, instance)
    told = f"deleted {instance.name} (instance {instance.id}) with its events"
    await parts.note(visit.member, "instance.deleted", told, instance.id)
    return go(request, "/instances", f"{instance.name} is deleted.")


def _fold_name(name: str) -> str:
    """Give a name as a page shows it: blanks in a row are one there, and keyboards compose letters in their own way."""
    # What is longer than any name is cut, and so is none: to normalise a long text can take minutes.
    return unicodedata.normalize("NFC", " ".join(name.split())[: 4 * LONGEST_NAME + 1])


def _name_purpose(instance: Instance, visit: Visit) -> str:
    return f"key of {instance.id} for {visit.member.id}"


async def _render_key(
    request: Request, parts: WebParts, visit: Visit, instance: Instance, overlap: str, fault: str = ""
) -> Response:
    now = parts.api.clock()
    kept = orjson.dumps([make_key(os.urandom), instance.configuration.get(SIGNATURE_KEY)]).decode()
    return render(
        request,
        "instances/key.html",
        visit,
        status=HTTPStatus.CONFLICT if fault else HTTPStatus.OK,
        standing=await load_standing(parts, instance),
        overlaps=OVERLAPS,
        overlap=overlap,
        ending_at=_find_overlap(instance, now),
        errors={"overlap": fault} if fault else {},
        kept=parts.vault.seal_text(_name_purpose(instance, visit), kept, now),
        key=None,
    )


def _find_overlap(instance: Instance, now: datetime) -> datetime | None:
    """Find until when the key before the present one signs as well; None: it does not."""
    until = instance.configuration.get(PREVIOUS_KEY_UNTIL)
    ending_at = None if until is None else datetime.fromisoformat(until)
    return ending_at if ending_at is not None and ending_at > now else None


def _render_delete(request: Request, visit: Visit, standing: Standing, typed: str | None = None) -> Response:
    errors = {}
    if typed is not None:
        errors = {"name": f"The name typed is not that of the instance: {standing.instance.name}"}
    return render(
        request,
        "instances/delete.html",
        visit,
        status=400 if errors else 200,
        standing=standing,
        typed=typed or "",
        errors=errors,
        lost=_list_lost(standing.health),
    )


def _list_lost(health: Health) -> list[str]:
    lost = []
    if health.lane.last_sequence:
        lost.append(f"its event log, up to event {health.lane.last_sequence:,}")
    if health.lane.waiting:
        waiting = say_waiting(health.lane.waiting)
        lost.append(f"what was not delivered yet: {waiting}")
    if health.schedule.resources:
        names = ", ".join(row.resource for row in health.schedule.resources)
        lost.append(f"its watermarks: how far {names} was read")
    return [*lost, "its authorisation at the provider: another instance needs a new one"]


def _back(request: Request, form: Sent, instance: Instance, told: str) -> Response:
    """Lead back to the list that the button stood on, or to the instance."""
    place = form.get("back", "")
    return go(
        request, place if place in {"/operations", "/", "/deliveries"} else f"/instances/{instance.id}", told
    )
