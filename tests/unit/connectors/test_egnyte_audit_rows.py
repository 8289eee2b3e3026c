"""Rows of the audit log become records and changes, each once, however they are written."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.connectors.egnyte.audit import find_audit_type, read_audit_rows
from signalpost.model.errors import ConnectorError
from signalpost.model.event import EventType
from tests.unit.connectors.egnyte_calls import NOW, json_values, nest

AUDIT = {
    "date": 1779968523000,
    "sourcePath": "/Shared/a.txt",
    "targetPath": "",
    "userId": "7",
    "action": "Upload",
}


@pytest.mark.parametrize(
    ("fields", "object_id", "object_type", "event_type"),
    [
        ({"auditSource": "FILE_AUDIT"}, "/Shared/a.txt", "file", EventType.CREATED),
        ({"auditSource": "FILE\x00_AUDIT"}, "/Shared/a.txt", "file\ufffd", EventType.CREATED),
        ({"action": "Move", "targetPath": "/Shared/b.txt"}, "/Shared/b.txt", "audit", EventType.MOVED),
        ({"action": "Download", "auditSource": "FILE_AUDIT"}, "/Shared/a.txt", "file", EventType.UNKNOWN),
        (
            {"action": "Login", "sourcePath": "", "auditSource": "LOGIN_AUDIT"},
            "7",
            "login",
            EventType.UNKNOWN,
        ),
        (
            {"action": "DELETE", "auditSource": "WG_SETTINGS_AUDIT"},
            "/Shared/a.txt",
            "wg_settings",
            EventType.DELETED,
        ),
    ],
)
def test_rows_of_the_audit_log(fields, object_id, object_type, event_type):
    given_row = {**AUDIT, **fields}
    ((record, change),) = read_audit_rows([given_row], "event_object_id", NOW)
    assert (change.object_id, change.object_type, change.event_type) == (object_id, object_type, event_type)
    assert change.occurred_at == datetime(2026, 5, 28, 11, 42, 3, tzinfo=UTC)
    assert record == {
        **given_row,
        "event_object_id": object_id,
        "event_object_type": object_type,
        "event_type": event_type.value,
        "event_date": "2026-05-28T11:42:03.000Z",
    }


def test_equal_rows_of_the_audit_log_are_several_changes_and_the_same_when_read_again():
    rows = [AUDIT, {**AUDIT, "userId": "8"}, dict(reversed(AUDIT.items()))]
    first, again = (read_audit_rows(rows, "event_object_id", NOW) for _ in range(2))
    ids = [change.change_id for _, change in first]
    assert len(set(ids)) == 3
    assert ids == [change.change_id for _, change in again]
    assert all(each.startswith("1779968523000-") for each in ids)


@pytest.mark.parametrize("date", [None, "", "soon", True, [], 10**18])
def test_a_row_of_the_audit_log_without_a_date_is_told_as_of_now(date):
    ((_, change),) = read_audit_rows([{**AUDIT, "date": date}], "event_object_id", NOW)
    assert change.occurred_at == NOW


def test_a_row_of_the_audit_log_that_is_no_object_is_refused():
    with pytest.raises(ConnectorError, match="no object"):
        read_audit_rows(["x"], "event_object_id", NOW)


@given(st.dictionaries(st.sampled_from([*AUDIT, "auditSource", "user"]), json_values))
def test_no_row_of_the_audit_log_crashes_the_reader(fields):
    ((record, change),) = read_audit_rows([{**AUDIT, **fields}], "event_object_id", NOW)
    assert change.object_id
    assert change.object_type
    assert record["event_object_type"] == change.object_type


@pytest.mark.parametrize(
    ("action", "event_type"),
    [
        ("Create Folder", EventType.CREATED),
        ("ADD_USERS", EventType.UPDATED),
        ("Password change", EventType.UPDATED),
        ("rename", EventType.MOVED),
        ("", EventType.UNKNOWN),
        ("\u00fcber", EventType.UNKNOWN),
    ],
)
def test_actions_of_the_audit_log(action, event_type):
    assert find_audit_type(action) is event_type


def test_a_row_of_the_audit_log_too_deep_to_write_is_told_by_what_is_not_nested():
    ((record, _),) = read_audit_rows([{**AUDIT, "more": [nest(500)]}], "event_object_id", NOW)
    assert {**record, "event_object_id": ""} == {
        **read_audit_rows([AUDIT], "event_object_id", NOW)[0][0],
        "event_object_id": "",
    }
