"""A feed whose place the provider does not say when it is to be polled: what happens from then on is told all the same."""

from __future__ import annotations

import asyncio

import pytest

from tests.importing.conftest import open_import, run_import  # noqa: F401 - fixtures
from tests.importing.originals import write_original
from tests.support import EVENTS_CONFIGURATION, until

EVENTS = "/pubapi/v2/events"
POLLED = "event.poller.configuration"
USERS = {"users": {"url": "/users", "strategy": "snapshot"}}


async def make_old_changes(world):
    """Make changes that are told to nobody: they are older than a second, the finest that times are told to."""
    await world.change(5)
    await asyncio.sleep(1.1)


async def change(world, instance_id, **changed):
    answer = await world.client.patch(f"/instances/{instance_id}", json=changed)
    assert answer.status_code == 200, answer.text


async def expect(world, made):
    """All of these are delivered, nothing else, in order."""
    await until(lambda: len(world.delivered()) >= len(made))
    assert [record["id"] for record in world.delivered()] == [row["id"] for row in made]
    assert not await world.pool.fetchval("SELECT count(*) FROM gap")


@pytest.mark.parametrize("path", [f"{EVENTS}/cursor", EVENTS])
@pytest.mark.parametrize("times", [1, 3])
async def test_when_connecting(world, path, times):
    await make_old_changes(world)
    await world.control("POST", "faults", {"kind": "status", "status": 503, "times": times, "path": path})
    await world.connect()
    await expect(world, await world.change(3))


async def test_when_it_is_added(world):
    instance = await world.connect(**{POLLED: USERS})
    await make_old_changes(world)
    await world.control("POST", "faults", {"kind": "status", "status": 503, "times": 2, "path": EVENTS})
    await change(world, instance["id"], configuration={POLLED: {**USERS, **EVENTS_CONFIGURATION}})
    await expect(world, await world.change(3))


async def test_when_it_is_added_while_the_instance_waits_for_a_new_authorisation(world):
    instance = await world.connect(**{POLLED: USERS})
    await world.wait_for_watermark(instance["id"])
    await make_old_changes(world)
    await world.pool.execute("UPDATE instance SET valid = false")
    await change(world, instance["id"], configuration={POLLED: {**USERS, **EVENTS_CONFIGURATION}})
    made = await world.change(3)
    await change(world, instance["id"], providerData={"code": await world.authorize()})
    await expect(world, made + await world.change(2))


@pytest.mark.parametrize("fault", [None, f"{EVENTS}/cursor", EVENTS])
async def test_when_an_imported_instance_is_authorised(world, run_import, fault):  # noqa: F811
    (outcome,) = await run_import(write_original(**{"event.notification.callback.url": world.listener.url}))
    await make_old_changes(world)
    if fault:
        await world.control("POST", "faults", {"kind": "status", "status": 503, "times": 2, "path": fault})
    await change(world, outcome.instance_id, providerData={"code": await world.authorize()})
    await expect(world, await world.change(3))


async def test_it_is_found_at_the_authorisation_where_the_provider_says_it(make_world, run_import):  # noqa: F811
    async with make_world(roles=frozenset()) as world:  # no poll comes
        (outcome,) = await run_import(write_original())
        made = await world.change(5)
        assert await world.watermark(outcome.instance_id) is None
        await change(world, outcome.instance_id, providerData={"code": await world.authorize()})
        assert await world.watermark(outcome.instance_id) == {"id": made[-1]["id"]}


async def test_one_that_begins_anew_does_not_begin_where_it_once_did(world):
    """What is polled by a name was a feed, is a list, and is a feed again: months may lie between."""
    await world.control("POST", "faults", {"kind": "status", "status": 503, "times": 1, "path": EVENTS})
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    before = await world.change(3)
    await expect(world, before)
    for url, sign in (("/users", "by"), ("/events", "id")):
        await change(world, instance["id"], configuration={POLLED: {"events": {"url": url}}})
        await until(lambda sign=sign: world.pool.fetchval("SELECT watermark ? $1 FROM resource_poll", sign))
        if url == "/users":
            await make_old_changes(world)
    made = await world.change(2)
    await until(lambda: made[-1]["id"] in [record.get("id") for record in world.delivered()])
    told = [record["id"] for record in world.delivered() if record["event_object_type"] != "user"]
    assert told == [row["id"] for row in [*before, *made]]


async def test_a_list_whose_first_reading_fails(world):
    """What was deleted since it was connected is told, what was before is not."""
    await world.change(2, actions=["create", "delete"])
    await asyncio.sleep(1.1)
    await world.control(
        "POST", "faults", {"kind": "status", "status": 503, "times": 3, "path": "/pubapi/v1/fs/trash"}
    )
    await world.connect(**{POLLED: {"trash": {"url": "/trash"}}})
    await world.change(4, actions=["create", "delete"])
    await until(lambda: len(world.delivered()) >= 2)
    told = [event["eventType"] for event in world.events()]
    assert told == ["DELETED"] * 2
