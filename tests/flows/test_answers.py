"""What the answer of a callback does to a notification, its lane and its endpoint (model.delivery.judge_attempt)."""

from __future__ import annotations

import asyncio

import pytest

from signalpost.model.delivery import REFUSALS
from tests.scripted import Reply, run_receiver
from tests.support import until

QUICK = {"retry_schedule_seconds": ",".join(["0.1"] * 500)}
"""Never spent while a test is under way."""


async def started(world, receiver, **configuration):
    instance = await world.connect(
        **{"event.notification.callback.url": receiver.url, "event.notification.signature.key": None},
        **configuration,
    )
    await world.wait_for_watermark(instance["id"])
    return instance


async def states(world):
    rows = await world.pool.fetch("SELECT state FROM notification ORDER BY id")
    return [row["state"] for row in rows]


def until_states(world, *wanted):
    async def reached():
        return await states(world) == list(wanted)

    return until(reached)


async def change_one_by_one(world, count):
    """Make changes that come as a notification each."""
    before = len(await states(world))
    for number in range(before, before + count):
        await world.change(1)

        async def written(number=number):
            return len(await states(world)) > number

        await until(written)


@pytest.mark.parametrize("status", sorted(REFUSALS))
async def test_a_poisonous_notification_is_refused_three_times_and_the_lane_goes_on(make_world, status):
    async with make_world(**QUICK) as world, run_receiver(lambda _: Reply(500)) as receiver:
        operations = f"{world.listener.url}/operations"
        instance = await started(world, receiver, **{"event.notification.operations.url": operations})
        await change_one_by_one(world, 4)
        receiver.arrived.clear()
        receiver.reply = lambda arrival: Reply(
            status if 2 in arrival.sequences else 200, body=b"no such thing"
        )
        await until_states(world, "delivered", "dead", "delivered", "delivered")
        assert receiver.sequences() == [1, 3, 4]
        refused = [arrival for arrival in receiver.arrived if arrival.sequences == [2]]
        assert len(refused) == 3
        assert len({arrival.body for arrival in refused}) == 1

        async def recovered():
            row = await world.pool.fetchrow("SELECT state, failing_since, last_error FROM endpoint")
            return tuple(row) == ("active", None, None)

        await until(recovered)

        # The operator is told which one, and why.
        def told():
            return [each["body"] for each in world.listener.received if "kind" in each["body"]]

        await until(told)
        notice = told()[0]
        assert notice["kind"] == "notification.dead"
        assert notice["instanceId"] == instance["id"]
        assert notice["notificationId"] == refused[0].headers["webhook-id"]
        assert str(status) in notice["message"]


async def test_when_whatever_comes_is_refused_the_endpoint_fails_and_nothing_is_given_up(make_world):
    async with make_world(**QUICK) as world, run_receiver(lambda _: Reply(503)) as receiver:
        await started(world, receiver)
        await change_one_by_one(world, 7)
        receiver.reply = lambda _: Reply(422)

        async def held():
            refusals = await world.pool.fetchval("SELECT max(refusals) FROM notification")
            return refusals > 3 and "dead" not in await states(world)

        await until(held)
        assert await states(world) == ["pending"] * 7
        # Four were given up before the fifth showed that it is the endpoint; nobody was told of the sixth.
        assert {number for arrival in receiver.arrived for number in arrival.sequences} == {1, 2, 3, 4, 5}
        # The fifth was none that gave a notification up.
        registry = world.service.runtime._parts.metrics.registry
        assert registry.get_sample_value("signalpost_delivery_attempts_total", {"outcome": "dead"}) == 4
        receiver.reply = lambda _: Reply(200)
        await until_states(world, *["delivered"] * 7)
        assert receiver.sequences() == [1, 2, 3, 4, 5, 6, 7]


async def test_four_refused_in_a_row_are_four_dead_letters(make_world):
    async with make_world(**QUICK) as world, run_receiver(lambda _: Reply(503)) as receiver:
        await started(world, receiver)
        await change_one_by_one(world, 5)
        receiver.reply = lambda arrival: Reply(200 if 5 in arrival.sequences else 400)
        await until_states(world, "dead", "dead", "dead", "dead", "delivered")
        # A row that a delivery ended does not count on.
        receiver.reply = lambda _: Reply(400)
        await change_one_by_one(world, 4)
        await until_states(world, "dead", "dead", "dead", "dead", "delivered", "dead", "dead", "dead", "dead")


async def test_a_receiver_that_refuses_in_its_deploy_gets_all_in_order_afterwards(make_world):
    """Refusals among other failures: only three refusals of the same notification make it a dead letter."""
    answers = iter([503, 400, 502, 400, 404, 200])
    async with make_world(**QUICK) as world, run_receiver(lambda _: Reply(next(answers, 200))) as receiver:
        await started(world, receiver)
        await world.change(25)
        await until(lambda: len(receiver.sequences()) >= 25)
        assert receiver.sequences() == list(range(1, 26))


async def test_retry_after_is_waited_for(make_world):
    times = {"retry_schedule_seconds": "0.05,0.05,0.05,0.05,5"}
    answers = iter([Reply(429, {"Retry-After": "1"}), Reply(200)])
    async with make_world(**times) as world, run_receiver(lambda _: next(answers)) as receiver:
        await started(world, receiver)
        await world.change(1)
        await until(lambda: receiver.taken)

        async def recorded():
            return await world.pool.fetch("SELECT started_at FROM attempt ORDER BY number OFFSET 1")

        second = (await until(recorded))[0]["started_at"]
        first = await world.pool.fetchval("SELECT started_at FROM attempt WHERE number = 1")
        # By the database's clock, which is not told to the millisecond; by the schedule it were 0.05 s.
        assert (second - first).total_seconds() > 0.5


