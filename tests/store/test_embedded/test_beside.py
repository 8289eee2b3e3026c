"""Commands beside the service, at any moment of its start."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from structlog.testing import capture_logs

from signalpost.cli.doctor.configured import check_encryption_key
from signalpost.cli.doctor.findings import Subject, Verdict
from signalpost.settings import Settings
from signalpost.store.embedded import EmbeddedPostgres
from signalpost.wiring.database import reach_database
from tests.store.test_embedded.conftest import wait_until


async def test_a_command_waits_for_the_database_that_a_service_is_just_starting(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    starting = asyncio.create_task(EmbeddedPostgres.start(folder))
    lock = folder / "postgres.run" / "lock"
    await asyncio.to_thread(wait_until, lambda: lock.exists() and lock.read_text())
    with capture_logs() as told:
        async with reach_database(Settings(data_dir=folder)) as reached:
            connection = await reached.connect()
            assert await connection.fetchval("SELECT current_database()") == "signalpost"
            await connection.close()
        server = await starting
    try:
        assert server.connect_arguments == reached.arguments
        assert not [line for line in told if line["event"] == "database.new"]
    finally:
        await server.stop()


async def test_a_database_that_a_command_makes_has_its_key_beside_it(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "data")
    async with reach_database(settings):
        pass
    finding = check_encryption_key(Subject(settings, lambda: datetime.now(UTC)))
    assert finding.verdict is Verdict.OK
