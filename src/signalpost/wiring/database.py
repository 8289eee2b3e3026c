"""The database and the vault, reached as the settings say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import asyncpg

from signalpost.model.clock import SharedClock, read_now
from signalpost.model.errors import ConfigurationError
from signalpost.observe import get_logger
from signalpost.settings import Settings
from signalpost.store.database import (
    Pool,
    check_sessions,
    connect,
    migrate,
    open_pool,
    read_connect_arguments,
    read_newest,
)
from signalpost.store.embedded import EmbeddedPostgres, check_at_rest, find_running
from signalpost.store.embedded_files import InUseError
from signalpost.store.health import Health
from signalpost.store.queue import Wakeups
from signalpost.store.troubles import DATABASE_URL
from signalpost.store.vault import Vault, keep_key

log = get_logger("database")


@dataclass(frozen=True, slots=True)
class ReachedDatabase:
    """How the database is reached.

    Args:
        arguments: of connections for single transactions; a pooler may stand between.
        direct: of those that need a session; None: the same.
        wait: returns when an embedded one ends by itself; None: it is not ours.
    """

    arguments: Mapping[str, Any]
    direct: Mapping[str, Any] | None = None
    wait: Callable[[], Awaitable[int]] | None = None

    async def migrate(self) -> None:
        """Bring it to the newest tables.

        Raises:
            ConfigurationError: that cannot be done; the message says why.
        """
        arguments, setting = self._find_direct()
        await migrate(arguments, setting=setting)

    async def check_sessions(self) -> None:
        """Check that what needs a session gets one.

        Raises:
            ConfigurationError: it does not; the message says what to do.
        """
        arguments, setting = self._find_direct()
        await check_sessions(arguments, setting=setting)

    def _find_direct(self) -> tuple[Mapping[str, Any], str]:
        if self.direct is not None:
            return self.direct, DIRECT_URL
        return self.arguments, self.setting

    @property
    def setting(self) -> str:
        """The setting that says where it is: that of the database, or of the embedded one's directory."""
        return DATABASE_URL if "dsn" in self.arguments else EMBEDDED

    async def open_pool(self, *, size: int) -> Pool:
        """Open a pool for single transactions; ``size`` is the most of its connections.

        Raises:
            ConfigurationError: the database cannot be had; the message says what to do.
        """
        return await open_pool(
            self.arguments, size=size, pooled=self.direct is not None, setting=self.setting
        )

    async def connect(self) -> asyncpg.Connection:
        """Make a connection with a session of its own."""
        return await connect(self._find_direct()[0])


@dataclass(frozen=True, slots=True)
class Connections:
    """The connections of a process: a pool for the work; apart from it one for signs of life, and one that listens."""

    work: asyncpg.Pool
    life: asyncpg.Pool
    wakeups: Wakeups
    health: Health


DIRECT_URL = "SIGNALPOST_DATABASE_DIRECT_URL"
EMBEDDED = "SIGNALPOST_DATA_DIR"
CLOSE_SECONDS = 1.0
STARTING_SECONDS = 30.0
"""How long a command waits for the embedded database that a service is just starting."""

LOOK_AGAIN_SECONDS = 0.1


@asynccontextmanager
async def open_connections(
    database: ReachedDatabase, clock: SharedClock, *, most: int
) -> AsyncIterator[Connections]:
    """Open ``most`` connections, as they are needed; the clock is the database's on return.

    Raises:
        ConfigurationError: the database cannot be had; the message says what to do.
    """
    life = await database.open_pool(size=1)
    try:
        work = await database.open_pool(size=most - 2)
        try:
            health = Health(life, clock, newest=read_newest(), monotonic=time.monotonic, work=work)
            await health.look()
            yield Connections(work, life, Wakeups(database.connect), health)
        finally:
            await _close_pool(work)
    finally:
        await _close_pool(life)


async def _close_pool(pool: asyncpg.Pool) -> None:
    try:
        await asyncio.wait_for(pool.close(), CLOSE_SECONDS)
    except TimeoutError:
        pool.terminate()


def open_vault(settings: Settings) -> Vault:
    """Open the vault with the keys given, or with the one kept in the data directory."""
    keys = settings.read_keys()
    if keys is None:
        keys = [keep_key(settings.data_dir / "encryption-key")]
    return Vault(keys)


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[ReachedDatabase]:
    """Reach the database; start and stop the embedded one if none is given.

    Raises:
        ConfigurationError: it cannot be had; the message says what to do.
    """
    if settings.database_url is not None:
        direct = settings.database_direct_url
        yield ReachedDatabase(
            read_connect_arguments(settings.database_url.get_secret_value()),
            read_connect_arguments(direct.get_secret_value(), DIRECT_URL) if direct is not None else None,
        )
        return
    if settings.database_direct_url is not None:
        message = (
            f"{DIRECT_URL} goes with SIGNALPOST_DATABASE_URL, which is not set: set both, or only the latter"
        )
        raise ConfigurationError(message)
    embedded = await EmbeddedPostgres.start(settings.data_dir)
    try:
        yield ReachedDatabase(embedded.connect_arguments, wait=embedded.wait)
    finally:
        await embedded.stop()


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
    """Give the one that a service runs, once it answers; start it where none does."""
    is_new = not _is_there(settings)
    deadline = time.monotonic() + STARTING_SECONDS
    while True:
        running = find_running(settings.data_dir)
        if running is not None and await _answers(running):
            return ReachedDatabase(running)
        try:
            reached = await stack.enter_async_context(open_database(settings))
        except InUseError:
            if time.monotonic() > deadline:
                raise
            await asyncio.sleep(LOOK_AGAIN_SECONDS)
            continue
        if is_new:
            open_vault(settings)  # a database without its key would look as if that were lost
            log.warning("database.new", folder=str(settings.data_dir.resolve()), setting=EMBEDDED)
        return reached


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
