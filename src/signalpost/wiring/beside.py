"""The database for a command beside the service: one that is running is used, else it is started for the command."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from typing import Any

import asyncpg

from signalpost.model.clock import SharedClock, read_now
from signalpost.model.errors import ConfigurationError
from signalpost.observe import get_logger
from signalpost.settings import Settings
from signalpost.store.database import connect
from signalpost.store.embedded import EmbeddedPostgres, find_running
from signalpost.store.embedded_cluster import check_at_rest
from signalpost.store.embedded_files import InUseError, join_guests
from signalpost.store.troubles import EMBEDDED
from signalpost.wiring.database import ReachedDatabase, open_database, start_embedded

log = get_logger("database")

STARTING_SECONDS = 30.0
"""How long a command waits for the embedded database that a service is just starting."""

LOOK_AGAIN_SECONDS = 0.1


@asynccontextmanager
async def reach_database(settings: Settings) -> AsyncIterator[ReachedDatabase]:
    """Reach the database for a command beside the service: the embedded one may be running, or just be started.

    One that is made for it is told in the log: it may be that the service has its own elsewhere.

    Raises:
        ConfigurationError: it cannot be had; the message says what to do.
    """
    async with AsyncExitStack() as stack:
        if settings.database_url is not None:
            yield await stack.enter_async_context(open_database(settings))
        else:
            yield await _reach_embedded(settings, stack)


@asynccontextmanager
async def open_beside(settings: Settings) -> AsyncIterator[tuple[asyncpg.Pool, SharedClock]]:
    """Reach and migrate the database, which may be in use, for a command beside the service; its clock as well.

    Raises:
        ConfigurationError: it cannot be had; the message says what to do.
    """
    async with reach_database(settings) as database:
        await database.migrate()
        pool = await database.open_pool(size=2)
        try:
            clock = SharedClock(read_now, time.monotonic)
            clock.set(await pool.fetchval("SELECT now()"))
            yield pool, clock
        finally:
            await pool.close()


async def _reach_embedded(settings: Settings, stack: AsyncExitStack) -> ReachedDatabase:
    """Give the one that another process runs, once it answers; start it where none does.

    A command that started it stops it when no other uses it any more, unless it is interrupted itself.
    """
    is_new = not _is_there(settings)
    deadline = time.monotonic() + STARTING_SECONDS
    while True:
        running = find_running(settings.data_dir)
        if running is not None and await _join(settings, running, stack):
            return ReachedDatabase(running)
        try:
            embedded = await start_embedded(settings)
        except InUseError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            continue
        stack.push_async_exit(partial(_leave, embedded))
        if is_new:
            log.warning("database.new", folder=str(settings.data_dir.resolve()), setting=EMBEDDED)
        return ReachedDatabase(embedded.connect_arguments, wait=embedded.wait)


async def _join(settings: Settings, running: Mapping[str, Any], stack: AsyncExitStack) -> bool:
    """Use the server while the stack is open; False: it is being stopped, or does not answer yet."""
    claim = join_guests(settings.data_dir)
    if claim is None:
        return False
    if not await _answers(running):
        os.close(claim)
        return False
    stack.callback(os.close, claim)
    return True


async def _leave(embedded: EmbeddedPostgres, kind: type[BaseException] | None, *_: object) -> None:
    if kind is not None and not issubclass(kind, Exception):
        await embedded.stop()
    else:
        await embedded.stop_after_guests()


async def _answers(arguments: Mapping[str, Any]) -> bool:
    """Say whether the server has come up; it is not asked whether it does what is wanted of it."""
    try:
        connection = await connect(arguments)
    except (OSError, asyncpg.CannotConnectNowError, asyncpg.InvalidCatalogNameError):
        return False
    except asyncpg.PostgresError:
        return True
    await connection.close()
    return True


def require_database(settings: Settings) -> None:
    """Refuse a data directory without a database, for a command that has nothing to do in a new one.

    Raises:
        ConfigurationError: there is none.
    """
    if not _is_there(settings):
        message = (
            f"{EMBEDDED}: there is no database in {settings.data_dir.resolve()}; give the data directory of the"
            " service, or its SIGNALPOST_DATABASE_URL"
        )
        raise ConfigurationError(message)


def _is_there(settings: Settings) -> bool:
    return settings.database_url is not None or check_at_rest(settings.data_dir)