async def test_skip_gives_up_what_is_spent_and_goes_on(make_world):
    async with (
        make_world(retry_schedule_seconds="0.1,0.1") as world,
        run_receiver(lambda arrival: Reply(500 if 2 in arrival.sequences else 200)) as receiver,
    ):
        await started(world, receiver, **{"event.notification.failure.policy": "skip"})
        await change_one_by_one(world, 3)
        await until_states(world, "delivered", "dead", "delivered")
        assert [arrival.sequences for arrival in receiver.arrived].count([2]) == 3
        assert await world.pool.fetchval("SELECT state FROM endpoint") == "active"


@pytest.mark.parametrize("status", [500, 400])
async def test_queue_retries_nothing_by_itself(make_world, status):
    async with make_world(**QUICK) as world, run_receiver(lambda _: Reply(status)) as receiver:
        operations = f"{world.listener.url}/operations"
        instance = await started(
            world,
            receiver,
            **{
                "event.notification.failure.policy": "queue",
                "event.notification.operations.url": operations,
            },
        )
        await world.change(25)

        async def deactivated():
            return await world.pool.fetchval(
                "SELECT deactivated_at FROM endpoint WHERE state = 'deactivated'"
            )

        assert await until(deactivated)
        assert len(receiver.arrived) == 1
        assert set(await states(world)) == {"pending"}
        await until(lambda: world.listener.received)
        assert world.listener.received[0]["body"]["kind"] == "endpoint.deactivated"
        receiver.reply = lambda _: Reply(200)
        await world.client.put(f"/instances/{instance['id']}/enabled")
        await until(lambda: len(receiver.sequences()) >= 25)
        assert receiver.sequences() == list(range(1, 26))
        assert await world.pool.fetchval("SELECT deactivated_at FROM endpoint") is None


async def test_events_of_an_instance_without_a_callback_are_marked_as_not_sent(world):
    instance = await world.connect(**{"event.notification.callback.url": None})
    await world.wait_for_watermark(instance["id"])
    await world.change(3)

    async def logged():
        return await states(world) == ["unsent"]

    await until(logged)
    assert await world.pool.fetchval("SELECT count(*) FROM event WHERE notification_id IS NULL") == 0


async def test_a_change_of_the_delivery_has_what_waits_tried_at_once_in_a_deactivated_lane_too(make_world):
    async with (
        make_world(retry_schedule_seconds="1000") as world,
        run_receiver(lambda _: Reply(401)) as receiver,
    ):
        instance = await started(world, receiver)
        await world.change(3)

        async def held():
            return await world.pool.fetchval("SELECT failing_since FROM endpoint")

        await until(held)
        place = f"/instances/{instance['id']}"
        await world.client.patch(place, json={"tags": ["Another"]})
        assert await held()
        receiver.reply = lambda arrival: Reply(200 if "Authorization" in arrival.headers else 410)
        await world.client.patch(place, json={"configuration": {"event.notification.raw": "full"}})

        async def deactivated():
            return await world.pool.fetchval("SELECT deactivated_at FROM endpoint")

        await until(deactivated)
        credentials = {"event.notification.basic.username": "u", "event.notification.basic.password": "p"}
        await world.client.patch(place, json={"configuration": credentials})
        await until(lambda: receiver.taken)
        assert receiver.sequences() == [1, 2, 3]


async def test_a_configuration_that_cannot_be_read_any_more_holds_the_lane_and_says_why(make_world):
    """As one that an earlier release took."""
    async with make_world() as world, run_receiver(lambda _: Reply(200)) as receiver:
        instance = await started(world, receiver)
        await world.pool.execute(
            'UPDATE instance SET configuration = configuration || \'{"event.notification.format": "old"}\''
        )
        await world.change(1)

        async def told():
            return await world.pool.fetchval("SELECT last_error FROM endpoint WHERE leased_by IS NULL")

        assert "event.notification.format: 'old'" in await until(told)
        await world.client.patch(
            f"/instances/{instance['id']}",
            json={"configuration": {"event.notification.format": "cloudevents"}},
        )
        await until(lambda: receiver.taken)


async def test_skip_gives_up_what_is_refused_beyond_the_schedule_too(make_world):
    """Five in a row were taken back; the policy gives each of them up when its own waits are spent."""
    async with (
        make_world(retry_schedule_seconds="0.1,0.1,0.1") as world,
        run_receiver(lambda arrival: Reply(400 if arrival.sequences[0] <= 5 else 200)) as receiver,
    ):
        await started(world, receiver, **{"event.notification.failure.policy": "skip"})
        await change_one_by_one(world, 6)
        await until_states(world, *["dead"] * 5, "delivered")


async def test_a_release_while_the_third_refusal_is_on_its_way_keeps_it_and_the_order(make_world):
    async with make_world(**QUICK) as world, run_receiver(lambda _: Reply(503)) as receiver:
        instance = await started(world, receiver)
        await change_one_by_one(world, 2)
        receiver.arrived.clear()
        released = asyncio.Event()
        receiver.reply = lambda _: Reply(422, after=released if len(receiver.arrived) == 3 else None)
        await until(lambda: len(receiver.arrived) == 3)
        await world.client.put(f"/instances/{instance['id']}/endpoint")
        receiver.reply = lambda _: Reply(200)
        released.set()
        await until_states(world, "delivered", "delivered")
        assert receiver.sequences() == [1, 2]
