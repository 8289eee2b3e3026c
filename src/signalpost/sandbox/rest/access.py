"""Who may call: each kind of authorisation below its own path, and the OAuth2 endpoints."""

from __future__ import annotations

import base64
import binascii
import hashlib
import secrets
from urllib.parse import urlencode

from aiohttp import web

from signalpost.sandbox.rest.state import State

KINDS = ("none", "header", "query", "basic", "oauth2")
"""The first part of a path: how its calls are authorised."""


def may_call(request: web.Request, kind: str, state: State, now: float) -> bool:
    """Say whether a call brings what ``kind`` asks for."""
    settings = state.settings
    given = request.headers.get("Authorization", "")
    match kind:
        case "header":
            return request.headers.get("X-Api-Key") == settings.api_key
        case "query":
            return request.query.get("api_key") == settings.api_key
        case "basic":
            scheme, _, encoded = given.partition(" ")
            try:
                pair = base64.b64decode(encoded, validate=True).decode()
            except (binascii.Error, UnicodeDecodeError):
                return False
            return scheme == "Basic" and pair == f"{settings.username}:{settings.password}"
        case "oauth2":
            return state.access_tokens.get(given.removeprefix("Bearer "), 0.0) > now
    return kind == "none"


def show_consent(request: web.Request, state: State) -> web.Response:
    """Consent at once: lead back with a code; a ``code_challenge`` is kept for it (RFC 7636)."""
    code, query = secrets.token_urlsafe(16), request.query
    if query.get("code_challenge") and query.get("code_challenge_method") != "S256":
        return web.json_response({"error": "invalid_request"}, status=400)
    state.codes[code] = query.get("code_challenge", "")
    answer = urlencode({"code": code, "state": query.get("state", "")})
    raise web.HTTPFound(f"{query.get('redirect_uri', '')}?{answer}")


def _hash(verifier: str) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")


async def answer_token(request: web.Request, state: State, now: float) -> web.Response:
    """Answer the token endpoint: code, refresh token, or client credentials."""
    form = await request.post()
    settings = state.settings
    if (form.get("client_id"), form.get("client_secret")) != (settings.client_id, settings.client_secret):
        return web.json_response({"error": "invalid_client"}, status=401)
    kind = form.get("grant_type")
    if kind == "client_credentials":
        return web.json_response(state.give_tokens(now, refresh=False))
    name = "code" if kind == "authorization_code" else "refresh_token"
    given = str(form.get(name, ""))
    if kind == "authorization_code":
        # Without a challenge a verifier is left alone, as by a provider that knows nothing of it.
        challenge = state.codes.pop(given, None)
        good = challenge is not None and challenge in {"", _hash(str(form.get("code_verifier", "")))}
    else:
        good = kind == "refresh_token" and given in state.refresh_tokens
        state.refresh_tokens.discard(given)
    if not good:
        return web.json_response({"error": "invalid_grant", "error_description": f"wrong {name}"}, status=400)
    return web.json_response(state.give_tokens(now, refresh=True))
