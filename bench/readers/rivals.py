"""The other readers: how each is run, and what it must have stored in the end."""

from __future__ import annotations

import asyncio
import json
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

PROGRAMS = Path(__file__).parent / "programs"


@dataclass(frozen=True, slots=True)
class Rival:
    """A reader. Of several ways of one ``library``, ``usual`` is the one that its introduction shows.

    Each of the ``commands`` is piped into the next, all in a folder that has the address and the token in
    ``config.json``; what the last one prints goes to ``output``. ``{programs}`` and ``{environments}`` are folders.
    """

    name: str
    library: str
    commands: Sequence[Sequence[str]]
    output: str = "output.log"
    usual: bool = False


RIVALS = (
    Rival(
        "airbyte-cdk, into JSON lines",
        "airbyte-cdk",
        [
            [
                "{environments}/airbyte/bin/source-declarative-manifest",
                "read",
                "--config=config.json",
                "--catalog={programs}/airbyte_catalog.json",
                "--manifest-path={programs}/egnyte_source.yaml",
            ]
        ],
        output="events.jsonl",
    ),
    Rival(
        "airbyte-cdk, by PyAirbyte into DuckDB",
        "airbyte-cdk",
        [["{environments}/airbyte/bin/python", "{programs}/airbyte_events.py"]],
        usual=True,
    ),
    Rival(
        "dlt, into DuckDB",
        "dlt",
        [["{environments}/dlt/bin/python", "{programs}/dlt_events.py", "insert_values"]],
        usual=True,
    ),
    Rival(
        "dlt, into DuckDB by Parquet",
        "dlt",
        [["{environments}/dlt/bin/python", "{programs}/dlt_events.py", "parquet"]],
    ),
    Rival(
        "singer-sdk, into JSON lines",
        "singer-sdk",
        [
            ["{environments}/singer/bin/python", "{programs}/singer_tap.py", "--config=config.json"],
            ["{environments}/singer-target/bin/target-jsonl", "--config={programs}/singer_target.json"],
        ],
        usual=True,
    ),
)

QUIET = {
    "AIRBYTE_OFFLINE_MODE": "1",
    "DO_NOT_TRACK": "1",
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    "SINGER_SDK_LOG_LEVEL": "WARNING",
}
"""Nobody calls home or looks for newer versions: where there is no way out, that would take seconds."""


class Run:
    """One run of a rival, in an empty folder."""

    def __init__(self, rival: Rival, environments: Path, directory: Path, *, url: str, token: str) -> None:
        self._rival = rival
        self._environments = environments
        self._directory = directory
        directory.mkdir()
        (directory / "config.json").write_text(json.dumps({"url": url, "token": token}))

    async def read(self) -> float:
        """Run it to its end; give the time of that, by the monotonic clock.

        Raises:
            RuntimeError: it failed; the end of what it wrote is in the message.
        """
        log = self._directory / "errors.log"
        with log.open("wb") as errors, (self._directory / self._rival.output).open("wb") as output:
            children: list[asyncio.subprocess.Process] = []
            incoming: int | None = None
            for command in self._rival.commands:
                if command is self._rival.commands[-1]:
                    reading, writing = None, os.dup(output.fileno())
                else:
                    reading, writing = os.pipe()
                children.append(await self._start(command, incoming, writing, errors))
                os.close(writing)
                if incoming is not None:
                    os.close(incoming)
                incoming = reading
            codes = [await child.wait() for child in children]
        ended = time.monotonic()
        if any(codes):
            message = f"{self._rival.name} ended with {codes}: {log.read_text(errors='replace')[-2000:]}"
            raise RuntimeError(message)
        return ended

    async def check(self, count: int) -> None:
        """Check that ``count`` events are stored, each once.

        Raises:
            RuntimeError: there are others.
        """
        python = self._rival.commands[0][0].rpartition("/")[0] + "/python"
        counting = await self._start(
            [python, "{programs}/count_events.py"], None, asyncio.subprocess.PIPE, None
        )
        told, _ = await counting.communicate()
        check_stored(self._rival.name, [int(number) for number in told.split()], count)

    async def _start(
        self, command: Sequence[str], given: int | None, output: int | IO[bytes], errors: IO[bytes] | None
    ) -> asyncio.subprocess.Process:
        folders = {"programs": PROGRAMS, "environments": self._environments}
        kept = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        return await asyncio.create_subprocess_exec(
            *(part.format(**folders) for part in command),
            stdin=asyncio.subprocess.DEVNULL if given is None else given,
            stdout=output,
            stderr=errors,
            cwd=self._directory,
            env={**kept, **QUIET, "HOME": str(self._directory), "TMPDIR": str(self._directory)},
        )


def check_stored(name: str, stored: Sequence[int], count: int) -> None:
    """Check the numbers of different events and of all.

    Raises:
        RuntimeError: not ``count`` events, or some of them twice.
    """
    if list(stored) != [count, count]:
        message = f"{name} stored {list(stored)} events, different ones and all: it must be {count} of each"
        raise RuntimeError(message)
