"""The console as an application beside the API: its routes, its errors as pages, the headers of every answer."""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from pathlib import Path
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from signalpost.api.app import NO_TELEMETRY, translate
from signalpost.api.routing import BASE_PATH
from signalpost.api.waiting import ALWAYS_ANSWERED, Waiting
from signalpost.model.errors import ConfigurationError, NotNowError, RequestError
from signalpost.observe import get_logger
from signalpost.store.health import Health
from signalpost.web.held import hold_form
from signalpost.web.pages import render
from signalpost.web.parts import WebParts
from signalpost.web.routes import ROUTERS
from signalpost.web.routes.signin import ask_to_sign_in, offer_again
from signalpost.web.visits import (
    Form,
    SignInNeededError,
    StaleFormError,
    find_form_page,
    find_path,
    find_visit,
    read_fields,
)

log = get_logger("web")

STATIC = Path(__file__).parent / "static"
UNTOLD = "something went wrong here; the log has it under this number"
TOKEN = re.compile(r"[^/]{40,}")
"""What in a path may be a token: who reads the log could go in by it."""

HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; object-src 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
)


class PageFrame:
    """Sets the headers that keep a browser safe, bounds forms, and turns what nobody caught into a page."""

    def __init__(self, app: ASGIApp, health: Health) -> None:
        self._app = app
        self._health = health
        self._waiting = Waiting()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Frame one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope.setdefault("state", {})["request_id"] = uuid4().hex
        started = False
        place = scope["state"]["place"] = self._waiting.enter(scope["path"])

        async def send_with_headers(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                place.end()  # what streams for long waits for nothing, and who reads slowly
                given = list(message.get("headers", []))
                if not any(name == b"cache-control" for name, _ in given):
                    # Our own assets are asked for again by their ETag; pages are never kept.
                    kept = b"no-cache" if scope["path"].startswith("/static/") else b"no-store"
                    given.append((b"cache-control", kept))
                message["headers"] = [*given, *HEADERS]
            await send(message)

        try:
            place.wait_for("answers")
            await self._app(scope, place.bound_body(receive), send_with_headers)
        except ClientDisconnect:  # in the middle of its form: nobody is there to be told
            return
        except (Exception, asyncio.CancelledError) as error:
            if started:
                raise
            facts = {"path": TOKEN.sub("…", scope["path"]), "request": scope["state"]["request_id"]}
            told = translate(error, self._health, **facts)
            if told is error and not isinstance(error, RequestError):
                log.exception("page.failed", **facts)
            answer = await show_not_now(Request(scope, place.bound_body(receive)), told)
            await answer(scope, receive, send_with_headers)
        finally:
            place.end()


async def show_error(request: Request, error: Exception) -> Response:
    """Show an error as a page, in words, with what to do; one that asks to sign in leads there."""
    by_browser = "text/html" in request.headers.get("accept", "")
    status, message, provider_message = 500, None, None
    if isinstance(error, SignInNeededError):
        if by_browser:
            return await ask_to_sign_in(request, error.path)
        status = 401
        message = f"{request.url.path[:200]} is a page of the console; the API is below {BASE_PATH}"
    elif isinstance(error, RequestError):
        status, message, provider_message = error.status, str(error), error.provider_message
    elif isinstance(error, ConfigurationError):
        message = str(error)
    elif isinstance(error, HTTPException):
        status, path = error.status_code, request.url.path[:200]
        message = {
            HTTPStatus.NOT_FOUND: f"there is nothing at {request.method} {path}",
            HTTPStatus.METHOD_NOT_ALLOWED: f"{path} does not take {request.method}, and nothing was done: where a"
            " form leads there, open the page of the form",
        }.get(HTTPStatus(status), str(error.detail))
    elif isinstance(error, RequestValidationError):
        status, message = 400, "the address of this page is incomplete or wrong"
    headers: dict[str, str] = getattr(error, "headers", None) or {}
    if not by_browser:  # a program that missed the API's paths, or one of our own scripts
        told = {"requestId": request.state.request_id, "message": message or UNTOLD}
        return JSONResponse(told, status, {"Elements-Request-Id": request.state.request_id, **headers})
    try:
        away = isinstance(error, NotNowError)
        visit = None if away else await find_visit(request, request.app.state.parts)
    except Exception:  # noqa: BLE001 - the database may be what failed
        visit = None
    page = render(
        request,
        "error.html",
        visit,
        status=status,
        code=status,
        message=message or UNTOLD,
        provider_message=provider_message,
        request_id=request.state.request_id,
    )
    page.headers.update(headers)
    return page


async def _hold_sent(request: Request) -> str | None:
    """Hold the form that a request sent, whether it was read before the trouble or not; None: it cannot be held."""
    try:
        read: Form | None = getattr(request.state, "form", None)
        form = await read_fields(request) if read is None else read
    except (RequestError, ClientDisconnect):
        return None
    return hold_form(request, form.lists)


async def show_not_now(request: Request, error: Exception) -> Response:
    """Offer to send a form again once a trouble is over: browsers keep no page to go back to what was typed."""
    by_form = request.method == "POST" and "text/html" in request.headers.get("accept", "")
    held = await _hold_sent(request) if by_form and isinstance(error, NotNowError) else None
    if held is None:
        return await show_error(request, error)
    path, page = find_path(request), find_form_page(request)
    answer = offer_again(request, None, held, path, page, status=NotNowError.status, trouble=str(error))
    answer.headers.update(NotNowError.headers)
    return answer


async def show_stale(request: Request, error: Exception) -> Response:
    """Offer to send a form again whose page is out of date; what cannot be held is shown as an error."""
    assert isinstance(error, StaleFormError)
    held = hold_form(request, error.form.lists)
    if held is None or "text/html" not in request.headers.get("accept", ""):
        return await show_error(request, error)
    visit = await find_visit(request, request.app.state.parts)
    path, page = find_path(request), find_form_page(request)
    return offer_again(request, visit, held, path, page, status=error.status)


def build_console(parts: WebParts) -> FastAPI:
    """Build the console on its parts."""
    # Where a slash too many led on, it would be to the host and the scheme that the request names.
    app = FastAPI(
        openapi_url=None, docs_url=None, redoc_url=None, redirect_slashes=False, telemetry=NO_TELEMETRY
    )
    app.state.parts = parts
    for router in ROUTERS:
        app.include_router(router)
    app.mount("/static", StaticFiles(directory=STATIC), name="static")
    for kind in (SignInNeededError, RequestError, ConfigurationError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, show_error)
    app.add_exception_handler(StaleFormError, show_stale)
    app.add_exception_handler(NotNowError, show_not_now)
    app.add_middleware(PageFrame, health=parts.api.health)
    return app


class Faces:
    """The API and the console at one address: who calls the API's paths gets the API, all else is a page."""

    def __init__(self, api: FastAPI, console: FastAPI) -> None:
        self.api = api
        self.console = console

    def close(self) -> None:
        """Have what would go on for long end: the server is stopping."""
        self.console.state.parts.streams.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on (ASGI)."""
        path = scope.get("path", "")
        to_api = path == BASE_PATH or path.startswith(f"{BASE_PATH}/") or path in ALWAYS_ANSWERED
        await (self.api if to_api else self.console)(scope, receive, send)
