"""What the files for deployment start, started as plain processes on the real PostgreSQL: it does the main job."""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import asyncpg
import httpx
import pytest

from signalpost.cli.listen import run_listener
from tests.deploy.manifests import (
    SYSTEMD,
    Process,
    read_compose_processes,
    read_kubernetes_processes,
    read_last,
    read_unit_process,
)
from tests.deploy.test_image import build_image
from tests.processes import Command, environment, run, start
from tests.support import INTERVAL_SECONDS, World, authorize, until, write_url

READY = {"api": "signalpost ready on ", "worker": "signalpost worker shows its health and metrics on "}
CHANGES = 5

pytestmark = pytest.mark.slow  # up to seven processes start in each


def read_units() -> Iterator[Process]:
    """Give what the units of roles apart start; migrations are what the first of them does."""
    yield read_unit_process(SYSTEMD / "signalpost-api.service")
    for number in ("1", "2"):
        yield read_unit_process(SYSTEMD / "signalpost-worker@.service", number)


@pytest.fixture
async def empty_database(postgres):
    """Give arguments for ``asyncpg.connect`` to a database without any tables."""
    admin = await asyncpg.connect(**postgres.connect_arguments)
    await admin.execute("CREATE DATABASE test_deployed")
    yield {**postgres.connect_arguments, "database": "test_deployed"}
    await admin.execute("DROP DATABASE test_deployed WITH (FORCE)")
    await admin.close()


@pytest.fixture
def here(empty_database, sandbox):
    """The settings that are of this machine and not of a deployment: they go over those of the files."""
    return {
        "SIGNALPOST_DATABASE_URL": write_url(empty_database),
        "SIGNALPOST_ENCRYPTION_KEYS": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
        "SIGNALPOST_HOST": "127.0.0.1",
        "SIGNALPOST_PORT": "0",
        "SIGNALPOST_WORKER_HOST": "127.0.0.1",
        "SIGNALPOST_WORKER_PORT": "0",
        "SIGNALPOST_EGNYTE_URL": sandbox.url,
        "SIGNALPOST_ALLOW_PRIVATE_NETWORKS": "true",
        "SIGNALPOST_MIN_POLL_INTERVAL_SECONDS": str(INTERVAL_SECONDS),
    }


def take_here(process: Process, here: dict[str, str]) -> dict[str, str]:
    """Give a process' settings as ``tests.processes`` takes them."""
    merged = {**process.settings, **here}
    return {
        name.removeprefix("SIGNALPOST_"): merged[name] for name in merged if name.startswith("SIGNALPOST_")
    }


@asynccontextmanager
async def deployed(processes: Sequence[Process], here: dict[str, str], python: Path, folder: Path):
    """Run a deployment while the context is open, what migrates first, the rest at once; give what goes on running."""
    for process in processes:
        if process.arguments[0] == "migrate":
            code, output, errors = await run(process.arguments, take_here(process, here), python)
            assert (code, output) == (0, "the database is up to date\n"), errors
    started = await asyncio.gather(
        *(
            start(
                process.arguments,
                READY[process.arguments[0]],
                folder / f"{number}.log",
                take_here(process, here),
                python=python,
            )
            for number, process in enumerate(processes)
            if process.arguments[0] != "migrate"
        ),
        return_exceptions=True,
    )
    commands = [each for each in started if isinstance(each, Command)]
    try:
        for each in started:
            if isinstance(each, BaseException):
                raise each
        yield commands
    finally:
        for command in commands:
            if command.process.returncode is None:
                await command.kill()


