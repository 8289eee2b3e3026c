"""The job queue (PgQueuer) beside our tables: says who works on what, and holds nothing that the rows do not.

Its tables are unlogged: after a crash of PostgreSQL they come back empty and the scheduler fills them from the rows.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar
from uuid import UUID

import asyncpg
import orjson
from pgqueuer.adapters.drivers.asyncpg import AsyncpgDriver, AsyncpgPoolDriver, Relay
from pgqueuer.adapters.persistence.qb import QueryBuilderEnvironment, QueryQueueBuilder, QuerySchedulerBuilder
from pgqueuer.adapters.persistence.queries import Queries
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.models import Job
from pgqueuer.domain.settings import DBSettings, Durability
from pgqueuer.ports.driver import Driver, NotifyCallback
from pydantic_settings import PydanticBaseSettingsSource

from signalpost.model.ids import InstanceId
from signalpost.store.gather import Gather

Id = TypeVar("Id", bound=int)
Statements = TypeVar("Statements", bound=Queries)

CHECK_SECONDS = 5.0
"""How long the connection that listens may take to answer."""

POLL = "poll"
DELIVER = "deliver"
REPLAY = "replay"

HANDFUL = 100
"""Polls that one job brings: a job for each would be a fifth of what an idle poll costs."""


GIVE_BACK = """
UPDATE pgqueuer SET status = 'queued', updated = now(), queue_manager_id = NULL
WHERE queue_manager_id = $1 AND status = 'picked'
"""

COUNT_WAITING = """
SELECT kind, (SELECT count(*) FROM (SELECT FROM pgqueuer WHERE entrypoint = kind AND status = 'queued' LIMIT $2) AS few)
           AS number
FROM unnest($1::text[]) AS kind
"""


def queue_queries(driver: Driver, kind: type[Statements]) -> Statements:
    """PgQueuer's statements, of a ``kind``, on ``driver``, by our settings (its environment variables are not read)."""
    settings = _make_settings()
    return kind(
        driver,
        qbe=QueryBuilderEnvironment(settings),
        qbq=QueryQueueBuilder(settings),
        qbs=QuerySchedulerBuilder(settings),
    )


class _Settings(DBSettings):
    @classmethod
    def settings_customise_sources(cls, *_: Any, **sources: Any) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read no environment: its names are as common as CHANNEL and TRIGGER, and our statements name the tables."""
        return (sources["init_settings"],)


@cache
def _make_settings() -> DBSettings:
    """Make them once: it takes as long as a connection to the database."""
    return _Settings(durability=Durability.volatile)


async def install_queue(connection: asyncpg.Connection) -> None:
    """Create the queue's tables, or bring older ones to its present version."""
    queries = queue_queries(AsyncpgDriver(connection), Queries)
    if await queries.schema_is_installed():
        await queries.upgrade()
    else:
        await queries.install()
        # The log of jobs is read by nobody here and trimmed often: vacuum it as often.
        await queries.optimize_autovacuum()


def read_id(payload: bytes | None) -> Any:
    """Read the id that a job is about."""
    return int(payload or b"0")


def read_polls(payload: bytes | None, created_at: datetime) -> dict[InstanceId, datetime]:
    """Read the instances that a job is to have polled, and since when each was due, else since the job is."""
    parts = (each.partition(b" ") for each in (payload or b"").split(b";") if each)
    return {
        InstanceId(int(number)): datetime.fromtimestamp(int(due) / 1e6, UTC) if due else created_at
        for number, _, due in parts
    }


class Wakeups:
    """The one connection of a worker on which the database tells of new jobs.

    Args:
        connect: makes a connection with a session of its own.
    """

    def __init__(self, connect: Callable[[], Awaitable[asyncpg.Connection]]) -> None:
        self._connect = connect
        self._connection: asyncpg.Connection | None = None
        self._hearers: set[tuple[str, Relay]] = set()
        self._lock = asyncio.Lock()

    async def add(self, channel: str, callback: NotifyCallback) -> None:
        """Call ``callback`` with what is told on ``channel``."""
        async with self._lock:
            self._hearers.add((channel, Relay(callback)))
            await self._listen()

    async def remove(self, channel: str, callback: NotifyCallback) -> None:
        """Undo ``add``; after the last one the connection is closed."""
        async with self._lock:
            self._hearers.discard((channel, Relay(callback)))
            if self._connection is None:
                return
            await self._connection.remove_listener(channel, Relay(callback))
            if not self._hearers:
                self._connection.terminate()

    async def check(self) -> None:
        """Make the connection anew if it was lost: deaf, workers would look for jobs every ten seconds only."""
        async with self._lock:
            if not self._hearers:
                return
            connection = await self._listen()
            try:
                await connection.execute("SELECT", timeout=CHECK_SECONDS)
            except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError):
                connection.terminate()
                await self._listen()

    async def _listen(self) -> asyncpg.Connection:
        if self._connection is None or self._connection.is_closed():
            self._connection = await self._connect()
        for hearer in self._hearers:
            await self._connection.add_listener(*hearer)
        return self._connection


