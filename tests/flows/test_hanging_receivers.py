"""A receiver that answers nothing, with many lanes or replays: others are worked meanwhile, and polls are made."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from signalpost import runtime
from signalpost.delivery import lane, replays
from signalpost.store.queue import DELIVER, REPLAY
from signalpost.wiring import service
from tests.support import until

LANES = 6
HANGING = 12
DUE_LATER = "SELECT count(*) FROM endpoint WHERE instance_id = ANY($1) AND due_at > now() + $2::interval"


@pytest.fixture(autouse=True)
def few_places(monkeypatch):
    for kind, part in ((DELIVER, lane), (REPLAY, replays)):
        monkeypatch.setitem(runtime.BATCH, kind, LANES // 2)
        monkeypatch.setitem(runtime.MOST_IN_FLIGHT, kind, LANES)
        monkeypatch.setattr(part, "MANY_HANGING", 2)
        monkeypatch.setattr(part, "MOST_OF_HANGING", LANES // 2)
    monkeypatch.setattr(lane, "MOST_STARTED", 0)
    monkeypatch.setattr(runtime, "CROWDS_SECONDS", 0.1)


@asynccontextmanager
async def listening_only():
    """Give the URL of a server that takes connections and says nothing; and how many it has."""
    taken = []

    async def keep(_, writer):
        taken.append(writer)

    server = await asyncio.start_server(keep, "127.0.0.1", 0)
    try:
        yield f"http://localhost:{server.sockets[0].getsockname()[1]}/", taken
    finally:
        for writer in taken:
            writer.close()
        server.close()


async def test_others_are_delivered_while_one_receiver_hangs_and_its_own_lanes_come_again_later(make_world):
    async with make_world(total_timeout_seconds=300) as world, listening_only() as (url, _):
        well = await world.connect()
        await world.wait_for_watermark(well["id"])

        async def connect_hanging(count):
            ids = [
                (await world.connect(**{"event.notification.callback.url": url}))["id"] for _ in range(count)
            ]
            for each in ids:
                await world.wait_for_watermark(each)
            return ids

        await connect_hanging(LANES // 2)
        await world.change(1)
        await until(lambda: not world.service.runtime._parts.lanes._crowds.has_room("localhost"))
        hanging = await connect_hanging(HANGING)
        await until(lambda: len(world.events()) == 1)
        await world.change(1)
        put_off = f"{DUE_LATER} HAVING count(*) >= {HANGING // 2}"
        assert await until(lambda: world.pool.fetchval(put_off, hanging, timedelta(seconds=5)))
        for number in range(3, 6):
            await world.change(1)
            await until(lambda number=number: len(world.events()) == number)


async def test_replays_to_one_that_hangs_leave_places_for_the_others(make_world):
    async with make_world(total_timeout_seconds=300) as world, listening_only() as (url, taken):
        instance = await world.connect()
        await world.wait_for_watermark(instance["id"])
        await world.change(1)
        await until(world.events)
        place = f"/instances/{instance['id']}/replays"

        async def ask(**more):
            answer = await world.client.post(place, json={"sequence": 1, **more})
            assert answer.status_code == 202, answer.text
            return answer.json()["id"]

        for _ in range(LANES // 2):
            await ask(url=url)
        await until(lambda: not world.service.runtime._parts.replayer._crowds.has_room("localhost"))
        put_off = [await ask(url=url) for _ in range(LANES)]
        later = "SELECT count(*) = $2 FROM replay WHERE id = ANY($1) AND due_at > now() + interval '5 s'"
        await until(lambda: world.pool.fetchval(later, put_off, LANES))
        assert len(taken) == LANES // 2
        mended = await ask()
        await until(lambda: world.pool.fetchval("SELECT state = 'done' FROM replay WHERE id = $1", mended))


@pytest.mark.parametrize("connections", [3, 4])
async def test_who_has_all_connections_that_a_host_may_have_keeps_neither_polls_nor_other_callbacks(
    make_world, monkeypatch, connections
):
    monkeypatch.setattr(lane, "MANY_HANGING", 1000)
    monkeypatch.setitem(runtime.MOST_IN_FLIGHT, DELIVER, HANGING * 2)
    monkeypatch.setattr(service, "TO_CALLBACKS", connections)
    monkeypatch.setattr(service, "TO_ONE_CALLBACK", 3)
    async with make_world(total_timeout_seconds=300) as world, listening_only() as (url, taken):
        ids = [
            (await world.connect(**{"event.notification.callback.url": each}))["id"]
            for each in [*[url] * HANGING, world.listener.url]
        ]
        for each in ids:
            await world.wait_for_watermark(each)
        for number in range(1, 4):
            await world.change(1)
            counted = number * len(ids)
            await until(
                lambda counted=counted: world.pool.fetchval(f"SELECT count(*) = {counted} FROM event")
            )
            if connections > 3:  # one is left
                await until(lambda number=number: len(world.events()) == number)
        await until(lambda: len(taken) == 3)
