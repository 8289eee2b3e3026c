"""The embedded PostgreSQL in good days: it starts, serves, stops, and leaves nothing lying about."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from structlog.testing import capture_logs

from signalpost.model.errors import ConfigurationError
from signalpost.store.embedded import EmbeddedPostgres, find_binaries, find_running


@pytest.fixture
async def server(data_directory: Path) -> AsyncIterator[EmbeddedPostgres]:
    server = await EmbeddedPostgres.start(data_directory)
    yield server
    await server.stop()


async def ask(server: EmbeddedPostgres, statement: str) -> object:
    connection = await asyncpg.connect(**server.connect_arguments)
    try:
        return await connection.fetchval(statement)
    finally:
        await connection.close()


async def test_the_first_start_makes_the_database_and_later_ones_find_it(folder: Path) -> None:
    data_directory = folder / "not" / "there"
    with capture_logs() as logs:
        server = await EmbeddedPostgres.start(data_directory)
        await ask(server, "CREATE TABLE kept (number int)")
        await server.stop()
        server = await EmbeddedPostgres.start(data_directory)
        assert await ask(server, "SELECT count(*) FROM kept") == 0
        await server.stop()
    actions = [entry["event"] for entry in logs if entry["event"].split(".")[1] in {"initialised", "started", "stopped"}]
    assert actions == [f"database.{action}" for action in ("initialised", "started", "stopped", "started", "stopped")]


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("listen_addresses", ""),
        ("fsync", "on"),
        ("full_page_writes", "on"),
        ("data_checksums", "on"),
        ("server_encoding", "UTF8"),
        ("timezone", "UTC"),
        ("shared_buffers", "128MB"),
        ("max_connections", "60"),
    ],
)
async def test_settings(shared_server: EmbeddedPostgres, setting: str, value: str) -> None:
    assert await ask(shared_server, f"SHOW {setting}") == value


@pytest.fixture(scope="module")
def shared_loop() -> AsyncIterator[asyncio.AbstractEventLoop]: ...
