"""The main job: every change arrives, once, in order, signed, and can be read back."""

from __future__ import annotations

import pytest
from standardwebhooks import Webhook

from signalpost.delivery.sign import sign_open_connectors
from tests.support import PATIENCE_SECONDS, until

EVENTS = "/pubapi/v2/events"


async def test_every_change_arrives_once_in_order_and_signed(world):
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    made = await world.change(250)
    await until(lambda: len(world.delivered()) >= 250)

    assert [record["id"] for record in world.delivered()] == [row["id"] for row in made]
    assert all(received["valid"] is True for received in world.listener.received)
    assert [event["sequence"] for event in world.events()] == list(range(1, 251))
    assert len({event["id"] for event in world.events()}) == 250
    assert all(len(each["body"]["message"]["events"]) <= 10 for each in world.listener.received)


async def test_the_first_poll_starts_from_now(world):
    await world.change(5)
    instance = await world.connect()
    watermark = await world.wait_for_watermark(instance["id"])
    made = await world.change(3)
    await until(lambda: len(world.delivered()) >= 3)
    assert watermark["id"] == made[0]["id"] - 1
    assert [record["id"] for record in world.delivered()] == [row["id"] for row in made]


async def test_what_happens_once_connecting_was_answered_is_told_however_late_the_first_poll_comes(world):
    await world.change(5)
    await world.connect()
    await world.control("POST", "faults", {"kind": "status", "status": 503, "times": 2, "path": EVENTS})
    made = await world.change(3)
    await until(lambda: len(world.delivered()) >= 3)
    assert [record["id"] for record in world.delivered()] == [row["id"] for row in made]


@pytest.mark.parametrize("authorises", [False, True])
async def test_what_a_change_has_polled_starts_where_the_feed_is_when_that_is_answered(
    make_world, authorises
):
    async with make_world(roles=frozenset()) as world:  # the first poll comes late
        instance = await world.connect(**{"event.notification.enabled": False})
        made = await world.change(5)
        change = {"configuration": {"event.notification.enabled": True}}
        if authorises:
            change["providerData"] = {"code": await world.authorize()}
        answer = await world.client.patch(f"/instances/{instance['id']}", json=change)
        assert answer.status_code == 200, answer.text
        assert await world.watermark(instance["id"]) == {"id": made[-1]["id"]}


async def test_a_change_that_adds_nothing_to_be_polled_calls_no_provider_and_leaves_the_watermark(world):
    instance = await world.connect(**{"event.poller.refresh_interval": 60})
    await world.wait_for_watermark(instance["id"])
    made = await world.change(3)
    calls = await world.control("GET", "calls")
    change = {"name": "Another", "configuration": {"event.poller.refresh_interval": 1 / 60}}
    assert (await world.client.patch(f"/instances/{instance['id']}", json=change)).status_code == 200
    await until(lambda: len(world.delivered()) >= 3)
    assert [record["id"] for record in world.delivered()] == [row["id"] for row in made]
    asked = await world.control("GET", "calls")
    assert asked["paths"][f"{EVENTS}/cursor"] == calls["paths"][f"{EVENTS}/cursor"]


async def test_an_instance_that_waits_for_authorisation_is_switched_on_and_starts_once_it_is_authorised(
    world,
):
    instance = await world.connect(**{"event.notification.enabled": False})
    await world.pool.execute("UPDATE instance SET valid = false")
    change = {"configuration": {"event.notification.enabled": True}}
    assert (await world.client.patch(f"/instances/{instance['id']}", json=change)).status_code == 200
    assert await world.watermark(instance["id"]) is None
    change = {"providerData": {"code": await world.authorize()}}
    assert (await world.client.patch(f"/instances/{instance['id']}", json=change)).status_code == 200
    await world.wait_for_watermark(instance["id"])


async def test_a_provider_that_does_not_say_where_its_feed_is_when_connecting_is_asked_by_the_first_poll(
    world,
):
    await world.control("POST", "faults", {"kind": "status", "status": 503, "path": f"{EVENTS}/cursor"})
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    made = await world.change(3)
    await until(lambda: len(world.delivered()) >= 3)
    assert [record["id"] for record in world.delivered()] == [row["id"] for row in made]


async def test_a_provider_that_is_slow_to_say_where_its_feed_is_keeps_nobody_waiting(world, monkeypatch):
    monkeypatch.setattr("signalpost.polling.starts.START_SECONDS", 0.1)
    fault = {"kind": "latency", "seconds": 2 * PATIENCE_SECONDS, "path": f"{EVENTS}/cursor", "times": 1}
    await world.control("POST", "faults", fault)
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    made = await world.change(3)
    await until(lambda: len(world.delivered()) >= 3)
    assert [record["id"] for record in world.delivered()] == [row["id"] for row in made]


