"""One's own sessions, password and appearance."""

from __future__ import annotations

from collections.abc import Mapping

from fastapi import APIRouter, Request, Response

from signalpost.accounts.rules import FormError
from signalpost.model.errors import InvalidRequestError, NotFoundError, TooManyError
from signalpost.web.pages import APPEARANCE_COOKIE, APPEARANCES, go, render
from signalpost.web.parts import RowId, Web, WebParts
from signalpost.web.visits import (
    COOKIE_SECONDS,
    SESSION_COOKIE,
    Sent,
    Viewer,
    Visit,
    drop_cookie,
    read_origin,
    read_own_path,
    set_cookie,
)

router = APIRouter()

MOST_LISTED = 100

# The first that is found names a browser: others carry the names of those they are made from.
BROWSERS = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("Linux", "Linux"),
)


@router.get("/me")
async def show_me(request: Request, parts: Web, visit: Viewer) -> Response:
    """Show where the member is signed in, and what can be changed."""
    return await _render(request, parts, visit)


@router.post("/me/sessions/{session_id}/end")
async def end_session(request: Request, parts: Web, visit: Viewer, form: Sent, session_id: RowId) -> Response:
    """End one of the member's sessions; this one as well as another."""
    if not await parts.sessions.end(visit.member.id, session_id):
        raise NotFoundError("there is no such session of yours; it has ended already")
    if session_id == visit.session_id:
        return _leave(request, "You are signed out.")
    await parts.note(visit.member, "session.ended", "signed out elsewhere")
    return go(request, "/me", "That session has ended.")


@router.post("/me/sign-out-everywhere")
async def sign_out_everywhere(request: Request, parts: Web, visit: Viewer, form: Sent) -> Response:
    """End all of the member's sessions, this one included."""
    await parts.sessions.end_all(visit.member.id)
    await parts.note(visit.member, "session.all_ended", "signed out everywhere")
    return _leave(request, "You are signed out everywhere.")


@router.post("/me/password")
async def change_password(request: Request, parts: Web, visit: Viewer, form: Sent) -> Response:
    """Set another password; the member's other sessions end."""
    try:
        await parts.accounts.signing.change_password(
            visit.member,
            visit.session_id,
            form.get("old_password", ""),
            form.get("new_password", ""),
            read_origin(request),
        )
    except FormError as error:
        return await _render(request, parts, visit, error.faults, status=400)
    except TooManyError as error:
        return await _render(request, parts, visit, {"old_password": str(error)}, status=error.status)
    await parts.note(visit.member, "member.password_changed", "changed their password")
    return go(request, "/me", "The password is changed; your other sessions have ended.")


@router.post("/me/appearance")
async def change_appearance(request: Request, form: Sent) -> Response:
    """Keep in this browser how pages look, whoever is signed in.

    Raises:
        InvalidRequestError: there is no such appearance.
    """
    wanted = form.get("appearance", "")
    if wanted not in APPEARANCES:
        raise InvalidRequestError("the appearance must be auto, light or dark")
    response = go(request, read_own_path(form.get("next", "/me")))
    set_cookie(request, response, APPEARANCE_COOKIE, wanted, seconds=COOKIE_SECONDS)
    return response


def name_browser(agent: str) -> str:
    """Name a browser in words: ``Firefox on Linux``. What calls itself something else is named as it does."""
    browser = next((word for mark, word in BROWSERS if mark in agent), None)
    system = next((word for mark, word in SYSTEMS if mark in agent), None)
    if browser is None:
        return agent[:60] or "unknown"
    return f"{browser} on {system}" if system else browser


def _leave(request: Request, notice: str) -> Response:
    response = go(request, "/sign-in", notice)
    drop_cookie(request, response, SESSION_COOKIE)
    return response


async def _render(
    request: Request,
    parts: WebParts,
    visit: Visit,
    faults: Mapping[str, str] | None = None,
    *,
    status: int = 200,
) -> Response:
    sessions = await parts.sessions.list_open(visit.member.id, parts.api.clock(), limit=MOST_LISTED)
    return render(
        request,
        "me/me.html",
        visit,
        status=status,
        most=MOST_LISTED,
        sessions=[(session, name_browser(session.agent)) for session in sessions],
        errors=faults or {},
    )
