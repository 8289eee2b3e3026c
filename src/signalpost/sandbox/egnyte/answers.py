"""The answers that several endpoints give, in Egnyte's shapes (egnyte-api.md 1.8 and section 6)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from aiohttp import web

from signalpost.sandbox.egnyte.throttle import OVER_QPS, seconds_to_midnight

JSON_TYPE = "application/json;charset=UTF-8"
HTML_TYPE = "text/html;charset=UTF-8"


def answer_json(content: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answer with JSON."""
    return web.Response(
        body=orjson.dumps(content), status=status, headers={"Content-Type": JSON_TYPE, **(headers or {})}
    )


def answer_error(status: int, message: str) -> web.Response:
    """Answer with an error as the API itself words it."""
    return answer_json({"errorMessage": message}, status=status)


def answer_html(page: str, *, status: int = 200, headers: Mapping[str, str] | None = None) -> web.Response:
    """Answer with a page."""
    return web.Response(
        body=page.encode(), status=status, headers={"Content-Type": HTML_TYPE, **(headers or {})}
    )


def answer_nothing() -> web.Response:
    """Answer that there is nothing new: 204, no body."""
    return web.Response(status=204)


def answer_inactive() -> web.Response:
    """Refuse a key or token that is none of ours, as the gateway in front of the API does."""
    return _answer_gateway("DEVELOPER_INACTIVE", "Account Inactive", "Developer Inactive", {})


def answer_dead_token() -> web.Response:
    """Refuse a token that once was good."""
    return answer_json(
        {"errorMessage": "The access token is expired or revoked", "status": 401},
        status=401,
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )


def answer_lost_cursor(status: int) -> web.Response:
    """Refuse an event id whose successors are no longer kept, or that is none yet."""
    return answer_json({"message": "Invalid cursor"}, status=status)


def answer_over_limit(limit: str, *, status: int, now: float) -> web.Response:
    """Refuse a call beyond ``over_qps`` or ``over_rate``: 403 as the gateway does, or a plain 429."""
    over_qps = limit == OVER_QPS
    headers = {"Retry-After": "1" if over_qps else str(seconds_to_midnight(now))}
    if status != 403:  # noqa: PLR2004 - the gateway's own status
        return answer_json({"errorMessage": "Too many requests"}, status=status, headers=headers)
    if over_qps:
        return _answer_gateway(
            "DEVELOPER_OVER_QPS", "Account Over Queries Per Second Limit", "Developer Over Qps", headers
        )
    return _answer_gateway("DEVELOPER_OVER_RATE", "Account Over Rate Limit", "Developer Over Rate", headers)


def _answer_gateway(code: str, detail: str, title: str, headers: Mapping[str, str]) -> web.Response:
    gateway = {
        "X-Mashery-Responder": "sandbox",
        "X-Mashery-Error-Code": f"ERR_403_{code}",
        "X-Error-Detail-Header": detail,
    }
    return answer_html(f"<h1>{title}</h1>", status=403, headers={**gateway, **headers})
