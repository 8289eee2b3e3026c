"""Attempts that are recorded amid a release of their endpoint: none undoes it, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from signalpost.model.delivery import Outcome
from signalpost.store.endpoints import Endpoints, activate_endpoint
from signalpost.store.partitions import Partitions
from tests.store.notified import NOW, add_notifications
from tests.store.test_lanes import LATER, read, record
from tests.support import until


@pytest.mark.parametrize("outcome", [Outcome.RETRY, Outcome.DEAD, Outcome.DELIVERED])
async def test_an_attempt_that_is_recorded_amid_a_release_does_not_undo_it(
    pool, instance_id, deliveries, outcome
):
    [first] = await add_notifications(pool, instance_id, ["pending"])
    lane = await deliveries.claim(instance_id)
    await deliveries.record(record(lane, first, Outcome.RETRY, status=503))
    async with pool.acquire() as connection, connection.transaction():
        await activate_endpoint(connection, instance_id)
        refused = outcome is not Outcome.DELIVERED
        recording = deliveries.record(record(lane, first, outcome, status=422, number=2, refused=refused))
        await until(lambda: pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
    assert not await recording
    found = await read(pool, first)
    assert (found["state"], found["attempts"]) == ("pending" if refused else "delivered", 2)
    assert (found["failures"], found["refusals"], found["dead_at"]) == (0, 0, None)
    assert found["next_attempt_at"] != LATER


async def test_a_release_takes_what_failed_in_the_order_of_ids(pool, instance_id):
    long_ago = NOW - timedelta(days=60)  # stands in the rest, which is read last
    oldest = await add_notifications(pool, instance_id, ["pending"], made_at=long_ago)
    await Partitions(pool, kept=timedelta(days=30)).make_ahead(NOW)
    newer = await add_notifications(pool, instance_id, ["pending"] * 2)
    await pool.execute("UPDATE notification SET failures = 1, next_attempt_at = $1", LATER)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SELECT FROM notification WHERE id = ANY($1) FOR UPDATE", oldest)
        releasing = asyncio.create_task(Endpoints(pool).release(instance_id))
        await until(lambda: pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
        await pool.fetch("SELECT FROM notification WHERE id = ANY($1) FOR UPDATE NOWAIT", newer)
    assert await releasing
    rows = await pool.fetch("SELECT failures, next_attempt_at <> $1 FROM notification", LATER)
    assert [tuple(row) for row in rows] == [(0, True)] * 3
