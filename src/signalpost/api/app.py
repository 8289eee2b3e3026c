"""The web application: routes, errors in one shape, a limit on bodies, an id for every request."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import cached_property
from typing import Any
from uuid import uuid4

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.telemetry import TelemetryConfig
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from signalpost import __version__
from signalpost.api import health
from signalpost.api.described import describe as describe_api
from signalpost.api.parts import ApiParts
from signalpost.api.routing import BASE_PATH, METHODS, complete_path, join_routers, refuse, refuse_method
from signalpost.api.waiting import Waiting
from signalpost.model.errors import ConfigurationError, NotNowError, RequestError
from signalpost.observe import get_logger
from signalpost.store.database import LONGEST_WAIT_SECONDS
from signalpost.store.health import Health
from signalpost.store.troubles import SLOW, find_trouble

log = get_logger("api")

TOO_LONG = (
    f"the database answers, but not this within {LONGEST_WAIT_SECONDS:g} s; ask for less at a time (a shorter span of"
    " time, one instance), or try again later"
)

WANTED = {
    "dict_type": "an object",
    "model_type": "an object",
    "model_attributes_type": "an object",
    "list_type": "a list",
    "string_type": "text",
}
"""What JSON is to be, by the framework's names of what is wrong with it."""

KINDS = (
    (type(None), "null"),
    (bool, "true or false"),
    (int | float, "a number"),
    (str | bytes, "text"),
    (list, "a list"),
    (object, "an object"),
)
"""What JSON is: the first that fits."""

NO_TELEMETRY: TelemetryConfig = {"tracing": False, "metrics": False, "logs": False}
"""The framework's own would tell whole addresses, and tokens of links and codes of consents stand in these."""


