"""The other processes of a benchmark, each a command of this repository."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

START_SECONDS = 60
STOP_SECONDS = 15

# Of /proc/<id>/stat, counted from the third field on (the second may hold spaces): the parent, and the processor
# time of the process and of its children that have ended, each in user and in system mode.
PARENT, TIMES = 1, slice(11, 15)


@dataclass(frozen=True, slots=True)
class Process:
    """A process that said it was ready, and where."""

    pid: int
    url: str

    def read_peak_megabytes(self) -> float | None:
        """Read its largest resident memory so far; None where the system does not tell."""
        status = Path(f"/proc/{self.pid}/status")
        if not status.exists():
            return None
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM:"))
        return int(line.split()[1]) / 1024


def read_processor_seconds(pid: int) -> float | None:
    """Read the processor time of a process and its children so far; None where the system does not tell."""
    if not Path("/proc/self/stat").exists():
        return None
    families = [_read_stat(Path(f"/proc/{pid}/stat"))]
    families += [
        stat for path in Path("/proc").glob("[0-9]*/stat") if (stat := _read_stat(path))[PARENT] == pid
    ]
    return sum(sum(stat[TIMES]) for stat in families) / os.sysconf("SC_CLK_TCK")


def _read_stat(path: Path) -> list[int]:
    try:
        fields = path.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):  # it has ended meanwhile
        fields = ["?"] + ["0"] * 14
    return [0, *map(int, fields[1:15])]


@asynccontextmanager
async def run_process(
    arguments: Sequence[str], *, environment: Mapping[str, str], log: Path
) -> AsyncIterator[Process]:
    """Run ``python -m`` with ``arguments`` while the context is open; its standard error goes to ``log``.

    Raises:
        RuntimeError: it ended before it said that it was ready; what it wrote is in the message.
    """
    with log.open("wb") as errors:
        child = await asyncio.create_subprocess_exec(
            sys.executable, "-m", *arguments, stdout=asyncio.subprocess.PIPE, stderr=errors, env=environment
        )
    assert child.stdout is not None
    try:
        line = b""
        async with asyncio.timeout(START_SECONDS):
            while b" ready" not in line:
                line = await child.stdout.readline()
                if not line:
                    message = f"{' '.join(arguments)} ended before it was ready: {log.read_text()[-2000:]}"
                    raise RuntimeError(message)
        yield Process(child.pid, line.decode().split()[-1])
    finally:
        if child.returncode is None:
            child.terminate()
        await asyncio.wait_for(child.wait(), STOP_SECONDS)
