"""Where a list ends, by what its pages say, and answers that hold no list."""

from __future__ import annotations

import pytest

from signalpost.connectors.egnyte.resources import SOURCES
from signalpost.model.errors import ConnectorError
from tests.unit.connectors.egnyte_calls import open_answers, read_all

ENDED = [
    ("tasks", {"results": [], "totalCount": 9}, False),
    ("tasks", {"count": 0, "totalCount": "2"}, False),
    ("tasks", {"results": [], "totalCount": 1}, True),  # one was deleted meanwhile
    ("tasks", {"results": []}, True),
    ("users", {"resources": [], "totalResults": 2}, False),
    ("users", {"resources": [], "totalResults": 1}, True),
    ("trash", {"items": [], "has_more": True}, False),
    ("trash", {"items": [], "has_more": False}, True),
]


@pytest.mark.parametrize(("kind", "last", "is_complete"), ENDED)
async def test_an_empty_page_ends_a_list_and_says_whether_more_was_told(kind, last, is_complete):
    name = {"tasks": "results", "users": "resources", "trash": "items"}[kind]
    total = {} if kind == "trash" else {"totalCount": "2", "totalResults": 2}
    async with open_answers({name: [{"id": 1}], "has_more": True, **total}, last) as calls:
        first = await calls.list(kind).read(calls, None, None)
        assert (first.records, first.complete) == ([{"id": 1}], True)
        page = await calls.list(kind).read(calls, first.next, None)
    assert (page.records, page.next, page.complete) == ([], None, is_complete)


async def test_an_empty_list_that_tells_more_is_not_complete():
    async with open_answers({"results": [], "total": 3}) as calls:
        page = await calls.list("tasks").read(calls, None, None)
    assert (page.next, page.complete) == (None, False)


async def test_a_short_page_does_not_end_a_list_with_a_total():
    rows = [{"results": [{"id": number}], "total": 3} for number in range(3)]
    async with open_answers(*rows) as calls:
        assert len(await read_all(calls, calls.list("tasks"))) == 3


async def test_what_egnyte_says_of_more_is_believed():
    pages = {"items": [{"id": 1}], "has_more": True}, {"items": [{"id": 2}], "has_more": "false"}
    async with open_answers(*pages) as calls:
        assert await read_all(calls, calls.list("trash")) == [{"id": 1}, {"id": 2}]


@pytest.mark.parametrize("kind", sorted({*SOURCES} - {"folders/contents"}))
@pytest.mark.parametrize(
    "body", [b"<html>Sign in</html>", b'{"links": [{"id"', b"", 5, "text", {}, {"other": []}]
)
async def test_an_answer_that_holds_no_list_is_told(kind, body):
    answer = body if not isinstance(body, int) else b"5"
    async with open_answers(answer) as calls:
        with pytest.raises(ConnectorError, match="Egnyte"):
            await calls.list(kind).read(calls, None, None)
