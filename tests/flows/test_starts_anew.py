"""What is polled by a name is changed to another resource: what happens from that answer on is told, whenever it is read."""

from __future__ import annotations

import asyncio

import pytest

from tests.support import until

POLLED = "event.poller.configuration"
FEED, TRASH, AUDIT, USERS = (
    {"url": "/events"},
    {"url": "/trash"},
    {"url": "/audit"},
    {"url": "/users", "strategy": "snapshot"},
)


async def poll_instead(world, instance_id, resource):
    """Have another resource polled by the same name."""
    answer = await world.client.patch(
        f"/instances/{instance_id}", json={"configuration": {POLLED: {"polled": resource}}}
    )
    assert answer.status_code == 200, answer.text


async def read_row(world, instance_id):
    row = await world.pool.fetchrow("SELECT * FROM resource_poll WHERE instance_id = $1", instance_id)
    memory = await world.pool.fetchval("SELECT count(*) FROM object_memory WHERE poll_id = $1", row["id"])
    return {**row, "memory": memory}


async def expect_objects(world, expected):
    await until(lambda: len(world.events()) >= len(expected))
    assert [(event["objectType"], event["eventType"]) for event in world.events()] == expected
    assert not await world.pool.fetchval("SELECT count(*) FROM gap")


@pytest.mark.parametrize("fault", [0, 2])
async def test_a_feed_in_place_of_a_list_while_the_instance_is_disabled(world, fault):
    instance = await world.connect(**{POLLED: {"polled": USERS}})
    await world.wait_for_watermark(instance["id"])
    await world.client.delete(f"/instances/{instance['id']}/enabled")
    await world.change(2)
    await asyncio.sleep(1.1)  # the finest that times are told to
    if fault:
        await world.control(
            "POST",
            "faults",
            {"kind": "status", "status": 503, "times": fault, "path": "/pubapi/v2/events/cursor"},
        )
    assert (await read_row(world, instance["id"]))["memory"] > 0
    await poll_instead(world, instance["id"], FEED)
    row = await read_row(world, instance["id"])
    assert (row["memory"], row["remembered"], row["source"]) == (0, 0, "feed events")
    made = await world.change(3)
    await asyncio.sleep(1.1)
    await world.client.put(f"/instances/{instance['id']}/enabled")
    await expect_objects(world, [("file", "CREATED")] * 3)
    assert [record["id"] for record in world.delivered()] == [row["id"] for row in made]


async def test_a_list_in_place_of_a_feed_while_the_instance_is_disabled(world):
    instance = await world.connect(**{POLLED: {"polled": FEED}})
    await world.wait_for_watermark(instance["id"])
    await world.client.delete(f"/instances/{instance['id']}/enabled")
    await world.change(2, actions=["create", "delete"])
    await asyncio.sleep(1.1)
    await poll_instead(world, instance["id"], TRASH)
    await world.change(4, actions=["create", "delete"])
    await asyncio.sleep(1.1)
    await world.client.put(f"/instances/{instance['id']}/enabled")
    await expect_objects(world, [("polled", "DELETED")] * 2)


@pytest.mark.parametrize("after", [TRASH, AUDIT, USERS])
async def test_before_anything_was_read(make_world, after):
    """The place where a feed was is none in what comes in its stead."""
    async with make_world(roles=frozenset()) as world:
        instance = await world.connect(**{POLLED: {"polled": FEED}})
        assert (await world.watermark(instance["id"])).keys() == {"id"}
        await poll_instead(world, instance["id"], after)
        row = await read_row(world, instance["id"])
        if after == AUDIT:
            assert row["watermark"].keys() == {"start"}
        else:
            assert row["watermark"] is None
            assert row["starts_at"] is not None
