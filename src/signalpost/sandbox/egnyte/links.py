"""``/pubapi/v1/links`` and ``v2/links``: v1 lists ids, v2 whole links (egnyte-api.md section 5)."""

from __future__ import annotations

from datetime import datetime

from aiohttp import web

from signalpost.model.errors import NotFoundError
from signalpost.sandbox.egnyte.endpoint import Call, Endpoint
from signalpost.sandbox.egnyte.paging import answer_content, arrange, find_caller, read_date, read_span
from signalpost.sandbox.egnyte.records import Record

SCOPE = "Egnyte.link"
MOST_COUNT = 500
EQUALS = {"path": "path", "username": "created_by", "type": "type", "accessibility": "accessibility"}
"""Filters of the query, and the field that each must equal."""


def _select(call: Call) -> list[Record]:
    query = call.request.query
    after, before = read_date(call, "created_after"), read_date(call, "created_before")
    found = []
    for link in _list_visible(call):
        created_at = datetime.fromisoformat(link["creation_date"]).timestamp()
        if after is not None and created_at <= after:
            continue
        if before is not None and created_at >= before:
            continue
        # Egnyte's own clients write File and Anyone, the answers file and anyone.
        if all(link[field].lower() == query[name].lower() for name, field in EQUALS.items() if name in query):
            found.append(link)
    return arrange(call, found)


def _list_visible(call: Call) -> list[Record]:
    """Give all links to an administrator, to others their own."""
    user, links = find_caller(call), call.state.records["links"].values()
    return [link for link in links if user.kind == "admin" or link["created_by"] == user.username]


async def _list_v2(call: Call) -> web.Response:
    span = read_span(call, usual=MOST_COUNT, most=MOST_COUNT)
    page = span.cut(_select(call))
    # No total: the list ends with a page that is not full.
    return answer_content(call, {"links": page, "count": len(page), "offset": span.offset})


async def _list_v1(call: Call) -> web.Response:
    span = read_span(call, usual=MOST_COUNT, most=MOST_COUNT)
    found = _select(call)
    ids = [link["id"] for link in span.cut(found)]
    return answer_content(
        call, {"ids": ids, "offset": span.offset, "count": len(ids), "total_count": len(found)}
    )


def _find(call: Call) -> Record:
    link_id = call.request.match_info["id"]
    for link in _list_visible(call):
        if link["id"] == link_id:
            return link
    raise NotFoundError(f"There is no link {link_id}")


async def _tell_v1(call: Call) -> web.Response:
    link = _find(call)
    return answer_content(call, link | {"creation_date": link["creation_date"][: len("2026-05-28")]})


async def _tell_v2(call: Call) -> web.Response:
    return answer_content(call, _find(call))


ENDPOINTS = (
    Endpoint("GET", "/pubapi/v2/links", _list_v2, scope=SCOPE),
    Endpoint("GET", "/pubapi/v2/links/{id}", _tell_v2, scope=SCOPE),
    Endpoint("GET", "/pubapi/v1/links", _list_v1, scope=SCOPE),
    Endpoint("GET", "/pubapi/v1/links/{id}", _tell_v1, scope=SCOPE),
)