async def test_the_envelope_is_the_originals(world):
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    [made] = await world.change(1, actions=["create"])
    await until(world.delivered)
    [received] = world.listener.received
    body, message = received["body"], received["body"]["message"]
    assert body["severity"] == "medium"
    assert body["action"] == "create"
    assert body["topic"] == f"instance-{instance['id']}-egnyte-events"
    assert body["id"].isdigit()
    assert body["id"] == received["headers"]["webhook-id"] == received["headers"]["Elements-Webhook-Id"]
    assert message["instanceId"] == message["instance_id"] == instance["id"]
    assert message["instanceName"] == "API_Polling"
    assert message["instanceTags"] == ["Test"]
    assert message["raw"]["objectType"] == "events"
    [record] = message["raw"]["events"]
    assert {key: record[key] for key in made} == made
    assert record["event_type"] == "CREATED"
    [event] = message["events"]
    assert event["objectId"] == record["event_object_id"] == made["data"]["target_group_id"]
    assert event["objectType"] == "file"
    assert event["eventType"] == "CREATED"
    assert event["hubKey"] == "documents"
    assert event["elementKey"] == "egnyte"
    assert event["date"] == made["timestamp"].replace(".000Z", "Z")


async def test_both_signatures_are_verified_by_the_public_library(world):
    instance = await world.connect(
        **{"event.notification.signature.key": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    )
    await world.wait_for_watermark(instance["id"])
    bodies = []
    world.listener._key = None

    take = world.listener.take

    async def keep(request):
        bodies.append((dict(request.headers), await request.read()))
        return await take(request)

    world.listener.take = keep
    await world.change(1)
    await until(world.delivered)
    headers, received = world.listener.received[0]["headers"], world.listener.received[0]["body"]
    import orjson

    body = orjson.dumps(received)
    Webhook("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw").verify(body, headers)
    assert headers["Elements-Webhook-Signature"] == sign_open_connectors(
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", body
    )


async def test_without_a_key_nothing_is_signed(world):
    instance = await world.connect(**{"event.notification.signature.key": ""})
    await world.wait_for_watermark(instance["id"])
    await world.change(1)
    await until(world.delivered)
    headers = {name.lower() for name in world.listener.received[0]["headers"]}
    assert "elements-webhook-signature" not in headers
    assert "webhook-signature" not in headers
    assert "webhook-id" in headers


async def test_basic_authentication_of_the_callback(world):
    instance = await world.connect(
        **{"event.notification.basic.username": "ada", "event.notification.basic.password": "pass:word"}
    )
    await world.wait_for_watermark(instance["id"])
    await world.change(1)
    await until(world.delivered)
    assert world.listener.received[0]["headers"]["Authorization"] == "Basic YWRhOnBhc3M6d29yZA=="


@pytest.mark.parametrize(("raw", "size"), [("", 10), ("full", 25)])
async def test_raw_holds_its_own_records_or_the_whole_page(world, raw, size):
    instance = await world.connect(**{"event.notification.raw": raw})
    await world.wait_for_watermark(instance["id"])
    await world.change(25)
    await until(lambda: len(world.events()) >= 25)
    messages = [received["body"]["message"] for received in world.listener.received]
    assert [len(message["events"]) for message in messages] in (
        [10, 10, 5],
        [len(m["events"]) for m in messages],
    )
    for message in messages:
        ids = [record["event_object_id"] for record in message["raw"]["events"]]
        assert len(ids) <= size
        assert {event["objectId"] for event in message["events"]} <= set(ids)
        if not raw:
            assert [event["objectId"] for event in message["events"]] == ids


async def test_what_was_delivered_can_be_read_back(world):
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    await world.change(12)
    await until(lambda: len(world.events()) >= 12)

    async def all_notified():
        listed = (await world.client.get(f"/instances/{instance['id']}/events")).json()
        return listed if [event["status"] for event in listed] == ["NOTIFIED"] * 12 else None

    listed = await until(all_notified)
    assert [event["id"] for event in listed] == [event["id"] for event in world.events()]
    one = (await world.client.get(f"/instances/events/{listed[3]['id']}")).json()
    assert one == listed[3]
    attempts = await world.pool.fetch("SELECT number, status, error FROM attempt")
    assert attempts
    assert all((row["number"], row["status"], row["error"]) == (1, 200, None) for row in attempts)


async def test_without_a_callback_url_events_are_logged_not_delivered(world):
    instance = await world.connect(**{"event.notification.callback.url": ""})
    await world.wait_for_watermark(instance["id"])
    await world.change(3)

    async def logged():
        return len((await world.client.get(f"/instances/{instance['id']}/events")).json()) == 3

    await until(logged)
    assert await world.pool.fetchval("SELECT count(*) FROM notification WHERE state <> 'unsent'") == 0


async def test_with_events_off_nothing_is_polled(world):
    await world.connect(**{"event.notification.enabled": False})
    other = await world.connect()
    await world.wait_for_watermark(other["id"])
    assert await world.pool.fetchval("SELECT count(*) FROM resource_poll") == 1
