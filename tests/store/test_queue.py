"""The queue: one job for each instance and kind, nothing kept, its log emptied."""

from __future__ import annotations

import asyncio

from signalpost.store.queue import Queue


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


async def test_the_log_is_emptied_and_waits_for_nobody(pool):
    queue = Queue(pool)
    await queue.enqueue_polls(list(range(100)))
    assert await pool.fetchval("SELECT count(*) FROM pgqueuer_log") >= 100
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT count(*) FROM pgqueuer_log")  # holds the table
        await asyncio.wait_for(queue.trim_log(), 10)
    await queue.trim_log()
    assert await pool.fetchval("SELECT count(*) FROM pgqueuer_log") == 0
    assert await count_jobs(pool) == {"poll": 100}
