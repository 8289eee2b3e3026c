"""Lists, read from a running sandbox to their end, and from answers that break the contract."""

from __future__ import annotations

from datetime import datetime
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.connectors.egnyte.listings import describe_content, narrow
from signalpost.connectors.egnyte.resources import RESOURCES, SOURCES
from signalpost.connectors.resource import Condition
from signalpost.model.errors import (
    AccessRefusedError,
    InvalidRequestError,
    MissingError,
    RejectedError,
)
from tests.unit.connectors.egnyte_calls import NOW, open_calls, read_all

REMOTE = ("users", "groups", "links", "notes", "trash", "tasks", "project-folders")
KINDS = ("users", "groups", "links", "notes", "tasks", "project-folders")


@pytest.fixture
async def opened():
    async with open_calls() as (egnyte, calls):
        yield egnyte, calls


async def fill(egnyte, kind, count):
    await egnyte.make_changes(1, "create")
    await egnyte.change_records(kind, create=[{} for _ in range(count)])
    return await egnyte.list_records(kind)


def test_the_declaration():
    names = "events audit users groups links notes trash tasks project-folders folders/contents ping"
    assert [each.name for each in EgnyteConnector.resources] == names.split()
    for resource in RESOURCES:
        assert resource.path == resource.name
        assert resource.required <= resource.parameters
        assert "cope" in resource.description
    assert EgnyteConnector.calls_a_day == 1000
    assert set(SOURCES) == {*REMOTE, "folders/contents"}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("size", [None, 4, 1000])
@pytest.mark.parametrize("as_strings", [False, True])
async def test_each_list_is_read_to_its_end(opened, kind, size, as_strings):
    egnyte, calls = opened
    truth = await fill(egnyte, kind, 9)
    await egnyte.control("PATCH", "settings", {"numbers_as_strings": as_strings})
    records = await read_all(calls, calls.list(kind), size)
    assert [str(each["id"]) for each in records] == [str(each["id"]) for each in truth]
    if size is None:
        assert len(calls.made) == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("over", ["clamp", "400"])
async def test_more_than_one_page_of_the_usual_size(opened, kind, over):
    egnyte, calls = opened
    count = max(SOURCES[kind].largest, 20) * 2
    truth = await fill(egnyte, kind, count)
    await egnyte.control("PATCH", "settings", {"over_max_count": over})
    records = await read_all(calls, calls.list(kind))
    assert len({each["id"] for each in records}) == len(truth) >= count


async def test_the_dates_and_ids_that_are_declared_are_there(opened):
    egnyte, calls = opened
    await egnyte.make_changes(30, "create", "delete", "note")
    for kind in KINDS:
        await egnyte.change_records(kind, create=[{}])
    for resource in RESOURCES[2:]:
        parameters = {"path": "/Shared"} if resource.required else {}
        records = await read_all(calls, calls.list(resource.name, **parameters))
        assert records, resource.name
        for name in filter(None, (resource.id_field, resource.updated_field, resource.created_field)):
            assert records[0][name], (resource.name, name)


async def test_the_trash(opened):
    egnyte, calls = opened
    for _ in range(5):
        await egnyte.make_changes(10, "create", "create", "delete")
    paths = [each["path"] for each in await read_all(calls, calls.list("trash"), 3)]
    assert len(paths) == len(set(paths)) > 3


def test_what_comes_into_the_trash_was_deleted_and_what_leaves_it_was_not():
    trash = next(each for each in RESOURCES if each.name == "trash")
    assert trash.appears_as.value == "DELETED"
    assert trash.strategies == ("timestamp",)


@pytest.mark.parametrize(
    ("kind", "fields", "condition", "query"),
    [
        ("users", {"userName": "ada"}, Condition("userName", "=", "ada"), 'userName eq "ada"'),
        ("users", {"email": "a@b.c"}, Condition("email", "=", "a@b.c"), 'email eq "a@b.c"'),
        (
            "groups",
            {"displayName": "Legal"},
            Condition("displayName", "=", "Legal"),
            'displayName eq "Legal"',
        ),
        ("groups", {"displayName": "Legal"}, Condition("displayName", "like", "Le%"), 'displayName sw "Le"'),
        (
            "groups",
            {"displayName": "Legal"},
            Condition("displayName", "like", "%ega%"),
            'displayName co "ega"',
        ),
    ],
)
async def test_egnyte_compares_texts(opened, kind, fields, condition, query):
    egnyte, calls = opened
    await egnyte.change_records(kind, create=[{}, fields])
    (record,) = await read_all(calls, calls.list(kind, condition))
    assert record.items() >= fields.items()
    assert calls.made[0][1]["filter"] == query


@pytest.mark.parametrize(
    "condition",
    [
        Condition("displayName", "like", "%"),
        Condition("displayName", "like", "%x"),
        Condition("displayName", "like", "a%b%"),
        Condition("displayName", "like", "a"),
        Condition("displayName", "=", 'a"b'),
        Condition("displayName", "=", ""),
        Condition("displayName", "!=", "a"),
    ],
)
def test_what_egnyte_cannot_compare_is_left_to_the_caller(condition):
    assert narrow(SOURCES["groups"], [condition]) == {}


