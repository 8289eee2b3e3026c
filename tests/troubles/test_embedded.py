"""Troubles of the embedded database: nobody sets its host or its connections, so what to do is something else."""

from __future__ import annotations

import asyncio
import sys
import tempfile
import time
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import pytest

from signalpost.model.clock import SharedClock, read_now
from signalpost.store.database import MIGRATION_LOCK, migrate
from signalpost.store.embedded import EmbeddedPostgres
from signalpost.store.troubles import DATABASE_URL, EMBEDDED, KINDS, UNREACHABLE, fit
from signalpost.store.vault import keep_key
from signalpost.wiring.database import ReachedDatabase, open_connections
from tests.conftest import find_memory
from tests.doctor.looking import look
from tests.processes import START_SECONDS, environment, run
from tests.support import PATIENCE_SECONDS
from tests.troubles.ground import Ground

MOST = 6
CANNOT_BE_FOLLOWED = ("host", "port", "max_connections", "pg_hba")
WAITS = "SELECT count(*) FROM pg_locks WHERE NOT granted"
COMMANDS = (
    "migrate",
    "reencrypt",
    "credentials create",
    "credentials password --email ada@example.com",
    "import open-connectors instances.json",
)


@asynccontextmanager
async def open_embedded():
    """Run one of few connections, as a service does; gives its folder, and what runs it."""
    with tempfile.TemporaryDirectory(prefix="signalpost-troubles-", dir=find_memory()) as name:
        folder = Path(name) / "data"
        settings = {"fsync": "off", "max_connections": str(MOST)}
        server = await EmbeddedPostgres.start(folder, settings=settings)
        try:
            await migrate(server.connect_arguments)
            keep_key(folder / "encryption-key")
            yield folder, server
        finally:
            await server.stop()


def check_line(errors, beginning):
    assert errors.startswith(f"signalpost: {beginning}")
    assert errors.count("\n") == 1
    assert not [word for word in CANNOT_BE_FOLLOWED if word in errors]


@pytest.mark.parametrize("trouble", {trouble.what: trouble for _, trouble in KINDS}.values())
def test_what_is_to_be_done_can_be_done_with_the_embedded_database(trouble):
    told = fit(trouble, EMBEDDED)
    assert told.what
    assert not [word for word in CANNOT_BE_FOLLOWED if word in told.remedy]
    assert fit(trouble, DATABASE_URL) is trouble


async def test_it_has_no_connection_left(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("instances.json").write_text("[]")
    async with open_embedded() as (folder, server):
        holders = [await asyncpg.connect(**server.connect_arguments) for _ in range(MOST)]
        found = await look("database", data_dir=folder)
        assert (found.verdict, found.message) == (
            "failure",
            "SIGNALPOST_DATA_DIR: the database has no connection left",
        )
        assert found.remedy.startswith("end what else is connected to it")
        assert "lower SIGNALPOST_DATABASE_CONNECTIONS" in found.remedy
        for command in COMMANDS:
            code, output, errors = await run(command.split(), {"data_dir": folder})
            assert (code, output) == (1, ""), command
            check_line(errors, f"{found.message}; {found.remedy}")
        for holder in holders:
            await holder.close()


async def test_it_allows_fewer_connections_than_are_set():
    async with open_embedded() as (folder, _):
        found = await look("connections", data_dir=folder)
        assert (found.verdict, found.remedy) == ("failure", "lower SIGNALPOST_DATABASE_CONNECTIONS")


async def test_it_does_not_let_in_a_user_that_is_another_to_it():
    async with open_embedded() as (folder, server):
        ground = Ground(server.connect_arguments)
        await ground.run(
            "CREATE ROLE other SUPERUSER LOGIN", "ALTER ROLE signalpost NOLOGIN", database="signalpost"
        )
        found = await look("database", data_dir=folder)
        assert found.verdict == "failure"
        assert "the embedded database does not let us in" in found.message
        assert found.remedy == "run this as the user that runs signalpost serve"


async def test_it_ends_under_a_service(logged):
    async with open_embedded() as (_, server):
        database, clock = ReachedDatabase(server.connect_arguments), SharedClock(read_now, time.monotonic)
        async with open_connections(database, clock, most=MOST) as connections:
            await server.stop()
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (
                    await connections.health.find_trouble() != UNREACHABLE.what
                ):  # of a busy machine: SLOW at first
                    await asyncio.sleep(0.02)
    told = [line["remedy"] for line in logged if line.get("reason") == UNREACHABLE.what]
    assert told == [fit(UNREACHABLE, EMBEDDED).remedy]


@pytest.mark.parametrize(
    ("command", "lock", "beginning"),
    [
        ("migrate", f"SELECT pg_advisory_lock({MIGRATION_LOCK})", "SIGNALPOST_DATA_DIR: the database cannot"),
        ("reencrypt", "LOCK TABLE instance", "the database cannot"),
    ],
)
async def test_it_is_stopped_while_a_command_runs(command, lock, beginning):
    """As by the service that runs it: the command waits for a lock, so that it is under way for sure."""
    async with open_embedded() as (folder, server):
        holder = await asyncpg.connect(**server.connect_arguments)
        await holder.execute("BEGIN")
        await holder.execute(lock)
        running = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "signalpost", command),
            env=environment(data_dir=folder),
            stderr=asyncio.subprocess.PIPE,
        )
        async with asyncio.timeout(START_SECONDS):
            while not await holder.fetchval(WAITS):
                await asyncio.sleep(0.02)
        await server.stop()
        _, errors = await asyncio.wait_for(running.communicate(), PATIENCE_SECONDS)
        assert running.returncode == 1
        check_line(errors.decode().splitlines(keepends=True)[-1], f"{beginning} be reached; ")
        assert "run this again" in errors.decode()
