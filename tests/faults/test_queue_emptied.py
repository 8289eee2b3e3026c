"""Rows are the truth: every job can be deleted, at any time, and work goes on."""

from __future__ import annotations

import asyncio

import pytest

from tests.support import until


@pytest.mark.parametrize("statement", ["DELETE FROM pgqueuer", "TRUNCATE pgqueuer"])
async def test_every_job_deleted_in_the_middle_of_a_run_changes_nothing(make_world, monkeypatch, statement):
    # Else work would rest until the deleting is over.
    monkeypatch.setattr("signalpost.polling.scheduler.POLL_GRACE_SECONDS", 0.5)
    monkeypatch.setattr("signalpost.polling.scheduler.LANE_GRACE_SECONDS", 0.5)
    async with make_world() as world:
        instances = [await world.connect() for _ in range(3)]
        for instance in instances:
            await world.wait_for_watermark(instance["id"])
        made = []
        stop = asyncio.Event()
        times = 0

        async def delete_jobs() -> None:
            nonlocal times
            while not stop.is_set():
                await world.pool.execute(statement)
                times += 1
                await asyncio.sleep(0.05)

        deleting = asyncio.create_task(delete_jobs())
        for _ in range(15):
            made += await world.change(20)
            await asyncio.sleep(0.1)
        await until(lambda: times > 10)
        stop.set()
        await deleting

        def delivered_of(instance_id):
            return [
                received
                for received in world.listener.received
                if received["body"]["message"]["instanceId"] == instance_id
            ]

        for instance in instances:
            await until(
                lambda instance=instance: (
                    len(
                        {
                            e["id"]
                            for r in delivered_of(instance["id"])
                            for e in r["body"]["message"]["events"]
                        }
                    )
                    >= 300
                ),
                90,
            )
        truth = [row["id"] for row in made]
        for instance in instances:
            firsts = {r["body"]["id"]: r for r in reversed(delivered_of(instance["id"]))}
            bodies = [firsts[number]["body"]["message"] for number in sorted(firsts, key=int)]
            assert [record["id"] for body in bodies for record in body["raw"]["events"]] == truth
            order = list(dict.fromkeys(int(r["body"]["id"]) for r in delivered_of(instance["id"])))
            assert order == sorted(order)
            for received in delivered_of(instance["id"]):
                assert received["body"] == firsts[received["body"]["id"]]["body"]


async def test_a_job_lost_on_its_way_is_handed_out_again(make_world, monkeypatch):
    """The tick took the row, the job vanished before any worker saw it."""
    monkeypatch.setattr("signalpost.polling.scheduler.POLL_GRACE_SECONDS", 0.5)
    monkeypatch.setattr("signalpost.polling.scheduler.LANE_GRACE_SECONDS", 0.5)
    async with make_world() as world:
        queue = world.service.runtime._parts.queue
        instance = await world.connect()
        await world.wait_for_watermark(instance["id"])
        lost = {"poll": 0, "deliver": 0}
        enqueue, hand_out = queue._enqueue, queue.hand_out_polls

        async def lose_some(entrypoint, instance_ids, **given):
            if instance_ids and lost[entrypoint] < 3:
                lost[entrypoint] += 1
                return []
            return await enqueue(entrypoint, instance_ids, **given)

        async def lose_some_polls(due):
            if due and lost["poll"] < 3:
                lost["poll"] += 1
                return
            await hand_out(due)

        monkeypatch.setattr(queue, "_enqueue", lose_some)
        monkeypatch.setattr(queue, "hand_out_polls", lose_some_polls)
        made = await world.change(20)
        await until(lambda: lost["poll"] == 3)
        made += await world.change(20)
        await until(lambda: len(world.delivered()) >= 40)
        assert [record["id"] for record in world.delivered()] == [row["id"] for row in made]
