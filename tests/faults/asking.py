"""How the fault harness waits for what it means, and asks a database that comes and goes."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable, Mapping
from typing import Any

import asyncpg

WAIT_SECONDS = 120.0
PAUSE_SECONDS = 0.1
AWAY = (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
"""What asking a database ends with while it is away."""


async def wait(condition: Callable[[], Any], seconds: float = WAIT_SECONDS) -> Any:
    """Wait until a condition holds; asked seldom, so that asking takes no time from what is waited for.

    Raises:
        AssertionError: it never did.
    """
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(
                f"not true after {seconds:g} s: {getattr(condition, '__qualname__', condition)}"
            )
        await asyncio.sleep(PAUSE_SECONDS)


async def open_connection(reached: Mapping[str, Any]) -> Any:
    """Connect to a database."""
    connection = await asyncpg.connect(**reached)
    await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
    return connection


async def fetch_once(reached: Mapping[str, Any], query: str) -> list[Any]:
    """Ask a database, on a connection of its own."""
    connection = await open_connection(reached)
    try:
        return list(await connection.fetch(query))
    finally:
        connection.terminate()


async def cut_connections(arguments: Mapping[str, Any]) -> int:
    """End all other connections to a database; gives their number."""
    ended = await fetch_once(
        arguments,
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
        " WHERE datname = current_database() AND pid <> pg_backend_pid()",
    )
    return len(ended)
