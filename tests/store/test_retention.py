"""What is old is removed, whole and in small steps, and not before nothing of it waits."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from signalpost.model.delivery import MOST_REFUSALS, REFUSED_IN_A_ROW
from signalpost.store import backlog, retention
from signalpost.store.instances import Instances
from signalpost.store.retention import PAGES, Retention, Tidied, Walk
from signalpost.store.vault import Vault
from signalpost.store.waiting import Waiting
from tests.store.history import KEY, make_past
from tests.store.notified import add_notifications, read_states
from tests.store.test_events_found import filled  # noqa: F401 - a fixture
from tests.support import PATIENCE_SECONDS, until

NOW = datetime(2026, 3, 10, tzinfo=UTC)
OLD = NOW - timedelta(days=7, seconds=1)
YOUNG = NOW - timedelta(days=7)
NOTHING = Tidied(pages=0, gaps=0, replays=0)


class FakeTime:
    def __init__(self):
        self.seconds = 0.0

    def __call__(self):
        return self.seconds


@pytest.fixture
def time():
    return FakeTime()


@pytest.fixture
def tidier(pool, time):
    return Retention(pool, retention_days=7, most_waiting=1000, monotonic=time)


async def count(pool, *tables):
    return [await pool.fetchval(f"SELECT count(*) FROM {table}") for table in tables]


async def test_old_pages_go_with_all_that_hangs_on_them(pool, tidier):
    past = await make_past(pool)
    for state in ("delivered", "dead", "cancelled", "unsent"):
        await past.end(await past.commit(OLD, [f"o{number}" for number in range(12)]), state)
    young = await past.commit(YOUNG, ["new"])
    await past.end(young)
    assert await tidier.tidy(NOW) == Tidied(pages=4, gaps=0, replays=0)
    assert await count(pool, "page", "event", "notification", "attempt") == [1, 1, 1, 1]
    assert await pool.fetchval("SELECT id FROM page") == young
    assert await tidier.tidy(NOW) == NOTHING
    assert (await tidier.tidy(NOW + timedelta(seconds=1))).pages == 1


async def test_what_waits_keeps_its_page_and_is_not_looked_at_again_but_by_the_hour(pool, tidier, time):
    past = await make_past(pool)
    kept = await past.commit(OLD, [f"o{number}" for number in range(25)])
    one = await pool.fetchval("SELECT min(id) FROM notification")
    await pool.execute("UPDATE notification SET state = 'delivered' WHERE id <> $1", one)
    for _ in range(3):
        await past.end(await past.commit(OLD, ["o"]))
    assert (await tidier.tidy(NOW)).pages == 3
    assert await count(pool, "page", "event", "notification") == [1, 25, 3]
    await past.end(kept)
    assert await tidier.tidy(NOW) == NOTHING
    time.seconds += retention.SWEEP_SECONDS
    assert (await tidier.tidy(NOW)).pages == 1


async def test_a_replay_that_runs_keeps_what_it_may_send(pool, tidier, time):
    past, other = await make_past(pool), await make_past(pool)
    for each in (past, other):
        await each.end(await each.commit(OLD, ["o"]), "dead")
    await pool.execute(
        "INSERT INTO replay (instance_id, kind, first_id, last_id, position, next_attempt_at, created_at)"
        " VALUES ($1, 'failed', 1, 2, 0, $2, $2)",
        past.instance_id,
        OLD,
    )
    assert await tidier.tidy(NOW) == Tidied(pages=1, gaps=0, replays=0)
    await pool.execute("UPDATE replay SET state = 'done', ended_at = $1", OLD)
    time.seconds += retention.SWEEP_SECONDS
    assert await tidier.tidy(NOW) == Tidied(pages=1, gaps=0, replays=1)


async def test_gaps_go_by_their_age(pool, tidier):
    past = await make_past(pool)
    for at in (OLD, YOUNG):
        await pool.execute(
            "INSERT INTO gap (instance_id, resource, sequence, reason, detected_at)"
            " VALUES ($1, 'events', 1, 'x', $2)",
            past.instance_id,
            at,
        )
    assert (await tidier.tidy(NOW)).gaps == 1
    assert await pool.fetchval("SELECT detected_at FROM gap") == YOUNG


async def test_a_run_ends_and_the_next_goes_on(pool, tidier, time, monkeypatch):
    monkeypatch.setattr(retention, "STEP_ROWS", 4)
    past = await make_past(pool)
    for _ in range(10):
        await past.end(await past.commit(OLD, ["o"]))
    monkeypatch.setattr(retention, "RUN_SECONDS", 0.0)
    assert [(await tidier.tidy(NOW)).pages for _ in range(4)] == [4, 4, 2, 0]


async def test_pages_of_a_clock_that_is_ahead_hold_up_nothing(pool, tidier, monkeypatch):
    monkeypatch.setattr(retention, "STEP_ROWS", 2)
    past = await make_past(pool)
    for _ in range(3):
        await past.commit(NOW + timedelta(days=400), ["o"])
    await past.end(await past.commit(OLD, ["o"]))
    assert (await tidier.tidy(NOW)).pages == 1
    await past.end(await past.commit(OLD, ["o"]))
    assert (await tidier.tidy(NOW)).pages == 1


async def test_a_run_reads_no_more_than_what_is_new_to_it(pool, tidier):
    """The position is kept: pages that stay, as something of them waits, are not gone through at every run."""
    past = await make_past(pool)
    for _ in range(30):
        await past.commit(OLD, ["o"])
    await past.commit(YOUNG, ["o"])
    await tidier.tidy(NOW)
    looked = await pool.fetchval("SELECT count(*) FROM page WHERE id > $1", tidier._pages._position)
    assert looked == 1


async def test_several_at_once_do_no_harm(pool, monkeypatch):
    monkeypatch.setattr(retention, "STEP_ROWS", 5)
    past = await make_past(pool)
    for _ in range(40):
        await past.end(await past.commit(OLD, ["o"] * 11))
    waiting = await past.commit(OLD, ["o"])
    tidiers = [Retention(pool, retention_days=7, most_waiting=1000) for _ in range(4)]
    done = await asyncio.gather(*(each.tidy(NOW) for each in tidiers))
    assert sum(each.pages for each in done) == 40
    assert await pool.fetchval("SELECT array_agg(id) FROM page") == [waiting]


async def test_commits_and_records_do_not_wait_for_it(pool):
    """While a removal is open its instance's pages are written and its notifications recorded."""
    past = await make_past(pool)
    await past.end(await past.commit(OLD, ["o"]))
    waiting = await past.commit(OLD, ["o"])
    async with pool.acquire() as connection:
        await connection.execute("BEGIN")
        await connection.fetchrow(retention.PAGES, 0, NOW - timedelta(days=7), 200, NOW)
        await asyncio.wait_for(past.commit(NOW, ["new"]), PATIENCE_SECONDS)
        await asyncio.wait_for(past.end(waiting), PATIENCE_SECONDS)
        # Another run passes over what this one has in hand, and takes what is free meanwhile.
        other = Retention(pool, retention_days=7, most_waiting=1000)
        assert (await asyncio.wait_for(other.tidy(NOW), PATIENCE_SECONDS)).pages == 1
        await connection.execute("COMMIT")
    assert await count(pool, "page") == [1]