@pytest.mark.parametrize(
    ("kind", "field", "names"),
    [
        ("links", "creation_date", ("created_after", "created_before")),
        ("notes", "creation_time", ("start_time", "end_time")),
    ],
)
async def test_bounds_on_dates_lose_nothing(opened, kind, field, names):
    egnyte, calls = opened
    await egnyte.make_changes(1, "create")
    await egnyte.change_records(kind, create=[{field: f"2026-05-0{day}T06:01:17Z"} for day in range(1, 9)])
    conditions = [
        Condition(field, ">=", "2026-05-03T06:01:17.000Z"),
        Condition(field, "<=", "2026-05-05T08:01:17+0200"),
    ]
    records = await read_all(calls, calls.list(kind, *conditions))
    assert sorted(each[field][:10] for each in records) == ["2026-05-03", "2026-05-04", "2026-05-05"]
    assert (
        calls.made[0][1].items()
        >= {names[0]: "2026-05-03T06:01:16Z", names[1]: "2026-05-05T06:01:19Z"}.items()
    )


@given(st.sampled_from([">", ">=", "<", "<=", "=", "like"]), st.text() | st.datetimes().map(str))
def test_no_condition_crashes(operator, value):
    for kind, source in SOURCES.items():
        narrow(source, [Condition("creation_date" if kind == "links" else "displayName", operator, value)])


async def test_notes_of_a_folder_or_file(opened):
    egnyte, calls = opened
    await egnyte.make_changes(12, "note", folder="/Shared/Legal")
    await egnyte.make_changes(12, "note", folder="/Shared/Other")
    everywhere = await read_all(calls, calls.list("notes"))
    legal = await read_all(calls, calls.list("notes", folder="/Shared/Legal/"))
    assert 0 < len(legal) < len(everywhere)
    assert all(each["file_path"].startswith("/Shared/Legal/") for each in legal)
    path = legal[0]["file_path"]
    assert {each["file_path"] for each in await read_all(calls, calls.list("notes", file=path))} == {path}
    with pytest.raises(InvalidRequestError, match=r"^folder: "):
        calls.list("notes", folder="Legal")


async def test_a_folders_contents(opened):
    egnyte, calls = opened
    folder = "/Shared/A b#%&+[]{}';\u00e9"
    await egnyte.make_changes(60, "create", folder=folder)
    for as_strings in (False, True):
        await egnyte.control("PATCH", "settings", {"numbers_as_strings": as_strings})
        records = await read_all(calls, calls.list("folders/contents", path=folder + "/"), 7)
        assert {each["event_object_type"] for each in records} == {"file", "folder"}
        assert len({each["event_object_id"] for each in records}) == len(records) > 7
        assert all(datetime.fromisoformat(each["event_date"]) <= NOW for each in records)
        assert all(each["path"] == f"{folder}/{each['name']}" for each in records)
    assert calls.made[0][0] == "/pubapi/v1/fs" + quote(folder)
    assert await read_all(calls, calls.list("folders/contents", path="/"))


async def test_a_folder_that_is_none(opened):
    egnyte, calls = opened
    await egnyte.make_changes(30, "update")
    row = next(
        each
        for each in (await egnyte.control("GET", "events?after=0"))["events"]
        if not each["data"]["is_folder"]
    )
    with pytest.raises(RejectedError, match=r"^path: .* is a file"):
        await calls.list("folders/contents", path=row["data"]["target_path"]).read(calls, None, None)
    with pytest.raises(MissingError):
        await calls.list("folders/contents", path="/Shared/nowhere").read(calls, None, None)
    for path in ("", "Shared", "/Shared/../x", "/./x"):
        with pytest.raises(InvalidRequestError, match=r"^path: "):
            calls.list("folders/contents", path=path)


DATED = [
    ({"is_folder": False, "group_id": "g", "last_modified": "Thu, 28 May 2026 08:02:48GMT"}, "g", "file"),
    ({"is_folder": "true", "folder_id": "f", "lastModified": "1779955368000"}, "f", "folder"),
    ({"folder_id": "f", "lastModified": 1779955368000}, "f", "folder"),
]


@pytest.mark.parametrize(("row", "object_id", "object_type"), DATED)
def test_what_is_added_to_contents(row, object_id, object_type):
    assert describe_content(row) == row | {
        "event_object_id": object_id,
        "event_object_type": object_type,
        "event_date": "2026-05-28T08:02:48.000Z",
    }


def test_contents_without_id_or_date_are_passed_on():
    assert describe_content({"path": "/a", "last_modified": "?"})["event_date"] is None
    assert describe_content({"path": "/a"})["event_object_id"] == "/a"
    assert describe_content({})["event_object_id"] is None
    assert describe_content("x") == "x"


async def test_ping(opened):
    _, calls = opened
    page = await calls.list("ping").read(calls, None, None)
    assert page.records == [{"dateTime": "2026-05-28T12:00:00.000Z", "endpoint": "egnyte"}]
    assert page.next is None
    with pytest.raises(RejectedError):
        await calls.list("ping").read(calls, "1", None)


@pytest.mark.parametrize("position", ["", "x", "-1", "1.5", "9" * 30])
@pytest.mark.parametrize("name", ["events", "users", "links", "project-folders"])
async def test_a_position_of_another_list_is_refused(opened, name, position):
    _, calls = opened
    with pytest.raises(RejectedError, match="no position"):
        await calls.list(name).read(calls, position, None)


async def test_scopes_are_needed(opened):
    egnyte, calls = opened
    calls.token = (await egnyte.connect(scope="Egnyte.filesystem"))["access_token"]
    for name in ("users", "groups", "links", "project-folders"):
        with pytest.raises(AccessRefusedError, match=r"Egnyte\."):
            await calls.list(name).read(calls, None, None)
