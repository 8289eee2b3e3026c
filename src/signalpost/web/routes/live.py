"""What pages are told while they are open: server-sent events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any
from uuid import UUID

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse

from signalpost.api.parts import read_id
from signalpost.model.errors import NotFoundError
from signalpost.model.ids import InstanceId
from signalpost.store.views.recent import MOST_NEWS, LogSearch, Position
from signalpost.web.log_form import EVENT_FIELDS, read_form, read_position
from signalpost.web.parts import Web, WebParts
from signalpost.web.streams import Look, LookEndedError
from signalpost.web.visits import SESSION_COOKIE, Viewer, Visit, read_cookie

router = APIRouter()

OVERLAP = timedelta(seconds=10)
"""Polls are committed after their time, the one sooner than the other: so far back is looked again."""


@router.get("/events/live")
async def follow_log(request: Request, parts: Web, visit: Viewer) -> Response:
    """Tell how many events are newer than the page and as its filters ask."""
    form = read_form(request.query_params, EVENT_FIELDS)
    since = read_position(request.query_params.get("since", ""))
    since = since or Position(parts.api.clock(), 0, 0)
    return _stream(request, parts, visit, _count_news(parts, visit, form.read_event_search(), since))


@router.get("/instances/{instance_id}/live")
async def follow_instance(request: Request, parts: Web, visit: Viewer, instance_id: str) -> Response:
    """Tell when the numbers of an instance have changed."""
    number = InstanceId(read_id("id", instance_id))
    if await parts.pulse.feel(visit.organization_id, number) is None:
        message = f"there is no instance {number}"
        raise NotFoundError(message)
    return _stream(request, parts, visit, _watch(request, parts, visit, number))


@router.get("/deliveries/live")
async def follow_deliveries(request: Request, parts: Web, visit: Viewer) -> Response:
    """Tell when deliveries of the organization have moved on."""
    return _stream(request, parts, visit, _watch(request, parts, visit, None))


@router.get("/overview/live")
async def follow_overview(request: Request, parts: Web, visit: Viewer) -> Response:
    """Tell when anything of the organization has moved on."""
    return _stream(request, parts, visit, _watch(request, parts, visit, None))


def _stream(request: Request, parts: WebParts, visit: Visit, look: Look) -> Response:
    if not parts.streams.has_room(visit.organization_id):
        return Response("too many pages are open; reload to see what is new", 503, {"Retry-After": "60"})
    looks = _while_signed_in(request, parts, visit, look)
    # Proxies that gather answers would tell nothing until the end.
    messages = parts.streams.follow(visit.organization_id, looks)
    return StreamingResponse(messages, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


def _while_signed_in(request: Request, parts: WebParts, visit: Visit, look: Look) -> Look:
    """Look as long as the session that began it is good."""
    token = read_cookie(request, SESSION_COOKIE) or ""

    async def look_signed_in() -> dict[str, Any] | None:
        session = await parts.sessions.find(token, parts.api.clock())
        if session is None or session.member.organization_id != visit.organization_id:
            raise LookEndedError
        return await look()

    return look_signed_in


def _count_news(
    parts: WebParts, visit: Visit, search: LogSearch, since: Position
) -> Callable[[], Awaitable[Any]]:
    """Count what is new, look by look, each from where the one before ended; up to ``MOST_NEWS``."""
    seen: set[UUID] = set()
    start = since

    async def look() -> dict[str, int] | None:
        nonlocal start
        if len(seen) >= MOST_NEWS:
            return None
        before = len(seen)
        news = await parts.recent.find_news(visit.organization_id, search, start)
        seen.update(news.ids)
        if news.last is not None:
            overlapped = Position(news.last.polled_at - OVERLAP, 0, 0)
            start = max(start, overlapped if news.all else news.last)
        return {"new": min(len(seen), MOST_NEWS)} if len(seen) > before else None

    return look


def _watch(request: Request, parts: WebParts, visit: Visit, instance_id: InstanceId | None) -> Look:
    """Tell when the pulse is another than before: at first than the page's own, where the address has that."""
    before = request.query_params.get("pulse")

    async def look() -> dict[str, bool] | None:
        nonlocal before
        pulse = await parts.pulse.feel(visit.organization_id, instance_id) or ""
        changed = before is not None and before != pulse
        before = pulse
        return {"refresh": True} if changed else None

    return look
