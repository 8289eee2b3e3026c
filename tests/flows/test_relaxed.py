"""Delivery without order: several at once, none waits for another, a failing endpoint is left alone; and rates."""

from __future__ import annotations

from random import Random

from tests.scripted import Reply, run_receiver
from tests.support import until

RELAXED = {"event.notification.ordering": "relaxed", "event.notification.concurrency": 4}


async def started(world, receiver, **configuration):
    instance = await world.connect(
        **{"event.notification.callback.url": receiver.url, "event.notification.signature.key": None},
        **configuration,
    )
    await world.wait_for_watermark(instance["id"])
    return instance


async def make_notifications(world, count):
    """Write notifications that wait, each of ten events, while nothing is sent."""
    await world.change(10 * count)

    async def written():
        return await world.pool.fetchval("SELECT count(*) FROM notification") >= count

    await until(written)


async def test_one_that_fails_holds_no_other_and_not_more_are_sent_at_once_than_asked_for(make_world):
    async with (
        make_world(retry_schedule_seconds=",".join(["0.2"] * 500)) as world,
        run_receiver(
            lambda arrival: Reply(500 if 1 in arrival.sequences else 200, delay_seconds=0.05)
        ) as receiver,
    ):
        await started(world, receiver, **RELAXED)
        await make_notifications(world, 30)
        await until(lambda: len(receiver.sequences()) >= 290)
        assert sorted(receiver.sequences()) == list(range(11, 301))
        assert 1 < receiver.most_at_once <= 4
        receiver.reply = lambda _: Reply(200)
        await until(lambda: len(receiver.sequences()) >= 300)

        async def recovered():
            row = await world.pool.fetchrow("SELECT failing_since, last_error, due_at FROM endpoint")
            return tuple(row) == (None, None, None)

        await until(recovered)
        assert await world.pool.fetchval("SELECT count(*) FROM notification WHERE state <> 'delivered'") == 0


async def test_a_failing_endpoint_is_not_stormed_by_all_that_waits(make_world, capsys):
    async with (
        make_world(retry_schedule_seconds="30,30") as world,
        run_receiver(lambda _: Reply(503)) as receiver,
    ):
        await started(world, receiver, **RELAXED)
        await make_notifications(world, 60)

        async def held():
            return await world.pool.fetchval("SELECT due_at > now() + interval '20 s' FROM endpoint")

        await until(held)
        # A few turns, each of which gave up after five in a row and what was on its way: not sixty.
        assert 5 <= len(receiver.arrived) < 60
        assert await world.pool.fetchval("SELECT failing_since IS NOT NULL FROM endpoint")
        assert capsys.readouterr().out.count("endpoint.held") == 1


async def test_a_failing_endpoint_that_refuses_all_at_once_costs_no_dead_letters(make_world):
    """Answers come in any order: whichever is the fifth of a row, those next to it are taken back."""
    many = {"event.notification.ordering": "relaxed", "event.notification.concurrency": 20}
    async with (
        make_world(retry_schedule_seconds=",".join(["0.5"] * 500)) as world,
        run_receiver(lambda _: Reply(503)) as receiver,
    ):
        await started(world, receiver, **many)
        await make_notifications(world, 30)
        chance = Random(1)
        receiver.reply = lambda _: Reply(400, delay_seconds=chance.random() / 5)

        async def held():
            # Nothing is under way by then: what is refused as the callback recovers is no row of five, and a dead letter.
            return await world.pool.fetchval(
                "SELECT count(*) FILTER (WHERE refusals > 3) > 5 AND bool_and(state = 'pending')"
                " AND (SELECT leased_by IS NULL FROM endpoint) FROM notification"
            )

        await until(held)
        receiver.reply = lambda _: Reply(200)
        await until(lambda: len(set(receiver.sequences())) == 300)


async def test_gone_deactivates_without_order_too_and_the_rest_waits(make_world):
    async with make_world() as world, run_receiver(lambda _: Reply(410)) as receiver:
        instance = await started(world, receiver, **RELAXED)
        await make_notifications(world, 20)

        async def deactivated():
            return await world.pool.fetchval("SELECT state = 'deactivated' FROM endpoint")

        await until(deactivated)
        assert len(receiver.arrived) <= 4
        receiver.reply = lambda _: Reply(200)
        await world.client.put(f"/instances/{instance['id']}/enabled")
        await until(lambda: len(receiver.sequences()) >= 200)
        assert sorted(receiver.sequences()) == list(range(1, 201))


async def test_a_rate_is_kept_over_turns_and_new_arrivals(make_world):
    """Sixty notifications at thirty a second: the last is allowed two seconds after the first."""
    async with make_world() as world, run_receiver(lambda _: Reply(200)) as receiver:
        await started(world, receiver, **{"event.notification.rate": 30})
        for _ in range(6):
            await world.change(100)
        await until(lambda: len(receiver.sequences()) >= 600)
        assert receiver.sequences() == list(range(1, 601))

        async def recorded():
            return await world.pool.fetchval("SELECT count(*) FROM attempt") >= 60

        await until(recorded)
        spread = await world.pool.fetchval(
            "SELECT extract(epoch FROM max(started_at) - min(started_at))::float FROM attempt"
        )
        # Times are those of the database's clock, and of a busy machine's first attempt: not told to a tenth of a second.
        assert spread >= 59 / 30 * 0.75


async def test_gone_counts_whatever_else_lands_after_it(make_world):
    """One answer says that the endpoint is gone; another attempt that was on its way with it fails, a third is taken."""
    async with make_world() as world, run_receiver(lambda _: Reply(503)) as receiver:
        instance = await started(world, receiver, **RELAXED)
        await make_notifications(world, 3)

        async def tried():
            return await world.pool.fetchval("SELECT count(*) FROM attempt WHERE number = 1") == 3

        await until(tried)
        replies = {1: Reply(410), 11: Reply(500, delay_seconds=0.3), 21: Reply(200, delay_seconds=0.6)}
        receiver.arrived.clear()
        receiver.reply = lambda arrival: replies[arrival.sequences[0]]
        await world.client.put(f"/instances/{instance['id']}/endpoint")

        async def deactivated():
            row = await world.pool.fetchrow("SELECT state, last_error, failing_since FROM endpoint")
            return row["state"] == "deactivated" and row

        row = await until(deactivated)
        assert row["failing_since"] is not None
        assert "410" in row["last_error"]


async def test_what_landed_is_recorded_while_others_wait_for_their_slot(make_world):
    async with make_world() as world, run_receiver(lambda _: Reply(200)) as receiver:
        await started(world, receiver, **RELAXED, **{"event.notification.rate": 0.1})
        await world.change(40)

        async def recorded():
            return await world.pool.fetchval("SELECT count(*) FROM notification WHERE state = 'delivered'")

        await until(lambda: receiver.taken)
        await until(recorded)
        assert len(receiver.arrived) == 1
