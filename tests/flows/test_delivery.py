"""Delivery: strict order through failures, retries by schedule, attempts recorded, redirects not followed."""

from __future__ import annotations

import pytest

from signalpost.delivery import turn
from tests.support import until

QUICK = {"retry_schedule_seconds": ",".join(["0.2"] * 500)}
"""Never spent while a test is under way."""


def ids(rows):
    return [row["id"] for row in rows]


async def started(world, **configuration):
    instance = await world.connect(**configuration)
    await world.wait_for_watermark(instance["id"])
    return instance


async def test_a_failing_callback_holds_the_lane_and_order_is_kept(make_world):
    async with make_world(**QUICK) as world:
        await started(world)
        world.listener.status = 503
        made = await world.change(45)
        await until(lambda: len(world.listener.received) >= 3)
        # Only the first notification was tried, again and again; nothing overtook it.
        assert len({received["headers"]["webhook-id"] for received in world.listener.received}) == 1
        first = world.listener.received[0]
        assert all(received["body"] == first["body"] for received in world.listener.received)
        world.listener.received.clear()
        world.listener.status = 204
        await until(lambda: len(world.delivered()) >= 45)
        assert ids(world.delivered()) == ids(made)
        attempts = await world.pool.fetch(
            "SELECT number, status, error FROM attempt ORDER BY notification_id, number LIMIT 4"
        )
        assert [row["number"] for row in attempts[:3]] == [1, 2, 3]
        assert attempts[0]["status"] == 503
        assert attempts[0]["error"] == "the callback answered 503"


@pytest.mark.parametrize("status", [301, 302, 307, 400, 404, 500])
async def test_what_is_not_2xx_is_retried_and_redirects_are_not_followed(make_world, status):
    async with make_world(**QUICK) as world:
        await started(world)
        world.listener.status = status
        await world.change(1)
        await until(lambda: len(world.listener.received) >= 2)
        world.listener.status = 200
        count = len(world.listener.received)
        await until(lambda: len(world.listener.received) > count)

        async def recovered():
            assert await world.pool.fetchval("SELECT state FROM endpoint") == "active"
            row = await world.pool.fetchrow(
                "SELECT notification.state, failing_since, last_error FROM notification, endpoint"
            )
            return tuple(row) == ("delivered", None, None)

        await until(recovered)


async def test_when_retries_are_spent_the_endpoint_is_deactivated_and_the_rest_is_kept(make_world):
    async with make_world(retry_schedule_seconds="0.1,0.1") as world:
        instance = await started(world)
        world.listener.status = 500
        made = await world.change(30)

        async def deactivated():
            return await world.pool.fetchval("SELECT state FROM endpoint") == "deactivated"

        await until(deactivated)
        assert len(world.listener.received) == 3
        more = await world.change(5)

        async def logged():
            return await world.pool.fetchval("SELECT count(*) FROM event") == 35

        await until(logged)
        assert len(world.listener.received) == 3
        world.listener.received.clear()
        world.listener.status = 200
        assert (await world.client.put(f"/instances/{instance['id']}/enabled")).status_code == 200
        await until(lambda: len(world.delivered()) >= 35)
        assert ids(world.delivered()) == ids(made) + ids(more)


async def test_410_deactivates_at_once(make_world):
    async with make_world(**QUICK) as world:
        await started(world)
        world.listener.status = 410
        await world.change(1)

        async def deactivated():
            return await world.pool.fetchval("SELECT state FROM endpoint") == "deactivated"

        await until(deactivated)
        assert len(world.listener.received) == 1


async def test_a_new_callback_url_gets_what_waited(make_world):
    from signalpost.cli.listen import run_listener

    async with make_world(retry_schedule_seconds="0.1") as world:
        instance = await started(world)
        world.listener.status = 500
        made = await world.change(12)
        await until(lambda: len(world.listener.received) >= 2)
        async with run_listener() as other:
            body = {"configuration": {"event.notification.callback.url": other.url}}
            assert (await world.client.patch(f"/instances/{instance['id']}", json=body)).status_code == 200
            world.listener.received = other.received
            await until(lambda: len(world.delivered()) >= 12)
        assert ids(world.delivered()) == ids(made)


