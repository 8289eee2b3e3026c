"""Lanes beside one another: what one is busy or stuck with holds no other."""

from __future__ import annotations

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
        await until(lambda: len(receiver.sequences()) >= 2501, 60)
        assert receiver.sequences() == list(range(1, 2502))


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
