"""``/puboauth``: the consent page, its decision, and the token endpoint (egnyte-api.md section 1)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aiohttp import web
from yarl import URL

from signalpost.model.errors import InvalidRequestError
from signalpost.sandbox.egnyte.answers import answer_html, answer_inactive, answer_json
from signalpost.sandbox.egnyte.consent import render_consent, render_refusal
from signalpost.sandbox.egnyte.endpoint import Call, Endpoint
from signalpost.sandbox.egnyte.settings import NEVER_EXPIRES, Key, Settings
from signalpost.sandbox.egnyte.throttle import HOUR_SECONDS
from signalpost.sandbox.egnyte.tokens import Grant, GrantRefusedError, Token
from signalpost.sandbox.egnyte.users import find_user
from signalpost.sandbox.fields import read_choice

PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
    "Cache-Control": "no-store",
}
PASSWORD = "secret"  # noqa: S105 - of every simulated user, documented


def check_client(settings: Settings, client_id: str, redirect_uri: str) -> None:
    """Check that the key exists and may redirect there.

    Raises:
        InvalidRequestError: it does not, or may not; or the address is not an absolute HTTP one.
    """
    key = settings.find_key(client_id)
    if not client_id or key is None:
        raise InvalidRequestError(f"client_id {client_id!r} is not a known API key")
    try:
        url = URL(redirect_uri)
    except ValueError:
        url = URL()
    if url.scheme not in ("http", "https") or not url.host:
        raise InvalidRequestError(f"redirect_uri is {redirect_uri!r}: it must be an absolute http(s) address")
    if settings.strict_keys and redirect_uri not in key.redirect_uris:
        raise InvalidRequestError(f"redirect_uri {redirect_uri!r} is not registered for this API key")


def read_scopes(scope: str) -> tuple[str, ...]:
    """Read a space-separated list of scopes."""
    return tuple(scope.split())


async def _show_consent(call: Call) -> web.Response:
    query = call.request.query
    client_id, redirect_uri = query.get("client_id", ""), query.get("redirect_uri", "")
    try:
        check_client(call.state.settings, client_id, redirect_uri)
        read_choice("response_type", query.get("response_type"), ("code",))
    except InvalidRequestError as error:
        # Never redirect to an address that was not checked: tell the person instead.
        return answer_html(render_refusal(str(error)), status=400, headers=PAGE_HEADERS)
    page = render_consent(
        domain=call.state.domain,
        client_id=client_id,
        redirect_uri=redirect_uri,
        scopes=read_scopes(query.get("scope", "")),
        state=query.get("state"),
    )
    return answer_html(page, headers=PAGE_HEADERS)


async def _decide(call: Call) -> web.Response:
    form = _read_texts(await call.request.post())
    client_id, redirect_uri = form.get("client_id", ""), form.get("redirect_uri", "")
    try:
        check_client(call.state.settings, client_id, redirect_uri)
        user = find_user(form.get("username", ""))
    except InvalidRequestError as error:
        return answer_html(render_refusal(str(error)), status=400, headers=PAGE_HEADERS)
    if form.get("decision") == "allow":
        grant = Grant(client_id, user.id, read_scopes(form.get("scope", "")))
        outcome = {"code": issue_code(call, grant, redirect_uri)}
    else:
        outcome = {"error": "access_denied"}
    if "state" in form:
        outcome["state"] = form["state"]
    location = URL(redirect_uri).update_query(outcome)
    return web.Response(status=302, headers={"Location": str(location), "Cache-Control": "no-store"})


def issue_code(call: Call, grant: Grant, redirect_uri: str) -> str:
    """Give a code for ``grant``, as when the user has clicked Allow."""
    lifetime_seconds = call.state.settings.code_lifetime_seconds
    return call.state.tokens.issue_code(grant, redirect_uri, lifetime_seconds=lifetime_seconds, now=call.now)


async def _give_token(call: Call) -> web.Response:
    form = _read_texts(await call.request.post())
    settings = call.state.settings
    client_id = form.get("client_id", "")
    key = settings.find_key(client_id)
    if key is None:
        return answer_inactive()
    hour = int(call.now // HOUR_SECONDS)
    call.state.token_calls[client_id, hour] += 1
    if call.state.token_calls[client_id, hour] > settings.token_calls_per_hour:
        wait_seconds = int(HOUR_SECONDS - call.now % HOUR_SECONDS) or 1
        headers = {"Retry-After": str(wait_seconds)}
        return answer_json({"errorMessage": "Too many token requests"}, status=409, headers=headers)
    try:
        token = _grant_token(call, form, key)
    except GrantRefusedError as error:
        return answer_json({"error": error.code, "error_description": str(error)}, status=400)
    return answer_json(_show_token(token, settings, call.now), headers={"Cache-Control": "no-store"})


def _grant_token(call: Call, form: Mapping[str, str], key: Key) -> Token:
    settings, tokens, now = call.state.settings, call.state.tokens, call.now
    client_id = key.client_id
    if not client_id or form.get("client_secret") != key.secret:
        raise GrantRefusedError("invalid_client", "client_id or client_secret is wrong or missing")
    kind = form.get("grant_type", "")
    if kind == "authorization_code":
        code, redirect_uri = form.get("code", ""), form.get("redirect_uri", "")
        return tokens.exchange(
            code, client_id=client_id, redirect_uri=redirect_uri, settings=settings, now=now
        )
    if kind == "refresh_token":
        return tokens.refresh(form.get("refresh_token", ""), client_id=client_id, settings=settings, now=now)
    if kind == "password":
        try:
            user = find_user(form.get("username", ""))
        except InvalidRequestError:
            user = None
        if user is None or form.get("password") != PASSWORD:
            raise GrantRefusedError("invalid_grant", "username or password is wrong")
        grant = Grant(client_id, user.id, read_scopes(form.get("scope", "")))
        return tokens.issue(grant, settings=settings, now=now)
    raise GrantRefusedError(
        "unsupported_grant_type", "grant_type must be authorization_code, refresh_token or password"
    )


def _show_token(token: Token, settings: Settings, now: float) -> dict[str, Any]:
    shown: dict[str, Any] = {"access_token": token.access_token}
    if token.refresh_token is not None:
        shown["refresh_token"] = token.refresh_token
    shown["token_type"] = "bearer"  # noqa: S105 - the kind of token, not one
    if token.expires_at is None:
        # The older regime says so with a text (egnyte-api.md 1.2).
        shown["expires_in"] = str(NEVER_EXPIRES)
    else:
        seconds = round(token.expires_at - now)
        shown["expires_in"] = str(seconds) if settings.numbers_as_strings else seconds
    return shown


def _read_texts(form: Mapping[str, Any]) -> dict[str, str]:
    return {name: value for name, value in form.items() if isinstance(value, str)}


ENDPOINTS = (
    Endpoint("GET", "/puboauth/token", _show_consent, needs_token=False),
    Endpoint("POST", "/puboauth/token", _give_token, needs_token=False),
    Endpoint("POST", "/puboauth/consent", _decide, needs_token=False),
)
