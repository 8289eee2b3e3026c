"""``signalpost sandbox egnyte`` as a process."""

from __future__ import annotations

import asyncio
import os
import resource
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import pytest

from tests.full_disk import set_room
from tests.processes import START_SECONDS

COMMAND = (sys.executable, "-m", "signalpost", "sandbox", "egnyte")


@asynccontextmanager
async def run_command(*arguments: str, **environment: str) -> AsyncIterator[asyncio.subprocess.Process]:
    child = await asyncio.create_subprocess_exec(
        *COMMAND,
        *arguments,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **environment},
    )
    try:
        async with asyncio.timeout(START_SECONDS):
            yield child
    finally:
        if child.returncode is None:
            child.kill()
        # Reads the pipes to their end, so that nothing stays open.
        await child.communicate()


async def read_url(child: asyncio.subprocess.Process) -> str:
    assert child.stdout is not None
    line = (await child.stdout.readline()).decode()
    assert line.startswith("sandbox ready on http://127.0.0.1:")
    assert line.endswith("\n")
    return line.removeprefix("sandbox ready on ").strip()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_serves_until_told_to_stop_and_keeps_its_state(tmp_path: Path, number: signal.Signals) -> None:
    path = tmp_path / "state.json"
    async with run_command("--port", "0", "--domain", "globex", "--state", str(path)) as child:
        url = await read_url(child)
        async with aiohttp.ClientSession() as session, session.get(f"{url}/_sandbox/") as reply:
            assert (await reply.json())["domain"] == "globex"
        child.send_signal(number)
        output, errors = await child.communicate()
        assert (child.returncode, output, errors) == (0, b"", b"")
    assert path.exists()


async def test_options_come_from_the_environment() -> None:
    names = {"PORT": "0", "REALISTIC": "1", "DOMAIN": "initech", "SEED": "5"}
    environment = {f"SIGNALPOST_SANDBOX_{name}": value for name, value in names.items()}
    async with run_command(**environment) as child:
        url = await read_url(child)
        async with aiohttp.ClientSession() as session:
            async with session.get(f"{url}/_sandbox/settings") as reply:
                settings = await reply.json()
            async with session.get(f"{url}/_sandbox/") as reply:
                assert (await reply.json())["domain"] == "initech"
    assert (settings["qps"], settings["quota_per_day"]) == (2, 1_000)


async def test_taken_port_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        async with run_command("--port", str(port)) as child:
            output, errors = await child.communicate()
    assert (child.returncode, output) == (1, b"")
    assert f"127.0.0.1:{port}" in errors.decode()
    assert "Traceback" not in errors.decode()


async def test_of_those_that_start_at_once_on_one_file_one_has_it_until_it_dies(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    arguments = ("--port", "0", "--state", str(path))
    async with (
        run_command(*arguments) as one,
        run_command(*arguments) as two,
        run_command(*arguments) as three,
    ):
        lines = await asyncio.gather(
            *[child.stdout.readline() for child in (one, two, three) if child.stdout]
        )
        [holder] = [child for child, line in zip((one, two, three), lines, strict=True) if line]
        for child in {one, two, three} - {holder}:
            _, errors = await child.communicate()
            assert child.returncode == 1
            assert errors.decode().startswith(
                f"signalpost: the state file {path} is in use by another sandbox: "
            )
        holder.kill()
        await holder.wait()
        async with run_command(*arguments) as next_one:
            await read_url(next_one)
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.skipif(not hasattr(resource, "prlimit"), reason="a call of Linux")
async def test_a_full_disk_is_told_in_plain_lines_and_so_is_what_is_lost_in_the_end(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    trouble = f"signalpost: the state file {path} cannot be written: File too large"
    async with run_command("--port", "0", "--state", str(path)) as child:
        url = await read_url(child)
        before = path.read_bytes()
        set_room(child.pid, 100)
        async with (
            aiohttp.ClientSession() as session,
            session.post(f"{url}/_sandbox/changes", json={}) as reply,
        ):
            assert reply.status == 200
        assert child.stderr is not None
        assert (await child.stderr.readline()).decode() == f"{trouble}; it is tried again every 2 s\n"
        child.terminate()
        output, errors = await child.communicate()
    assert (child.returncode, output) == (1, b"")
    assert errors.decode() == f"{trouble}; its last changes are lost\n"
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]
