"""Records that stand in an object by their keys, as the languages write their tables that have no lists."""

from __future__ import annotations

import pytest

from signalpost.connectors.rest.answers import find_list
from signalpost.model.errors import ConnectorError
from signalpost.testing.recorded import HastyTime, Provider, open_session
from tests.rest.desk import write_desk
from tests.rest.test_post import load

KEYED = 'key_field = "id"\n'
REFUSED = {"data": {"items": {}}, "errors": [{"code": "no_access"}]}


async def read(items, more=KEYED, pagination="none"):
    """Read the first page of a list whose records stand so."""
    connector = load(write_desk("https://a.example", pagination=pagination, more=more))
    path = {"none": "/all/tickets", "after": "/after/tickets?size=2"}[pagination]
    answers = {path: items if items is REFUSED else {"data": {"items": items}, "meta": {"is_last": False}}}
    session = open_session(connector, {}, "", Provider("https://a.example/none", answers), HastyTime())
    return await connector.open_listing(connector.resources[0], {}, ()).read(session, None, None)


@pytest.mark.parametrize(
    ("items", "records"),
    [
        ({"3": {"name": "a"}, "4": {"name": "b"}}, [{"id": "3", "name": "a"}, {"id": "4", "name": "b"}]),
        ({"x": {"id": 7, "name": "a"}}, [{"id": 7, "name": "a"}]),
        (
            {"3": "a", "4": None, "5": [1]},
            [{"id": "3", "value": "a"}, {"id": "4", "value": None}, {"id": "5", "value": [1]}],
        ),
        ({}, []),
        ([], []),
        (None, []),
        ([{"id": 1}], [{"id": 1}]),
    ],
)
async def test_each_has_its_key(items, records):
    assert list((await read(items)).records) == records


async def test_a_next_page_is_asked_for_by_the_last_key():
    assert (await read({"3": {}, "4": {}}, pagination="after")).next == "4"


@pytest.mark.parametrize(
    "refused", [{"error": "gone"}, {"errors": [1], "3": {}}, {"success": False}, {"ok": False}]
)
async def test_a_refusal_in_the_place_of_the_records_is_none_of_them(refused):
    with pytest.raises(ConnectorError, match="Desk gave no records as its answer but"):
        find_list("Desk", refused, "", key_field="id")
    assert find_list("Desk", {"3": {"error": "of its own"}}, "", key_field="id") == [
        {"id": "3", "error": "of its own"}
    ]


@pytest.mark.parametrize(("items", "more"), [({"3": {}}, ""), ("text", KEYED), (7, KEYED), (REFUSED, KEYED)])
async def test_what_is_no_such_object_is_told(items, more):
    with pytest.raises(ConnectorError, match="Desk gave no"):
        await read(items, more)
