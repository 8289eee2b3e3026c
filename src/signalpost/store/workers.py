"""Workers as rows: a lane's lease is good as long as its worker's heartbeat is young."""

from __future__ import annotations

from collections.abc import Callable

import asyncpg

from signalpost.model.ids import WorkerId

FORGOTTEN_AFTER_SECONDS = 3600
LONGEST_BEAT_SECONDS = 5.0

BEAT = """
WITH before AS (
    SELECT heartbeat_at > now() - make_interval(secs => $2) AS good FROM worker WHERE id = $1
), beaten AS (
    INSERT INTO worker (id, heartbeat_at) VALUES ($1, now())
    ON CONFLICT (id) DO UPDATE SET heartbeat_at = excluded.heartbeat_at
)
SELECT good FROM before
"""

# What others have in hand they are just taking over, as the worker is gone.
FREE = (
    """
UPDATE endpoint SET leased_by = NULL
WHERE instance_id IN (SELECT instance_id FROM endpoint WHERE leased_by = $1 ORDER BY instance_id FOR UPDATE SKIP LOCKED)
""",
    """
UPDATE replay SET leased_by = NULL
WHERE id IN (SELECT id FROM replay WHERE leased_by = $1 AND due_at IS NOT NULL ORDER BY id FOR UPDATE SKIP LOCKED)
""",
)


def write_free(table: str) -> str:
    """Write the condition that a row's lease is no other living worker's; $2 is ours, $3 the seconds of a lease."""
    return (
        f"({table}.leased_by IS NULL OR {table}.leased_by = $2 OR NOT EXISTS"
        f" (SELECT FROM worker WHERE worker.id = {table}.leased_by"
        " AND worker.heartbeat_at > now() - make_interval(secs => $3)))"
    )


class Workers:
    """Rows of workers. All times are the database's own, so that the clocks of the machines need not agree."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def beat(self, worker_id: WorkerId, lease_seconds: float) -> bool:
        """Say that the worker lives; tells whether it still did for all others, by the beat before."""
        async with self._pool.acquire(timeout=LONGEST_BEAT_SECONDS) as connection:
            good = await connection.fetchval(BEAT, worker_id, lease_seconds, timeout=LONGEST_BEAT_SECONDS)
        return bool(good)

    async def leave(self, worker_id: WorkerId) -> None:
        """Take the worker out and free what it holds, at once."""
        await self._pool.execute("DELETE FROM worker WHERE id = $1", worker_id)
        for statement in FREE:
            await self._pool.execute(statement, worker_id)

    async def forget_others(self) -> None:
        """Take all workers out. Only for a database that nobody else can be using (the embedded one, at start)."""
        await self._pool.execute("DELETE FROM worker")

    async def forget_old(self) -> None:
        """Remove the rows of workers that have long been silent."""
        await self._pool.execute(
            "DELETE FROM worker WHERE heartbeat_at < now() - make_interval(secs => $1)",
            FORGOTTEN_AFTER_SECONDS,
        )


class Heartbeat:
    """A worker's sign of life: the lease of its lanes is surely good while the last beat is young."""

    def __init__(
        self,
        workers: Workers,
        worker_id: WorkerId,
        *,
        lease_seconds: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._workers = workers
        self._worker_id = worker_id
        self._lease_seconds = lease_seconds
        self._monotonic = monotonic
        self._beaten_at = float("-inf")
        self._lapses = 0

    def is_alive(self) -> bool:
        """Say whether no other worker can have taken our lanes yet. A fifth of the lease is kept as a margin."""
        return self._monotonic() - self._beaten_at < self.good_seconds

    def watch(self) -> Callable[[], bool]:
        """Give what says whether no other worker can have taken what we claim from now on: alive now is not enough.

        Who was silent for too long, and beats again, is alive; what was claimed before may be another's.
        """
        lapses = self._lapses
        return lambda: self._lapses == lapses and self.is_alive()

    async def beat(self) -> None:
        """Beat once. The time counted is from before the call: the row is at most that old.

        The database may have seen the lease end when we did not: its clock was set on, or ours stood still while the
        machine was suspended.
        """
        before = self._monotonic()
        was_good = await self._workers.beat(self._worker_id, self._lease_seconds)
        if not (was_good and self.is_alive()):
            self._lapses += 1
        self._beaten_at = before

    async def leave(self) -> None:
        """Free all lanes at once."""
        self._beaten_at = float("-inf")
        await self._workers.leave(self._worker_id)

    @property
    def good_seconds(self) -> float:
        """How long a beat is good for."""
        return self._lease_seconds * 0.8

    @property
    def pause_seconds(self) -> float:
        """The time between beats: several may fail before the lease ends."""
        return self._lease_seconds / 5
