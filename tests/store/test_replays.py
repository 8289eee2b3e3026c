"""Replays as rows: asked for within a limit, handed out once, fenced by the lease, besides the lane."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest

from signalpost.model.configuration import SIGNATURE_KEY
from signalpost.model.delivery import Attempt, Outcome
from signalpost.model.errors import ConflictError, NotFoundError
from signalpost.store.endpoints import Endpoints
from signalpost.store.instances import Instances
from signalpost.store.replay_orders import MOST_RUNNING, ReplayOrders, ReplayWish
from signalpost.store.replays import ReplayKind, ReplayRelease, Replays, ReplayState
from tests.store.notified import (
    NOW,
    URL,
    VAULT,
    add_instance,
    add_notifications,
    add_worker,
    read_states,
)

ALL = ["pending", "delivered", "dead", "cancelled", "unsent"]
LATER = NOW + timedelta(hours=1)


@pytest.fixture
async def instance_id(pool):
    return await add_instance(pool)


@pytest.fixture
def orders(pool):
    return ReplayOrders(pool, lambda: NOW)


async def make_replays(pool):
    return Replays(pool, VAULT, await add_worker(pool, uuid4()), lease_seconds=30)


async def load_ids(replays, lane, limit=50):
    batch = await replays.load_next(lane, after_id=lane.position, limit=limit)
    assert batch.last_id == (batch.notifications[-1].id if batch.notifications else None)
    assert all((each.attempts, each.failures, each.refusals) == (0, 0, 0) for each in batch.notifications)
    return [each.id for each in batch.notifications]


def attempt(notification_id, number=1, status=200):
    error = None if status == 200 else f"the callback answered {status}"
    return Attempt(notification_id, number, NOW, 12, status, error, None)


async def read_lane(pool):
    """Give all that a lane lives by: a replay must not touch it."""
    endpoint = await pool.fetch("SELECT * FROM endpoint")
    waiting = await pool.fetch("SELECT * FROM notification WHERE state = 'pending' ORDER BY id")
    return [tuple(row) for row in (*endpoint, *waiting)]


async def test_a_due_replay_is_handed_out_once_and_those_of_disabled_instances_rest(
    pool, instance_id, orders
):
    replays = await make_replays(pool)
    replay = await orders.ask_range(instance_id, 1, None)
    until = NOW + timedelta(seconds=5)
    assert await replays.claim_due(NOW - timedelta(seconds=1), until=until, limit=10) == []
    instance = await Instances(pool, VAULT).find(
        await pool.fetchval("SELECT organization_id FROM instance"), instance_id
    )
    await Instances(pool, VAULT).set_disabled(instance, disabled=True)
    assert await replays.claim_due(NOW, until=until, limit=10) == []
    assert await replays.claim(replay.id) is None
    await Instances(pool, VAULT).set_disabled(instance, disabled=False)
    assert await replays.claim_due(NOW, until=until, limit=10) == [replay.id]
    assert await replays.claim_due(NOW, until=until, limit=10) == []
    await replays.give_back([replay.id], until=until, at=NOW)
    assert await replays.claim_due(NOW, until=until, limit=10) == [replay.id]
    await replays.give_back([replay.id], until=LATER, at=NOW)  # somebody else set its time
    assert await replays.claim_due(NOW, until=until, limit=10) == []


async def test_one_worker_has_a_replay_and_one_that_stalled_is_refused(pool, instance_id, orders):
    [first, second] = await add_notifications(pool, instance_id, ["delivered", "delivered"])
    replay = await orders.ask_range(instance_id, 1, None)
    stalled, other = await make_replays(pool), await make_replays(pool)
    lane = await stalled.claim(replay.id)
    assert lane.url == URL
    assert await other.claim(replay.id) is None
    await pool.execute(
        "UPDATE worker SET heartbeat_at = now() - interval '1 minute' WHERE id = $1", stalled._worker_id
    )
    taken = await other.claim(replay.id)
    assert taken == lane
    assert not await stalled.record(lane, attempt(first), Outcome.DELIVERED, refused=False)
    await stalled.release(lane, ReplayRelease(state=ReplayState.DONE, ended_at=NOW))
    assert await pool.fetchval("SELECT count(*) FROM attempt") == 0
    assert await other.record(taken, attempt(first), Outcome.DELIVERED, refused=False)
    await other.release(taken, ReplayRelease(LATER))
    found = await orders.find(instance_id, replay.id)
    assert (found.state, found.position, found.sent, found.next_attempt_at) == ("running", first, 1, LATER)
    assert await load_ids(stalled, await stalled.claim(replay.id)) == [second]


async def test_what_still_waits_is_left_to_the_lane_and_another_url_gets_all(pool, instance_id, orders):
    ids = await add_notifications(pool, instance_id, ALL)
    replays = await make_replays(pool)
    own = await replays.claim((await orders.ask_range(instance_id, 1, None)).id)
    assert await load_ids(replays, own) == ids[1:]
    elsewhere = await replays.claim((await orders.ask_range(instance_id, 1, "https://other.example/")).id)
    assert (elsewhere.own, elsewhere.url) == (False, "https://other.example/")
    assert await load_ids(replays, elsewhere) == ids
    assert await load_ids(replays, elsewhere, limit=2) == ids[:2]
    same = await replays.claim((await orders.ask_range(instance_id, 1, URL)).id)
    assert (same.own, await load_ids(replays, same)) == (True, ids[1:])


async def test_a_range_is_what_there_is_when_it_is_asked_for(pool, instance_id, orders):
    early = await add_notifications(pool, instance_id, ["delivered"] * 2, made_at=NOW - timedelta(hours=2))
    ids = await add_notifications(pool, instance_id, ["delivered"] * 3)
    replays = await make_replays(pool)
    asked = [
        (NOW - timedelta(days=1), early + ids),
        (NOW, ids),
        (NOW + timedelta(microseconds=1), []),
        (1, early + ids),
        (4, ids[1:]),
        (99, []),
    ]
    found = [await orders.ask_range(instance_id, start, None) for start, _ in asked]
    await add_notifications(pool, instance_id, ["delivered"], made_at=LATER)
    for replay, (_, wanted) in zip(found, asked, strict=True):
        assert await load_ids(replays, await replays.claim(replay.id)) == wanted


async def test_failed_ones_are_those_that_died_since(pool, instance_id, orders):
    [early] = await add_notifications(pool, instance_id, ["dead"], made_at=NOW - timedelta(hours=2))
    [_, dead, _] = await add_notifications(pool, instance_id, ["delivered", "dead", "pending"])
    replays = await make_replays(pool)
    for since, wanted in [(None, [early, dead]), (NOW - timedelta(hours=1), [dead]), (LATER, [])]:
        replay = await orders.ask_failed(instance_id, since)
        assert await load_ids(replays, await replays.claim(replay.id)) == wanted
        await orders.cancel(instance_id, replay.id)


@pytest.mark.parametrize("url", [None, "https://other.example/"])
async def test_attempts_move_the_replay_and_never_the_lane(pool, instance_id, orders, url):
    ids = await add_notifications(pool, instance_id, ["dead", "delivered", "dead", "pending"])
    before = await read_lane(pool)
    replay = await orders.ask_range(instance_id, 1, url)
    replays = await make_replays(pool)
    lane = await replays.claim(replay.id)

    async def record(number, outcome, status, *, refused=False, tries=1):
        return await replays.record(lane, attempt(number, tries, status), outcome, refused=refused)

    assert await record(ids[0], Outcome.DELIVERED, 200)
    assert await record(ids[1], Outcome.RETRY, 503)
    assert await record(ids[1], Outcome.RETRY, 422, refused=True, tries=2)
    held = await orders.find(instance_id, replay.id)
    assert (held.position, held.failures, held.last_error) == (ids[0], 2, "the callback answered 422")
    again = await replays.claim(replay.id)
    assert (again.position, again.failures, again.refusals) == (ids[0], 2, 1)
    assert await record(ids[1], Outcome.DEAD, 422, refused=True, tries=3)
    found = await orders.find(instance_id, replay.id)
    assert (found.position, found.sent, found.dead, found.failures) == (ids[1], 1, 1, 0)
    states = ["dead" if url else "delivered", "delivered", "dead", "pending"]
    assert await read_states(pool, ids) == states
    assert await read_lane(pool) == before
    rows = await pool.fetch(
        "SELECT notification_id, replay_id, number, status FROM attempt ORDER BY notification_id, number"
    )
    assert [tuple(row) for row in rows] == [
        (ids[0], replay.id, 1, 200),
        *[(ids[1], replay.id, number, status) for number, status in [(1, 503), (2, 422), (3, 422)]],
    ]


@pytest.mark.parametrize("change", ["released", "disabled", "key"])
async def test_a_turn_ends_with_the_attempt_in_which_its_endpoint_is_changed(
    pool, instance_id, orders, change
):
    ids = await add_notifications(pool, instance_id, ["delivered"] * 3)
    replay, replays = await orders.ask_range(instance_id, 1, None), await make_replays(pool)
    lane = await replays.claim(replay.id)
    assert await replays.record(lane, attempt(ids[0]), Outcome.DELIVERED, refused=False)
    instances = Instances(pool, VAULT)
    instance = await instances.find(await pool.fetchval("SELECT organization_id FROM instance"), instance_id)
    if change == "released":
        await Endpoints(pool).release(instance_id)
    elif change == "disabled":
        await instances.set_disabled(instance, disabled=True)
    else:
        await instances.update_configuration(instance, {SIGNATURE_KEY: "another"}, frozenset({SIGNATURE_KEY}))
    assert not await replays.record(lane, attempt(ids[1], status=410), Outcome.GONE, refused=False)
    await replays.release(lane, ReplayRelease(NOW))
    found = await orders.find(instance_id, replay.id)
    assert (found.state, found.sent, found.position, found.failures) == ("running", 1, ids[0], 1)
    if change == "disabled":
        assert await replays.claim(replay.id) is None
    else:
        lane = await replays.claim(replay.id)
        assert await replays.record(lane, attempt(ids[1]), Outcome.DELIVERED, refused=False)


async def test_a_cancelled_replay_stays_so(pool, instance_id, orders):
    [first] = await add_notifications(pool, instance_id, ["delivered"])
    replay = await orders.ask_one(instance_id, first)
    replays = await make_replays(pool)
    lane = await replays.claim(replay.id)
    found, ran = await orders.cancel(instance_id, replay.id)
    assert (found.state, ran) == ("cancelled", True)
    assert not await replays.record(lane, attempt(first), Outcome.DELIVERED, refused=False)
    await replays.release(lane, ReplayRelease(NOW))
    found, ran = await orders.cancel(instance_id, replay.id)
    assert (found.state, found.ended_at, found.sent, ran) == ("cancelled", NOW, 1, False)
    assert await replays.claim_due(LATER, until=LATER, limit=10) == []
    assert await replays.claim(replay.id) is None


async def test_two_who_ask_at_once_do_not_exceed_the_limit(pool, instance_id, orders):
    asked = [orders.ask_range(instance_id, 1, None) for _ in range(MOST_RUNNING * 2)]
    answers = await asyncio.gather(*asked, return_exceptions=True)
    refused = [each for each in answers if isinstance(each, ConflictError)]
    assert len(refused) == MOST_RUNNING
    assert len(await orders.list_running(instance_id)) == MOST_RUNNING
    await orders.cancel(instance_id, (await orders.list_running(instance_id))[0].id)
    assert await orders.ask_range(instance_id, 1, None)


async def test_what_cannot_be_sent_again_is_refused(pool, instance_id, orders):
    [waiting] = await add_notifications(pool, instance_id, ["pending"])
    other = await add_instance(pool, organization="Other", url=None)
    [unsent] = await add_notifications(pool, other, ["unsent"])
    with pytest.raises(ConflictError, match="still waits"):
        await orders.ask_one(instance_id, waiting)
    with pytest.raises(NotFoundError):
        await orders.ask_one(instance_id, unsent)
    with pytest.raises(ConflictError, match="callback URL"):
        await orders.ask_one(other, unsent)
    assert await orders.ask_range(other, 1, "https://other.example/")


async def test_what_is_anothers_is_not_found_and_goes_with_its_instance(pool, instance_id, orders):
    other = await add_instance(pool, organization="Other")
    replay = await orders.ask_range(instance_id, 1, None)
    assert await orders.find(other, replay.id) is None
    assert await orders.cancel(other, replay.id) == (None, False)
    assert await orders.list_replays(other, after_id=0, limit=10) == []
    await pool.execute("DELETE FROM instance WHERE id = $1", instance_id)
    assert await pool.fetchval("SELECT count(*) FROM replay") == 0
    with pytest.raises(NotFoundError):
        await orders.ask_range(instance_id, 1, None)


async def test_what_is_about_to_be_sent_again_is_not_ordered_twice(pool, instance_id, orders):
    first, second, third = await add_notifications(pool, instance_id, ["dead"] * 3)
    one = await orders.ask_one(instance_id, second)
    asked = await asyncio.gather(*(orders.ask_one(instance_id, second) for _ in range(5)))
    assert {each.id for each in asked} == {one.id}
    of_all = await orders.ask_failed(instance_id, None)
    assert of_all.id > one.id
    replays = await make_replays(pool)
    lane = await replays.claim(of_all.id)
    assert await replays.record(lane, attempt(first), Outcome.DELIVERED, refused=False)
    # Those that are left, and some of them, are before it; what it has passed is not, nor what died since a time.
    assert (await orders.ask_failed(instance_id, None)).id == of_all.id
    chosen = ReplayWish(ReplayKind.FAILED, third, third)
    assert (await orders.ask(instance_id, chosen)).id == of_all.id
    again = await orders.ask(instance_id, ReplayWish(ReplayKind.FAILED, first, first))
    since = await orders.ask_failed(instance_id, NOW)
    assert len({each.id for each in (of_all, again, since)}) == 3
    # One that is held waits for its time; who asks again does not want to.
    assert await replays.record(lane, attempt(second, status=503), Outcome.RETRY, refused=False)
    assert (await orders.ask_failed(instance_id, None)).id > since.id
    ranges = [await orders.ask_range(instance_id, 1, None) for _ in range(2)]
    assert ranges[0].id != ranges[1].id
