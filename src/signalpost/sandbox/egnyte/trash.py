"""``/pubapi/v1/fs/trash`` and ``v2``: what was deleted and can be restored (egnyte-api.md section 5)."""

from __future__ import annotations

from typing import Any

from aiohttp import web

from signalpost.model.errors import InvalidRequestError
from signalpost.sandbox.egnyte.dates import write_zulu
from signalpost.sandbox.egnyte.endpoint import Call, Endpoint
from signalpost.sandbox.egnyte.paging import Span, answer_content, arrange, read_date, read_span
from signalpost.sandbox.egnyte.state import State
from signalpost.sandbox.egnyte.tree import Trashed
from signalpost.sandbox.egnyte.users import BY_USERNAME

SCOPE = "Egnyte.filesystem"
USUAL_COUNT = 100
MOST_COUNT = 1_000


def _list_items(state: State) -> list[Trashed]:
    return sorted(state.tree.trash, key=lambda item: (item.deleted_at, item.id))


def _show(item: Trashed) -> dict[str, Any]:
    node = item.node
    return {
        "id": item.id,
        "type": "folder" if node.is_folder else "file",
        "path": item.path,
        "name": node.name,
        "size": sum(member.newest.size for member in node.walk() if not member.is_folder),
        "deleted_by": BY_USERNAME[item.deleted_by].full_name,
        "delete_date": write_zulu(item.deleted_at),
    }


def _answer_page(call: Call, items: list[Trashed], span: Span, **more: Any) -> web.Response:
    page = [_show(item) for item in span.cut(arrange(call, items))]
    return answer_content(
        call,
        {
            "count": len(page),
            "offset": span.offset,
            **more,
            "has_more": span.leaves_more(items),
            "items": page,
        },
    )


async def _list_v1(call: Call) -> web.Response:
    items = _list_items(call.state)
    span = read_span(call, usual=USUAL_COUNT, most=MOST_COUNT)
    return _answer_page(call, items, span, total_count=len(items))


async def _list_v2(call: Call) -> web.Response:
    username = call.request.query.get("deletedBy")
    start, end = read_date(call, "startDate"), read_date(call, "endDate")
    items = _list_items(call.state)
    if (username, start, end) != (None, None, None):
        if username is None or start is None or end is None:
            raise InvalidRequestError("deletedBy, startDate and endDate must be given together")
        items = [item for item in items if item.deleted_by == username and start <= item.deleted_at <= end]
    return _answer_page(call, items, read_span(call, usual=USUAL_COUNT, most=MOST_COUNT))


ENDPOINTS = (
    Endpoint("GET", "/pubapi/v1/fs/trash", _list_v1, scope=SCOPE),
    Endpoint("GET", "/pubapi/v2/fs/trash", _list_v2, scope=SCOPE),
)
