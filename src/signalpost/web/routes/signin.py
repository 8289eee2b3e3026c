"""Signing in and out, the first account, invitations taken."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Request, Response

from signalpost.accounts.rules import FormError
from signalpost.model.errors import ConflictError, NotFoundError, RequestError, TooManyError
from signalpost.store.accounts.invitations import Taken
from signalpost.web.held import hold_form
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
    find_path,
    find_visit,
    open_visit,
    read_cookie,
    read_fields,
    read_form,
    read_origin,
    read_own_path,
    write_sign_in_path,
)

router = APIRouter()

Visitor = Annotated[Visit | None, Depends(find_visit)]


NOT_DONE = "You were signed out before you sent that, so nothing was done. Sign in, and do it again."


async def read_sign_in(request: Request, visit: Visitor) -> Form | Response:
    """Read the form as ``read_form``; an answer: somebody has signed in in another window since its page was shown."""
    try:
        return await read_form(request)
    except StaleFormError as error:
        if visit is None:
            raise
        if error.form.get("typed"):
            return _offer_typed(request, visit, error.form)
        # The page that it stood on leads who is signed in to where that led.
        return go(request, find_form_page(request), "You are signed in already, in another window.")


SignInSent = Annotated[Form | Response, Depends(read_sign_in)]


async def ask_to_sign_in(request: Request, path: str) -> Response:
    """Lead to the sign-in page, and on to ``path``; what answers a form holds what was typed into it."""
    if request.method == "GET":
        return go(request, write_sign_in_path(path))
    try:
        held = hold_form(request, (await read_fields(request)).lists)
    except RequestError:  # it is another site's, or cannot be read
        held = None
    if held is None:
        return go(request, write_sign_in_path(path), NOT_DONE)
    typed = {"typed": held, "action": find_path(request)}
    return _render_sign_in(request, path, typed, status=HTTPStatus.UNAUTHORIZED)


def offer_again(
    request: Request,
    visit: Visit | None,
    held: str,
    action: str,
    page: str,
    *,
    status: int = 200,
    trouble: str | None = None,
) -> Response:
    """Offer to send to ``action`` what ``hold_form`` held, or to leave it and go back to ``page``.

    ``trouble`` says what kept it from being done; None: another session, or none, than that of its page.
    """
    shown = {"held": held, "action": action, "page": page, "trouble": trouble}
    request_id = request.state.request_id
    return render(request, "signin/again.html", visit, status=status, request_id=request_id, **shown)


def _offer_typed(request: Request, visit: Visit, form: Form) -> Response:
    action, page = (read_own_path(form.get(name, "/")) for name in ("action", "next"))
    return offer_again(request, visit, form["typed"], action, page)


@router.get("/sign-in")
async def show_sign_in(request: Request, visit: Visitor, next: str = "/") -> Response:  # noqa: A002 - a field's name
    """Show the form; who is signed in already goes on."""
    path = read_own_path(next)
    return _render_sign_in(request, path, {}) if visit is None else go(request, path)


@router.post("/sign-in")
async def sign_in(request: Request, parts: Web, form: SignInSent) -> Response:
    """Open a new session, whatever cookie came along, and go on to where the visitor wanted."""
    if isinstance(form, Response):
        return form
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
    visit = await open_visit(parts, token) if form.get("typed") else None
    response = _offer_typed(request, visit, form) if visit else go(request, path)
    return await _enter(request, parts, response, token)


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
    await parts.note(taken.member, "member.joined", detail)
    response = go(request, "/", f"Your account is made, in {taken.member.organization_name}.")
    return await _enter(request, parts, response, taken.token)


async def _enter(request: Request, parts: Web, response: Response, token: str) -> Response:
    former = read_cookie(request, SESSION_COOKIE)
    if former:
        await parts.sessions.end_token(former)
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
        typed=typed.get("typed", ""),
        action=typed.get("action", ""),
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
