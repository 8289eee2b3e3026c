"""The database and the vault, reached as the settings say."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg

from signalpost.model.clock import SharedClock
from signalpost.model.errors import ConfigurationError
from signalpost.observe import get_logger
from signalpost.settings import Settings
from signalpost.store.database import (
    Pool,
    check_sessions,
    connect,
    connect_unlimited,
    migrate,
    open_pool,
    read_connect_arguments,
    read_newest,
)
from signalpost.store.embedded import EmbeddedPostgres
from signalpost.store.embedded_cluster import check_at_rest
from signalpost.store.health import Health
from signalpost.store.queue import Wakeups
from signalpost.store.resealing import find_sealed
from signalpost.store.restored import move_on
from signalpost.store.troubles import DATABASE_URL, EMBEDDED
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

    async def move_on(self) -> None:
        """Have what was restored to an older state give no number again that was given since."""
        connection = await connect_unlimited(self._find_direct()[0])
        try:
            await move_on(connection)
        finally:
            await connection.close()

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
KEYS = "SIGNALPOST_ENCRYPTION_KEYS"
CLOSE_SECONDS = 1.0


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
            health = Health(
                life,
                clock,
                newest=read_newest(),
                monotonic=time.monotonic,
                work=work,
                setting=database.setting,
            )
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


async def open_vault(settings: Settings, pool: asyncpg.Pool) -> Vault:
    """Open the vault with the keys given, or with the one kept in the data directory, which is made for a new database.

    Raises:
        ConfigurationError: the key is malformed, or gone though the database has secrets; the message says what to do.
    """
    keys = settings.read_keys()
    if keys is None:
        path = place_key(settings)
        if not path.exists() and await find_sealed(pool):
            message = (
                f"{path} is not there, and the database has secrets that were encrypted with it: put the key back from"
                f" your backup, or set {KEYS}; a new one cannot read them (docs/how-to/back-up-and-restore.md)"
            )
            raise ConfigurationError(message)
        keys = [keep_key(path)]
    return Vault(keys)


def place_key(settings: Settings) -> Path:
    """Give where the key lies that is made where none are set."""
    return settings.data_dir / "encryption-key"


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[ReachedDatabase]:
    """Reach the database; start and stop the embedded one if none is given.

    Raises:
        ConfigurationError: it cannot be had; the message says what to do.
    """
    if settings.database_url is not None:
        yield _read_urls(settings, settings.database_url.get_secret_value())
        return
    embedded = await start_embedded(settings)
    try:
        yield ReachedDatabase(embedded.connect_arguments, wait=embedded.wait)
    finally:
        await embedded.stop()


def _read_urls(settings: Settings, url: str) -> ReachedDatabase:
    direct = settings.database_direct_url
    return ReachedDatabase(
        read_connect_arguments(url),
        read_connect_arguments(direct.get_secret_value(), DIRECT_URL) if direct is not None else None,
    )


async def start_embedded(settings: Settings) -> EmbeddedPostgres:
    """Start the embedded one; a new one has its key beside it, unless keys are set.

    Raises:
        InUseError: another process has the data directory.
        ConfigurationError: it cannot be had; the message says what to do.
    """
    if settings.database_direct_url is not None:
        message = (
            f"{DIRECT_URL} goes with SIGNALPOST_DATABASE_URL, which is not set: set both, or only the latter"
        )
        raise ConfigurationError(message)
    key = place_key(settings)
    if settings.read_keys() is None and not key.exists() and not check_at_rest(settings.data_dir):
        keep_key(key)  # before the database: one without a key looks as if that were lost
    return await EmbeddedPostgres.start(settings.data_dir)
