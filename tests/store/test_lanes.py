"""Lanes as rows: what a turn may still write when somebody else was there meanwhile."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from signalpost.model.delivery import Attempt, Outcome
from signalpost.store.deliveries import AttemptRecord, Deliveries, Release
from signalpost.store.due import CLAIM_DUE_LANES
from signalpost.store.endpoints import Endpoints
from signalpost.store.instances import Instances
from signalpost.store.waiting import Waiting
from tests.store.notified import NOW, VAULT, add_notifications, add_worker, read_states
from tests.support import until

LATER = NOW + timedelta(hours=9)


@pytest.fixture
async def worker_id(pool):
    return await add_worker(pool, uuid4())


@pytest.fixture
def deliveries(pool, worker_id):
    return Deliveries(pool, VAULT, worker_id, lease_seconds=30)


@pytest.fixture
def waiting(pool, worker_id):
    return Waiting(pool, worker_id)


def record(lane, notification_id, outcome, *, status, number=1, failures=None, refused=False):
    error = None if outcome is Outcome.DELIVERED else f"the callback answered {status}"
    return AttemptRecord(
        instance_id=lane.instance_id,
        generation=lane.generation,
        made_at=NOW,
        known_failures=number - 1 if failures is None else failures,
        attempt=Attempt(notification_id, number, NOW, 12, status, error, None),
        outcome=outcome,
        refused=refused,
        next_attempt_at=LATER if outcome is Outcome.RETRY else None,
    )


def leave(lane, **ends):
    given = {"next_at": LATER, "deactivate": False, "held": False, "error": None, **ends}
    return Release(
        instance_id=lane.instance_id, generation=lane.generation, seen_order=lane.seen_order, **given
    )


async def read(pool, notification_id):
    row = await pool.fetchrow(
        "SELECT state, attempts, failures, refusals, next_attempt_at, dead_at FROM notification WHERE id = $1",
        notification_id,
    )
    return dict(row)


async def refuse(pool, ids, refusals=3):
    await pool.execute("UPDATE notification SET refusals = $2 WHERE id = ANY($1)", ids, refusals)


async def test_an_attempt_that_fails_while_the_endpoint_is_released_has_nothing_wait(
    pool, instance_id, deliveries
):
    [first] = await add_notifications(pool, instance_id, ["pending"])
    lane = await deliveries.claim(instance_id)
    assert await deliveries.record(record(lane, first, Outcome.RETRY, status=400, refused=True))
    assert (await read(pool, first))["next_attempt_at"] == LATER
    await Endpoints(pool).release(instance_id)
    released = await read(pool, first)
    assert (released["failures"], released["refusals"]) == (0, 0)
    assert not await deliveries.record(record(lane, first, Outcome.RETRY, status=503, number=2, refused=True))
    assert await read(pool, first) == {**released, "attempts": 2}
    assert await pool.fetchval("SELECT count(*) FROM attempt") == 2
    again = await deliveries.claim(instance_id)
    assert await deliveries.record(record(again, first, Outcome.RETRY, status=503, number=3, failures=0))
    assert (await read(pool, first))["failures"] == 1


async def test_a_death_while_the_endpoint_is_released_does_not_count_and_a_delivery_does(
    pool, instance_id, deliveries
):
    first, second = await add_notifications(pool, instance_id, ["pending", "pending"])
    lane = await deliveries.claim(instance_id)
    await Endpoints(pool).release(instance_id)
    assert not await deliveries.record(record(lane, first, Outcome.DEAD, status=422, refused=True))
    found = await read(pool, first)
    assert (found["state"], found["attempts"], found["refusals"], found["dead_at"]) == ("pending", 1, 0, None)
    assert not await deliveries.record(record(lane, second, Outcome.DELIVERED, status=200))
    assert (await read(pool, second))["state"] == "delivered"


async def test_what_was_removed_meanwhile_does_not_spoil_the_records_of_others(pool, instance_id, deliveries):
    gone, kept = await add_notifications(pool, instance_id, ["pending", "pending"])
    lane = await deliveries.claim(instance_id)
    await pool.execute("DELETE FROM notification WHERE id = $1", gone)
    answers = await asyncio.gather(
        *(deliveries.record(record(lane, each, Outcome.DELIVERED, status=200)) for each in (gone, kept))
    )
    assert answers == [True, True]
    assert (await read(pool, kept))["state"] == "delivered"


@pytest.mark.parametrize(
    ("states", "refusals", "revived"),
    [
        (["dead"] * 4, 3, True),
        (["delivered"] + ["dead"] * 4, 3, True),
        (["dead"] * 3, 3, False),
        (["dead", "dead", "delivered", "dead"], 3, False),
        (["dead", "dead", "cancelled", "dead"], 3, False),
        (["dead"] * 4, 2, False),
        (["dead"] * 4, 4, False),
    ],
)
async def test_four_that_died_of_refusals_right_before_wait_again(
    pool, instance_id, deliveries, waiting, states, refusals, revived
):
    ids = await add_notifications(pool, instance_id, [*states, "pending"])
    await refuse(pool, ids[:-1], refusals)
    lane = await deliveries.claim(instance_id)
    assert await waiting.revive_refused(lane, around=ids[-1], next_attempt_at=LATER) is revived
    if revived:
        assert await read_states(pool, ids) == [*states[:-4], *["pending"] * 5]
        found = await read(pool, ids[-2])
        assert (found["next_attempt_at"], found["dead_at"]) == (LATER, None)
        loaded = await waiting.load_pending(instance_id, after_order=0, limit=10)
        assert [each.id for each in loaded] == ids[-5:]
    else:
        assert await read_states(pool, ids) == [*states, "pending"]


async def test_without_order_the_last_of_a_row_may_be_refused_in_its_midst(
    pool, instance_id, deliveries, waiting
):
    states = ["delivered", "dead", "delivered", "dead", "dead", "pending", "dead", "dead", "pending", "dead"]
    ids = await add_notifications(pool, instance_id, states)
    await refuse(pool, ids)
    await refuse(pool, [ids[5], ids[8]], 2)
    lane = await deliveries.claim(instance_id)
    assert not await waiting.revive_refused(lane, around=ids[8], next_attempt_at=LATER)
    assert await waiting.revive_refused(lane, around=ids[5], next_attempt_at=LATER)
    assert await read_states(pool, ids) == [*states[:3], *["pending"] * 6, "dead"]
    await refuse(pool, [ids[5]])  # as it is recorded then
    # Those that wait again show that it is the endpoint, also where nothing is left to be taken back.
    assert await waiting.revive_refused(lane, around=ids[8], next_attempt_at=LATER)
    assert await read_states(pool, ids) == [*states[:3], *["pending"] * 7]
    await refuse(pool, [ids[8]])
    assert await waiting.revive_refused(lane, around=ids[9], next_attempt_at=LATER)


async def test_nothing_is_recorded_in_a_lane_that_another_worker_took(pool, instance_id, deliveries):
    [first] = await add_notifications(pool, instance_id, ["pending"])
    lane = await deliveries.claim(instance_id)
    before = await read(pool, first)
    await pool.execute("UPDATE endpoint SET leased_by = $1", uuid4())
    assert not await deliveries.record(record(lane, first, Outcome.DELIVERED, status=200))
    await deliveries.release(leave(lane, deactivate=True, held=True, error="late"))
    assert await read(pool, first) == before
    assert await pool.fetchval("SELECT count(*) FROM attempt") == 0
    assert await pool.fetchval("SELECT state FROM endpoint") == "active"


@pytest.mark.parametrize("by", ["a release", "another worker"])
async def test_nothing_waits_again_by_a_turn_that_does_not_count(pool, instance_id, deliveries, waiting, by):
    ids = await add_notifications(pool, instance_id, ["dead"] * 4 + ["pending"])
    await refuse(pool, ids[:4])
    lane = await deliveries.claim(instance_id)
    if by == "a release":
        await Endpoints(pool).release(instance_id)
    else:
        await pool.execute("UPDATE endpoint SET leased_by = $1", uuid4())
    assert not await waiting.revive_refused(lane, around=ids[4], next_attempt_at=LATER)
    assert await read_states(pool, ids) == ["dead"] * 4 + ["pending"]


async def test_one_that_a_replay_delivers_at_that_moment_stays_delivered(
    pool, instance_id, deliveries, waiting
):
    ids = await add_notifications(pool, instance_id, ["dead"] * 4 + ["pending"])
    await refuse(pool, ids[:4])
    lane = await deliveries.claim(instance_id)
    async with pool.acquire() as connection:
        async with connection.transaction():
            await connection.execute("UPDATE notification SET state = 'delivered' WHERE id = $1", ids[1])
            reviving = asyncio.create_task(waiting.revive_refused(lane, around=ids[4], next_attempt_at=LATER))

            async def waits():
                return await pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted")

            await until(waits)
        assert await reviving
    assert await read_states(pool, ids) == ["pending", "delivered", "pending", "pending", "pending"]


async def test_a_lane_without_a_url_or_of_a_disabled_instance_is_left_to_rest(pool, instance_id, deliveries):
    await add_notifications(pool, instance_id, ["pending"])
    instance = await Instances(pool, VAULT).find(
        await pool.fetchval("SELECT organization_id FROM instance"), instance_id
    )
    lane = await deliveries.claim(instance_id)
    await Instances(pool, VAULT).set_disabled(instance, disabled=True)
    await deliveries.release(leave(lane))
    assert await pool.fetchval("SELECT due_at FROM endpoint") is None
    assert await deliveries.claim(instance_id) is None
    await Instances(pool, VAULT).set_disabled(instance, disabled=False)
    lane = await deliveries.claim(instance_id)
    await pool.execute("UPDATE endpoint SET url = NULL, generation = generation + 1")
    await deliveries.release(leave(lane))
    assert await pool.fetchval("SELECT due_at FROM endpoint") is None


async def find_instance(pool, instance_id):
    organization_id = await pool.fetchval("SELECT organization_id FROM instance")
    return await Instances(pool, VAULT).find(organization_id, instance_id)


async def test_what_is_committed_for_a_disabled_instance_wakes_nobody_until_it_is_enabled(
    pool, instance_id, deliveries
):
    instance = await find_instance(pool, instance_id)
    await Instances(pool, VAULT).set_disabled(instance, disabled=True)
    await pool.execute("UPDATE endpoint SET due_at = $1", NOW)  # as a poll does that was running
    after = {"since": NOW, "until": LATER, "limit": 10}
    assert await deliveries.claim_due(NOW, **after) == []
    assert await pool.fetchval("SELECT due_at FROM endpoint") is None
    await Instances(pool, VAULT).set_disabled(instance, disabled=False)
    now = await pool.fetchval("SELECT now()")
    assert await deliveries.claim_due(now, since=NOW, until=now + timedelta(hours=1), limit=10) == [
        instance_id
    ]


async def test_a_lane_that_is_enabled_while_it_is_laid_to_rest_is_handed_out(pool, instance_id, deliveries):
    instance = await find_instance(pool, instance_id)
    await Instances(pool, VAULT).set_disabled(instance, disabled=True)
    await pool.execute("UPDATE endpoint SET due_at = $1", NOW)

    class EnabledBetween:
        """The pool; between its first statement and the next the instance is enabled."""

        async def fetch(self, statement, *given):
            rows = await pool.fetch(statement, *given)
            if statement is CLAIM_DUE_LANES:
                await Instances(pool, VAULT).set_disabled(instance, disabled=False)
            return rows

    between = Deliveries(EnabledBetween(), VAULT, deliveries._worker_id, lease_seconds=30)
    assert await between.claim_due(NOW, since=NOW, until=LATER, limit=10) == [instance_id]
    assert await pool.fetchval("SELECT due_at <= now() FROM endpoint")


async def test_a_lane_that_was_disabled_and_enabled_in_its_turn_is_due_at_once(pool, instance_id, deliveries):
    instance = await Instances(pool, VAULT).find(
        await pool.fetchval("SELECT organization_id FROM instance"), instance_id
    )
    lane = await deliveries.claim(instance_id)
    for disabled in (True, False):
        await Instances(pool, VAULT).set_disabled(instance, disabled=disabled)
    await deliveries.release(leave(lane, next_at=LATER, deactivate=True, held=True, error="gone"))
    row = await pool.fetchrow("SELECT state, due_at <= now() AS due, failing_since, leased_by FROM endpoint")
    assert tuple(row) == ("active", True, None, None)


async def test_a_lane_given_back_comes_up_earlier_unless_somebody_set_its_time(pool, instance_id, deliveries):
    await add_notifications(pool, instance_id, ["pending"])
    assert await deliveries.claim_due(LATER, since=LATER, until=LATER, limit=10) == [instance_id]
    await deliveries.give_back([instance_id], until=NOW, at=NOW)
    assert await pool.fetchval("SELECT due_at FROM endpoint") == LATER
    await deliveries.give_back([instance_id], until=LATER, at=NOW)
    assert await pool.fetchval("SELECT due_at FROM endpoint") == NOW
