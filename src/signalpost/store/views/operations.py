"""How the installation stands, for admins: its workers, its queue, what is late, its database."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from signalpost.store.counts import OVERDUE
from signalpost.store.queue import DELIVER, POLL

MOST_TABLES = 8

# A job for each instance and kind at most: the table is small.
QUEUE = """
SELECT entrypoint, count(*) FILTER (WHERE status = 'queued') AS queued,
       count(*) FILTER (WHERE status = 'picked') AS picked, min(created) FILTER (WHERE status = 'queued') AS oldest_at,
       coalesce(extract(epoch FROM now() - min(created) FILTER (WHERE status = 'queued')), 0)::float8 AS oldest_seconds
FROM pgqueuer GROUP BY entrypoint ORDER BY entrypoint
"""

WORKERS = """
SELECT extract(epoch FROM now() - heartbeat_at)::float8 AS silent_seconds
FROM worker ORDER BY heartbeat_at DESC LIMIT 100
"""

# Partitions count as the table that they are parts of.
TABLES = """
SELECT whole.relname, sum(pg_total_relation_size(part.oid))::bigint AS bytes,
       sum(nullif(part.reltuples, -1))::bigint AS rows
FROM pg_class AS part LEFT JOIN pg_inherits ON inhrelid = part.oid
JOIN pg_class AS whole ON whole.oid = coalesce(inhparent, part.oid)
JOIN pg_namespace ON pg_namespace.oid = part.relnamespace
WHERE part.relkind = 'r' AND nspname = current_schema() GROUP BY whole.oid, whole.relname ORDER BY 2 DESC LIMIT $1
"""


@dataclass(frozen=True, slots=True)
class QueuedWork:
    """Jobs of one kind: how many wait for a worker, and how many are being worked."""

    entrypoint: str
    queued: int
    picked: int
    oldest_at: datetime | None
    oldest_seconds: float


@dataclass(frozen=True, slots=True)
class TableSize:
    """A table with its indexes, in bytes; ``rows`` is the database's own estimate, None before it made one."""

    name: str
    bytes: int
    rows: int | None


@dataclass(frozen=True, slots=True)
class Standing:
    """How the installation stands.

    ``workers`` are the seconds since each one's last heartbeat. ``polls_late_seconds`` and
    ``deliveries_late_seconds`` say how long what is due longest has been, or what was handed out and nobody takes; 0:
    nothing is.
    """

    queue: tuple[QueuedWork, ...]
    workers: tuple[float, ...]
    polls_late_seconds: float
    deliveries_late_seconds: float
    database_bytes: int
    tables: tuple[TableSize, ...]


class Operations:
    """Reads how the installation stands: figures of all organizations together.

    ``retention_days`` and ``most_waiting`` are the settings.
    """

    def __init__(self, pool: asyncpg.Pool, *, retention_days: float, most_waiting: int) -> None:
        self._pool = pool
        self.retention_days = retention_days
        self.most_waiting = most_waiting

    async def read(self) -> Standing:
        """Read it. Cost: the jobs and the workers once, a look into each index of what is due, and the files' sizes."""
        async with self._pool.acquire() as connection:
            queue: Any = await connection.fetch(QUEUE)
            workers: Any = await connection.fetch(WORKERS)
            overdue: Any = await connection.fetch(OVERDUE)
            size: int = await connection.fetchval("SELECT pg_database_size(current_database())")
            tables: Any = await connection.fetch(TABLES, MOST_TABLES)
        late = {row["stage"]: row["seconds"] for row in overdue}
        for job in queue:
            late[job["entrypoint"]] = max(late.get(job["entrypoint"], 0), job["oldest_seconds"])
        return Standing(
            tuple(QueuedWork(*row) for row in queue),
            tuple(row["silent_seconds"] for row in workers),
            late[POLL],
            late[DELIVER],
            size,
            tuple(TableSize(*row) for row in tables),
        )