@pytest.mark.parametrize("ordering", ["strict", "relaxed"])
async def test_a_change_ends_the_turn_that_runs_and_the_rest_goes_where_it_should(
    make_world, monkeypatch, ordering
):
    """A turn may last half a minute: what it is about to send must not go to an address that was replaced."""
    from signalpost.cli.listen import run_listener

    monkeypatch.setattr(turn, "SLICE_SECONDS", 600)
    monkeypatch.setattr(turn, "RELAXED_SLICE_SECONDS", 600)
    async with make_world() as world, run_listener() as other:
        instance = await started(world, **{"event.notification.ordering": ordering})
        place = f"/instances/{instance['id']}"
        world.listener.delay_seconds = 0.05
        made = await world.change(10 * 4 * turn.UNRECORDED_MOST)
        await until(lambda: world.listener.received)
        body = {"configuration": {"event.notification.callback.url": other.url}}
        assert (await world.client.patch(place, json=body)).status_code == 200
        told = len(world.listener.received)
        other.delay_seconds = 0.05
        await until(lambda: other.received)
        assert len(world.listener.received) <= told + turn.UNRECORDED_MOST
        assert (await world.client.delete(f"{place}/enabled")).status_code == 200
        told = len(other.received)
        await until(lambda: is_free(world, instance))
        assert len(other.received) <= told + turn.UNRECORDED_MOST
        assert (await world.client.put(f"{place}/enabled")).status_code == 200
        world.listener.received += other.received
        other.received = world.listener.received
        await until(lambda: len(world.delivered()) >= len(made))
        assert ids(world.delivered()) == ids(made)


async def is_free(world, instance):
    lane = "SELECT leased_by IS NULL AND due_at IS NULL FROM endpoint WHERE instance_id = $1"
    return await world.pool.fetchval(lane, instance["id"])


async def test_a_dead_callback_delays_nobody_else(make_world):
    async with make_world() as world:
        dead = await started(world, **{"event.notification.callback.url": "http://127.0.0.1:9/closed"})
        await started(world)
        made = await world.change(60)
        await until(lambda: len(world.delivered()) >= 60)
        assert ids(world.delivered()) == ids(made)

        async def held():
            return await world.pool.fetchrow(
                "SELECT * FROM endpoint WHERE instance_id = $1 AND failing_since IS NOT NULL", dead["id"]
            )

        row = await until(held)
        assert row["last_error"]


async def test_a_disabled_instance_is_neither_polled_nor_delivered_and_goes_on_where_it_was(world):
    instance = await started(world)
    first = await world.change(10)
    await until(lambda: len(world.delivered()) >= 10)
    assert (await world.client.delete(f"/instances/{instance['id']}/enabled")).status_code == 200
    second = await world.change(10)
    other = await started(world)  # while it polls, the disabled one would have
    third = await world.change(1)
    await until(lambda: len(world.delivered()) >= 11)
    assert {received["body"]["message"]["instanceId"] for received in world.listener.received[-1:]} == {
        other["id"]
    }
    await world.client.put(f"/instances/{instance['id']}/enabled")

    def its_own():
        return [
            record["id"]
            for received in world.listener.received
            if received["body"]["message"]["instanceId"] == instance["id"]
            for record in received["body"]["message"]["raw"]["events"]
        ]

    await until(lambda: len(its_own()) >= 21)
    assert its_own() == ids(first) + ids(second) + ids(third)


async def test_loopback_callbacks_are_refused_at_delivery_too(make_world):
    """An address that was allowed when the instance was connected, and is no longer, is judged when we connect."""
    async with make_world() as world:
        instance = await started(world)
        outbound = world.service.runtime._parts.lanes._parts.sender._egress._outbound
        await world.client.delete(f"/instances/{instance['id']}/enabled")
        await world.change(1)
        from signalpost.outbound import Outbound

        async with Outbound(allow_private=False, connections=5) as strict:
            world.service.runtime._parts.lanes._parts.sender._egress._outbound = strict
            await world.client.put(f"/instances/{instance['id']}/enabled")

            async def refused():
                return await world.pool.fetchval("SELECT error FROM attempt")

            assert "loopback" in await until(refused)
            assert not world.listener.received
            world.service.runtime._parts.lanes._parts.sender._egress._outbound = outbound
