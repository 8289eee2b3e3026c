"""Rows become records and changes: the row is kept as it is, what is added is right, nothing is dropped."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.connectors.egnyte.changes import (
    ACTIONS,
    describe_flaws,
    make_page,
    make_writable,
    read_row,
    read_row_id,
    read_selection,
    read_suppress,
)
from signalpost.connectors.egnyte.feeds import order_rows
from signalpost.model.errors import ConnectorError, InvalidRequestError
from signalpost.model.event import EventType
from tests.unit.connectors.egnyte_calls import NOW, json_values, nest

TIME = "2026-05-28T11:40:01.000Z"


def row(**fields):
    return {"id": 7, "timestamp": TIME, "actor": 1, "type": "file_system", "action": "create", **fields}


def read(given_row, id_field="event_object_id"):
    return read_row(make_writable([given_row])[0], 3, id_field, NOW)


FILE = {"target_path": "/Shared/a#%&+[].txt", "target_id": "v1", "target_group_id": "g1", "is_folder": False}
ROWS = [
    (row(data=FILE), "g1", "file", EventType.CREATED, True),
    (row(data=FILE, action="copy"), "g1", "file", EventType.CREATED, False),
    (row(data=FILE, action="move"), "g1", "file", EventType.MOVED, False),
    (row(data=FILE, action="rename"), "g1", "file", EventType.MOVED, False),
    (row(data=FILE, action="delete"), "g1", "file", EventType.DELETED, False),
    (row(data=FILE, action="restore"), "g1", "file", EventType.UPDATED, False),
    (row(data=FILE, action="something new"), "g1", "file", EventType.UNKNOWN, False),
    (
        row(data={"target_path": "/Shared/F", "is_folder": True}),
        "/Shared/F",
        "folder",
        EventType.CREATED,
        False,
    ),
    (
        row(data={"target_path": "/F", "is_folder": "true", "folder_id": "f"}),
        "f",
        "folder",
        EventType.CREATED,
        False,
    ),
    (row(type="note", data={"note_id": "n1", "target_path": "/x"}), "n1", "note", EventType.CREATED, False),
    (row(type="note", action="delete", data={"note_id": 12}), "12", "note", EventType.DELETED, False),
    (
        row(
            type="permission_change",
            action="permission_change",
            data={"target_path": "/Shared/Finance", "is_folder": False},
            eventTypeSpecificAttributes={"targetFolderId": "0c1d"},
        ),
        "0c1d",
        "folder",
        EventType.UPDATED,
        False,
    ),
    (row(), "event-7", "file", EventType.CREATED, True),
    (row(data=None), "event-7", "file", EventType.CREATED, True),
]


@pytest.mark.parametrize(("given_row", "object_id", "object_type", "event_type", "either"), ROWS)
def test_the_mapping(given_row, object_id, object_type, event_type, either):
    record, change = read(given_row)
    assert (change.object_id, change.object_type, change.event_type) == (object_id, object_type, event_type)
    assert change.creates_or_updates is either
    assert change.record_index == 3
    assert change.occurred_at == datetime(2026, 5, 28, 11, 40, 1, tzinfo=UTC)
    assert record == {
        **given_row,
        "event_object_id": object_id,
        "event_object_type": object_type,
        "event_type": event_type.value,
        "event_date": TIME,
    }


def test_the_configured_id_field_identifies_the_object():
    assert read(row(data=FILE), id_field="actor")[1].object_id == "1"
    for nowhere in ("nowhere", "data.nowhere", "data", "data.is_folder", "actor.id"):
        assert read(row(data=FILE), id_field=nowhere)[1].object_id == "g1"
    assert read(row(data=FILE), id_field="data.target_path")[1].object_id == FILE["target_path"]
    assert read(row(**{"data.target_path": "literal"}), id_field="data.target_path")[1].object_id == "literal"


@pytest.mark.parametrize("name", ["event_type", "event_date", "event_object_id", "event_object_type"])
def test_what_is_added_stands_last_whatever_the_row_has(name):
    (text,) = make_page([read({name: "theirs", **row(data=FILE)})], {"id": 7}, more=False).records
    assert text.endswith(
        '"event_object_id":"g1","event_object_type":"file","event_type":"CREATED","event_date":"'
        + TIME
        + '"}'
    )
    assert "theirs" not in text


def test_a_row_too_deep_to_write_is_told_by_what_is_not_nested():
    deep = row(data={**FILE, "more": nest(500)}, more=nest(500), list=[nest(500)])
    record, change = read(deep)
    assert change == read(row(data=FILE))[1]
    assert record == {"more": {}} | read(row(data=FILE))[0]
    assert make_page([(record, change)], {"id": 7}, more=False).records
    assert describe_flaws([deep, row()], "timestamp") == [
        "rows of Egnyte nested too deeply, told without what is nested: 1"
    ]


@pytest.mark.parametrize("bad", [None, "", "yesterday", [], {"at": TIME}, "2026-13-01", "x" * 5000])
def test_an_event_without_a_readable_time_is_told_as_of_now(bad):
    record, change = read(row(timestamp=bad))
    assert (change.occurred_at, record["timestamp"]) == (NOW, bad)
    assert len(change.change_id) < 120
    assert change.change_id == read_row(row(timestamp=bad), 0, "id", NOW.replace(hour=13))[1].change_id
    assert describe_flaws([row(timestamp=bad), row()], "timestamp") == [
        "rows of Egnyte without a readable timestamp, told as of now: 1"
    ]


def test_rows_without_flaws_are_not_remarked():
    assert describe_flaws([row(), "no object"], "timestamp") == []


def test_ids_that_restart_are_other_changes():
    later = read(row(timestamp="2026-06-01T00:00:00.000Z"))[1]
    assert later.change_id != read(row())[1].change_id


@given(st.dictionaries(st.sampled_from(["data", "type", "action", "actor", "object_detail"]), json_values))
def test_no_row_with_id_and_time_is_dropped_or_crashes(fields):
    record, change = read({**row(), **fields})
    assert change.object_id
    assert "\x00" not in change.object_id
    assert record["id"] == 7


@pytest.mark.parametrize("bad", [None, 3, "x", [], {}, {"id": None}, {"id": True}, {"id": "x"}, {"id": 1.5}])
def test_a_row_without_a_usable_id_fails_the_page(bad):
    with pytest.raises(ConnectorError, match="usable id"):
        read_row_id(bad)


@given(st.lists(st.integers(1, 50)), st.integers(0, 50))
def test_rows_out_of_order_or_seen_before_are_put_right(numbers, after):
    rows = order_rows([{"id": number} for number in numbers], after)
    assert [each["id"] for each in rows] == sorted({number for number in numbers if number > after})


def test_the_action_table_has_no_unknown_action_of_the_documentation():
    assert {"create", "delete", "move", "copy", "rename", "restore", "permission_change"} <= set(ACTIONS)


def folder_row(action, target, source=None):
    return row(action=action, data={"target_path": target, **({"source_path": source} if source else {})})


FOLDER = "/Shared/Legal/"
SELECTED = [
    (folder_row("create", "/Shared/Legal"), True),
    (folder_row("create", "/shared/LEGAL/a/b.txt"), True),
    (folder_row("create", "/Shared/Legally/a"), False),
    (folder_row("move", "/Elsewhere/a", "/Shared/Legal/a"), True),
    (folder_row("move", "/Shared/Legal/a", "/Elsewhere/a"), True),
    (folder_row("delete", "/Shared"), True),
    (folder_row("rename", "/Common", "/Shared"), True),
    (folder_row("move", "/Shared", "/Common"), True),
    (folder_row("copy", "/Shared", "/Common"), True),
    (folder_row("restore", "/Shared/"), True),
    (folder_row("create", "/Shared"), False),
    (folder_row("permission_change", "/Shared"), False),
    (folder_row("delete", "/Sha"), False),
    (row(data={"note_id": "n"}), True),
    (row(data=None), True),
    (row(data={"target_path": 5}), True),
]


@pytest.mark.parametrize(("given_row", "is_wanted"), SELECTED)
def test_what_concerns_a_folder(given_row, is_wanted):
    assert read_selection({"folder": FOLDER}).accepts(given_row) is is_wanted


def test_letters_that_unicode_spells_in_two_ways_are_one():
    row_there = folder_row("create", "/Shared/cafe\u0301/x")
    assert read_selection({"folder": "/Shared/Caf\u00c9"}).accepts(row_there)


def test_the_root_holds_all_and_types_are_joined():
    assert read_selection({"folder": "/"}).accepts(folder_row("create", "/Private/a"))
    selection = read_selection({"type": "note| permission_change|", "folder": ""})
    assert selection.accepts(row(type="note"))
    assert not selection.accepts(row(type="file_system"))
    assert read_selection({}).accepts(row(type="something new"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("type", "files"),
        ("type", "note,file_system"),
        ("folder", "Shared"),
        ("folder", "/Shared/../x"),
        ("folder", "/a//b"),
        ("suppress", "me"),
    ],
)
def test_wrong_parameters_are_named(name, value):
    with pytest.raises(InvalidRequestError, match=f"^{name}: '{value}"):
        read_suppress({name: value}) if name == "suppress" else read_selection({name: value})
