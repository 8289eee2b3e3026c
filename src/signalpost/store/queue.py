"""The job queue (PgQueuer) beside our tables: says who works on what, and holds nothing that the rows do not.

Its tables are unlogged: after a crash of PostgreSQL they come back empty and the scheduler fills them from the rows.
"""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from typing import TypeVar

import asyncpg
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver, AsyncpgPoolDriver
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.ports.driver import Driver

from signalpost.model.ids import InstanceId

Id = TypeVar("Id", bound=int)

POLL = "poll"
DELIVER = "deliver"
REPLAY = "replay"


def queue_queries(driver: Driver) -> Queries:
    """PgQueuer's statements on ``driver``, with our settings (its environment variables are not read)."""
    settings = DBSettings(durability=Durability.volatile)
    return Queries(
        driver,
        qbe=QueryBuilderEnvironment(settings),
        qbq=QueryQueueBuilder(settings),
        qbs=QuerySchedulerBuilder(settings),
    )


async def install_queue(connection: asyncpg.Connection) -> None:
    """Create the queue's tables, or bring older ones to its present version."""
    queries = queue_queries(AsyncpgDriver(connection))
    if await queries.schema_is_installed():
        await queries.upgrade()
    else:
        await queries.install()
        # The log of jobs is read by nobody here and trimmed often: vacuum it as often.
        await queries.optimize_autovacuum()


class Queue:
    """Hands out polls and deliveries. Enqueuing what is queued or running already does nothing."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._queries = queue_queries(AsyncpgPoolDriver(pool))

    async def enqueue_polls(self, instance_ids: Sequence[InstanceId]) -> list[InstanceId]:
        """Have these instances polled by whichever worker is free; give those that have a job already."""
        return await self._enqueue(POLL, instance_ids)

    async def enqueue_deliveries(self, instance_ids: Sequence[InstanceId]) -> list[InstanceId]:
        """Have the lanes of these instances worked by whichever worker is free; give those that have a job already."""
        return await self._enqueue(DELIVER, instance_ids)

    async def enqueue_replays(self, replay_ids: Sequence[int]) -> list[int]:
        """Have these replays worked by whichever worker is free; give those that have a job already."""
        return await self._enqueue(REPLAY, replay_ids)

    async def _enqueue(self, entrypoint: str, ids: Sequence[Id]) -> list[Id]:
        if not ids:
            return []
        job_ids = await self._queries.enqueue(
            [entrypoint] * len(ids),
            [str(each).encode() for each in ids],
            [0] * len(ids),
            dedupe_key=[f"{entrypoint}:{each}" for each in ids],
            on_conflict="skip",
        )
        return [each for each, job_id in zip(ids, job_ids, strict=True) if job_id is None]

    async def clear(self) -> None:
        """Forget all jobs: the rows say what must be done, the scheduler hands it out again."""
        await self._pool.execute("TRUNCATE pgqueuer")

    async def trim_log(self) -> None:
        """Empty the queue's own log, which nobody reads here: about three rows a job otherwise.

        Truncated, not deleted row by row: that would leave as much work to vacuum. If the table is in use for longer
        than a moment, the next time will do.
        """
        with contextlib.suppress(asyncpg.LockNotAvailableError):
            async with self._pool.acquire() as connection, connection.transaction():
                await connection.execute("SET LOCAL lock_timeout = '200ms'")
                await connection.execute("TRUNCATE pgqueuer_log, pgqueuer_statistics")