async def do_the_main_job(url, sandbox, settings, python):
    """Connect, change, and see it delivered, in order and with good signatures."""
    code, output, errors = await run(["credentials", "create", "--json"], settings, python)
    assert code == 0, errors
    secrets = json.loads(output)
    async with (
        run_listener(key="a signature key") as listener,
        httpx.AsyncClient(
            base_url=f"{url}/elements/api-v2", headers={"Authorization": authorize(secrets)}
        ) as client,
        httpx.AsyncClient() as outside,
    ):
        world = World(None, url, sandbox, listener, client, secrets, outside)
        instance = await world.connect()

        async def is_polled():
            status = (await client.get(f"/instances/{instance['id']}/polling")).json()
            return all(each["watermark"] for each in status["resources"])

        await until(is_polled)
        made = await world.change(CHANGES)
        await until(lambda: len(world.delivered()) >= len(made))
        assert [each["id"] for each in world.delivered()] == [each["id"] for each in made]
        assert all(received["valid"] for received in listener.received)


async def check_health(url, python):
    """Ask what the image asks about itself; give the exit code."""
    program, *words = json.loads(read_last("HEALTHCHECK").partition("CMD ")[2])
    assert program == "python"
    port = url.rpartition(":")[2]
    process = await asyncio.create_subprocess_exec(
        python, *words, env=environment(port=port), stderr=asyncio.subprocess.DEVNULL
    )
    return await process.wait()


async def stop_all(commands):
    """Ask all to stop at once, as at a shutdown of the machine; each must have ended in order and in time."""
    assert await asyncio.gather(*(command.stop(signal.SIGTERM) for command in commands)) == [0] * len(
        commands
    )


async def is_answered(url, probes):
    async with httpx.AsyncClient() as client:
        return [(await client.get(f"{url}{path}")).status_code for path in probes]


async def test_the_image_does_the_main_job_as_compose_starts_it(here, sandbox, tmp_path):
    python = await asyncio.to_thread(build_image, tmp_path / "image") / "python"
    processes = list(read_compose_processes())
    assert [each.arguments[0] for each in processes] == ["migrate", "api", "worker", "worker"]
    async with deployed(processes, here, python, tmp_path) as commands:
        await do_the_main_job(commands[0].url, sandbox, take_here(processes[1], here), python)
        assert [await check_health(command.url, python) for command in commands] == [0, 0, 0]
        await stop_all(commands)
        assert await check_health(commands[0].url, python) != 0


async def test_the_pods_do_the_main_job(here, sandbox, tmp_path):
    processes = list(read_kubernetes_processes())
    assert [each.arguments[0] for each in processes] == [
        "migrate",
        "api",
        "api",
        "migrate",
        "worker",
        "worker",
    ]
    async with deployed(processes, here, sys.executable, tmp_path) as commands:
        await do_the_main_job(commands[1].url, sandbox, take_here(processes[1], here), sys.executable)
        for command, process in zip(commands, [*processes[1:3], *processes[4:]], strict=True):
            assert process.probes == ("/healthz", "/readyz", "/healthz")
            assert await is_answered(command.url, process.probes) == [200, 200, 200]
        await stop_all(commands)


async def test_the_units_of_roles_apart_do_the_main_job(here, sandbox, tmp_path):
    processes = list(read_units())
    assert [each.settings.get("SIGNALPOST_WORKER_PORT") for each in processes] == [None, "9101", "9102"]
    async with deployed(processes, here, sys.executable, tmp_path) as commands:
        await do_the_main_job(commands[0].url, sandbox, take_here(processes[0], here), sys.executable)
        await stop_all(commands)


async def test_the_unit_of_one_process_has_its_own_database(tmp_path):
    process = read_unit_process(SYSTEMD / "signalpost.service")
    here = {"SIGNALPOST_DATA_DIR": str(tmp_path / "data"), "SIGNALPOST_PORT": "0"}
    service = await start(process.arguments, READY["api"], tmp_path / "log", take_here(process, here))
    try:
        assert (tmp_path / "data" / "postgres").is_dir()
        assert await is_answered(service.url, ["/healthz", "/readyz"]) == [200, 200]
        await stop_all([service])
    finally:
        if service.process.returncode is None:
            await service.kill()
