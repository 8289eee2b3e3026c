"""The database's clock was ahead and is set back: nothing waits for it to catch up."""

from __future__ import annotations

from datetime import timedelta
from uuid import uuid4

import pytest

from signalpost.model.configuration import OPERATIONS_URL
from signalpost.store import set_back
from signalpost.store.accounts.sign_in_failures import SignInFailures
from signalpost.store.deliveries import Deliveries
from signalpost.store.kept_answers import Claim, KeptAnswers
from signalpost.store.notices import Notices, add_notice
from signalpost.store.queue import Queue
from signalpost.store.replay_orders import ReplayOrders
from signalpost.store.replays import Replays
from signalpost.store.set_back import read_latest, take_back
from tests.store.notified import VAULT, add_instance, add_notifications, add_worker
from tests.support import until

AHEAD = timedelta(hours=2)
INTERVAL = timedelta(seconds=60)  # of ``add_instance``


@pytest.fixture
async def now(pool):
    return await pool.fetchval("SELECT now()")


async def read_polls(pool):
    return [row["next_poll_at"] for row in await pool.fetch("SELECT next_poll_at FROM instance ORDER BY id")]


async def test_polls_come_within_their_interval_in_their_own_phase(pool, now, monkeypatch):
    monkeypatch.setattr(set_back, "AT_ONCE", 2)  # so that they take several statements
    ids = [await add_instance(pool, organization=str(number)) for number in range(5)]
    seconds = [-5, 59, 61, 7203.25, 86400 * 400 + 30]
    for each, after in zip(ids, seconds, strict=True):
        change = "UPDATE instance SET next_poll_at = $2 WHERE id = $1"
        await pool.execute(change, each, now + timedelta(seconds=after))
    await pool.execute("UPDATE resource_poll SET retry_at = $1, failures = 2", now + AHEAD)
    for _ in range(2):  # twice it is the same
        await take_back(pool, now)
        found = [(each - now).total_seconds() for each in await read_polls(pool)]
        assert found == [-5, 59, pytest.approx(1), pytest.approx(3.25), pytest.approx(30)]
    assert await pool.fetchval("SELECT count(*) FROM resource_poll WHERE retry_at IS NULL") == 5


async def test_lanes_replays_and_notices_are_due_and_no_lease_of_a_dead_worker_goes_on(pool, now):
    instance_id = await add_instance(pool, configuration={OPERATIONS_URL: "https://example.com/"})
    await add_notifications(pool, instance_id, ["pending", "dead"], made_at=now + AHEAD)
    replay = await ReplayOrders(pool, lambda: now + AHEAD).ask_failed(instance_id, None)
    async with pool.acquire() as connection:
        await add_notice(connection, instance_id, "gap.recorded", {}, now + AHEAD)
    dead, alive = [await add_worker(pool, uuid4()) for _ in range(2)]
    await pool.execute("UPDATE worker SET heartbeat_at = $2 WHERE id = $1", dead, now + AHEAD)
    await pool.execute("UPDATE endpoint SET leased_by = $1", dead)
    queue = Queue(pool)
    assert await queue.enqueue_deliveries([instance_id]) == []
    await pool.execute("UPDATE pgqueuer SET execute_after = $1", now + AHEAD)

    await take_back(pool, now)
    deliveries = Deliveries(pool, VAULT, alive, lease_seconds=2)
    until_at = now + timedelta(seconds=30)
    assert await deliveries.claim_due(now, since=now - INTERVAL, until=until_at, limit=9) == [instance_id]
    assert await pool.fetchval("SELECT count(*) FROM notification WHERE next_attempt_at > $1", now) == 1
    assert await queue.enqueue_deliveries([instance_id]) == []  # there was no job in the way
    assert await until(lambda: deliveries.claim(instance_id))
    replays = Replays(pool, VAULT, alive, lease_seconds=2)
    assert await replays.claim_due(now, until=until_at, limit=9) == [replay.id]
    assert (await replays.claim(replay.id)).next_attempt_at == now
    [notice] = await Notices(pool, VAULT).claim_due(now, until=until_at, limit=9)
    assert notice.instance_id == instance_id


async def test_a_request_that_was_cut_off_and_failed_sign_ins_are_in_nobodys_way_for_longer(pool, now):
    await add_instance(pool)
    member_id, answers = await pool.fetchval("SELECT id FROM member"), KeptAnswers(pool, VAULT)
    await answers.claim(member_id, b"key", b"request")
    await pool.execute("UPDATE kept_answer SET claimed_at = $1", now + AHEAD)
    failures, subjects, window = SignInFailures(pool), [(b"somebody", 2)], 900
    for _ in range(2):
        assert await failures.add(subjects, now + AHEAD, window_seconds=window) is None

    await take_back(pool, now)
    assert await failures.add(subjects, now, window_seconds=window) == now + timedelta(seconds=window)
    assert await failures.add(subjects, now + timedelta(seconds=window), window_seconds=window) is None
    # By now it would be void.
    await pool.execute("UPDATE kept_answer SET claimed_at = claimed_at - interval '3 minutes'")
    assert isinstance(await answers.claim(member_id, b"key", b"request"), Claim)


async def test_the_tick_sees_it_and_polls_go_on(world, capsys):
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    runtime = world.service.runtime
    # As a poll, a lane and the tick left it while the clock was ahead.
    await world.pool.execute("UPDATE instance SET next_poll_at = now() + $1::interval", AHEAD)
    runtime._ticked_at = runtime._parts.clock() + AHEAD
    made = await world.change(3)
    await until(lambda: len(world.delivered()) >= 3)
    assert [each["id"] for each in world.delivered()] == [each["id"] for each in made]
    assert "clock.set_back" in capsys.readouterr().out


async def test_a_start_sees_that_it_was_set_back_while_nothing_ran(world, capsys):
    instance = await world.connect(**{"event.poller.refresh_interval": "60"})
    await world.wait_for_watermark(instance["id"])
    is_soon = "SELECT next_poll_at < now() + interval '61 minutes' FROM instance"
    is_done = "SELECT last_poll_at IS NOT NULL FROM instance"
    await until(lambda: world.pool.fetchval(is_done))
    # As a poll left it before all was stopped.
    change = "UPDATE instance SET next_poll_at = now() + $1, last_poll_at = now() + $1, last_success_at = now() + $1"
    await world.pool.execute(change, AHEAD)
    world.service.runtime._ticked_at = None
    await until(lambda: world.pool.fetchval(is_soon))
    await until(lambda: "clock.set_back" in capsys.readouterr().out)
    assert await world.pool.fetchval("SELECT last_success_at <= now() FROM instance")


async def test_the_next_start_takes_nothing_back_again(pool, now):
    await add_instance(pool)
    assert await read_latest(pool) is None
    await pool.execute("UPDATE instance SET last_poll_at = $1, disabled = true", now + AHEAD)
    assert await read_latest(pool) == now + AHEAD
    await take_back(pool, now)
    assert await read_latest(pool) == now
