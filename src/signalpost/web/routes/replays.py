"""Replays of an instance: asked for in two steps, watched while they run, cancelled."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter, Request, Response

from signalpost.api.parts import ApiParts, read_id
from signalpost.api.search import read_instant
from signalpost.model.addresses import mask_url, parse_callback_url
from signalpost.model.errors import InvalidRequestError, NotFoundError
from signalpost.model.instance import Instance
from signalpost.store.replay_orders import MOST_COUNTED, Replay
from signalpost.store.replays import ReplayState
from signalpost.web.instance_page import Shown, load_standing
from signalpost.web.log_form import read_number
from signalpost.web.pages import go, render
from signalpost.web.parts import Web
from signalpost.web.visits import Operator, Sent, Viewer

router = APIRouter()

STATES = {
    ReplayState.RUNNING: ("held", "running"),
    ReplayState.DONE: ("ok", "done"),
    ReplayState.FAILED: ("dead", "failed"),
    ReplayState.CANCELLED: ("paused", "cancelled"),
}
"""How states of replays are shown: kind and word."""

FIELDS = ("from", "sequence", "url")


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay came: of the span of ids from the first to the last, ``done`` of ``whole``."""

    replay: Replay
    kind: str
    word: str
    done: int
    whole: int
    url: str | None


def show_progress(replay: Replay) -> Progress:
    """Give how far a replay came, to be drawn."""
    kind, word = STATES[replay.state]
    whole = max(replay.last_id - replay.first_id + 1, 0)
    done = min(max(replay.position - replay.first_id + 1, 0), whole)
    if replay.state is ReplayState.DONE:
        done = whole
    return Progress(replay, kind, word, done, whole, None if replay.url is None else mask_url(replay.url))


@router.get("/instances/{instance_id}/replay")
async def ask_replay(request: Request, parts: Web, visit: Operator, instance: Shown) -> Response:
    """Ask from where on is to be sent again."""
    values = {name: request.query_params.get(name, "") for name in ("from", "sequence")}
    return await _show_form(request, parts, visit, instance, values | {"url": ""}, {})


@router.post("/instances/{instance_id}/replay")
async def start_replay(
    request: Request, parts: Web, visit: Operator, form: Sent, instance: Shown
) -> Response:
    """Show what would be sent again, and once that is confirmed have it sent."""
    values = {name: form.get(name, "").strip() for name in FIELDS}
    body, errors = await _read(parts.api, values)
    if errors:
        return await _show_form(request, parts, visit, instance, values, errors)
    start = read_instant("from", body.get("from")) or int(body["sequence"])
    if form.get("confirmed") != "true":
        count = await parts.api.replays.count_range(instance.id, start, elsewhere="url" in body)
        return render(
            request,
            "instances/replay_confirm.html",
            visit,
            standing=await load_standing(parts, instance),
            values=values,
            start=start,
            count=count,
            most=MOST_COUNTED,
            body=body,
            after=await parts.api.replays.find_last_id(instance.id),
        )
    # A form that is sent again leads to what was asked for by it.
    after_id = read_number(form.get("after", ""))
    asked, is_new = await parts.api.replays.ask_range_once(
        instance.id, start, body.get("url"), after_id=after_id
    )
    if is_new:
        since = body.get("from") or f"event {body['sequence']:,}"
        to = f", to {mask_url(body['url'])}" if "url" in body else ""
        told = f"had {instance.name} send again what was made from {since} on{to}"
        await parts.note(visit.member, "replay.asked", told, instance.id)
    return go(request, f"/instances/{instance.id}/replays/{asked.id}")


@router.get("/instances/{instance_id}/replays/{replay_id}")
async def show_replay(
    request: Request, parts: Web, visit: Viewer, instance: Shown, replay_id: str
) -> Response:
    """Show how far a replay came."""
    replay = await parts.api.replays.find(instance.id, read_id("replayId", replay_id))
    if replay is None:
        message = f"there is no replay {replay_id[:20]}"
        raise NotFoundError(message)
    return render(
        request,
        "instances/replay.html",
        visit,
        standing=await load_standing(parts, instance),
        progress=show_progress(replay),
    )


@router.post("/instances/{instance_id}/replays/{replay_id}/cancel")
async def cancel_replay(
    request: Request, parts: Web, visit: Operator, form: Sent, instance: Shown, replay_id: str
) -> Response:
    """Cancel a replay that runs; of one that has ended meanwhile it is said that it had, and nothing is noted."""
    number = read_id("replayId", replay_id)
    found, ran = await parts.api.replays.cancel(instance.id, number)
    if found is None:
        message = f"there is no replay {number}"
        raise NotFoundError(message)
    place = f"/instances/{instance.id}/replays/{number}"
    if not ran:
        return go(request, place, f"Replay {number} had ended before: there was nothing to cancel.")
    told = f"cancelled replay {number} of {instance.name}"
    await parts.note(visit.member, "replay.cancelled", told, instance.id)
    return go(request, place)


async def _show_form(
    request: Request,
    parts: Web,
    visit: Operator,
    instance: Instance,
    values: Mapping[str, str],
    errors: Mapping[str, str],
) -> Response:
    return render(
        request,
        "instances/replay_ask.html",
        visit,
        status=400 if errors else 200,
        standing=await load_standing(parts, instance),
        values=values,
        errors=errors,
    )


async def _read(parts: ApiParts, values: Mapping[str, str]) -> tuple[dict[str, Any], dict[str, str]]:
    """Read the form as the body that the API takes; and what is wrong of each field."""
    body: dict[str, Any] = {}
    errors: dict[str, str] = {}
    begin, sequence = values["from"], values["sequence"].replace(",", "")
    if bool(begin) == bool(sequence):
        errors["from"] = "Give a time, or the number of an event: one of the two"
    elif begin:
        # Fields of browsers for times have no zone: ours are in UTC, as their label says.
        text = begin if begin[-1:] in "Zz" or "+" in begin else f"{begin}Z"
        try:
            read_instant("from", text)
            body["from"] = text
        except InvalidRequestError:
            errors["from"] = f"{begin[:50]!r} is not a time; give it as in 2026-05-28T11:40, in UTC"
    elif number := read_number(sequence):
        body["sequence"] = number
    else:
        errors["sequence"] = f"{sequence[:50]!r} is not the number of an event: a whole number from 1 on"
    if values["url"]:
        try:
            body["url"] = parse_callback_url(values["url"], "url")
            await parts.vet("url", body["url"])
        except InvalidRequestError as error:
            errors["url"] = str(error)
    return body, errors
