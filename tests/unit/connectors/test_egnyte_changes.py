"""Rows become records and changes: the row is kept as it is, what is added is right, nothing is dropped."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.connectors.egnyte.changes import (
    ACTIONS,
    format_timestamp,
    read_row,
    read_row_id,
    read_timestamp,
)
from signalpost.connectors.egnyte.resources import _order
from signalpost.model.errors import ConnectorError
from signalpost.model.event import EventType

TIME = "2026-05-28T11:40:01.000Z"


def row(**fields):
    return {"id": 7, "timestamp": TIME, "actor": 1, "type": "file_system", "action": "create", **fields}


def read(given_row, id_field="event_object_id"):
    record, change = read_row(given_row, 3, id_field)
    return orjson.loads(record), change


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
    assert read(row(data=FILE), id_field="nowhere")[1].object_id == "g1"


def test_ids_that_restart_are_other_changes():
    later = read(row(timestamp="2026-06-01T00:00:00.000Z"))[1]
    assert later.change_id != read(row())[1].change_id


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(st.sampled_from(["data", "type", "action", "actor", "object_detail"]), json_values))
def test_no_row_with_id_and_time_is_dropped_or_crashes(fields):
    try:
        record, change = read({**row(), **fields})
    except (UnicodeEncodeError, TypeError) as error:  # lone surrogates do not come out of a JSON reader
        assert "surrogate" in str(error)  # noqa: PT017
        return
    assert change.object_id
    assert "\x00" not in change.object_id
    assert record["id"] == 7


@pytest.mark.parametrize("bad", [None, 3, "x", [], {}, {"id": None}, {"id": True}, {"id": "x"}, {"id": 1.5}])
def test_a_row_without_a_usable_id_fails_the_page(bad):
    with pytest.raises(ConnectorError, match="usable id"):
        read_row_id(bad)


@pytest.mark.parametrize("bad", [None, "", "yesterday", 5, "2026-13-01"])
def test_a_row_without_a_time_fails_the_page_rather_than_inventing_one(bad):
    with pytest.raises(ConnectorError, match="timestamp"):
        read_timestamp(bad)


@given(st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=0)))
def test_times_survive(moment):
    assert read_timestamp(format_timestamp(moment)) == moment


@given(st.lists(st.integers(1, 50)), st.integers(0, 50))
def test_rows_out_of_order_or_seen_before_are_put_right(numbers, after):
    rows = _order([{"id": number} for number in numbers], after)
    assert [each["id"] for each in rows] == sorted({number for number in numbers if number > after})


def test_the_action_table_has_no_unknown_action_of_the_documentation():
    assert {"create", "delete", "move", "copy", "rename", "restore", "permission_change"} <= set(ACTIONS)
