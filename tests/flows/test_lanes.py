"""Lanes beside one another: what one is busy or stuck with holds no other."""

from __future__ import annotations

from signalpost.delivery.lane import Lanes
from signalpost.store.queue import Queue
from tests.scripted import Reply, run_receiver
from tests.support import until


async def test_a_large_backlog_of_one_does_not_keep_another_waiting(make_world, monkeypatch):
    """Turns are cut short, so that the backlog takes many: between any two the other's lane has its own."""
    monkeypatch.setattr("signalpost.delivery.turn.SLICE_SECONDS", 0.2)
    async with make_world() as world, run_receiver(lambda _: Reply(503)) as receiver:
        busy = await world.connect(
            **{"event.notification.callback.url": receiver.url, "event.notification.signature.key": None}
        )
        await world.wait_for_watermark(busy["id"])
        for _ in range(5):
            await world.change(500)

        async def all_written():
            return await world.pool.fetchval("SELECT count(*) FROM event") >= 2500

        await until(all_written)
        other = await world.connect()
        await world.wait_for_watermark(other["id"])
        receiver.reply = lambda _: Reply(200, delay_seconds=0.04)
        await world.client.put(f"/instances/{busy['id']}/endpoint")
        await until(lambda: receiver.taken)
        [made] = await world.change(1)
        await until(world.delivered)
        assert [record["id"] for record in world.delivered()] == [made["id"]]
        # The other's came while most of the backlog still waited.
        assert len(receiver.taken) < 250
        monkeypatch.setattr("signalpost.delivery.turn.SLICE_SECONDS", 5.0)  # the rest may come as it comes
        receiver.reply = lambda _: Reply(200)
        await until(lambda: len(receiver.sequences()) >= 2501)
        assert receiver.sequences() == list(range(1, 2502))


async def test_each_of_the_turns_that_a_backlog_takes_is_woken_for_itself(make_world, monkeypatch):
    """By the same cause as the job that has just sent, no job would be made: it would wait for the tick."""
    monkeypatch.setattr("signalpost.delivery.turn.SLICE_SECONDS", 0.2)
    causes, wake_lane = [], Queue.wake_lane

    async def note(queue, instance_id, cause):
        causes.append(cause)
        await wake_lane(queue, instance_id, cause)

    monkeypatch.setattr(Queue, "wake_lane", note)
    async with make_world() as world, run_receiver(lambda _: Reply(200, delay_seconds=0.02)) as receiver:
        busy = await world.connect(
            **{"event.notification.callback.url": receiver.url, "event.notification.signature.key": None}
        )
        await world.wait_for_watermark(busy["id"])
        await world.change(500)
        await until(lambda: len(receiver.sequences()) >= 500)
    # A busy machine may send nothing in a turn that is so short: such a one names no last notification.
    turns = [cause for cause in causes if cause.startswith("turn:") and not cause.endswith(":0")]
    assert len(turns) >= 3
    assert len(set(turns)) == len(turns)


async def test_who_commits_a_page_and_delivers_as_well_takes_the_lane_up_itself(make_world, monkeypatch):
    """No job is made for it; where the lane is being worked already one is, lest what is new were overlooked."""
    asked = []
    start = Lanes.start

    def note(lanes, instance_id):
        asked.append(start(lanes, instance_id))
        return asked[-1]

    monkeypatch.setattr(Lanes, "start", note)
    # The tick would come too, but not so soon.
    monkeypatch.setattr("signalpost.runtime.TICK_SECONDS", 5.0)
    async with make_world() as world:
        instance = await world.connect()
        await world.wait_for_watermark(instance["id"])
        made = await world.change(1)
        await until(world.delivered)
        assert [record["id"] for record in world.delivered()] == [each["id"] for each in made]
        assert asked == [True]
        lanes = world.service.runtime._parts.lanes
        lanes._active.add(int(instance["id"]))
        assert not lanes.start(int(instance["id"]))
        lanes._active.clear()
        lanes.close()
        assert not lanes.start(int(instance["id"]))


async def test_receivers_that_never_answer_hold_their_own_lanes_alone(make_world):
    async with (
        make_world(total_timeout_seconds=600) as world,
        run_receiver(lambda _: Reply(delay_seconds=600)) as silent,
    ):
        for _ in range(20):
            instance = await world.connect(**{"event.notification.callback.url": silent.url})
            await world.wait_for_watermark(instance["id"])
        healthy = await world.connect()
        await world.wait_for_watermark(healthy["id"])
        made = await world.change(30)
        await until(lambda: len(world.delivered()) >= 30)
        assert [record["id"] for record in world.delivered()] == [each["id"] for each in made]
        await until(lambda: len(silent.arrived) == 20)
        assert silent.taken == []
