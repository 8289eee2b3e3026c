"""Programs written for the original find what could not be delivered, and release it. See compatibility.md."""

from __future__ import annotations

import pytest

from tests.store.notified import add_notifications

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_what_is_stuck_is_found_and_released(program):
    world, made = program.world, await program.connect()
    [number] = await add_notifications(world.pool, made["id"], ["pending"])
    deactivate = "UPDATE endpoint SET state = 'deactivated', deactivated_at = now() WHERE instance_id = $1"
    await world.pool.execute(deactivate, made["id"])
    where = "where=channel%3D%27webhook%27%20and%20status%3D%27queued%27"
    [found] = await program.done("GET", "/notifications/subscriptions/deliveries", f"{where}&hydrate=true")
    assert (found["notificationId"], found["status"]) == (number, "queued")
    assert {"subscriptionId", "createdDate", "updatedDate"} <= set(found)
    path = f"/notifications/{number}/subscriptions/{found['subscriptionId']}/deliveries"
    assert await program.done("GET", path, "hydrate=true") == found
    released = await program.call("PUT", "/notifications/subscriptions/deliveries", where)
    assert released.status_code == 200, released.text
    endpoint = await program.done("GET", f"/instances/{made['id']}/endpoint")
    assert endpoint["state"] == "active"
