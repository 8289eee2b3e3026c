"""Answers with a good status and without records: an empty list where the file says so, and never a refusal."""

from __future__ import annotations

import orjson
import pytest

from signalpost.connectors.rest import RestConnector
from signalpost.connectors.rest.reading import read_text
from signalpost.model.errors import ConfigurationError, ConnectorError
from signalpost.polling.dates import compile_pattern
from signalpost.polling.strategies.reading import read_list
from signalpost.sandbox.rest.state import Fault
from tests.rest.desk import PAGINATIONS, write_desk
from tests.rest.test_ends_of_lists import Here

DECLARED = "absent_is_empty = true"


async def read_ids(value, *, pagination="none", more=""):
    """Give the ids of the records of a list that is answered with a value."""
    text = write_desk("https://a.example", pagination=pagination, more=more)
    connector = RestConnector(read_text(text, "desk.toml", compile_pattern))
    listing = connector.open_listing(connector.resources[0], {}, [])
    pages = [page async for page in read_list(listing, Here(orjson.dumps(value)), None)]
    return [record["id"] for page in pages for record in page.records]


@pytest.mark.parametrize("pagination", sorted(set(PAGINATIONS) - {"link"}))
@pytest.mark.parametrize("value", [{}, {"data": {}}, {"meta": {"total": 0}}, {"data": None}])
async def test_a_list_that_is_left_out_is_empty_where_the_file_says_so_and_else_told(pagination, value):
    assert await read_ids(value, pagination=pagination, more=DECLARED) == []
    with pytest.raises(ConnectorError, match=r"gave no list at data\.items.* declare absent_is_empty = true"):
        await read_ids(value, pagination=pagination)


@pytest.mark.parametrize("value", [[], "", None, {"data": {"items": "none"}}, {"data": {"items": {}}}])
async def test_what_is_no_list_is_told_though_one_may_be_left_out(value):
    with pytest.raises(ConnectorError, match=r"gave no list at data\.items"):
        await read_ids(value, more=DECLARED)


@pytest.mark.parametrize("more", ["", DECLARED])
@pytest.mark.parametrize(
    ("value", "words"),
    [
        ({"ok": False, "error": "invalid_auth"}, "but error: invalid_auth;"),
        ({"ok": False, "data": {"items": []}}, "but ok: false;"),
        ({"success": False, "data": {"items": None}}, "but success: false;"),
        ({"errors": [{"message": "s3cret"}], "data": None}, "but errors;"),
        ({"errors": [{"message": "s3cret", "type": "NOT_FOUND"}], "data": None}, "but errors: NOT_FOUND;"),
        (
            {"errors": [{"message": "s3cret", "extensions": {"code": "THROTTLED"}}], "data": None},
            "but errors: THROTTLED;",
        ),
        (
            {"error": {"code": "s3cret", "type": "invalid_request"}, "data": None},
            "but error: invalid_request;",
        ),
        ({"errors": [{"code": "sEcret", "extensions": ["s3cret"]}, "s3cret"]}, "but errors;"),
        ({"error": {"message": "s3cret"}}, "but error;"),
        ({"error": "s3cret of mine"}, "but error;"),
    ],
)
async def test_a_refusal_with_a_good_status_is_no_empty_list(value, words, more):
    with pytest.raises(ConnectorError, match=words) as told:
        await read_ids(value, more=more)
    assert "s3cret" not in str(told.value)


async def test_words_of_errors_leave_no_records_out_and_none_is_no_refusal():
    assert await read_ids({"errors": ["one was left out"], "ok": False, "data": {"items": [{"id": 1}]}}) == [
        1
    ]
    assert await read_ids({"error": None, "errors": [], "ok": True, "data": {"items": []}}) == []


def test_what_may_be_absent_has_a_place():
    text = write_desk("https://a.example", pagination="link", more=DECLARED)
    with pytest.raises(ConfigurationError, match="absent_is_empty: True: it needs records"):
        read_text(text, "desk.toml", compile_pattern)


async def test_the_first_record_of_a_list_that_was_left_out_is_told(open_desk):
    async with open_desk(auth="none", pagination="page", more=DECLARED) as desk:
        left_out = Fault("no_list", times=1_000_000)
        desk.api.state.faults.append(left_out)
        await desk.connect()
        desk.api.state.faults.remove(left_out)
        [event] = await desk.wait_for((await desk.change(subject="the first"))["id"])
        assert event["eventType"] == "CREATED"