class WorkDriver(AsyncpgPoolDriver):
    """PgQueuer's way to the database: its statements go through the pool, which may keep no session; it hears apart.

    PgQueuer keeps each change of the queue that it is told of, and looks into the queue once for each of them: where
    they come faster than it looks, that would have no end. So it is told of one, and of another once it has looked.
    """

    def __init__(self, pool: asyncpg.Pool, wakeups: Wakeups) -> None:
        super().__init__(pool)
        self._wakeups = wakeups
        self._heard: list[tuple[str, NotifyCallback]] = []
        self._is_told = False

    def note_look(self) -> None:
        """Note that what changed so far is seen by a look that begins now."""
        self._is_told = False

    async def add_listener(self, channel: str, callback: NotifyCallback) -> None:
        """Listen, until the driver is left."""

        def tell(payload: str | bytes | bytearray) -> None:
            if orjson.loads(payload).get("type") == "table_changed_event":
                if self._is_told:
                    return
                self._is_told = True
            callback(payload)

        self._heard.append((channel, tell))
        await self._wakeups.add(channel, tell)

    async def __aexit__(self, *_: object) -> None:
        while self._heard:
            await self._wakeups.remove(*self._heard.pop())


class WorkQueries(Queries):
    """PgQueuer's statements for who takes jobs."""

    driver: WorkDriver

    async def dequeue(self, *arguments: Any, **named: Any) -> list[Job]:
        """Take jobs, as PgQueuer does."""
        self.driver.note_look()
        return await super().dequeue(*arguments, **named)


class JobTaker(QueueManager):
    """Takes jobs and has them worked, as PgQueuer does."""

    async def verify_structure(self) -> None:
        """Look for nothing: each start has just brought the tables to this version, by ``install_queue``."""


class Queue:
    """Hands out polls and deliveries. Enqueuing what is queued or running already does nothing."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool
        self._queries = queue_queries(AsyncpgPoolDriver(pool), Queries)
        self.start_here: Callable[[InstanceId], bool] | None = None
        self._wakes: Gather[tuple[InstanceId, str], None] = Gather(self._wake_all, window_seconds=0.001)

    async def enqueue_polls(self, instance_ids: Sequence[InstanceId]) -> list[InstanceId]:
        """Have these instances polled by whichever worker is free; give those that have a job already."""
        return await self._enqueue(POLL, instance_ids)

    async def hand_out_polls(self, due: Mapping[InstanceId, datetime]) -> None:
        """Have instances that were claimed polled, ``HANDFUL`` by one job; since when each was due goes with it."""
        payloads = [f"{each} {round(due_at.timestamp() * 1e6)}".encode() for each, due_at in due.items()]
        handfuls: list[bytes | None] = [
            b";".join(payloads[place : place + HANDFUL]) for place in range(0, len(payloads), HANDFUL)
        ]
        if handfuls:
            await self._add(POLL, handfuls, [None] * len(handfuls))

    async def count_waiting(self, kinds: Sequence[str], *, most: int) -> dict[str, int]:
        """Count the jobs of each kind that no worker has taken yet; no further than ``most``."""
        rows = await self._pool.fetch(COUNT_WAITING, kinds, most)
        return {row["kind"]: row["number"] for row in rows}

    async def enqueue_deliveries(self, instance_ids: Sequence[InstanceId]) -> list[InstanceId]:
        """Have the lanes of these instances worked by whichever worker is free; give those that have a job already."""
        return await self._enqueue(DELIVER, instance_ids)

    async def wake_lane(self, instance_id: InstanceId, cause: str) -> None:
        """Have a lane worked for a ``cause`` of its own: a job that is in its last moments does not stand in the way.

        Where the lane is being worked the job ends at once, and whoever works it finds what is new when it leaves.
        ``start_here`` spares the job where this process takes the lane up at once; should it end, the tick comes.
        """
        if self.start_here is None or not self.start_here(instance_id):
            await self._wakes.ask((instance_id, cause))

    async def _wake_all(self, wakes: Sequence[tuple[InstanceId, str]]) -> Sequence[None]:
        await self._add(
            DELIVER,
            [str(instance_id).encode() for instance_id, _ in wakes],
            [f"{DELIVER}:{instance_id}:{cause}" for instance_id, cause in wakes],
        )
        return [None] * len(wakes)

    async def enqueue_replays(self, replay_ids: Sequence[int]) -> list[int]:
        """Have these replays worked by whichever worker is free; give those that have a job already."""
        return await self._enqueue(REPLAY, replay_ids)

    async def _enqueue(self, entrypoint: str, ids: Sequence[Id]) -> list[Id]:
        if not ids:
            return []
        made = await self._add(
            entrypoint, [str(each).encode() for each in ids], [f"{entrypoint}:{each}" for each in ids]
        )
        return [each for each, is_made in zip(ids, made, strict=True) if not is_made]

    async def _add(self, entrypoint: str, payloads: list[bytes | None], keys: list[str | None]) -> list[bool]:
        """Make a job for each key that has none; say of each whether one was made."""
        job_ids = await self._queries.enqueue(
            [entrypoint] * len(keys), payloads, [0] * len(keys), dedupe_key=keys, on_conflict="skip"
        )
        return [job_id is not None for job_id in job_ids]

    async def give_back(self, manager_id: UUID) -> None:
        """Queue again what a manager took and did not finish; nobody may be working on it any more."""
        await self._pool.execute(GIVE_BACK, manager_id)

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
