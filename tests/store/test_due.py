"""What is due: taken once, in the order of its time, and what was missed neither comes at once nor holds up others."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest

from signalpost.model.ids import WorkerId
from signalpost.polling.scheduler import MOST_QUEUED, Scheduler
from signalpost.store.deliveries import Deliveries
from signalpost.store.due import DELAY_GROWTH, FEW_MISSED
from signalpost.store.polls import Polls
from signalpost.store.queue import DELIVER, HANDFUL, POLL, Queue, read_polls
from signalpost.store.replays import Replays
from tests.store.notified import VAULT, add_instance

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SINCE = NOW - timedelta(seconds=1)
UNTIL = NOW + timedelta(seconds=30)
INTERVAL_SECONDS = 600

COPIES = """
WITH made AS (
    INSERT INTO instance (organization_id, user_id, connector, name, tags, configuration, secrets, token_hash, account_id,
                          account_label, interval_seconds, next_poll_at)
    SELECT organization_id, user_id, connector, name, tags, configuration, secrets, gen_random_uuid()::text::bytea,
           account_id, account_label, $3, due_at
    FROM instance, unnest($2::timestamptz[]) AS due_at WHERE id = $1 ORDER BY due_at RETURNING id, next_poll_at
)
INSERT INTO endpoint (instance_id, url, due_at) SELECT id, 'https://example.com/', next_poll_at FROM made
RETURNING instance_id
"""


@pytest.fixture
async def add(pool):
    """Give a function that adds instances by how many seconds ago they are due, lanes as well; it gives their ids."""
    first = await add_instance(pool)
    await pool.execute("UPDATE instance SET next_poll_at = NULL")
    await pool.execute("UPDATE endpoint SET due_at = NULL")

    async def add(*seconds):
        due = [NOW - timedelta(seconds=each) for each in seconds]
        rows = await pool.fetch(COPIES, first, due, float(INTERVAL_SECONDS))
        return [row["instance_id"] for row in rows]

    return add


@pytest.fixture
def clock():
    """A clock that tests set."""
    times = [NOW]

    def read():
        return times[-1]

    read.set = times.append
    return read


@pytest.fixture
def deliveries(pool):
    return Deliveries(pool, VAULT, WorkerId(uuid4()), lease_seconds=15)


@pytest.fixture
def scheduler(pool, deliveries, clock):
    replays = Replays(pool, VAULT, WorkerId(uuid4()), lease_seconds=15)
    return Scheduler(Polls(pool, VAULT), deliveries, replays, Queue(pool), clock)


async def find_next(pool, ids):
    """Give in how many seconds each is due next, in the order of the ids."""
    rows = await pool.fetch("SELECT id, next_poll_at FROM instance WHERE id = ANY($1) ORDER BY id", ids)
    return [(row["next_poll_at"] - NOW).total_seconds() for row in rows]


async def test_few_overdue_polls_are_handed_out_with_those_just_due(pool, add):
    ids = await add(*[3600] * (FEW_MISSED - 1), 0.5, 0, -0.5)
    taken, more = await Polls(pool, VAULT).claim_due(NOW, since=SINCE, missed=SINCE, until=UNTIL, limit=500)
    assert sorted(taken) == ids[:-1]
    assert taken[ids[0]] == NOW - timedelta(seconds=3600)
    assert not more
    assert await find_next(pool, ids) == [30.0] * (FEW_MISSED + 1) + [0.5]


async def test_many_overdue_polls_are_put_off_beside_those_just_due(pool, add):
    missed = [2 + place for place in range(FEW_MISSED)]
    ids = await add(*missed, 0)
    taken, _ = await Polls(pool, VAULT).claim_due(NOW, since=SINCE, missed=SINCE, until=UNTIL, limit=500)
    assert list(taken) == ids[-1:]
    expected = [
        min(DELAY_GROWTH * seconds, INTERVAL_SECONDS - seconds) for seconds in sorted(missed, reverse=True)
    ]
    assert await find_next(pool, ids[:-1]) == expected


@pytest.mark.parametrize("intervals", [0.999, 1, 1.5, 2, 100.25])
async def test_what_is_put_off_comes_at_its_own_next_turn_at_the_latest(pool, add, intervals):
    missed = INTERVAL_SECONDS * intervals
    ids = await add(*[missed] * FEW_MISSED)
    await Polls(pool, VAULT).claim_due(NOW, since=SINCE, missed=SINCE, until=UNTIL, limit=500)
    found = await find_next(pool, ids)
    assert len(found) == FEW_MISSED
    for seconds in found:
        assert 0 < seconds <= INTERVAL_SECONDS
        assert (seconds + missed) / INTERVAL_SECONDS == pytest.approx(int(intervals) + 1)


async def test_after_a_stand_still_the_polls_of_a_second_are_a_tenth_more_than_usual(pool, add):
    """Ten a second were missed for ten minutes: of those that come before their own turn, one comes a second."""
    await add(*[each / 10 for each in range(20, 500)])
    polls = Polls(pool, VAULT)
    for _ in range(2):
        await polls.claim_due(NOW, since=SINCE, missed=SINCE, until=UNTIL, limit=1000)
    seconds = sorted(await find_next(pool, await list_ids(pool)))
    assert len(seconds) == 480
    for begin in range(50, 450, 50):
        assert sum(begin < each <= begin + 50 for each in seconds) == pytest.approx(50, abs=1)


async def list_ids(pool):
    return [row["id"] for row in await pool.fetch("SELECT id FROM instance WHERE next_poll_at IS NOT NULL")]


async def test_lanes_just_due_are_taken_beside_any_number_overdue(add, deliveries):
    ids = await add(*[60] * 50, 0, -1)
    taken = await deliveries.claim_due(NOW, since=SINCE, until=UNTIL, limit=20)
    assert len(taken) == 21
    assert ids[-2] in taken
    assert ids[-1] not in taken


async def test_ticks_at_once_take_a_row_once(pool, add):
    await add(*[0.5] * 300)
    polls = Polls(pool, VAULT)
    hands = await asyncio.gather(
        *(polls.claim_due(NOW, since=SINCE, missed=SINCE, until=UNTIL, limit=100) for _ in range(4))
    )
    taken = [each for hand, _ in hands for each in hand]
    assert len(taken) == len(set(taken))
    rest, _ = await polls.claim_due(NOW, since=SINCE, missed=SINCE, until=UNTIL, limit=300)
    assert len(taken) + len(rest) == 300


async def count_polls(pool):
    """Count the polls that jobs bring."""
    rows = await pool.fetch("SELECT payload FROM pgqueuer WHERE entrypoint = 'poll'")
    return sum(len(read_polls(row["payload"], NOW)) for row in rows)


async def test_a_tick_fills_the_queue_and_no_more(pool, add, scheduler):
    await add(*[0.5] * (MOST_QUEUED + 200))
    queue = Queue(pool)
    for _ in range(20):
        assert await scheduler.tick()
    waiting = await queue.count_waiting((POLL, DELIVER), most=10 * MOST_QUEUED)
    assert waiting == {POLL: MOST_QUEUED // HANDFUL, DELIVER: MOST_QUEUED}
    assert await count_polls(pool) == MOST_QUEUED
    await queue.clear()
    assert not await scheduler.tick()
    assert await queue.count_waiting((POLL, DELIVER), most=1000) == {POLL: 200 // HANDFUL, DELIVER: 200}
    assert await count_polls(pool) == 200


async def test_what_the_queue_had_no_room_for_is_still_on_time_a_moment_later(pool, add, scheduler, clock):
    await add(*[0.5] * (MOST_QUEUED + 200))
    queue = Queue(pool)
    for _ in range(20):
        await scheduler.tick()
    await queue.clear()
    clock.set(NOW + timedelta(seconds=3))
    await scheduler.tick()
    assert await count_polls(pool) == 200


async def test_what_is_overdue_but_not_missed_is_taken_after_what_is_just_due(pool, add):
    ids = await add(*[5] * 300, 0)
    taken, more = await Polls(pool, VAULT).claim_due(
        NOW, since=SINCE, missed=NOW - timedelta(seconds=10), until=UNTIL, limit=200
    )
    assert more
    assert len(taken) == 201
    assert ids[-1] in taken


async def test_a_new_process_puts_off_what_was_missed_before_it(pool, add, scheduler):
    await add(*[60] * 200, 0.5)
    assert not await scheduler.tick()
    assert await count_polls(pool) == 1