class RequestFrame:
    """Gives each request an id, bounds their number and size, and turns what nobody caught into an answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._waiting = Waiting()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Frame one request (ASGI)."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        scope["path"] = complete_path(
            scope["method"], scope["path"], Headers(scope=scope).get("authorization", "")
        )
        request_id = uuid4().hex
        scope.setdefault("state", {})["request_id"] = request_id
        started = False
        place = scope["state"]["place"] = self._waiting.enter(scope["path"])

        async def send_with_id(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                place.end()  # who reads it slowly waits for nothing
                message["headers"] = [
                    *message.get("headers", []),
                    (b"elements-request-id", request_id.encode()),
                ]
            await send(message)

        try:
            refuse_method(scope["method"], scope["path"])
            place.wait_for("answers")
            await self._app(scope, place.bound_body(receive), send_with_id)
        except ClientDisconnect:  # in the middle of its body: nobody is there to be told
            return
        except (Exception, asyncio.CancelledError) as error:
            if started:
                raise
            health = scope["app"].state.parts.health
            told = translate(error, health, request=request_id, path=scope["path"])
            status, body = describe(told, request_id)
            if told is error and not isinstance(error, RequestError | HTTPException):
                log.exception("request.failed", request=request_id, path=scope["path"])
            answer = JSONResponse(body, status, headers=getattr(told, "headers", None))
            await answer(scope, receive, send_with_id)
        finally:
            place.end()


def translate(
    error: Exception | asyncio.CancelledError, health: Health, *, request: str, path: str
) -> Exception:
    """Give what is told of an error: of a trouble of the database's that the same may be tried again.

    So it is of a request that was cut off, as it did not end in the time that a stop leaves it.

    One request that takes too long, while looks at the database find it well, is no trouble of the database's: others
    are to be sent here all the same.
    """
    if isinstance(error, asyncio.CancelledError):
        return NotNowError("this process stops; try again in a few seconds")
    if health.is_well and find_trouble(error) is SLOW:
        log.warning("request.too_long", request=request, path=path)
        return NotNowError(TOO_LONG)
    trouble = health.note(error)
    return error if trouble is None else NotNowError(f"{trouble.what}; try again in a few seconds")


def describe(error: Exception, request_id: str) -> tuple[int, dict[str, Any]]:
    """Give the status and the body of an error (open-connectors.md 3.3)."""
    status, message, provider_message = (
        500,
        "something went wrong here; the log has it under this requestId",
        None,
    )
    if isinstance(error, RequestError):
        status, message, provider_message = error.status, str(error), error.provider_message
    elif isinstance(error, ConfigurationError):
        message = str(error)
    elif isinstance(error, HTTPException):
        status, message = error.status_code, str(error.detail)
    elif isinstance(error, RequestValidationError):
        status, message = 400, _describe_validation(error)
    body = {"requestId": request_id, "message": message}
    if provider_message is not None:
        body["providerMessage"] = provider_message
    return status, body


def _describe_validation(error: RequestValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"] if part not in {"body", "query", "path"})
    # The value is shown only where it cannot hold a secret.
    shown = (
        f" (given: {str(first['input'])[:50]!r})"
        if place.split(".")[0] in {"tags", "name", "element"}
        else ""
    )
    return f"{place or 'body'}: {_say(first)}{shown}"


def _say(fault: Mapping[str, Any]) -> str:
    """Say what is wrong and what would be right; what was given is named by its kind, as it may be a secret."""
    if fault["type"] == "missing":
        return "it is missing"
    wanted = WANTED.get(fault["type"])
    if wanted is None:
        return f"{fault['msg'][:1].lower()}{fault['msg'][1:]}"
    given = next(name for kind, name in KINDS if isinstance(fault["input"], kind))
    return f"it is {given}; give {wanted}"


async def _answer_error(request: Request, error: Exception) -> JSONResponse:
    if isinstance(error, HTTPException) and error.status_code in {404, 405}:
        error = _explain_missing_route(request)
    status, body = describe(error, request.state.request_id)
    headers = getattr(error, "headers", None)
    return JSONResponse(body, status, headers=headers)


def _explain_missing_route(request: Request) -> HTTPException:
    """Name what was asked for, and what the path does take: of its routes Starlette names the first alone."""
    asked = f"{request.method} {request.url.path[:200]}"
    routes = request.app.routes
    taken = [
        method
        for method in METHODS
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    ]
    if not taken:
        return HTTPException(404, f"there is nothing at {asked}")
    return refuse(asked, taken)


def build_app(parts: ApiParts) -> FastAPI:
    """Build the application on its parts."""
    app = build_routes()
    app.state.parts = parts
    return app


class Api(FastAPI):
    """The application, with the OpenAPI document completed."""

    def openapi(self) -> dict[str, Any]:
        """Give the OpenAPI document, made when it is first asked for."""
        return self.openapi_schema or describe_api(super().openapi())

    @cached_property
    def document(self) -> bytes:
        """The same as it is sent: writing it takes so long that nobody may have that done again and again."""
        return orjson.dumps(self.openapi())


def build_routes() -> FastAPI:
    """Build the application without its parts: enough to print the OpenAPI document."""
    app = Api(
        title="Signalpost",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        strict_content_type=False,
        # Where a slash too many led on, it would be to the host and the scheme that the request names.
        redirect_slashes=False,
        telemetry=NO_TELEMETRY,
        generate_unique_id_function=lambda route: route.name,
    )
    app.include_router(join_routers())

    async def show_document() -> Response:
        return Response(app.document, media_type="application/json")

    app.add_api_route(f"{BASE_PATH}/openapi.json", show_document, include_in_schema=False)
    return _frame(app)


def build_health(parts: ApiParts) -> FastAPI:
    """Build what a process without the API shows: its health and its metrics, by the same routes."""
    app = _frame(FastAPI(docs_url=None, redoc_url=None, openapi_url=None, telemetry=NO_TELEMETRY))
    app.state.parts = parts
    return app


def _frame(app: FastAPI) -> FastAPI:
    app.include_router(health.router)
    for kind in (RequestError, ConfigurationError, HTTPException, RequestValidationError):
        app.add_exception_handler(kind, _answer_error)
    app.add_middleware(RequestFrame)
    return app
