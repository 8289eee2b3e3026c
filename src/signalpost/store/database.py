"""The database connection: one pool, its migrations, and the arguments that reach it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from weakref import WeakKeyDictionary

import asyncpg
import orjson
from asyncpg.pool import PoolAcquireContext
from asyncpg.transaction import Transaction

from signalpost.model.errors import ConfigurationError
from signalpost.observe import get_logger
from signalpost.store.hosts import connect_to_any
from signalpost.store.queue import install_queue
from signalpost.store.troubles import DATABASE_URL, check_encoding, check_tables, check_version, tell_plainly

log = get_logger("database")

MIGRATIONS = Path(__file__).parent / "migrations"
# Two processes that start at once migrate one after the other, by this advisory lock.
MIGRATION_LOCK = 0x5167_6E61_6C70
IS_READ_ONLY = "SELECT current_setting('transaction_read_only') = 'on'"
"""Whether new transactions are: so it is on a standby, too."""

ENCODING = "SELECT current_setting('server_encoding')"

BACKEND = "SELECT pg_backend_pid()"

# Those of the server's versions that know them.
LIFT_LIMITS = """
SELECT set_config(name, '0', false) FROM pg_settings WHERE name IN (
    'statement_timeout', 'lock_timeout', 'transaction_timeout', 'idle_session_timeout',
    'idle_in_transaction_session_timeout')
"""

LONGEST_WAIT_SECONDS = 60.0
"""How long a statement may take, and how long it may wait for a connection before."""

CONNECT_SECONDS = 10.0
"""How long a connection may take to be made: what listens may be no PostgreSQL, and say nothing at all."""

CLOSE_SECONDS = 2.0
"""How long the end of a connection may take: a database that says nothing must not keep us from ending."""

IDLE_TRANSACTION_SECONDS = 10.0
"""How long a transaction may wait for its client. One of a worker that stands still holds rows: without an end, others
could neither commit a page nor take the lane for as long as it stands."""


def read_connect_arguments(url: str, setting: str = DATABASE_URL) -> dict[str, Any]:
    """Turn a ``postgresql://`` URL into arguments of ``asyncpg.connect``; ``setting`` is where it comes from.

    Raises:
        ConfigurationError: the URL is of another scheme. The URL is not repeated: it may hold a password.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        message = f"{setting} must start with postgresql:// (postgresql://user@host:5432/database)"
        raise ConfigurationError(message)
    return {"dsn": url}


async def _prepare_connection(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: orjson.dumps(value).decode(),
        decoder=orjson.loads,
    )


async def _keep_connection(_: asyncpg.Connection) -> None:
    """Leave a connection that comes back as it is: nobody changes its session, and resetting it is a round trip."""


class _BoundedTransaction(Transaction):  # type: ignore[misc]
    async def start(self) -> None:
        await super().start()
        await self._connection.execute(
            f"SET LOCAL idle_in_transaction_session_timeout = '{IDLE_TRANSACTION_SECONDS * 1000:.0f}ms'"
        )


class _PooledConnection(asyncpg.Connection):  # type: ignore[misc]
    """A connection through a pooler, which gives each transaction whatever session is free: each sets what it needs."""

    def transaction(
        self, *, isolation: str | None = None, readonly: bool = False, deferrable: bool = False
    ) -> Transaction:
        return _BoundedTransaction(self, isolation or "read_committed", readonly, deferrable)


class Pool(asyncpg.Pool):  # type: ignore[misc]
    """A pool of which no connection is waited for without an end, neither to be given nor to be taken back."""

    def __init__(self, **arguments: Any) -> None:
        super().__init__(init=self._prepare, **arguments)
        self._made_at: WeakKeyDictionary[asyncpg.Connection, float] = WeakKeyDictionary()

    async def _prepare(self, connection: asyncpg.Connection) -> None:
        self._made_at[connection] = time.monotonic()
        await _prepare_connection(connection)

    def cut_off(self, made_before: float) -> None:
        """End the connections that were made before a time, also those in use: who waits for an answer meets that."""
        for connection, made_at in list(self._made_at.items()):
            if made_at < made_before:
                connection.terminate()

    def acquire(self, *, timeout: float | None = None) -> PoolAcquireContext:
        """Give a connection, within ``async with``; it may take ``timeout`` seconds."""
        return super().acquire(timeout=LONGEST_WAIT_SECONDS if timeout is None else timeout)


