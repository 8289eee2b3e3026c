"""The database and the vault, reached as the settings say."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from signalpost.settings import Settings
from signalpost.store.database import read_connect_arguments
from signalpost.store.embedded import EmbeddedPostgres, find_running
from signalpost.store.vault import Vault, keep_key


@dataclass(frozen=True, slots=True)
class ReachedDatabase:
    """How the database is reached. ``wait`` returns when an embedded one ends by itself; None: it is not ours."""

    arguments: Mapping[str, Any]
    wait: Callable[[], Awaitable[int]] | None = None


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
        yield ReachedDatabase(read_connect_arguments(settings.database_url.get_secret_value()))
        return
    embedded = await EmbeddedPostgres.start(settings.data_dir)
    try:
        yield ReachedDatabase(embedded.connect_arguments, embedded.wait)
    finally:
        await embedded.stop()


@asynccontextmanager
async def reach_database(settings: Settings) -> AsyncIterator[Mapping[str, Any]]:
    """Give the arguments that reach the database for a command beside the service: the embedded one may be running.

    Raises:
        ConfigurationError: it cannot be had; the message says what to do.
    """
    running = find_running(settings.data_dir) if settings.database_url is None else None
    if running is not None:
        yield running
        return
    async with open_database(settings) as reached:
        yield reached.arguments
