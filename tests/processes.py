"""Real processes of the ``signalpost`` command, for tests that kill them."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

START_SECONDS = 240
"""Until a program is ready, or a command has ended: seconds, but of processor time that a busy machine may not have."""
STOP_SECONDS = 45
"""Ten are promised: of a machine that has nothing else to do. What a stop does not wait for takes a minute or more."""
SIGNALPOST = ("-m", "signalpost")


@dataclass
class Command:
    """A running command: the URL it said it is ready at, and all it printed so far."""

    process: asyncio.subprocess.Process
    url: str
    log: Path

    @property
    def printed(self) -> str:
        return self.log.read_text(errors="replace")

    async def kill(self) -> None:
        """SIGKILL: nothing is put in order."""
        self.process.kill()
        await self.process.wait()

    async def stop(self, number: int = signal.SIGTERM, seconds: float = STOP_SECONDS) -> int:
        """Ask it to stop, as an operator does; it must have ended within ``seconds``."""
        self.process.send_signal(number)
        return await asyncio.wait_for(self.process.wait(), seconds)


def environment(**settings: Any) -> dict[str, str]:
    kept = {key: value for key, value in os.environ.items() if not key.startswith(("SIGNALPOST_", "PG"))}
    return {**kept, **{f"SIGNALPOST_{key.upper()}": str(value) for key, value in settings.items()}}


async def spawn(
    arguments: Sequence[str],
    log: Path,
    settings: Mapping[str, Any] | None = None,
    program: Sequence[str] = SIGNALPOST,
    python: str | Path = sys.executable,
) -> asyncio.subprocess.Process:
    """Start ``signalpost`` and do not wait for anything; what it prints is appended to ``log``."""
    with log.open("ab") as output:
        return await asyncio.create_subprocess_exec(
            python,
            *[*program, *arguments],
            stdout=output,
            stderr=asyncio.subprocess.STDOUT,
            env=environment(**(settings or {})),
        )


async def start(
    arguments: Sequence[str],
    ready: str,
    log: Path,
    settings: Mapping[str, Any] | None = None,
    program: Sequence[str] = SIGNALPOST,
    python: str | Path = sys.executable,
) -> Command:
    """Start ``signalpost`` and wait for its line ``<ready><url>``."""
    offset = log.stat().st_size if log.exists() else 0
    process = await spawn(arguments, log, settings, program, python)
    async with asyncio.timeout(START_SECONDS):
        while True:
            for line in log.read_bytes()[offset:].decode(errors="replace").splitlines():
                if line.startswith(ready):
                    return Command(process, line.removeprefix(ready).strip(), log)
            if process.returncode is not None:
                raise AssertionError(
                    f"{arguments} ended with {process.returncode}:\n{log.read_text()[-4000:]}"
                )
            await asyncio.sleep(0.02)


async def run(
    arguments: Sequence[str],
    settings: Mapping[str, Any] | None = None,
    python: str | Path = sys.executable,
) -> tuple[int, str, str]:
    """Run a command to its end: exit code, stdout, stderr."""
    process = await asyncio.create_subprocess_exec(
        python,
        *["-m", "signalpost", *arguments],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environment(**(settings or {})),
    )
    output, errors = await asyncio.wait_for(process.communicate(), START_SECONDS)
    assert process.returncode is not None
    return process.returncode, output.decode(), errors.decode()


@asynccontextmanager
async def running(
    arguments: Sequence[str],
    ready: str,
    log: Path,
    settings: Mapping[str, Any] | None = None,
    program: Sequence[str] = SIGNALPOST,
) -> AsyncIterator[Command]:
    """Run a command while the block is open."""
    command = await start(arguments, ready, log, settings, program)
    try:
        yield command
    finally:
        if command.process.returncode is None:
            command.process.terminate()
            try:
                await asyncio.wait_for(command.process.wait(), STOP_SECONDS)
            except TimeoutError:
                await command.kill()


def find_servers(directory: Path) -> list[str]:
    """Give the command lines of PostgreSQL servers that run on a data directory."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if "postgres" in line and str(directory) in line:
            found.append(line)
    return found
