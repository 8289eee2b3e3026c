"""Programs of the service that are started again whenever they die, as a supervisor does on a real machine."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.processes import START_SECONDS, STOP_SECONDS, Command, start

PAUSE_SECONDS = 0.2
MOST_FAILED_STARTS = 40


class Service:
    """One program: ``serve``, ``api`` or ``worker``. ``deaths`` are its exit codes so far."""

    def __init__(
        self, folder: Path, name: str, arguments: Sequence[str], settings: Mapping[str, Any]
    ) -> None:
        self._folder = folder
        self._name = name
        self._arguments = arguments
        self._settings = settings
        self._starts = 0
        self._kept: asyncio.Task[None] | None = None
        self.command: Command | None = None
        self.deaths: list[int] = []

    async def start(self) -> None:
        """Start it and keep it running."""
        await self._start_once()
        self._kept = asyncio.create_task(self._keep())

    @property
    def url(self) -> str:
        """Where it listens now."""
        assert self.command is not None
        return self.command.url

    @property
    def is_ready(self) -> bool:
        """Whether it runs and has said that it is ready."""
        return self.command is not None and self.command.process.returncode is None

    async def _start_once(self) -> None:
        self._starts += 1
        ready = "signalpost worker ready" if self._arguments[0] == "worker" else "signalpost ready on "
        log = self._folder / f"{self._name}-{self._starts}.log"
        program = ("-m", "tests.faults.faulty", str(self._folder))
        self.command = await start(self._arguments, ready, log, self._settings, program)

    async def _keep(self) -> None:
        failed = 0
        while True:
            assert self.command is not None
            self.deaths.append(await self.command.process.wait())
            while True:
                await asyncio.sleep(PAUSE_SECONDS)
                try:
                    await self._start_once()
                    break
                except AssertionError:  # it died again while it started
                    failed += 1
                    if failed > MOST_FAILED_STARTS:
                        raise

    def has_come_back(self, times: int) -> bool:
        """Say whether it died so many times and runs again."""
        return len(self.deaths) == times and self.is_ready

    def send(self, number: int) -> None:
        """Send a signal, if it runs."""
        if self.command is not None:
            with contextlib.suppress(ProcessLookupError):
                self.command.process.send_signal(number)

    async def kill(self) -> None:
        """Kill it for good."""
        assert self._kept is not None
        assert self.command is not None
        self._kept.cancel()
        await self.command.kill()

    async def restart(self) -> None:
        """Stop it in order, and wait until it runs again."""
        assert self.command is not None
        before = self.command
        self.send(signal.SIGTERM)
        async with asyncio.timeout(STOP_SECONDS + START_SECONDS):
            while self.command is before or not self.is_ready:
                await asyncio.sleep(0.02)

    async def stop(self) -> int | None:
        """Stop it in order and for good; gives its exit code."""
        if self._kept is None or self.command is None:
            return None
        if self._kept.done() and not self._kept.cancelled():
            self._kept.result()  # it could not be started again
        self._kept.cancel()
        if not self.is_ready:
            return self.command.process.returncode
        self.send(signal.SIGCONT)
        self.send(signal.SIGTERM)
        try:
            return await asyncio.wait_for(self.command.process.wait(), STOP_SECONDS)
        except TimeoutError:
            await self.command.kill()
            return None

    def read_logs(self) -> str:
        """Give all that it wrote."""
        return "".join(path.read_text(errors="replace") for path in self._folder.glob(f"{self._name}-*.log"))
