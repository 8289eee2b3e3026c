"""SIGKILL while ``serve`` is still starting: half-made databases, half-done migrations, half-made repairs."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from tests.faults.impatient import PROGRAM
from tests.faults.places import (
    change,
    check_delivered,
    connect,
    create_credentials,
    list_records,
    listen,
    read_received,
    read_truth,
    settings_for,
)
from tests.processes import find_servers, running, spawn
from tests.support import until

SEED = 20261126
KILLS = 2
FIRST_START_SECONDS = 4.0
LATER_START_SECONDS = 0.9
"""About what a start takes once it has the data directory: the first makes the database."""


async def kill_while_starting(
    folder: Path, command: list[str], settings: dict[str, Any], seconds: float
) -> None:
    """Start ``serve``, and kill it ``seconds`` after it took the data directory."""
    process = await spawn(command, folder / "serve.log", settings, PROGRAM)
    lock = folder / "data" / "postgres.run" / "lock"
    await until(lambda: lock.exists() and lock.read_text() == str(process.pid))
    await asyncio.sleep(seconds)
    process.kill()
    await process.wait()
    print(*(folder / "serve.log").read_text().splitlines()[-1:])


@pytest.mark.slow
async def test_a_start_that_is_killed_at_any_moment_does_no_harm(tmp_path):
    print(f"seed {SEED}")
    chance = random.Random(SEED)
    command = ["serve", "--port", "0", "--data-dir", str(tmp_path / "data")]
    received = tmp_path / "received.jsonl"
    log = tmp_path / "sandbox.log"
    async with (
        running(["sandbox", "egnyte", "--port", "0"], "sandbox ready on ", log) as sandbox,
        running(listen(received), "listening on ", tmp_path / "listen.log") as listener,
    ):
        settings = settings_for(sandbox.url)
        for _ in range(KILLS):
            await kill_while_starting(tmp_path, command, settings, chance.uniform(0, FIRST_START_SECONDS))
        async with running(
            command, "signalpost ready on ", tmp_path / "serve.log", settings, PROGRAM
        ) as service:
            headers = await create_credentials({}, "--data-dir", str(tmp_path / "data"))
            await connect(service.url, sandbox.url, listener.url, headers)
            await change(sandbox.url, 25)
            await until(lambda: len(list_records(read_received(received))) == 25)
            await service.kill()
        for _ in range(KILLS):
            await change(sandbox.url, 25)
            await kill_while_starting(tmp_path, command, settings, chance.uniform(0, LATER_START_SECONDS))
        async with running(
            command, "signalpost ready on ", tmp_path / "serve.log", settings, PROGRAM
        ) as service:
            truth = await read_truth(sandbox.url)
            await until(lambda: set(list_records(read_received(received))) >= set(truth))
            assert await service.stop() == 0
    check_delivered(read_received(received), truth)
    assert find_servers(tmp_path / "data") == []
    assert not list(tmp_path.glob("data/postgres.run/new-*"))
