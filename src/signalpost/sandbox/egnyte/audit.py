"""``/pubapi/v2/audit/stream``: the audit log by cursor, with a limit of its own (egnyte-api.md 3.2)."""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson
from aiohttp import web

from signalpost.model.errors import ForbiddenError, InvalidRequestError
from signalpost.sandbox.egnyte.answers import answer_json
from signalpost.sandbox.egnyte.audit_log import ANY, Position
from signalpost.sandbox.egnyte.dates import read_moment, write_milliseconds
from signalpost.sandbox.egnyte.endpoint import Call, Endpoint
from signalpost.sandbox.egnyte.paging import answer_content, find_caller
from signalpost.sandbox.egnyte.throttle import HOUR_SECONDS
from signalpost.sandbox.fields import read_list, read_object, read_text

SCOPE = "Egnyte.audit"
MINUTE_SECONDS = 60
WEEK_SECONDS = 7 * 86_400
FIELDS = ("startDate", "endDate", "auditType", "nextCursor")


@dataclass(frozen=True, slots=True)
class Reading:
    """How far a caller has read, up to when (milliseconds; None: whatever now is) and of which sources."""

    position: Position
    until: int | None
    sources: tuple[str, ...]


async def _get_stream(call: Call) -> web.Response:
    query = call.request.query
    given: dict[str, Any] = {name: query[name] for name in FIELDS if name in query}
    types = [*query.getall("auditType", []), *query.getall("auditType[]", [])]
    if types:
        given["auditType"] = [name for text in types for name in text.split(",")]
    return _answer_stream(call, given)


async def _post_stream(call: Call) -> web.Response:
    try:
        body = orjson.loads(await call.request.read())
    except orjson.JSONDecodeError as error:
        raise InvalidRequestError(f"the body is not JSON: {error}") from error
    return _answer_stream(call, read_object("body", body, FIELDS))


def _answer_stream(call: Call, given: Mapping[str, Any]) -> web.Response:
    if find_caller(call).kind == "standard":
        raise ForbiddenError(
            "Only an administrator, or a power user who can run reports, may read the audit log"
        )
    wait_seconds = _count_call(call)
    if wait_seconds:
        headers = {"Retry-After": str(wait_seconds)}
        return answer_json({"errorMessage": "Too many audit requests"}, status=429, headers=headers)
    reading, settings, now = _read_reading(call, given), call.state.settings, write_milliseconds(call.now)
    found = call.state.audit_log.read(
        reading.position,
        until=now if reading.until is None else min(reading.until, now),
        window=write_milliseconds(settings.audit_window_seconds),
        count=settings.audit_page_size,
        sources=reading.sources,
    )
    cursor = _write_cursor(Reading(found.position, reading.until, reading.sources), now)
    return answer_content(
        call, {"nextCursor": cursor, "moreEvents": found.has_more, "events": list(found.rows)}
    )


def _count_call(call: Call) -> int:
    """Count one call of this token; give the seconds to wait where it is beyond a limit, else 0."""
    settings, counts = call.state.settings, call.state.audit_calls
    waits = [0]
    for unit_seconds, limit in (
        (MINUTE_SECONDS, settings.audit_calls_per_minute),
        (HOUR_SECONDS, settings.audit_calls_per_hour),
    ):
        key = (call.caller.access_token, unit_seconds, int(call.now // unit_seconds))
        counts[key] += 1
        if counts[key] > limit:
            waits.append(int(unit_seconds - call.now % unit_seconds) or 1)
    return max(waits)


def _read_reading(call: Call, given: Mapping[str, Any]) -> Reading:
    if "nextCursor" in given:
        if "startDate" in given or "endDate" in given:
            raise InvalidRequestError("startDate and endDate must not be given together with nextCursor")
        return _read_cursor(read_text("nextCursor", given["nextCursor"]), call.now)
    if "startDate" not in given:
        raise InvalidRequestError("startDate is missing: it is needed unless there is a nextCursor")
    start = read_moment("startDate", given["startDate"])
    if start < call.now - WEEK_SECONDS:
        raise InvalidRequestError(f"startDate is {given['startDate']!r}: it must be at most 7 days back")
    end = read_moment("endDate", given["endDate"]) if "endDate" in given else None
    if end is not None and end < start:
        raise InvalidRequestError(f"endDate is {given['endDate']!r}: it must not be before startDate")
    types = read_list("auditType", given.get("auditType", [ANY]))
    return Reading(
        Position(write_milliseconds(start)),
        None if end is None else write_milliseconds(end),
        tuple(read_text("auditType", name) for name in types),
    )


def _write_cursor(reading: Reading, now: int) -> str:
    position = reading.position
    written = [position.date, position.seen, reading.until, reading.sources, now]
    return urlsafe_b64encode(orjson.dumps(written)).decode()


def _read_cursor(cursor: str, now: float) -> Reading:
    try:
        date, seen, until, sources, made_at = orjson.loads(urlsafe_b64decode(cursor))
        position, age_seconds = Position(int(date), int(seen)), now - made_at / 1000
        reading = Reading(position, None if until is None else int(until), tuple(sources))
    except (ValueError, TypeError) as error:
        raise InvalidRequestError("nextCursor is none that was given here") from error
    if age_seconds > WEEK_SECONDS:
        raise InvalidRequestError("nextCursor has expired: it must be at most 7 days old")
    return reading


ENDPOINTS = (
    Endpoint("GET", "/pubapi/v2/audit/stream", _get_stream, scope=SCOPE),
    Endpoint("POST", "/pubapi/v2/audit/stream", _post_stream, scope=SCOPE),
)
