"""``/pubapi/v1|v2/events`` and their cursor (egnyte-api.md section 2)."""

from __future__ import annotations

import re
from typing import Any

from aiohttp import web

from signalpost.model.errors import InvalidRequestError
from signalpost.sandbox.egnyte.answers import (
    answer_json,
    answer_lost_cursor,
    answer_nothing,
)
from signalpost.sandbox.egnyte.endpoint import Call, Endpoint
from signalpost.sandbox.egnyte.event_log import Row, Selection, write_timestamp
from signalpost.sandbox.egnyte.paging import find_caller

SCOPE = "Egnyte.filesystem"
USUAL_COUNT = 20
MOST_COUNT = 100
NUMBER = re.compile(r"-?[0-9]{1,19}", re.ASCII)
PERMISSION_CHANGE = "permission_change"


async def _tell_cursor(call: Call) -> web.Response:
    state = call.state
    state.let_go(call.now)
    newest = state.log.find_newest(visible_at=call.now - state.settings.lag_seconds)
    latest_id = newest.row["id"] if newest else 0
    cursor = {
        "timestamp": newest.row.get("timestamp", write_timestamp(newest.made_at)) if newest else None,
        "latest_event_id": _number(call, latest_id),
        "oldest_event_id": _number(call, min(state.log.oldest_kept_id, latest_id)),
    }
    return answer_json(cursor)


async def _list_v1(call: Call) -> web.Response:
    return _list(call, hidden_types=(PERMISSION_CHANGE,))


async def _list_v2(call: Call) -> web.Response:
    return _list(call, hidden_types=())


ENDPOINTS = (
    Endpoint("GET", "/pubapi/v1/events/cursor", _tell_cursor, scope=SCOPE),
    Endpoint("GET", "/pubapi/v2/events/cursor", _tell_cursor, scope=SCOPE),
    Endpoint("GET", "/pubapi/v1/events", _list_v1, scope=SCOPE),
    Endpoint("GET", "/pubapi/v2/events", _list_v2, scope=SCOPE),
)


def _list(call: Call, *, hidden_types: tuple[str, ...]) -> web.Response:
    selection = _read_selection(call, hidden_types)
    state = call.state
    state.let_go(call.now)
    if state.log.is_lost(selection.after):
        return answer_lost_cursor(state.settings.lost_cursor_status)
    if selection.after > state.log.latest_id and state.settings.future_cursor != 204:  # noqa: PLR2004 - nothing
        return answer_lost_cursor(state.settings.future_cursor)
    found = state.log.select(selection, visible_at=call.now - state.settings.lag_seconds)
    if not found:
        return answer_nothing()
    ids = [entry.row["id"] for entry in found]
    return answer_json(
        {
            "latest_id": _number(call, max(ids)),
            "oldest_id": _number(call, min(ids)),
            "count": _number(call, len(ids)),
            "events": [show_row(entry.row, call) for entry in found],
        }
    )


def show_row(row: Row, call: Call) -> Row:
    """Give ``row`` as the API tells it to this caller: with full links, and numbers as the settings say."""
    shown = row
    link = row.get("object_detail")
    if isinstance(link, str) and link.startswith("/"):
        shown = {**row, "object_detail": call.base_url + link}
    if call.state.settings.numbers_as_strings:
        shown = shown | {name: str(row[name]) for name in ("id", "actor") if name in row}
    return shown


def _number(call: Call, value: int) -> Any:
    return str(value) if call.state.settings.numbers_as_strings else value


def _read_selection(call: Call, hidden_types: tuple[str, ...]) -> Selection:
    query = call.request.query
    after = query.get("id", "")
    if not NUMBER.fullmatch(after):
        raise InvalidRequestError(f"id is {after!r}: it must be the whole number of an event")
    count_text = query.get("count", str(USUAL_COUNT))
    if not NUMBER.fullmatch(count_text) or int(count_text) < 1:
        raise InvalidRequestError(
            f"count is {count_text!r}: it must be a whole number from 1 to {MOST_COUNT}"
        )
    if int(count_text) > MOST_COUNT and call.state.settings.over_max_count == "400":
        raise InvalidRequestError(f"count is {count_text}: it must be at most {MOST_COUNT}")
    folder = query.get("folder")
    if folder is not None and not folder.startswith("/"):
        raise InvalidRequestError(f"folder is {folder!r}: it must be an absolute path")
    suppress = query.get("suppress", "none")
    if suppress not in ("app", "user", "none"):
        raise InvalidRequestError(f"suppress is {suppress!r}: it must be app or user")
    types = query.get("type")
    grant, user = call.caller.grant, find_caller(call)
    filtered = call.state.settings.permission_filtering and user.kind != "admin"
    return Selection(
        after=int(after),
        count=min(int(count_text), MOST_COUNT),
        types=tuple(types.split("|")) if types else None,
        hidden_types=hidden_types,
        folder=folder.rstrip("/") if folder is not None else None,
        without_client_id=None if suppress == "none" else grant.client_id,
        without_user_id=grant.user_id if suppress == "user" else None,
        visible_to=user.username if filtered else None,
        newest_first=query.get("reverse") == "1",
    )
