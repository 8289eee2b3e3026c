"""A collection as each kind of pagination divides it, and the wrong answers that can be ordered."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import orjson
from aiohttp import web

from signalpost.model.errors import InvalidRequestError
from signalpost.sandbox.fields import read_json, read_whole
from signalpost.sandbox.rest.state import Fault, State

KINDS = ("all", "page", "offset", "cursor", "after", "link", "next")
"""The second part of a path: how the list is divided."""


def read_asked(request: web.Request, body: bytes) -> dict[str, str]:
    """Give what a call asks for: of a POST by its body too, over which the query of a next page goes.

    Raises:
        InvalidRequestError: the body is no JSON object, or has a number as a text, as others refuse it too.
    """
    given = read_json(body) if body else {}
    if not isinstance(given, dict):
        raise InvalidRequestError("the body must be a JSON object")
    for name in ("size", "page", "offset"):
        if name in given:
            read_whole(name, given[name], least=0)
    return {name: str(value) for name, value in given.items()} | dict(request.query)


def answer_list(request: web.Request, asked: Mapping[str, str], state: State, kind: str) -> web.Response:
    """Answer with a page: ``{"data": {"items": [...]}, "meta": {...}}``; by ``link``, the list alone."""
    fault = state.take_fault()
    records = state.collections.get(request.match_info["collection"], [])
    start, size = _find_part(asked, kind, state.settings.page_size, len(records))
    if kind == "after":
        start = _find_after(asked.get("after", ""), records)
    if fault is not None and fault.kind == "same_page":
        start = 0
    if fault is not None and fault.kind == "endless":
        part, following = [{"id": start + each} for each in range(size)], start + size
    else:
        part, following = records[start : start + size], start + size
    is_last = following >= len(records) and not (
        fault is not None and fault.kind in {"endless", "same_page", "other_host"}
    )
    target = _write_next(request, following, elsewhere=fault is not None and fault.kind == "other_host")
    headers, value = _shape(kind, part, len(records), None if is_last else (following, target))
    body = orjson.dumps(value)
    return _answer_wrongly(fault, body, headers) or web.Response(
        body=body, headers={"Content-Type": "application/json", **headers}
    )


def _shape(
    kind: str, part: list[Any], total: int, following: tuple[int, str] | None
) -> tuple[dict[str, str], Any]:
    number, target = following if following is not None else (0, "")
    if kind == "link":
        return ({"Link": f'<{target}>; rel="next", <{target}>; rel="self"'} if target else {}), part
    meta: dict[str, Any] = {"total": total}
    if kind == "cursor":
        meta = {"next_cursor": _write_cursor(number) if target else None}
    if kind == "after":
        meta = {"is_last": not target}
    if kind == "next":
        meta = {"next": target or None}
    return {}, {"data": {"items": part}, "meta": meta}


def _answer_wrongly(fault: Fault | None, body: bytes, headers: dict[str, str]) -> web.Response | None:
    match fault.kind if fault is not None else "":
        case "html":
            return web.Response(
                text="<html><h1>Sign in</h1></html>", content_type="text/html", headers=headers
            )
        case "no_list":
            return web.json_response({"result": []}, headers=headers)
        case "not_a_list":
            return web.json_response({"data": {"items": {"1": {}}}}, headers=headers)
        case "cut_off":
            return web.Response(body=body[: len(body) // 2], content_type="application/json", headers=headers)
        case "status":
            assert fault is not None
            more = {"Retry-After": fault.retry_after} if fault.retry_after else {}
            return web.json_response({"error": "ordered"}, status=fault.status, headers=more)
    return None


def _find_part(asked: Mapping[str, str], kind: str, largest: int, total: int) -> tuple[int, int]:
    """Give where the page begins and how many records it has at most."""
    if kind == "all":
        return 0, total
    size = max(1, min(_read_whole(asked.get("size", ""), largest), largest))
    if kind == "page":
        return max(_read_whole(asked.get("page", ""), 1) - 1, 0) * size, size
    if kind == "cursor":
        return _read_cursor(asked.get("cursor", "")), size
    return _read_whole(asked.get("offset", ""), 0), size


def _find_after(text: str, records: list[Any]) -> int:
    """Give where those behind the record of an id begin; of an unknown one, at the first."""
    ids = [str(each.get("id")) for each in records]
    return ids.index(text) + 1 if text in ids else 0


def _write_next(request: web.Request, following: int, *, elsewhere: bool) -> str:
    query = urlencode({**request.query, "offset": str(following)})
    origin = "http://127.0.0.1:9" if elsewhere else str(request.url.origin())
    return f"{origin}{request.path}?{query}"


def _read_whole(text: str, usual: int) -> int:
    return int(text[:9]) if text.isascii() and text.isdigit() else usual


def _write_cursor(number: int) -> str:
    return base64.urlsafe_b64encode(f"after {number}".encode()).decode()


def _read_cursor(text: str) -> int:
    try:
        return _read_whole(base64.urlsafe_b64decode(text).decode().removeprefix("after "), 0)
    except (binascii.Error, UnicodeDecodeError):
        return 0
