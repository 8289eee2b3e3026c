"""One shell that runs the commands of a page one after the other; what serves goes on running behind it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import re
import signal
import time
from pathlib import Path
from typing import Self

from tests.docs.blocks import Block, match_printed
from tests.processes import STOP_SECONDS
from tests.support import PATIENCE_SECONDS

SERVES = re.compile(
    r"^(signalpost (?:serve|api|worker|listen|sandbox [a-z]+)\b[^\n&|]*?)(?: &)?$", re.MULTILINE
)
READY = re.compile(r"ready|listening")
SECONDS = PATIENCE_SECONDS
# A reader sees that curl failed; here an answer of 400 or more ends the page.
START = """set -eE -o pipefail
curl() { case $1 in -sf | -sSf) command curl "$@" ;; *) command curl --fail-with-body --silent "$@" ;; esac; }
"""


class PageError(AssertionError):
    """A block did not do what its page says."""


class Shell:
    """A bash in a folder. Everything printed, by commands and by what serves, is in ``printed``."""

    def __init__(self, folder: Path, variables: dict[str, str]) -> None:
        self.folder = folder
        self._variables = variables
        self._logs: list[Path] = []
        self._files = folder.parent / f"{folder.name}-shell"
        self._files.mkdir()
        self._pids = self._files / "pids"

    async def __aenter__(self) -> Self:
        self._process = await asyncio.create_subprocess_exec(
            "bash",
            "--norc",
            cwd=self.folder,
            env=self._variables,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
            start_new_session=True,
        )
        self._write(START)
        return self

    async def __aexit__(self, *error: object) -> None:
        """Stop what serves, in order; what is left after that, by force."""
        for each in self._list_serving():
            os.kill(each, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while self._list_serving() and time.monotonic() < deadline:
            await asyncio.sleep(0.02)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        await self._process.wait()

    def _list_serving(self) -> list[int]:
        """Give the processes that serve, and are still the ones that were started here."""
        alive = []
        for number in self._pids.read_text().split() if self._pids.exists() else ():
            with contextlib.suppress(ProcessLookupError):
                if os.getpgid(int(number)) == self._process.pid:
                    alive.append(int(number))
        return alive

    @property
    def printed(self) -> str:
        return "\n".join(log.read_text(errors="replace") for log in self._logs)

    def _write(self, text: str) -> None:
        assert self._process.stdin is not None
        if not self._process.stdin.is_closing() and self._process.returncode is None:
            self._process.stdin.write(text.encode())

    async def run(self, script: str, place: str) -> str:
        """Run a script to its end; give what it printed. What serves in it is ready then, and goes on.

        Raises:
            PageError: a command failed, or did not end.
        """
        number = len(self._logs)
        log, done = self._files / f"{number}.log", self._files / f"{number}.done"
        served: list[Path] = []

        def serve(found: re.Match[str]) -> str:
            if ">" in found[1]:  # the page itself keeps what it prints, and waits until it is ready
                return f"{found[0]} echo $! >>{self._pids}"
            served.append(self._files / f"{number}-{len(served)}.log")
            return f"{found[1]} >{served[-1]} 2>&1 & echo $! >>{self._pids}"

        written = self._files / f"{number}.sh"
        written.write_text(SERVES.sub(serve, script))
        for each in (log, *served):
            each.touch()
        self._logs += [log, *served]
        self._write(f". {written} >{log} 2>&1\ntouch {done}\n")
        await self._wait(done.exists, f"{place}: failed or did not end:\n{script}")
        for each in served:
            await self._wait(
                lambda each=each: READY.search(each.read_text()), f"{place}: does not start:\n{script}"
            )
        return "".join(each.read_text(errors="replace") for each in (log, *served))

    async def run_block(self, block: Block, script: str) -> None:
        """Run a block, again if its comment says until when, and see that it says what its page says."""
        printed = await self.run(script, block.place)
        deadline = time.monotonic() + SECONDS
        while block.word == "until" and not re.search(block.said, printed, re.DOTALL):
            if time.monotonic() > deadline:
                raise PageError(f"{block.place}: never prints {block.said}, but\n{printed}")
            await asyncio.sleep(0.2)
            printed = await self.run(script, block.place)

    async def wait_for(self, shown: str, place: str) -> None:
        """Wait until something like this was printed."""
        pattern = match_printed(shown)
        await self._wait(lambda: pattern.search(self.printed), f"{place}: was not printed: {shown}")

    async def _wait(self, condition, message: str) -> None:
        deadline = time.monotonic() + SECONDS
        while not condition():
            if self._process.returncode is not None or time.monotonic() > deadline:
                if condition():
                    return
                raise PageError(f"{message}\n--- printed:\n{self.printed[-6000:]}")
            await asyncio.sleep(0.05)
