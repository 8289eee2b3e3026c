"""A database that answers late, or not at all: load is shed, signs of life go on, a stop ends in time."""

from __future__ import annotations

import asyncio
import time
from collections import Counter, defaultdict
from contextlib import AsyncExitStack

import aiohttp
import pytest

from signalpost.api.waiting import MOST_OF_ONE
from signalpost.model.clock import SharedClock, read_now
from signalpost.store.database import open_pool, read_newest
from signalpost.store.health import Health
from signalpost.store.troubles import SLOW
from tests.processes import STOP_SECONDS
from tests.support import open_world, until
from tests.troubles.ground import open_way

LANES = 6
REQUESTS = 500
LATE_SECONDS = 0.2
"""Each way: what asks and is answered at once takes 0.4 s."""


async def test_a_slow_database_sheds_load_and_loses_nothing(ground, sandbox, logged):
    database = await ground.make_database()
    async with (
        open_way(database) as (way, arguments),
        open_world(arguments, sandbox) as world,
        aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, force_close=True), headers=world.client.headers
        ) as session,
    ):
        for _ in range(LANES):
            instance = await world.connect()
            await world.wait_for_watermark(instance["id"])
        way.delay_seconds = LATE_SECONDS
        made = await world.change(20)
        statuses: Counter[int] = Counter()

        async def ask() -> None:
            async with session.get(f"{world.url}/elements/api-v2/instances") as answer:
                statuses[answer.status] += 1
                body = await answer.json()
                if answer.status == 503:
                    assert int(answer.headers["Retry-After"]) > 0
                    assert body["requestId"]
                else:
                    assert len(body) == LANES

        asking = asyncio.gather(*(ask() for _ in range(REQUESTS)))
        alive = 0
        while not asking.done():
            async with session.get(f"{world.url}/healthz") as answer:
                alive += answer.status == 200
            await asyncio.sleep(0.05)
        await asking
        assert alive > 1
        assert set(statuses) == {200, 503}
        assert statuses[200] >= MOST_OF_ONE
        assert world.service.runtime._parts.heartbeat.is_alive()
        way.delay_seconds = 0.0
        wanted = [record["id"] for record in made]

        def have_all_arrived() -> bool:
            lanes = read_lanes(world)
            return len(lanes) == LANES and all(len(ids) == len(made) for ids in lanes.values())

        await until(have_all_arrived)
        assert all(ids == wanted for ids in read_lanes(world).values())
        assert [line for line in logged if line["event"] in {"service.failed", "request.failed"}] == []


def read_lanes(world):
    """The records that arrived of each instance, in their order, repetitions left out."""
    lanes = defaultdict(dict)
    for received in world.listener.received:
        message = received["body"]["message"]
        lanes[message["instance_id"]].update({record["id"]: None for record in message["raw"]["events"]})
    return {instance_id: list(ids) for instance_id, ids in lanes.items()}


async def test_a_database_that_says_nothing_delays_no_stop(ground, sandbox, monkeypatch, logged):
    monkeypatch.setattr("signalpost.store.health.LOOK_SECONDS", 0.5)
    monkeypatch.setattr("signalpost.runtime.STOP_SECONDS", 0.5)
    database = await ground.make_database()
    async with open_way(database) as (way, arguments), AsyncExitStack() as stack:
        world = await stack.enter_async_context(open_world(arguments, sandbox))
        await world.connect()
        way.stall()

        async def is_told():
            return SLOW.what in (await world.outside.get(f"{world.url}/readyz")).text

        await until(is_told)
        async with asyncio.timeout(STOP_SECONDS):
            await stack.aclose()
    assert [line["event"] for line in logged if line["event"] in {"database.lost", "service.failed"}] == [
        "database.lost"
    ]


async def test_a_look_at_a_database_that_says_nothing_ends_in_time(ground, monkeypatch):
    monkeypatch.setattr("signalpost.store.health.LOOK_SECONDS", 1.0)
    async with open_way(await ground.make_database()) as (way, arguments):
        pool = await open_pool(arguments, size=1)
        health = Health(
            pool, SharedClock(read_now, time.monotonic), newest=read_newest(), monotonic=time.monotonic
        )
        assert await health.find_trouble() is None
        way.stall()
        began_at = time.monotonic()
        assert await health.find_trouble() == SLOW.what
        assert time.monotonic() - began_at < 1.8
        pool.terminate()


@pytest.mark.parametrize("path", ["/elements/api-v2/instances", "/setup/" + "a" * 43])
async def test_a_request_that_takes_too_long_is_no_trouble_of_the_database(
    ground, sandbox, monkeypatch, logged, path
):
    """A reading of much, or of what others hold: whoever asks is told, and the process stays ready for the others."""
    monkeypatch.setattr("signalpost.store.database.LONGEST_WAIT_SECONDS", 1)
    async with open_world(await ground.make_database(), sandbox, roles=frozenset()) as world:
        async with world.pool.acquire() as connection, connection.transaction():
            await connection.execute(
                "LOCK TABLE organization, instance, member, invitation IN ACCESS EXCLUSIVE MODE"
            )
            headers = {**world.client.headers, "Accept": "application/json"}
            answer = await world.outside.get(f"{world.url}{path}", headers=headers)
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert answer.json()["message"].startswith("the database answers, but not this within")
        ready = await world.outside.get(f"{world.url}/readyz")
        assert ready.status_code == 200, ready.text
    [line] = [
        line for line in logged if line["event"] in {"request.too_long", "request.failed", "database.lost"}
    ]
    assert (line["event"], line["request"]) == ("request.too_long", answer.json()["requestId"])
    assert "aaa" not in line["path"]
