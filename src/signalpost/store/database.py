"""The database connection: one pool, its migrations, and the arguments that reach it."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import asyncpg
import orjson
from alembic import command
from alembic.config import Config
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import NullPool

from signalpost.model.errors import ConfigurationError
from signalpost.store.queue import install_queue

MIGRATIONS = Path(__file__).parent / "migrations"
# Two processes that start at once migrate one after the other, by this advisory lock.
NEWEST = "head"
MIGRATION_LOCK = 0x5167_6E61_6C70
OLDEST_SUPPORTED = 14

IDLE_TRANSACTION_SECONDS = 10.0
"""How long a transaction may wait for its client. One of a worker that stands still holds rows: without an end, others
could neither commit a page nor take the lane for as long as it stands."""


def read_connect_arguments(url: str) -> dict[str, Any]:
    """Turn a ``postgresql://`` URL into arguments of ``asyncpg.connect``.

    Raises:
        ConfigurationError: the URL is of another scheme. The URL is not repeated: it may hold a password.
    """
    if not url.startswith(("postgresql://", "postgres://")):
        message = (
            "SIGNALPOST_DATABASE_URL must start with postgresql:// (postgresql://user@host:5432/database)"
        )
        raise ConfigurationError(message)
    return {"dsn": url}


async def _prepare_connection(connection: asyncpg.Connection) -> None:
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=lambda value: orjson.dumps(value).decode(),
        decoder=orjson.loads,
    )


async def open_pool(arguments: Mapping[str, Any], *, size: int) -> asyncpg.Pool:
    """Open the pool that the whole process shares.

    Raises:
        ConfigurationError: nothing answers there, or it does not let us in, or it is too old.
    """
    try:
        pool = await asyncpg.create_pool(
            **arguments,
            min_size=1,
            max_size=size,
            init=_prepare_connection,
            command_timeout=60,
            server_settings={
                "idle_in_transaction_session_timeout": f"{IDLE_TRANSACTION_SECONDS * 1000:.0f}ms"
            },
        )
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, ValueError) as error:
        reason = f"{type(error).__name__}: {error}"
        message = f"the database cannot be reached ({reason}); check SIGNALPOST_DATABASE_URL and that it runs"
        raise ConfigurationError(message) from error
    async with pool.acquire() as connection:
        major = connection.get_server_version().major
    if major < OLDEST_SUPPORTED:
        await pool.close()
        message = f"PostgreSQL {major} is too old: {OLDEST_SUPPORTED} or newer is needed"
        raise ConfigurationError(message)
    return pool


async def migrate(arguments: Mapping[str, Any]) -> None:
    """Bring the database to the newest tables: ours by Alembic, the job queue's by its own installer."""

    async def connect() -> asyncpg.Connection:
        return await asyncpg.connect(**arguments)

    guard = await connect()
    try:
        await guard.execute("SELECT pg_advisory_lock($1)", MIGRATION_LOCK)
        engine = create_async_engine("postgresql+asyncpg://", async_creator=connect, poolclass=NullPool)
        async with engine.connect() as connection:
            await connection.run_sync(_upgrade)
            await connection.commit()
        await engine.dispose()
        await install_queue(guard)
    finally:
        await asyncio.shield(guard.close())


def _upgrade(connection: Any) -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    config.set_main_option("path_separator", "os")
    config.attributes["connection"] = connection
    command.upgrade(config, NEWEST)


# The driver tells a server that goes away amid a question as an internal error of its own.
AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)


class Health:
    """Says whether the database answers."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def is_ready(self) -> bool:
        """Ask it something."""
        try:
            return bool(await self._pool.fetchval("SELECT true", timeout=5))
        except AWAY:
            return False
