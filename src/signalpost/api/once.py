"""``Idempotency-Key``: a request that makes or starts something may be sent again, and is done once."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections.abc import Callable, Coroutine
from typing import Annotated, Any

from fastapi import Depends, Header, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.params import Depends as Dependency
from starlette.exceptions import HTTPException

from signalpost.api.parts import ApiParts, find_caller, give_parts
from signalpost.model.errors import InvalidRequestError, NotNowError, SignalpostError
from signalpost.observe import get_logger
from signalpost.store.kept_answers import CLAIM_SECONDS, Claim, KeptAnswer

log = get_logger("api")

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
KEY = re.compile(r'"([ -!#-\[\]-~]{1,255})"|([!#-~][!-~]{0,254})', re.ASCII)
KEPT_HEADERS = ("content-type", "etag")
MOST_RUN_SECONDS = CLAIM_SECONDS - 20
"""A request with a key is cut off before anybody may take its claim for that of a killed process."""

Answer = Callable[[Request], Coroutine[Any, Any, Response]]


def read_key(key: Annotated[str | None, Header(alias=HEADER)] = None) -> str | None:
    """Read the key, in the quotes of a structured field or without.

    Raises:
        InvalidRequestError: it is empty, too long, or has other characters.
    """
    if key is None:
        return None
    match = KEY.fullmatch(key)
    if match is None:
        message = f"{HEADER}: {key[:50]!r} must have 1 to 255 printable ASCII characters, as a new UUID has"
        raise InvalidRequestError(message)
    return match[1] or match[2]


ONCE: list[Dependency] = [Depends(read_key)]
"""The ``dependencies`` of a route that takes a key (``reading.JsonRoute`` looks for them)."""


def answer_once(answer: Answer) -> Answer:
    """Have a route do a request with a key once.

    What succeeded is kept and answered again. A refused request did nothing: the same key may be used again. Of one
    that ended otherwise (it lost the database, was cut off) nobody knows: it is left as by a process that was killed.
    """

    async def answer_by_key(request: Request) -> Response:
        if HEADER.lower() not in request.headers:
            return await answer(request)
        parts = give_parts(request)
        caller = await find_caller(request, parts, request.headers.get("authorization"))
        key = read_key(request.headers[HEADER]) or ""
        opens = f"{caller.instance_id} alone" if caller.is_bound else f"{caller.instance_id}"
        target = f"{request.method} {request.url.path}?{request.url.query} {opens}\n"
        found = await parts.kept_answers.claim(
            caller.user_id,
            hashlib.sha256(key.encode()).digest(),
            hashlib.sha256(target.encode() + await request.body()).digest(),
        )
        if isinstance(found, KeptAnswer):
            return Response(found.body, found.status, {**found.headers, REPLAYED: "true"})
        return await _run(parts, found, answer, request)

    return answer_by_key


async def _run(parts: ApiParts, claim: Claim, answer: Answer, request: Request) -> Response:
    limit = asyncio.timeout(MOST_RUN_SECONDS)
    try:
        async with limit:
            response = await answer(request)
    except (SignalpostError, HTTPException, RequestValidationError):
        await parts.kept_answers.give_back(claim)
        raise
    except TimeoutError as error:
        if not limit.expired():
            raise
        message = (
            f"it took longer than {MOST_RUN_SECONDS:g} s and was cut off; see what is there, then try again"
        )
        raise NotNowError(message) from error
    headers = {name: response.headers[name] for name in KEPT_HEADERS if name in response.headers}
    try:
        await parts.kept_answers.keep(claim, KeptAnswer(response.status_code, headers, bytes(response.body)))
    except Exception:  # it is done: that is told all the same
        log.exception("api.answer_not_kept")
    return response
