"""Requests as they arrive: bodies are JSON, strictly read, before a route's fields are looked for in them."""

from __future__ import annotations

import re
from collections.abc import Callable, Coroutine
from typing import Any

import orjson
from fastapi import HTTPException, Request, Response
from fastapi.dependencies.utils import get_flat_params
from fastapi.params import Query
from fastapi.routing import APIRoute
from starlette.datastructures import Headers

from signalpost.api.once import ONCE, Answer, answer_once
from signalpost.api.parts import find_caller, give_parts
from signalpost.model.errors import InvalidRequestError

MARK = b"\xef\xbb\xbf"
"""The byte order mark that programs on Windows put before UTF-8; a reader may pass over it (RFC 8259, 8.1)."""

JSON_TYPE = re.compile(r"\s*application/(?:[\w.-]+\+)?json\s*(?:;.*)?", re.ASCII | re.IGNORECASE)


class JsonRoute(APIRoute):
    """A route whose body is JSON, without what JSON forbids but some readers take (NaN, half characters).

    Raises:
        UnauthenticatedError: whatever the body is, it is waited for and judged only for those who may ask.
        TooLargeError, InvalidRequestError: the body is too large, no JSON, or cannot be kept; or a query parameter of
            one value is given more than once: all but the last would go unread.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """Put the reading before what FastAPI makes of the route, and before that the look for its idempotency key."""
        answer = self._read_first(self._refuse_repeated(super().get_route_handler()))
        return answer_once(answer) if ONCE[0] in self.dependencies else answer

    def _refuse_repeated(self, answer: Answer) -> Answer:
        read = [each.alias for each in get_flat_params(self.dependant) if isinstance(each.field_info, Query)]
        single = [name for name in read if not name.endswith("[]")]

        async def answer_single(request: Request) -> Response:
            for name in single:
                if len(request.query_params.getlist(name)) > 1:
                    message = f"{name}: it is given more than once; give one value"
                    raise InvalidRequestError(message)
            return await answer(request)

        return answer_single

    def _read_first(self, answer: Answer) -> Answer:
        if self.body_field is None:  # a body that nobody asked for is left unread
            return answer

        async def answer_json(request: Request) -> Response:
            # First: bodies that never end take the places of those who may ask (``waiting``).
            await find_caller(request, give_parts(request), request.headers.get("authorization"))
            body = await request.body()
            if not body:
                return await answer(request)
            return await answer(_ReadRequest(request, body, _read_json(request.headers, body)))

        return answer_json


class _ReadRequest(Request):
    """A request whose body was read already."""

    def __init__(self, request: Request, body: bytes, value: Any) -> None:
        super().__init__(request.scope, request.receive)
        self._bytes = body
        self._value = value

    async def body(self) -> bytes:
        """Give the body as it came."""
        return self._bytes

    async def json(self) -> Any:
        """Give what was read from it."""
        return self._value


def _read_json(headers: Headers, body: bytes) -> Any:
    content_type = headers.get("content-type")
    if content_type is not None and not JSON_TYPE.fullmatch(content_type):
        raise HTTPException(415, f"Content-Type: {content_type[:100]!r} is not taken; send application/json")
    try:
        value = orjson.loads(body.removeprefix(MARK))
        orjson.dumps(value)  # what nests too deeply to be written again cannot be kept
    except orjson.JSONDecodeError as error:
        raise _explain(error, headers.get("content-encoding"), body) from error
    except TypeError as error:
        message = "the body nests arrays and objects too deeply; give at most 250 levels"
        raise InvalidRequestError(message) from error
    return value


def _explain(error: orjson.JSONDecodeError, coding: str | None, body: bytes) -> Exception:
    """Say why a body is no JSON. Only now its coding is looked at: some clients name one, and send JSON as it is."""
    if coding:
        return HTTPException(415, f"Content-Encoding: {coding[:100]!r} is not taken; send the JSON as it is")
    try:
        body.decode()
    except UnicodeDecodeError as mistake:
        message = f"the body is not JSON: it is not UTF-8 (byte {mistake.start + 1:,}); send it in UTF-8"
    else:
        message = f"the body is not JSON: {error.msg} (character {error.pos + 1:,})"
    return InvalidRequestError(message)
