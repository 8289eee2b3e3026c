"""Two workers on one database: one lane has one worker, one watermark one writer, and a silent worker's are taken over."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from tests.scripted import Reply, run_receiver
from tests.support import open_world, until


def ids(rows):
    return [row["id"] for row in rows]


def stop_beating(world):
    """Have a worker be as if it were stopped, but for the attempts that it is amid; gives its runtime."""
    runtime = world.service.runtime
    for task in runtime._tasks:
        if task.get_name() in {"heartbeat", "scheduler", "poll"}:
            task.cancel()
    # One that is really stopped neither takes jobs nor keeps its own alive.
    runtime._queue_managers["deliver"].shutdown.set()
    return runtime


async def test_a_silent_workers_lanes_are_taken_over_and_it_may_neither_send_nor_record(
    database, sandbox, monkeypatch
):
    monkeypatch.setattr("signalpost.polling.scheduler.LANE_GRACE_SECONDS", 0.5)
    quick = {"lease_seconds": 4, "retry_schedule_seconds": "0.2,0.2,0.2,0.2,0.2,0.2,0.2,0.2"}
    async with open_world(database, sandbox, **quick) as first:
        instance = await first.connect()
        await first.wait_for_watermark(instance["id"])
        first.listener.delay_seconds = (
            15.0  # its attempt is under way while the lease ends, and another takes over
        )
        made = await first.change(30)
        await until(lambda: len(first.listener.received) == 1)

        # From here on the first worker is as if stopped: no heartbeat, no scheduler; its attempt is in flight.
        runtime = stop_beating(first)
        await first.pool.execute("DELETE FROM pgqueuer")
        async with open_world(database, sandbox, roles=frozenset({"poll", "deliver"}), **quick):
            await asyncio.sleep(0)
            first.listener.delay_seconds = 0
            await until(lambda: len({e["id"] for e in first.events()}) >= 30)
            await until(lambda: not runtime._parts.lanes._active)  # its attempt has ended
            firsts = {r["body"]["id"]: r for r in reversed(first.listener.received)}
            in_order = [firsts[number]["body"]["message"] for number in sorted(firsts, key=int)]
            assert [record["id"] for body in in_order for record in body["raw"]["events"]] == ids(made)
            # The first notification was sent by both, with the same bytes; nothing else was.
            numbers = [received["body"]["id"] for received in first.listener.received]
            assert numbers == sorted(numbers, key=int)
            assert numbers.count(numbers[0]) == 2
            assert len(numbers) == len(set(numbers)) + 1
            repeats = [r["body"] for r in first.listener.received if r["body"]["id"] == numbers[0]]
            assert repeats[0] == repeats[1]
            assert not runtime._parts.heartbeat.is_alive()
            recorded = await first.pool.fetch(
                "SELECT notification_id FROM attempt WHERE status = 200 ORDER BY 1"
            )
            assert [str(row["notification_id"]) for row in recorded] == sorted(set(numbers), key=int)


@pytest.mark.parametrize("at_once", [1, 2])
@pytest.mark.parametrize("ended", ["by both clocks", "by the database's alone"])
async def test_a_worker_that_comes_back_goes_on_with_nothing_that_another_took(
    database, sandbox, monkeypatch, at_once, ended
):
    """Its heartbeat is young again before the callback answers what it was amid: that answer is the end of its turn.

    By the database's clock alone a lease ends where that is set on, and where the worker's machine was suspended.
    """
    lease_seconds = 4 if ended == "by both clocks" else 600
    monkeypatch.setattr("signalpost.polling.scheduler.LANE_GRACE_SECONDS", 0.5)
    answering = asyncio.Event()

    def reply(_):
        return Reply(after=answering if len(receiver.arrived) <= at_once else None)

    async with (
        run_receiver(reply) as receiver,
        open_world(database, sandbox, lease_seconds=lease_seconds) as first,
    ):
        relaxed = {
            "event.notification.ordering": "relaxed",
            "event.notification.concurrency": str(at_once),
        }
        instance = await first.connect(
            **{"event.notification.callback.url": receiver.url}, **(relaxed if at_once > 1 else {})
        )
        await first.wait_for_watermark(instance["id"])
        await first.change(300)
        await until(lambda: len(receiver.arrived) == at_once)
        under_way = [arrival.notification_id for arrival in receiver.arrived]
        runtime = stop_beating(first)
        await first.pool.execute("DELETE FROM pgqueuer")
        if ended != "by both clocks":
            await first.pool.execute("UPDATE worker SET heartbeat_at = now() - interval '1 hour'")
        async with open_world(database, sandbox, lease_seconds=lease_seconds):
            await until(lambda: len(set(receiver.sequences())) == 300)
            await runtime._parts.heartbeat.beat()
            answering.set()
            await until(lambda: not runtime._parts.lanes._active)
            times = Counter(arrival.notification_id for arrival in receiver.arrived)
            assert [each for each, number in times.items() if number > 1] == under_way


async def test_a_worker_whose_lease_ended_sends_nothing_more(world):
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    heartbeat = world.service.runtime._parts.heartbeat
    for task in world.service.runtime._tasks:
        if task.get_name() == "heartbeat":
            task.cancel()
    heartbeat._beaten_at = float("-inf")
    await world.change(5)

    async def logged():
        return await world.pool.fetchval("SELECT count(*) FROM event") == 5

    await until(logged)

    async def tried():
        return await world.pool.fetchval("SELECT count(*) FROM endpoint WHERE due_at IS NOT NULL") == 1

    await until(tried)
    assert world.listener.received == []
    await heartbeat.beat()
    await until(lambda: len(world.delivered()) == 5)


async def test_two_pollers_at_once_commit_each_page_once(database, sandbox):
    async with (
        open_world(database, sandbox, roles=frozenset({"deliver"})) as first,
        open_world(database, sandbox, roles=frozenset()) as second,
    ):
        instance = await first.connect()
        pollers = [world.service.runtime._parts.poller for world in (first, second)]
        await pollers[0].poll(instance["id"])
        made = []
        for _ in range(8):
            made += await first.change(150)
            await asyncio.gather(*(poller.poll(instance["id"]) for poller in pollers))
        await pollers[0].poll(instance["id"])
        await until(lambda: len(first.delivered()) >= len(made))
        assert ids(first.delivered()) == ids(made)
        assert [event["sequence"] for event in first.events()] == list(range(1, len(made) + 1))
        assert await first.pool.fetchval("SELECT count(*) FROM page") >= 16


async def test_deleting_an_instance_while_it_is_polled_and_delivered_ends_both(world):
    for _ in range(5):
        instance = await world.connect()
        await world.wait_for_watermark(instance["id"])
        await world.change(60)
        await until(world.delivered)
        answer = await world.client.delete(f"/instances/{instance['id']}")
        assert answer.status_code == 200, answer.text
        assert (await world.client.get(f"/instances/{instance['id']}")).status_code == 404
        world.listener.received.clear()
    for table in (
        "instance",
        "page",
        "event",
        "notification",
        "attempt",
        "endpoint",
        "credential",
        "resource_poll",
    ):
        assert await world.pool.fetchval(f"SELECT count(*) FROM {table}") == 0