async def delete_instance(pool, past):
    instances = Instances(pool, Vault([KEY]))
    assert await instances.delete(await instances.find(past.organization_id, past.instance_id))


async def test_an_instance_is_deleted_meanwhile(pool):
    pasts = [await make_past(pool) for _ in range(6)]
    for past in pasts:
        for _ in range(10):
            await past.end(await past.commit(OLD, ["o"] * 11))
    tidier = Retention(pool, retention_days=7, most_waiting=1000)
    await asyncio.gather(
        tidier.tidy(NOW),
        *(delete_instance(pool, past) for past in pasts),
    )
    assert await count(pool, "instance", "event", "notification", "attempt") == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (backlog.LOCK_ENDPOINT, "UPDATE notification SET state = 'cancelled' WHERE instance_id = $1"),
        ("SELECT FROM page WHERE instance_id = $1 FOR UPDATE", "DELETE FROM event WHERE instance_id = $1"),
    ],
)
async def test_whoever_deletes_an_instance_takes_locks_in_the_order_of_all_others(pool, first, then):
    """As they come: what is beyond a limit is given up under the endpoint's lock, old pages go under their own."""
    past = await make_past(pool)
    await past.end(await past.commit(OLD, ["o"]))
    async with pool.acquire() as connection:
        async with connection.transaction():
            await connection.execute(first, past.instance_id)
            deleting = asyncio.create_task(delete_instance(pool, past))

            async def is_kept_waiting():
                return await pool.fetchval(
                    "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid)))",
                    connection.get_server_pid(),
                )

            await until(is_kept_waiting)
            await connection.execute(then, past.instance_id)
        await deleting
    assert await count(pool, "instance", "page", "event", "notification", "attempt") == [0] * 5


@pytest.mark.parametrize(
    ("statement", "arguments"),
    [(retention.PAGES, (9000, NOW, retention.STEP_ROWS, NOW)), (backlog.FIND_LONG, (0, backlog.LANES, 10))],
)
async def test_what_is_looked_at_is_an_index_range(pool, filled, statement, arguments):  # noqa: F811
    plan = "\n".join(row[0] for row in await pool.fetch(f"EXPLAIN {statement}", *arguments))
    for table in ("page", "notification", "event"):
        assert f"Seq Scan on {table}_rest " not in plan, plan


async def test_the_counts_of_hours_go_once_the_whole_hour_is_old(pool, tidier):
    past, other = await make_past(pool), await make_past(pool)
    for number, each in enumerate((past, other)):
        for hours in (1, 2, 30):
            await pool.execute(
                "INSERT INTO event_hour VALUES ($1, $2, $3)",
                each.instance_id,
                OLD - timedelta(hours=hours),
                number,
            )
        await pool.execute(
            "INSERT INTO event_hour VALUES ($1, $2, 9)", each.instance_id, YOUNG - timedelta(minutes=30)
        )
    assert await tidier.tidy(NOW) == NOTHING
    rows = await pool.fetch("SELECT instance_id, events FROM event_hour ORDER BY 1")
    assert [tuple(row) for row in rows] == sorted([(past.instance_id, 9), (other.instance_id, 9)])


async def test_dead_letters_that_wait_again_while_their_pages_are_about_to_go_stay(
    pool, time, instance_id, deliveries
):
    row = ["dead"] * (REFUSED_IN_A_ROW - 1)
    ids = await add_notifications(pool, instance_id, [*row, "pending"], made_at=OLD)
    await pool.execute("UPDATE notification SET refusals = $1", MOST_REFUSALS)
    lane = await deliveries.claim(instance_id)
    async with pool.acquire() as connection, connection.transaction():
        waiting = Waiting(connection, deliveries._worker_id)
        assert await waiting.revive_refused(lane, around=ids[-1], next_attempt_at=NOW)
        removing = asyncio.create_task(Walk(pool, PAGES).go(YOUNG, NOW, monotonic=time, until=0.0))
        await until(lambda: pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
    assert await removing == 0
    assert await read_states(pool, ids) == ["pending"] * REFUSED_IN_A_ROW
    assert await count(pool, "page", "event") == [REFUSED_IN_A_ROW] * 2
