"""What people call an object: found in its record, bounded, and such that a database keeps it."""

from __future__ import annotations

from datetime import UTC, datetime
from uuid import UUID

import orjson
import pytest

from signalpost.connectors.egnyte.resources import RESOURCES
from signalpost.model.errors import ConnectorError
from signalpost.model.event import Event, EventType
from signalpost.polling.labels import LONGEST_LABEL, find_label, list_labels

EVENT = Event(UUID(int=1), "o", "file", EventType.CREATED, datetime(2026, 3, 1, tzinfo=UTC), 0)


@pytest.mark.parametrize(
    ("record", "fields", "label"),
    [
        ({"data": {"target_path": "/a"}}, ("data.target_path",), "/a"),
        ({"data": {"target_path": "", "source_path": "/b"}}, ("data.target_path", "data.source_path"), "/b"),
        ({"data": "no object"}, ("data.target_path", "data"), "no object"),
        ({"name": 7, "path": None}, ("name", "path"), ""),
        ({"names": [1, " ", "x"]}, ("names",), "x"),
        ({"path": "/<script>\u202e\U0001f4a5"}, ("path",), "/<script>\u202e\U0001f4a5"),
        ({"path": "/a\x00b"}, ("path",), "/a\ufffdb"),
        ({"path": "é" * 5000}, ("path",), "é" * LONGEST_LABEL),
        ({"path": "/a"}, (), ""),
        (["no", "object"], ("path",), ""),
    ],
)
def test_the_first_field_with_a_text_is_the_label(record, fields, label):
    assert find_label(orjson.dumps(record).decode(), fields) == label


def test_half_a_character_is_valid_and_replaced():
    assert find_label('{"path": "a\\ud800"}', ("path",)) == "a\ufffd"
    assert find_label('{"path": "/a", "\\udfff": "\\ud800"}', ("path",)) == "/a"


@pytest.mark.parametrize("record", ["", "nothing", '{"path": "/a"', '{"a": NaN}', "{'a': 1}", "[" * 2000])
@pytest.mark.parametrize("fields", [(), ("path",)])
def test_a_record_that_is_no_json_is_told(record, fields):
    with pytest.raises(ConnectorError, match="a record that is no JSON"):
        find_label(record, fields)


def test_each_event_takes_the_label_of_its_own_record():
    events = [EVENT, Event(EVENT.id, "p", "file", EventType.CREATED, EVENT.occurred_at, 1)]
    records = ['{"path":"/a"}', '{"path":"/b"}']
    assert list_labels(events, records, ("path",)) == ["/a", "/b"]
    assert list_labels(events, records, ()) == ["", ""]


def test_every_resource_of_egnyte_says_what_its_objects_are_called():
    assert [resource.name for resource in RESOURCES if not resource.label_fields] == []
