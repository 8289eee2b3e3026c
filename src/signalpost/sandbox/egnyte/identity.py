"""Who a token acts as, and its revocation (egnyte-api.md 1.6)."""

from __future__ import annotations

from aiohttp import web

from signalpost.sandbox.egnyte.answers import answer_error, answer_json
from signalpost.sandbox.egnyte.endpoint import Call, Endpoint
from signalpost.sandbox.egnyte.tokens import ALL_SCOPES
from signalpost.sandbox.egnyte.users import BY_ID


async def _describe_user(call: Call) -> web.Response:
    user = BY_ID[call.caller.grant.user_id]
    return answer_json(
        {
            "id": str(user.id) if call.state.settings.numbers_as_strings else user.id,
            "first_name": "Sandbox",
            "last_name": user.username.capitalize(),
            "username": user.username,
            "user_type": user.kind,
            "email": user.email,
        }
    )


async def _describe_grant(call: Call) -> web.Response:
    grant = call.caller.grant
    return answer_json(
        {
            "clientId": grant.client_id,
            "username": BY_ID[grant.user_id].username,
            "domain": call.state.domain,
            "scopes": list(grant.scopes or ALL_SCOPES),
        }
    )


async def _revoke(call: Call) -> web.Response:
    form = await call.request.post()
    token = call.state.tokens.find(str(form.get("token", "")))
    if token is None:
        # A token that is not there is as good as revoked (RFC 7009, section 2.2).
        return answer_json({})
    key = call.state.settings.find_key(token.grant.client_id)
    if key is None or form.get("client_secret") != key.secret:
        return answer_error(400, "client_secret is not that of the key that the token was given to")
    call.state.tokens.revoke(lambda other: other is token)
    return answer_json({})


ENDPOINTS = (
    Endpoint("GET", "/pubapi/v1/userinfo", _describe_user),
    Endpoint("GET", "/pubapi/v1/whoami", _describe_grant),
    Endpoint("POST", "/pubapi/v1/tokens/revoke", _revoke, needs_token=False),
)
