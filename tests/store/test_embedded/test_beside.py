"""Commands beside the service, at any moment of its start."""

from __future__ import annotations

import asyncio
import subprocess
import sys
import threading
from datetime import UTC, datetime
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from signalpost.cli.doctor.configured import check_encryption_key
from signalpost.cli.doctor.findings import Finding, Subject, Verdict
from signalpost.model.errors import ConfigurationError
from signalpost.settings import Settings
from signalpost.store.embedded import EmbeddedPostgres, find_running
from signalpost.wiring.beside import open_beside, reach_database
from signalpost.wiring.database import ReachedDatabase, open_vault
from tests.store.test_embedded.conftest import wait_until


async def test_a_command_waits_for_the_database_that_a_service_is_just_starting(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    starting = asyncio.create_task(EmbeddedPostgres.start(folder))
    lock = folder / "postgres.run" / "lock"
    await asyncio.to_thread(wait_until, lambda: lock.exists() and lock.read_text())
    with capture_logs() as told:
        async with reach_database(Settings(data_dir=folder)) as reached:
            assert await ask(reached) == "signalpost"
        server = await starting
    try:
        assert server.connect_arguments == reached.arguments
        assert not [line for line in told if line["event"] == "database.new"]
    finally:
        await server.stop()


async def ask(reached: ReachedDatabase) -> object:
    connection = await reached.connect()
    try:
        return await connection.fetchval("SELECT current_database()")
    finally:
        await connection.close()


async def use(settings: Settings, *, seconds: float) -> None:
    """Do what a command does: reach the database, and use it for some time."""
    async with reach_database(settings) as reached:
        for _ in range(int(seconds * 100)):
            assert await ask(reached) == "signalpost"
            await asyncio.sleep(0.01)


async def test_commands_at_once_do_not_stop_the_database_under_each_other(data_directory: Path) -> None:
    settings = Settings(data_dir=data_directory)
    uses = []
    for number in range(8):
        uses.append(asyncio.create_task(use(settings, seconds=0.1 * (number % 4))))
        await asyncio.sleep(0.1 * (number % 3))
    await asyncio.gather(*uses)
    assert find_running(data_directory) is None


async def test_a_command_that_is_interrupted_waits_for_no_other(data_directory: Path) -> None:
    settings = Settings(data_dir=data_directory)
    first = asyncio.create_task(use(settings, seconds=60))
    await asyncio.to_thread(wait_until, lambda: find_running(data_directory))
    async with reach_database(settings) as reached:
        assert await ask(reached) == "signalpost"
        first.cancel()
        await asyncio.wait([first])
        assert find_running(data_directory) is None


async def test_a_command_that_is_killed_is_waited_for_by_nobody(data_directory: Path) -> None:
    settings = Settings(data_dir=data_directory)
    code = (
        "import sys, time; from pathlib import Path; from signalpost.store.embedded_files import join_guests"
    )
    code += "; print(join_guests(Path(sys.argv[1])), flush=True); time.sleep(60)"
    command = [sys.executable, "-c", code, data_directory]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as guest, capture_logs() as told:
        assert guest.stdout is not None
        assert guest.stdout.readline() != "None\n"
        async with reach_database(settings):
            threading.Timer(0.5, guest.kill).start()
    assert "database.in_use" in [line["event"] for line in told]


async def test_a_key_is_there_before_its_database_whenever_the_first_command_is_killed(
    tmp_path: Path,
) -> None:
    words = [sys.executable, "-m", "signalpost", "migrate", "--data-dir", tmp_path / "data"]
    with subprocess.Popen(words, stdout=subprocess.DEVNULL) as first:
        wait_until((tmp_path / "data" / "postgres" / "PG_VERSION").exists)
        first.kill()
    settings = Settings(data_dir=tmp_path / "data")
    assert check_key(settings).verdict is Verdict.OK
    (key,) = (tmp_path / "data").glob("encryption-key")
    kept = key.read_text()
    async with reach_database(settings):
        assert key.read_text() == kept


@pytest.mark.parametrize("is_sealed", [True, False])
async def test_a_key_is_made_anew_only_where_nothing_is_encrypted(
    data_directory: Path, *, is_sealed: bool
) -> None:
    settings = Settings(data_dir=data_directory)
    async with open_beside(settings) as (pool, _):
        sealed = (await open_vault(settings, pool)).seal({}) if is_sealed else b""
        await pool.execute("INSERT INTO organization (name) VALUES ('Acme')")
        await pool.execute(
            "INSERT INTO application (organization_id, connector, name, configuration, secrets, created_at)"
            " SELECT id, 'egnyte', 'a', '{}', $1, now() FROM organization",
            sealed,
        )
        (data_directory / "encryption-key").unlink(missing_ok=True)
        if not is_sealed:
            assert (await open_vault(settings, pool)).seal({})
            return
        with pytest.raises(
            ConfigurationError, match="encryption-key is not there, and the database has secrets"
        ):
            await open_vault(settings, pool)
        assert not (data_directory / "encryption-key").exists()


async def test_a_database_that_a_command_makes_has_its_key_beside_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    async with reach_database(settings):
        pass
    assert check_key(settings).verdict is Verdict.OK


def check_key(settings: Settings) -> Finding:
    return check_encryption_key(Subject(settings, lambda: datetime.now(UTC)))
