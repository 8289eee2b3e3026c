"""Receivers and programs written for the original take our events, and find what is stuck. See compatibility.md."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from datetime import datetime

from signalpost.delivery.sign import signature_headers
from tests.compatibility.client import Program
from tests.support import until

NOTIFICATION = {"severity", "createdDate", "topic", "action", "id", "message", "user"}
MESSAGE = {
    "elementKey",
    "accountId",
    "eventId",
    "companyId",
    "instanceId",
    "instance_id",
    "instanceName",
    "instanceTags",
    "raw",
    "userId",
    "events",
}
EVENT = {"date", "elementKey", "pollDate", "eventType", "hubKey", "objectId", "objectType"}
JAVA_DATE = re.compile(r"[A-Z][a-z]{2} [A-Z][a-z]{2} \d{2} \d{2}:\d{2}:\d{2} UTC \d{4}")


async def deliver(world, count):
    program = Program(world)
    made = await program.connect()
    await world.wait_for_watermark(made["id"])
    await world.change(count)
    await until(lambda: len(world.events()) >= count)
    return program, made


async def test_notifications_have_the_form_of_the_original(world):
    _, made = await deliver(world, 12)
    for received in world.listener.received:
        body = received["body"]
        assert set(body) >= NOTIFICATION
        assert (body["severity"], body["action"]) == ("medium", "create")
        assert body["topic"] == f"instance-{made['id']}-egnyte-events"
        assert body["id"].isdigit()
        assert JAVA_DATE.fullmatch(body["createdDate"])
        message = body["message"]
        assert set(message) >= MESSAGE
        assert message["instanceId"] == message["instance_id"] == made["id"]
        assert (message["instanceName"], message["instanceTags"]) == (made["name"], made["tags"])
        assert message["raw"]["objectType"] == "events"
        assert isinstance(message["raw"]["pollDate"], int)
        assert isinstance(message["raw"]["events"], list)
        assert 1 <= len(message["events"]) <= 10
        for event in message["events"]:
            assert set(event) >= EVENT
            assert (event["elementKey"], event["hubKey"]) == ("egnyte", "documents")
            for name in ("date", "pollDate"):
                datetime.strptime(event[name], "%Y-%m-%dT%H:%M:%SZ")  # noqa: DTZ007 - its form alone
    assert len({received["body"]["id"] for received in world.listener.received}) == len(
        world.listener.received
    )


async def test_notifications_are_signed_as_the_original_documents(world):
    await deliver(world, 1)
    [received, *_] = world.listener.received
    headers = {name.lower(): value for name, value in received["headers"].items()}
    assert received["valid"]
    assert headers["elements-webhook-signature"].startswith("sha256=")
    assert headers["elements-webhook-id"]
    # The documentation's own key and body.
    key, body = "MySecretEventSignatureKey", b"<INSERT_EVENT_NOTIFICATION_RESPONSE_BODY>"
    signed = signature_headers([key], notification_id="1", timestamp=1, body=body)[
        "Elements-Webhook-Signature"
    ]
    assert signed == "sha256=jHdbRx5EZAsOfTwAPJOGkNUzQMVVdu5VJlxcsk+G6jQ="
    digest = hmac.new(key.encode(), body, hashlib.sha256).digest()
    assert signed == f"sha256={base64.b64encode(digest).decode()}"


async def test_events_are_listed_and_read_one_by_one(world):
    program, made = await deliver(world, 3)
    own = Program(world, made["token"])

    async def all_are_notified():
        listed = await program.done("GET", f"/instances/{made['id']}/events")
        return [each["status"] for each in listed] == ["NOTIFIED"] * 3 and listed

    listed = await until(all_are_notified)
    assert await program.done("GET", "/instances/events", "pageSize=10") == listed
    assert await own.done("GET", "/instances/events", "pageSize=10") == listed
    for each in listed:
        assert {"id", "eventDate", "status", "providerData", "notifiedData", "eventElementInstances"} <= set(
            each
        )
        assert isinstance(json.loads(each["providerData"]), dict)
        [notified] = each["eventElementInstances"]
        assert notified["elementInstanceId"] == made["id"]
        assert await program.done("GET", f"/instances/events/{each['id']}") == each
        assert await program.done("GET", f"/instances/{made['id']}/events/{each['id']}") == each
    for path in ("analytics", "analytics/instances", "analytics/accounts", "dispositions"):
        assert isinstance(await program.done("GET", f"/instances/events/{path}"), list)
    assert await program.done("GET", "/instances/polling-disabled") == []
