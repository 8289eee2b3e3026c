"""The queue: one job for each instance and kind, nothing kept, its log emptied."""

from __future__ import annotations

import asyncio
import os
import signal
from datetime import UTC, datetime, timedelta
from functools import partial
from uuid import uuid4

import asyncpg
import orjson
import pytest
from pgqueuer.domain.settings import DBSettings
from pgqueuer.ports.repository import EntrypointExecutionParameter

from signalpost.model.ids import InstanceId
from signalpost.store.queue import (
    HANDFUL,
    Queue,
    Wakeups,
    WorkDriver,
    WorkQueries,
    _make_settings,
    queue_queries,
    read_id,
    read_polls,
)
from tests.support import PATIENCE_SECONDS, until

NAMES = [*DBSettings.model_fields, *(f"pgqueuer_{name}" for name in DBSettings.model_fields)]


async def count_jobs(pool):
    rows = await pool.fetch("SELECT entrypoint, count(*) AS jobs FROM pgqueuer GROUP BY entrypoint")
    return {row["entrypoint"]: row["jobs"] for row in rows}


async def test_what_has_a_job_gets_no_second_and_is_named(pool):
    queue = Queue(pool)
    assert await queue.enqueue_polls([1, 2, 3]) == []
    assert await queue.enqueue_polls([2, 4, 3]) == [2, 3]
    assert await queue.enqueue_deliveries([2]) == []
    assert await queue.enqueue_polls([]) == []
    assert await count_jobs(pool) == {"poll": 4, "deliver": 1}
    await queue.clear()
    assert await count_jobs(pool) == {}
    assert await queue.enqueue_polls([2]) == []


async def test_one_job_brings_many_polls_and_tells_since_when_each_was_due(pool):
    queue, due_at = Queue(pool), datetime(2026, 1, 2, 3, 4, 5, 678_901, tzinfo=UTC)
    due = {
        InstanceId(number): due_at + timedelta(microseconds=number) for number in range(1, 2 * HANDFUL + 2)
    }
    await queue.hand_out_polls(due)
    await queue.hand_out_polls({})
    await queue.enqueue_polls([7])
    rows = await pool.fetch("SELECT payload FROM pgqueuer ORDER BY id")
    *handfuls, asked = [read_polls(row["payload"], due_at) for row in rows]
    assert [len(each) for each in handfuls] == [HANDFUL, HANDFUL, 1]
    assert {key: at for each in handfuls for key, at in each.items()} == due
    assert asked == {7: due_at}
    assert read_polls(None, due_at) == {}


async def test_a_job_of_a_lane_is_about_one(pool):
    await Queue(pool).enqueue_deliveries([3])
    assert read_id(await pool.fetchval("SELECT payload FROM pgqueuer")) == 3
    assert read_id(None) == 0


async def test_the_log_is_emptied_and_waits_for_nobody(pool):
    queue = Queue(pool)
    await queue.enqueue_polls(list(range(100)))
    assert await pool.fetchval("SELECT count(*) FROM pgqueuer_log") >= 100
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT count(*) FROM pgqueuer_log")  # holds the table
        await asyncio.wait_for(queue.trim_log(), PATIENCE_SECONDS)
    await queue.trim_log()
    assert await pool.fetchval("SELECT count(*) FROM pgqueuer_log") == 0
    assert await count_jobs(pool) == {"poll": 100}


@pytest.fixture
async def wakeups(database):
    """Wake-ups by connections that are closed in the end, and the list of these."""
    made = []

    async def connect():
        made.append(await asyncpg.connect(**database))
        return made[-1]

    yield Wakeups(connect), made
    for connection in made:
        connection.terminate()


async def test_all_kinds_of_jobs_are_heard_of_on_one_connection_which_goes_with_the_last(pool, wakeups):
    listening, made = wakeups
    first, second = [], []
    await listening.add("told", first.append)
    await listening.add("told", second.append)
    await pool.execute("SELECT pg_notify('told', 'one')")
    await until(lambda: first == second == ["one"])
    await listening.remove("told", first.append)
    await pool.execute("SELECT pg_notify('told', 'two')")
    await until(lambda: second == ["one", "two"])
    assert first == ["one"]
    await listening.remove("told", second.append)
    assert [connection.is_closed() for connection in made] == [True]


async def test_who_takes_jobs_is_told_of_one_change_and_of_another_once_it_has_looked(pool, wakeups):
    queue, driver = Queue(pool), WorkDriver(pool, wakeups[0])
    queries = queue_queries(driver, WorkQueries)
    channel, heard, all_heard = queries.qbe.settings.channel, [], []
    await wakeups[0].add(channel, all_heard.append)
    async with driver:
        await driver.add_listener(channel, heard.append)
        for looked in range(3):
            for number in range(10):
                await queue.enqueue_polls([looked * 10 + number])
            await driver.notify(channel, '{"type": "cancellation_event", "ids": [1]}')  # never left out
            await until(partial(has, all_heard, 11 * (looked + 1)))
            kinds = [orjson.loads(each)["type"] for each in heard]
            assert kinds == ["table_changed_event", "cancellation_event"] * (looked + 1)
            taken = await queries.dequeue(
                batch_size=1,
                entrypoints={"poll": EntrypointExecutionParameter(concurrency_limit=0)},
                queue_manager_id=uuid4(),
                global_concurrency_limit=None,
                heartbeat_timeout=timedelta(seconds=10),
            )
            assert len(taken) == 1


def has(found, number):
    return len(found) == number


@pytest.mark.parametrize("loss", ["told", "silent"])
async def test_a_connection_that_was_lost_is_made_anew(pool, wakeups, monkeypatch, loss):
    listening, made = wakeups
    heard = []
    await listening.check()
    assert made == []
    await listening.add("told", heard.append)
    await listening.check()
    assert len(made) == 1
    backend = made[0].get_server_pid()
    if loss == "told":
        await pool.fetch("SELECT pg_terminate_backend($1)", backend)
        await until(made[0].is_closed)
    else:  # as behind a firewall that has forgotten the connection
        monkeypatch.setattr("signalpost.store.queue.CHECK_SECONDS", 0.5)
        os.kill(backend, signal.SIGSTOP)
    try:
        await listening.check()
    finally:
        if loss == "silent":
            os.kill(backend, signal.SIGCONT)
    assert len(made) == 2
    await pool.execute("SELECT pg_notify('told', 'again')")
    await until(lambda: heard == ["again"])


def read_statements():
    queries = queue_queries(None, WorkQueries)
    return queries.qbe.settings, queries.qbe.build_install_query(), queries.qbq.build_enqueue_query()


@pytest.mark.parametrize("name", NAMES)
def test_no_variable_of_the_environment_is_the_queues(name, monkeypatch):
    expected = read_statements()
    monkeypatch.setenv(name.upper(), "no name; of anything")
    _make_settings.cache_clear()
    assert read_statements() == expected
