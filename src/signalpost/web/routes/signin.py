"""Signing in and out, the first account, invitations taken."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from signalpost.accounts.rules import FormError
from signalpost.model.errors import ConflictError, NotFoundError, TooManyError
from signalpost.store.accounts.invitations import Taken
from signalpost.web.pages import go, render
from signalpost.web.parts import Web
from signalpost.web.visits import (
    SESSION_COOKIE,
    Form,
    Sent,
    StaleFormError,
    Visit,
    begin_session,
    drop_cookie,
    find_form_page,
    find_visit,
    read_cookie,
    read_form,
    read_origin,
    read_own_path,
)

router = APIRouter()

Visitor = Annotated[Visit | None, Depends(find_visit)]


async def read_form_or_none(request: Request, visit: Visitor) -> Form | None:
    """Read the form as ``read_form``; None: somebody has signed in in another window since its page was shown."""
    try:
        return await read_form(request)
    except StaleFormError:
        if visit is None:
            raise
        return None


SentOrStale = Annotated[Form | None, Depends(read_form_or_none)]


@router.get("/sign-in")
async def show_sign_in(request: Request, visit: Visitor, next: str = "/") -> Response:  # noqa: A002 - a field's name
    """Show the form; who is signed in already goes on."""
    path = read_own_path(next)
    return _render_sign_in(request, path, {}) if visit is None else go(request, path)


@router.post("/sign-in")
async def sign_in(request: Request, parts: Web, form: SentOrStale) -> Response:
    """Open a new session, whatever cookie came along, and go on to where the visitor wanted."""
    if form is None:  # the page that it stood on leads who is signed in to where that led
        return go(request, find_form_page(request), "You are signed in already, in another window.")
    path = read_own_path(form.get("next", "/"))
    try:
        _, token = await parts.accounts.signing.sign_in(
            form.get("email", ""), form.get("password", ""), read_origin(request)
        )
    except FormError as error:
        return _render_sign_in(request, path, form, status=400, faults=error.faults)
    except TooManyError as error:
        response = _render_sign_in(request, path, form, status=error.status, refusal=str(error))
        response.headers["retry-after"] = f"{error.after_seconds:.0f}"
        return response
    return await _enter(request, parts, path, token)


@router.post("/sign-out")
async def sign_out(request: Request, parts: Web, form: Sent) -> Response:
    """End the session of this browser."""
    token = read_cookie(request, SESSION_COOKIE)
    if token:
        await parts.sessions.end_token(token)
    response = go(request, "/sign-in", "You are signed out.")
    drop_cookie(request, response, SESSION_COOKIE)
    return response


@router.get("/setup/{token}")
async def show_set_up(request: Request, parts: Web, token: str) -> Response:
    """Show the form that makes the first account."""
    try:
        await parts.accounts.joining.find(token, set_up=True)
    except NotFoundError:
        return _render_spent(request, set_up=True)
    typed = {"organization": await parts.accounts.joining.propose_name()}
    return _render_set_up(request, token, typed)


@router.post("/setup/{token}")
async def set_up(request: Request, parts: Web, token: str, form: Sent) -> Response:
    """Make the first account, with its organization, and sign it in."""
    try:
        taken = await parts.accounts.joining.set_up(
            token,
            form.get("organization", ""),
            form.get("email", ""),
            form.get("password", ""),
            read_origin(request),
        )
    except FormError as error:
        return _render_set_up(request, token, form, faults=error.faults)
    except (NotFoundError, ConflictError):
        return _render_spent(request, set_up=True)
    return await _welcome(request, parts, taken, "set up the first account")


@router.get("/invitation/{token}")
async def show_invitation(request: Request, parts: Web, token: str) -> Response:
    """Show who invites where, and the form that makes the account."""
    return await _render_invitation(request, parts, token, {})


@router.post("/invitation/{token}")
async def accept_invitation(request: Request, parts: Web, token: str, form: Sent) -> Response:
    """Make the account of who was invited, and sign it in."""
    try:
        taken = await parts.accounts.joining.accept(
            token, form.get("email", ""), form.get("password", ""), read_origin(request)
        )
    except FormError as error:
        return await _render_invitation(request, parts, token, form, faults=error.faults)
    except ConflictError as error:
        # The link may be used by now: then the page says that, and not this.
        return await _render_invitation(request, parts, token, form, faults={"email": str(error)})
    except NotFoundError:
        return _render_spent(request, set_up=False)
    return await _welcome(request, parts, taken, f"joined with the role {taken.member.role}")


async def _welcome(request: Request, parts: Web, taken: Taken, detail: str) -> Response:
    await parts.audit.add(taken.member, "member.joined", detail, parts.api.clock())
    return await _enter(
        request, parts, "/", taken.token, f"Your account is made, in {taken.member.organization_name}."
    )


async def _enter(request: Request, parts: Web, path: str, token: str, notice: str | None = None) -> Response:
    former = read_cookie(request, SESSION_COOKIE)
    if former:
        await parts.sessions.end_token(former)
    response = go(request, path, notice)
    begin_session(request, response, token)
    return response


def _render_sign_in(
    request: Request,
    path: str,
    typed: Mapping[str, str],
    *,
    status: int = 200,
    faults: Mapping[str, str] | None = None,
    refusal: str | None = None,
) -> Response:
    return render(
        request,
        "signin/sign_in.html",
        None,
        status=status,
        next=path,
        email=typed.get("email", ""),
        errors=faults or {},
        refusal=refusal,
    )


def _render_set_up(
    request: Request, token: str, typed: Mapping[str, str] | Form, faults: Mapping[str, str] | None = None
) -> Response:
    return render(
        request,
        "signin/set_up.html",
        None,
        status=400 if faults else 200,
        token=token,
        organization=typed.get("organization", ""),
        email=typed.get("email", ""),
        errors=faults or {},
    )


async def _render_invitation(
    request: Request,
    parts: Web,
    token: str,
    typed: Mapping[str, str],
    faults: Mapping[str, str] | None = None,
) -> Response:
    try:
        invitation = await parts.accounts.joining.find(token, set_up=False)
    except NotFoundError:
        return _render_spent(request, set_up=False)
    return render(
        request,
        "signin/invitation.html",
        None,
        status=400 if faults else 200,
        token=token,
        invitation=invitation,
        email=typed.get("email", ""),
        errors=faults or {},
    )


def _render_spent(request: Request, *, set_up: bool) -> Response:
    return render(request, "signin/spent.html", None, status=HTTPStatus.NOT_FOUND, set_up=set_up)