async def open_pool(
    arguments: Mapping[str, Any], *, size: int, pooled: bool = False, setting: str = DATABASE_URL
) -> Pool:
    """Open a pool of connections.

    Args:
        arguments: what they are made with.
        size: the most of them, 1 at least.
        pooled: whether a pooler may stand between, in transaction mode: nothing may be left in a session then, prepared
            statements neither.
        setting: where the arguments come from.

    Raises:
        ConfigurationError: nothing answers there, or it does not let us in.
    """
    session: dict[str, Any] = (
        {"connection_class": _PooledConnection, "statement_cache_size": 0}
        if pooled
        else {
            "connection_class": asyncpg.Connection,
            "server_settings": {
                # Whatever the server's own is: our statements wait for each other's rows, and see what was written.
                "default_transaction_isolation": "read committed",
                "idle_in_transaction_session_timeout": f"{IDLE_TRANSACTION_SECONDS * 1000:.0f}ms",
            },
        }
    )
    with tell_plainly(setting):
        pool: Pool = await Pool(
            **arguments,
            min_size=1,
            max_size=size,
            max_queries=50_000,
            max_inactive_connection_lifetime=300.0,
            loop=None,
            record_class=asyncpg.Record,
            timeout=CONNECT_SECONDS,
            command_timeout=LONGEST_WAIT_SECONDS,
            reset=_keep_connection,
            connect=connect_to_any,
            **session,
        )
        return pool


async def connect(arguments: Mapping[str, Any]) -> asyncpg.Connection:
    """Make one connection, with a session of its own."""
    return await connect_to_any(**arguments, timeout=CONNECT_SECONDS)


async def connect_unlimited(arguments: Mapping[str, Any]) -> asyncpg.Connection:
    """Make a connection for what takes as long as it takes, whatever the server's limits for statements and sessions.

    Of many rows a migration takes minutes; the session that has the lock for it says nothing meanwhile.
    """
    connection = await connect(arguments)
    await connection.execute(LIFT_LIMITS)
    return connection


async def migrate(arguments: Mapping[str, Any], *, setting: str = DATABASE_URL) -> None:
    """Bring the database to the newest tables: ours by Alembic, the job queue's by its own installer.

    Args:
        arguments: of ``connect``; no pooler in transaction mode may stand between.
        setting: where they come from.

    Raises:
        ConfigurationError: the database cannot be had or is too old, it takes no writes or does not allow us to make
            tables, those that it has are of a newer release, or a pooler keeps no sessions.
    """

    async def connect_again() -> asyncpg.Connection:
        return await connect_unlimited(arguments)

    await check_sessions(arguments, setting=setting)
    with tell_plainly(setting):
        guard = await connect_unlimited(arguments)
        try:
            check_version(guard.get_server_version().major, setting)
            check_encoding(await guard.fetchval(ENCODING), setting)
            await _take_turn(guard)
            version, newest = await read_version(guard), read_newest()
            check_tables(version, newest, setting)
            if await guard.fetchval(IS_READ_ONLY):
                raise asyncpg.ReadOnlySQLTransactionError
            if version != newest:
                # It stands on a library that takes longer to import than all else of a start, and is seldom needed.
                from signalpost.store.upgrading import upgrade  # noqa: PLC0415

                await upgrade(connect_again, MIGRATIONS)
            await install_queue(guard)
        finally:
            await asyncio.shield(guard.close(timeout=CLOSE_SECONDS))


async def check_sessions(arguments: Mapping[str, Any], *, setting: str = DATABASE_URL) -> None:
    """Refuse a pooler in transaction mode: a lock would be taken in one session and given back in another.

    Raises:
        ConfigurationError: one stands between, or the database cannot be had.
    """
    with tell_plainly(setting):
        first = await connect(arguments)
        try:
            answering = await first.fetchval(BACKEND)
            if answering == first.get_server_pid():
                return
            second = await connect(arguments)
            try:
                shared = await second.fetchval(BACKEND) == answering
            finally:
                await second.close()
        finally:
            await first.close()
    if shared:
        message = (
            f"{setting} leads to a pooler in transaction mode, which keeps no session: set"
            " SIGNALPOST_DATABASE_DIRECT_URL to the same database without it, postgresql://user@host:5432/database"
        )
        raise ConfigurationError(message)


async def _take_turn(guard: asyncpg.Connection) -> None:
    if not await guard.fetchval("SELECT pg_try_advisory_lock($1)", MIGRATION_LOCK):
        log.info("database.migrated_by_another")
        await guard.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)


def read_newest() -> str:
    """Give the version of the tables that this release makes."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


async def read_version(connection: asyncpg.Connection) -> str | None:
    """Give the version of the tables; None: there are none."""
    if await connection.fetchval("SELECT to_regclass('alembic_version')") is None:
        return None
    version: str | None = await connection.fetchval("SELECT max(version_num) FROM alembic_version")
    return version
