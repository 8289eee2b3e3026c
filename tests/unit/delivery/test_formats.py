"""The three forms of a body: what each says, and what it says where the records are too large."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import orjson
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from signalpost.delivery.formats import CONTENT_TYPES, records, write_body
from signalpost.model.delivery import DeliveredEvent, Format, Notification, PageContext, State, write_time
from signalpost.model.ids import InstanceId, NotificationId, OrganizationId, UserId
from tests.schemas import check_body, read_validator

ROOT = Path(__file__).parents[3]
HAPPENED_AT = datetime(2024, 3, 5, 10, 15, 31, 250_000, UTC)
POLLED_AT = datetime(2024, 3, 5, 10, 15, 59, tzinfo=UTC)
CREATED_AT = datetime(2024, 3, 5, 10, 16, 2, tzinfo=UTC)
IDS = [UUID(int=number) for number in range(3)]
EVENTS = [
    DeliveredEvent(IDS[0], 7, "one", "file", "CREATED", write_time(HAPPENED_AT), 2),
    DeliveredEvent(IDS[1], 8, "two", "Folder é", "DELETED", write_time(HAPPENED_AT), 0),
]
CONTEXT = PageContext(
    connector="egnyte",
    hub="documents",
    resource="my events",
    instance_name="Acme",
    instance_tags=("a", "b"),
    organization_id=OrganizationId(1001),
    user_id=UserId(3001),
    full_raw=False,
)
NOTIFICATION = Notification(
    id=NotificationId(9_000_001),
    instance_id=InstanceId(100_001),
    lane_order=1,
    state=State.PENDING,
    attempts=0,
    failures=0,
    refusals=0,
    next_attempt_at=CREATED_AT,
    created_at=CREATED_AT,
    polled_at=POLLED_AT,
    context=CONTEXT,
    events=EVENTS,
    records=['{"n": 0}', '{"n":1}', '{"n":  2.00}'],
)
INSTANCE = "https://signalpost.example.com/elements/api-v2/instances/100001"


def write(form, notification=NOTIFICATION, public_url="https://signalpost.example.com/"):
    body = write_body(notification, form, public_url=public_url)
    assert body == write_body(notification, form, public_url=public_url)
    assert check_body({"content-type": CONTENT_TYPES[form]}, body) is form
    return json.loads(body)


def test_open_connectors():
    body = write(Format.OPEN_CONNECTORS)
    assert body["id"] == "9000001"
    assert body["createdDate"] == "Tue Mar 05 10:16:02 UTC 2024"
    message = body["message"]
    assert message["raw"] == {
        "my events": [{"n": 2.0}, {"n": 0}],
        "pollDate": 1_709_633_759_000,
        "objectType": "my events",
    }
    assert [event["sequence"] for event in message["events"]] == [7, 8]
    assert message["events"][0]["date"] == "2024-03-05T10:15:31Z"


def test_open_connectors_with_the_whole_page():
    whole = replace(NOTIFICATION, context=replace(CONTEXT, full_raw=True))
    assert [r["n"] for r in write(Format.OPEN_CONNECTORS, whole)["message"]["raw"]["my events"]] == [0, 1, 2]


def test_cloudevents():
    first, second = write(Format.CLOUDEVENTS)
    assert first == {
        "specversion": "1.0",
        "id": str(IDS[0]),
        "source": INSTANCE,
        "type": "signalpost.egnyte.file.created",
        "subject": "one",
        "time": "2024-03-05T10:15:31.250000Z",
        "datacontenttype": "application/json",
        "sequence": "00000000000000000007",
        "eventtype": "CREATED",
        "objecttype": "file",
        "polltime": "2024-03-05T10:15:59Z",
        "instanceid": "100001",
        "instancename": "Acme",
        "notificationid": "9000001",
        "resource": "my events",
        "data": {"n": 2.0},
    }
    assert second["type"] == "signalpost.egnyte.folder-.deleted"
    assert second["objecttype"] == "Folder é"


def test_cloudevents_hold_no_character_that_their_strings_may_not_hold():
    odd = EVENTS[0]._replace(object_id="a\x00b\x85c\ufdd0d\U0001fffff", object_type="")
    [event] = write(Format.CLOUDEVENTS, replace(NOTIFICATION, events=[odd]))
    assert event["subject"] == "a\ufffdb\ufffdc\ufffdd\ufffdf"
    assert "objecttype" not in event


def test_standard_webhooks():
    body = write(Format.STANDARD_WEBHOOKS)
    assert body["type"] == "egnyte.my_events.changed"
    assert body["timestamp"] == "2024-03-05T10:16:02Z"
    first, second = body["data"].pop("events")
    assert body["data"] == {
        "instanceId": 100_001,
        "instanceName": "Acme",
        "instanceTags": ["a", "b"],
        "notificationId": "9000001",
        "resource": "my events",
    }
    assert first == {
        "id": str(IDS[0]),
        "sequence": 7,
        "eventType": "CREATED",
        "objectId": "one",
        "objectType": "file",
        "date": "2024-03-05T10:15:31.250000Z",
        "pollDate": "2024-03-05T10:15:59Z",
        "record": {"n": 2.0},
    }
    assert second["record"] == {"n": 0}


@pytest.mark.parametrize("form", Format)
def test_records_are_written_to_the_byte_as_they_are_stored(form):
    body = write_body(NOTIFICATION, form, public_url=None)
    assert b'{"n":  2.00}' in body
    assert b'{"n": 0}' in body


def large(size):
    """Give the notification with a record of so many bytes, in characters of three bytes, at its first event."""
    filled = '"' + "漢" * ((size - 2) // 3) + "x" * ((size - 2) % 3) + '"'
    return replace(NOTIFICATION, records=["0", "1", filled])


@pytest.mark.parametrize("form", Format)
def test_records_of_eight_megabytes_are_sent(form):
    assert len(write_body(large(records.MOST_RECORD_BYTES - 1), form, public_url=None)) > 8_000_000


@pytest.mark.parametrize(
    ("public_url", "start"), [(None, ""), ("https://a.example.com", "https://a.example.com")]
)
def test_larger_records_are_left_out_and_linked(public_url, start):
    notification = large(records.MOST_RECORD_BYTES)  # and a byte of the second event's
    links = [f"{start}/elements/api-v2/instances/100001/events/{event.id}" for event in EVENTS]
    raw = write(Format.OPEN_CONNECTORS, notification, public_url)["message"]["raw"]
    assert raw == {
        "my events": [],
        "pollDate": 1_709_633_759_000,
        "objectType": "my events",
        "omitted": {"links": links},
    }
    batch = write(Format.CLOUDEVENTS, notification, public_url)
    assert [event["dataref"] for event in batch] == [f"{link}/record" for link in links]
    assert not any("data" in event for event in batch)
    events = write(Format.STANDARD_WEBHOOKS, notification, public_url)["data"]["events"]
    assert [event["link"] for event in events] == links
    assert not any("record" in event for event in events)


def test_a_page_that_is_too_large_gives_way_to_the_records_of_the_events(monkeypatch):
    whole = replace(NOTIFICATION, context=replace(CONTEXT, full_raw=True))
    monkeypatch.setattr(records, "MOST_RECORD_BYTES", sum(map(len, whole.records)) - 1)
    assert [r["n"] for r in write(Format.OPEN_CONNECTORS, whole)["message"]["raw"]["my events"]] == [2, 0]
    monkeypatch.setattr(records, "MOST_RECORD_BYTES", 5)
    assert write(Format.OPEN_CONNECTORS, whole)["message"]["raw"]["omitted"]["links"]


def test_the_examples_of_the_page_are_as_the_schemas_say():
    page = (ROOT / "docs" / "reference" / "notifications.md").read_text()
    forms = []
    for block in re.findall(r"```json\n(.*?)```", page, re.DOTALL):
        body = json.loads(block)
        content_type = "application/cloudevents-batch+json" if isinstance(body, list) else "application/json"
        forms.append(check_body({"Content-Type": content_type}, body))
    assert set(forms) == set(Format)


# Left out where they would say nothing, and what is the provider's.
NOT_PROMISED = {"subject", "objecttype", "instancename", "n"}


@pytest.mark.parametrize("form", Format)
def test_a_body_that_lacks_what_is_promised_is_not_valid_and_one_with_more_is(form):
    validator = read_validator(form)
    body = write(form)
    containers = list(walk(body))
    assert len(containers) > 2
    for container in containers:
        for name in set(container) - NOT_PROMISED:
            value = container.pop(name)
            assert not validator.is_valid(body), name
            container[name] = value
        container["added"] = {"later": 1}
    assert validator.is_valid(body)


def walk(value):
    """Give all objects in a body."""
    if isinstance(value, dict):
        yield value
    for inner in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        yield from walk(inner)


@pytest.mark.parametrize(
    ("form", "path", "nonsense"),
    [
        (Format.OPEN_CONNECTORS, ["id"], 9),
        (Format.OPEN_CONNECTORS, ["createdDate"], "2024-03-05T10:16:02Z"),
        (Format.OPEN_CONNECTORS, ["message", "instanceId"], "100001"),
        (Format.OPEN_CONNECTORS, ["message", "events"], []),
        (Format.OPEN_CONNECTORS, ["message", "events", 0, "date"], "2024-03-05T10:15:31.25Z"),
        (Format.OPEN_CONNECTORS, ["message", "events", 0, "eventType"], "created"),
        (Format.OPEN_CONNECTORS, ["message", "raw", "omitted"], True),
        (Format.CLOUDEVENTS, [0, "specversion"], "0.3"),
        (Format.CLOUDEVENTS, [0, "type"], "file.created"),
        (Format.CLOUDEVENTS, [0, "time"], "2024-13-05T10:15:31Z"),
        (Format.CLOUDEVENTS, [0, "sequence"], "7"),
        (Format.CLOUDEVENTS, [0, "pollTime"], "x"),
        (Format.CLOUDEVENTS, [0, "dataref"], "/elements/api-v2/instances/1/events/x/record"),
        (Format.STANDARD_WEBHOOKS, ["type"], "egnyte.my events.changed"),
        (Format.STANDARD_WEBHOOKS, ["timestamp"], 1_709_633_759),
        (Format.STANDARD_WEBHOOKS, ["data", "events", 0, "id"], "one"),
        (Format.STANDARD_WEBHOOKS, ["data", "events", 0, "link"], "/elements"),
    ],
)
def test_a_body_with_nonsense_is_not_valid(form, path, nonsense):
    body = write(form)
    container = body
    for name in path[:-1]:
        container = container[name]
    container[path[-1]] = nonsense
    assert not read_validator(form).is_valid(body)


@given(st.datetimes(timezones=st.timezones() | st.just(UTC)))
def test_times_are_stored_and_written_as_the_json_library_writes_times(moment):
    """Rows of earlier versions, and repetitions of what was sent by them, must have the same bytes."""
    try:
        utc = moment.astimezone(UTC)
    except OverflowError:
        assume(False)
    text = write_time(moment)
    assert orjson.dumps(text) == orjson.dumps(utc)
    event = EVENTS[0]._replace(occurred_at=text)
    assert orjson.dumps(records.show_time(event)) == orjson.dumps(utc, option=orjson.OPT_UTC_Z)
    [first] = write(Format.OPEN_CONNECTORS, replace(NOTIFICATION, polled_at=utc, events=[event]))["message"][
        "events"
    ]
    to_the_second = orjson.dumps(utc, option=orjson.OPT_UTC_Z | orjson.OPT_OMIT_MICROSECONDS).decode()[1:-1]
    assert first["date"] == first["pollDate"] == to_the_second
