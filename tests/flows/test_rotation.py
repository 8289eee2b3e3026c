"""Signature keys rotated while notifications are on their way: the receiver's key fits all the time."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field

import pytest
from aiohttp import web
from standardwebhooks import Webhook

from signalpost.delivery import turn
from signalpost.model.configuration import PREVIOUS_KEY_UNTIL, SIGNATURE_KEY
from signalpost.receiver import verify
from tests.support import until

OLD = "a signature key"


@dataclass
class Receiver:
    """A callback that keeps what arrives as it is."""

    url: str = ""
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    delay_seconds: float = 0

    async def take(self, request):
        await asyncio.sleep(self.delay_seconds)
        self.received.append((dict(request.headers), await request.read()))
        return web.Response(status=204)

    def records(self):
        raws = [json.loads(body)["message"]["raw"] for _, body in self.received]
        return [record["id"] for raw in raws for record in raw["events"]]


@pytest.fixture
async def receiver():
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/", receiver.take)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    receiver.url = "http://127.0.0.1:{1}/".format(*runner.addresses[0])
    yield receiver
    await runner.cleanup()


@pytest.fixture
async def instance(world, receiver):
    instance = await world.connect(**{"event.notification.callback.url": receiver.url, SIGNATURE_KEY: OLD})
    await world.wait_for_watermark(instance["id"])
    return instance


async def rotate(world, instance, **body):
    answer = await world.client.put(f"/instances/{instance['id']}/signature-keys", json=body)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def deliver(world, receiver):
    """Make a change; give the headers and the body that tell it."""
    told = len(receiver.received)
    await world.change(1)
    await until(lambda: len(receiver.received) > told)
    return receiver.received[told]


def count_signatures(headers):
    return len(headers["webhook-signature"].split(" "))


def which_fit(headers, body, *keys):
    return [verify(headers, body, key, now=time.time()) for key in keys]


async def test_both_keys_sign_until_the_overlap_ends(world, receiver, instance):
    headers, body = await deliver(world, receiver)
    assert count_signatures(headers) == 1
    made = (await rotate(world, instance))["key"]

    headers, body = await deliver(world, receiver)
    assert count_signatures(headers) == 2
    assert which_fit(headers, body, made, OLD, "another") == [True, True, False]
    Webhook(made).verify(body, headers)
    # The header that has room for one has the new one.
    elements = {"Elements-Webhook-Signature": headers["Elements-Webhook-Signature"]}
    assert which_fit(elements, body, made, OLD) == [True, False]

    await world.pool.execute(
        "UPDATE instance SET configuration = configuration || jsonb_build_object($1::text, $2::text)",
        PREVIOUS_KEY_UNTIL,
        "2026-01-01T00:00:00Z",
    )
    headers, body = await deliver(world, receiver)
    assert count_signatures(headers) == 1
    assert which_fit(headers, body, made, OLD) == [True, False]


async def test_another_key_set_as_a_value_signs_alone(world, receiver, instance):
    await rotate(world, instance, key="another")
    change = {"configuration": {SIGNATURE_KEY: "third"}}
    answer = await world.client.patch(f"/instances/{instance['id']}", json=change)
    assert answer.status_code == 200, answer.text
    headers, body = await deliver(world, receiver)
    assert count_signatures(headers) == 1
    assert which_fit(headers, body, "third", "another", OLD) == [True, False, False]


async def test_rotations_amid_deliveries_lose_nothing_and_the_receivers_key_always_fits(
    world, receiver, instance
):
    made = []

    def are_told():
        return len(receiver.records()) >= len(made)

    for key in ("another", OLD, "third"):  # OLD is always the key, or the one before it
        made += await world.change(15)
        await rotate(world, instance, key=key)
        made += await world.change(15)
        await until(are_told)
    assert receiver.records() == [row["id"] for row in made]
    for headers, body in receiver.received:
        assert which_fit(headers, body, OLD) == [True]


async def test_a_key_without_an_overlap_signs_at_once_amid_a_turn_too(world, receiver, instance, monkeypatch):
    monkeypatch.setattr(turn, "SLICE_SECONDS", 600)
    receiver.delay_seconds = 0.05
    made = await world.change(10 * 4 * turn.UNRECORDED_MOST)
    await until(lambda: world.pool.fetchval("SELECT count(*) = $1 FROM event", len(made)))
    told = len(receiver.received)
    await until(lambda: len(receiver.received) > told + 10)  # in a turn that has all the rest before it
    await rotate(world, instance, key="another", overlapSeconds=0)
    told = len(receiver.received)
    await until(lambda: len(receiver.records()) >= len(made))
    assert receiver.records() == [row["id"] for row in made]
    for headers, body in receiver.received[told + turn.UNRECORDED_MOST :]:
        assert which_fit(headers, body, "another", OLD) == [True, False]
