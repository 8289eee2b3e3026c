"""What ``signalpost doctor`` reads of a database: the server, and what is stored, in transactions that cannot write."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from signalpost.store.counts import OVERDUE
from signalpost.store.database import read_version
from signalpost.store.queue import DELIVER, POLL

MOST_INSTANCES = 10_000
"""So many are looked at, those in trouble first."""

# In a transaction that only reads, transaction_read_only tells nothing of others.
SERVER = """
SELECT clock_timestamp() AS now, current_setting('server_encoding') AS encoding,
       pg_is_in_recovery() OR current_setting('default_transaction_read_only') = 'on' AS read_only
"""

RIGHTS = """
SELECT current_user AS "user", coalesce(current_schema(), 'public') AS schema,
       coalesce(has_schema_privilege(current_schema(), 'CREATE'), false) AS may_create,
       ARRAY(SELECT relname::text FROM pg_class
             WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition
               AND NOT pg_has_role(relowner, 'USAGE') ORDER BY relname) AS "foreign"
"""

# PostgreSQL 14 and 15 have no reserved_connections; -1 is no limit.
ALLOWED = """
SELECT current_setting('max_connections')::int - current_setting('superuser_reserved_connections')::int
           - coalesce(current_setting('reserved_connections', true)::int, 0) AS server,
       (SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user) AS user_limit,
       (SELECT datconnlimit FROM pg_database WHERE datname = current_database()) AS database_limit
"""

WORKERS = """
SELECT count(*) FILTER (WHERE heartbeat_at > now() - make_interval(secs => $1)) AS alive,
       extract(epoch FROM now() - max(heartbeat_at))::float8 AS silent_seconds
FROM worker
"""

# What nobody takes stands in the queue while it is handed out again and again.
QUEUED = """
SELECT entrypoint, extract(epoch FROM now() - min(created))::float8 AS seconds
FROM (SELECT entrypoint, created FROM pgqueuer WHERE status = 'queued' LIMIT 100000) AS jobs GROUP BY entrypoint
"""

# Chosen by their ids alone: to sort whole rows would take more room than memory has.
INSTANCES = """
WITH chosen AS MATERIALIZED (
    SELECT instance.id FROM instance JOIN endpoint ON endpoint.instance_id = instance.id
    ORDER BY valid AND state = 'active' AND failing_since IS NULL
             AND instance.id NOT IN (SELECT instance_id FROM resource_poll WHERE disabled_at IS NOT NULL), instance.id
    LIMIT $1
)
SELECT id, connector, configuration, secrets AS sealed, valid, disabled, interval_seconds, quota, url,
       state = 'deactivated' AS stopped, failing_since IS NOT NULL AS failing, polls.resources, polls.given_up
FROM chosen JOIN instance USING (id) JOIN endpoint ON endpoint.instance_id = id CROSS JOIN LATERAL (
    SELECT coalesce(array_agg(resource ORDER BY resource), '{}') AS resources,
           coalesce(array_agg(resource ORDER BY resource) FILTER (WHERE disabled_at IS NOT NULL), '{}') AS given_up
    FROM resource_poll WHERE instance_id = chosen.id
) AS polls ORDER BY id
"""

# The oldest and the newest: a key that was replaced fits one of them.
SEALED = """
(SELECT 'instance' AS of, secrets AS sealed FROM instance ORDER BY id LIMIT $1)
UNION ALL (SELECT 'instance', secrets FROM instance ORDER BY id DESC LIMIT $1)
UNION ALL (SELECT 'instance', tokens FROM credential ORDER BY instance_id LIMIT $1)
UNION ALL (SELECT 'instance', tokens FROM credential ORDER BY instance_id DESC LIMIT $1)
UNION ALL (SELECT 'application', secrets FROM application ORDER BY id DESC LIMIT $1)
"""
SAMPLE = 100


@dataclass(frozen=True, slots=True)
class Server:
    """What time it is at the database, whether it takes no writes, and how it encodes texts."""

    now: datetime
    read_only: bool
    encoding: str


@dataclass(frozen=True, slots=True)
class Rights:
    """Who we are, whether we may make tables, and which tables there are ``foreign``: we do not own them."""

    user: str
    schema: str
    may_create: bool
    foreign: list[str]


@dataclass(frozen=True, slots=True)
class Allowed:
    """How many connections the server, our user and our database may have; -1: no limit of its own."""

    server: int
    user: int
    database: int

    @property
    def least(self) -> int:
        """The number that counts."""
        return min(each for each in (self.server, self.user, self.database) if each >= 0)


@dataclass(frozen=True, slots=True)
class Pulse:
    """Workers alive, the seconds since the last heartbeat of any, and for how many seconds what is due has been.

    ``silent_seconds`` None: no worker was ever here, or not for an hour.
    """

    alive: int
    silent_seconds: float | None
    polls_late_seconds: float
    deliveries_late_seconds: float


@dataclass(frozen=True, slots=True)
class StoredInstance:
    """An instance as it stands in its rows. ``sealed`` are its secrets, encrypted."""

    id: int
    connector: str
    configuration: dict[str, str]
    sealed: bytes
    valid: bool
    disabled: bool
    interval_seconds: float
    quota: dict[str, Any] | None
    url: str | None
    stopped: bool
    failing: bool
    resources: list[str]
    given_up: list[str]


class Checkup:
    """Reads on a pool; the database itself sees to it that nothing is written."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def read_server(self) -> Server:
        """Read the server's clock, whether it takes writes, and the encoding of the database."""
        [row] = await self._fetch(SERVER)
        return Server(**row)

    async def read_rights(self) -> Rights:
        """Read what our user may do."""
        [row] = await self._fetch(RIGHTS)
        return Rights(**row)

    async def read_tables(self) -> tuple[int, str | None]:
        """Read the server's major version, and that of our tables; None: there are none."""
        async with self._pool.acquire() as connection, connection.transaction(readonly=True):
            return connection.get_server_version().major, await read_version(connection)

    async def read_allowed(self) -> Allowed:
        """Read how many connections are allowed."""
        [row] = await self._fetch(ALLOWED)
        return Allowed(row["server"], row["user_limit"], row["database_limit"])

    async def read_pulse(self, lease_seconds: float) -> Pulse:
        """Read whether workers live, and what is late."""
        [workers] = await self._fetch(WORKERS, lease_seconds)
        due = {row["stage"]: row["seconds"] or 0 for row in await self._fetch(OVERDUE)}
        queued = {row["entrypoint"]: row["seconds"] for row in await self._fetch(QUEUED)}
        return Pulse(
            workers["alive"],
            workers["silent_seconds"],
            max(due["poll"], queued.get(POLL, 0)),
            max(due["deliver"], queued.get(DELIVER, 0)),
        )

    async def read_sealed(self) -> list[tuple[str, bytes]]:
        """Read some of what is encrypted, each with what it belongs to."""
        return [(row["of"], row["sealed"]) for row in await self._fetch(SEALED, SAMPLE)]

    async def read_instances(self) -> list[StoredInstance]:
        """Read the instances, of many those in trouble first, in the order of their ids."""
        rows = await self._fetch(INSTANCES, MOST_INSTANCES)
        return [StoredInstance(**row) for row in rows]

    def close(self) -> None:
        """Drop the connections, whatever they wait for."""
        self._pool.terminate()

    async def _fetch(self, query: str, *values: object) -> list[Any]:
        async with self._pool.acquire() as connection, connection.transaction(readonly=True):
            rows: list[Any] = await connection.fetch(query, *values)
            return rows
