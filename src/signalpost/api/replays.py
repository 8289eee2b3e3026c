"""Replays of an instance (``/instances/{id}/replays``): what was made since an instant or a number is sent again."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

from fastapi import APIRouter, Body, Response

from signalpost.api.once import ONCE
from signalpost.api.paging import Pages, write_paging
from signalpost.api.parts import Named, Parts, read_id
from signalpost.api.reading import JsonRoute
from signalpost.api.search import read_instant
from signalpost.api.shapes import show_time
from signalpost.model.addresses import mask_url, parse_callback_url
from signalpost.model.errors import InvalidRequestError, NotFoundError
from signalpost.store.replay_orders import Replay
from signalpost.store.replays import ReplayState

router = APIRouter(prefix="/instances", tags=["deliveries"], route_class=JsonRoute)

LARGEST_SEQUENCE = 2**62


@router.post("/{instance_id}/replays", status_code=202, dependencies=ONCE)
async def ask_replay(
    parts: Parts, instance: Named, body: Annotated[dict[str, Any] | None, Body()] = None
) -> dict[str, Any]:
    """Have what was made from an instant or a sequence number on sent again, to the callback or to another URL."""
    start, url = _read_start(body or {}), (body or {}).get("url")
    if url is not None:
        url = parse_callback_url(url, "url")
        await parts.vet("url", url)
    return show_replay(await parts.replays.ask_range(instance.id, start, url))


@router.get("/{instance_id}/replays")
async def list_replays(
    parts: Parts,
    instance: Named,
    response: Response,
    paging: Pages,
) -> list[dict[str, Any]]:
    """List the replays of an instance; newest last."""
    found = await parts.replays.list_replays(
        instance.id,
        after_id=paging.after_id,
        limit=paging.size,
        offset=paging.offset,
    )
    write_paging(response, paging, found, [found[-1].id] if found else None)
    return [show_replay(each) for each in found]


@router.get("/{instance_id}/replays/{replay_id}")
async def read_replay(parts: Parts, instance: Named, replay_id: str) -> dict[str, Any]:
    """Show one replay."""
    return _show_found(await parts.replays.find(instance.id, read_id("replayId", replay_id)), replay_id)


@router.delete("/{instance_id}/replays/{replay_id}")
async def cancel_replay(parts: Parts, instance: Named, replay_id: str) -> dict[str, Any]:
    """Cancel a replay that runs; one that has ended stays as it is."""
    found, _ = await parts.replays.cancel(instance.id, read_id("replayId", replay_id))
    return _show_found(found, replay_id)


def show_replay(replay: Replay) -> dict[str, Any]:
    """Show a replay."""
    running = replay.state is ReplayState.RUNNING
    return {
        "id": replay.id,
        "instanceId": replay.instance_id,
        "kind": replay.kind.value,
        "state": replay.state.value,
        "url": None if replay.url is None else mask_url(replay.url),
        "since": show_time(replay.failed_since),
        "sent": replay.sent,
        "dead": replay.dead,
        "failures": replay.failures,
        "position": replay.position,
        "last": replay.last_id,
        "createdDate": show_time(replay.created_at),
        "nextAttemptDate": show_time(replay.next_attempt_at) if running else None,
        "endedDate": show_time(replay.ended_at),
        "lastError": replay.last_error,
    }


def read_body_instant(field: str, body: dict[str, Any]) -> datetime | None:
    """Read an instant of a body, where it may be of any kind; raises as ``read_instant``."""
    value = body.get(field)
    return None if value is None else read_instant(field, str(value))


def _show_found(replay: Replay | None, replay_id: str) -> dict[str, Any]:
    if replay is None:
        message = f"there is no replay {replay_id}"
        raise NotFoundError(message)
    return show_replay(replay)


def _read_start(body: dict[str, Any]) -> datetime | int:
    begin_at, sequence = read_body_instant("from", body), body.get("sequence")
    if (begin_at is None) == (sequence is None):
        message = (
            'from, sequence: give one of the two, {"from": "2026-05-28T11:40:00Z"} or {"sequence": 17}:'
            " what was made from then on is sent again"
        )
        raise InvalidRequestError(message)
    if begin_at is not None:
        return begin_at
    if type(sequence) is not int or not 1 <= sequence < LARGEST_SEQUENCE:
        message = f"sequence: {str(sequence)[:50]!r} is not a whole number from 1 on, as events have it"
        raise InvalidRequestError(message)
    return sequence
