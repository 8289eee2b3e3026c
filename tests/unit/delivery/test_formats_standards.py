"""What we send, read by the standards' own libraries: whatever the ids, the names and the records are."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from cloudevents.core.bindings.http import HTTPMessage, from_http_event
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook
from standardwebhooks.webhooks import WebhookVerificationError
from svix.webhooks import Webhook as SvixWebhook

from signalpost.delivery.configuration import read_delivery_settings
from signalpost.delivery.egress import Message, write_headers
from signalpost.delivery.formats import CONTENT_TYPES, records, write_body
from signalpost.model.configuration import SIGNATURE_KEY
from signalpost.model.delivery import RESERVED_NAMES, DeliveredEvent, Format, write_time
from signalpost.model.event import EventType
from signalpost.model.ids import InstanceId
from tests.schemas import check_body
from tests.unit.delivery.test_formats import CONTEXT, NOTIFICATION

KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
OTHER_KEY = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx"

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
moments = st.datetimes(datetime(1970, 1, 1), datetime(9999, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds have no zone
# Names under which raw has something else are not the names of resources.
resources = texts.filter(lambda name: name and name not in RESERVED_NAMES)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=5,
)
contexts = st.builds(
    replace,
    st.just(CONTEXT),
    connector=st.from_regex(r"[a-z0-9-]+", fullmatch=True),
    hub=texts,
    resource=resources,
    instance_name=texts,
    instance_tags=st.lists(texts, max_size=3).map(tuple),
    full_raw=st.booleans(),
)


@st.composite
def notifications(draw):
    kept = draw(st.lists(values.map(json.dumps), min_size=1, max_size=5))
    events = st.builds(
        DeliveredEvent,
        id=st.uuids(),
        sequence=st.integers(0, 2**63 - 1),
        object_id=texts,
        object_type=texts,
        event_type=st.sampled_from(EventType).map(str),
        occurred_at=moments.map(write_time),
        record_index=st.integers(0, len(kept) - 1),
    )
    return replace(
        NOTIFICATION,
        instance_id=InstanceId(draw(st.integers(0, 2**63 - 1))),
        created_at=draw(moments),
        polled_at=draw(moments),
        context=draw(contexts),
        events=draw(st.lists(events, min_size=1, max_size=10)),
        records=kept,
    )


public_urls = st.sampled_from([None, "https://signalpost.example.com", "http://[::1]:8080/behind/"])
forms = st.sampled_from(Format)


def send(notification, form, public_url=None):
    """Give headers and body as they are sent, signed with KEY."""
    body = write_body(notification, form, public_url=public_url)
    message = Message(
        id=str(notification.id), sent_at=datetime.now(UTC), content_type=CONTENT_TYPES[form], body=body
    )
    return write_headers(read_delivery_settings({SIGNATURE_KEY: KEY}), message), body


def read_batch(headers, body):
    """Read a batch with the library, which validates each event; it has no reader of batches of its own."""
    assert headers["Content-Type"] == "application/cloudevents-batch+json"
    single = {"content-type": "application/cloudevents+json"}
    return [from_http_event(HTTPMessage(single, json.dumps(event).encode())) for event in json.loads(body)]


@given(notifications(), forms, public_urls)
def test_any_body_is_valid_by_its_schema_and_always_the_same(notification, form, public_url):
    headers, body = send(notification, form, public_url)
    assert check_body(headers, body) is form
    assert body == write_body(notification, form, public_url=public_url)


@given(notifications(), forms, public_urls)
def test_so_is_any_body_without_its_records(notification, form, public_url):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "MOST_RECORD_BYTES", 0)
        headers, body = send(notification, form, public_url)
    assert check_body(headers, body) is form
    assert body.count(b"/events/") >= len(notification.events)


@given(notifications(), public_urls)
def test_the_library_for_cloudevents_reads_every_event(notification, public_url):
    read = read_batch(*send(notification, Format.CLOUDEVENTS, public_url))
    assert [event.get_id() for event in read] == [str(event.id) for event in notification.events]
    assert [write_time(event.get_time()) for event in read] == [
        event.occurred_at for event in notification.events
    ]
    expected = [json.loads(notification.records[event.record_index]) for event in notification.events]
    assert [event.get_data() for event in read] == expected
    sequences = [event.get_extension("sequence") for event in read]
    assert sorted(sequences) == [
        f"{each:020}" for each in sorted(event.sequence for event in notification.events)
    ]


def test_the_library_for_cloudevents_reads_a_reference_in_place_of_data(monkeypatch):
    monkeypatch.setattr(records, "MOST_RECORD_BYTES", 0)
    read = read_batch(*send(NOTIFICATION, Format.CLOUDEVENTS))
    assert len(read) == len(NOTIFICATION.events)
    for event in read:
        assert event.get_data() is None
        assert event.get_extension("dataref").endswith(f"/events/{event.get_id()}/record")


@given(notifications(), forms)
def test_the_libraries_for_standard_webhooks_verify_every_body(notification, form):
    headers, body = send(notification, form)
    assert Webhook(KEY).verify(body, headers) == json.loads(body)
    SvixWebhook(KEY).verify(body, headers)


@pytest.mark.parametrize("form", Format)
def test_the_libraries_refuse_another_key_another_body_and_another_time(form):
    headers, body = send(NOTIFICATION, form)
    late = {**headers, "webhook-timestamp": str(int(time.time()) + 1)}
    for library in (Webhook, SvixWebhook):
        for key, given_body, given_headers in [
            (OTHER_KEY, body, headers),
            (KEY, body + b" ", headers),
            (KEY, body, late),
        ]:
            with pytest.raises(WebhookVerificationError):
                library(key).verify(given_body, given_headers)
