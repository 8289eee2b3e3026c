"""Other processes of the ``signalpost`` command: what the demonstration and users' tests start, and stop again."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import IO

from signalpost.model.errors import SignalpostError

START_SECONDS = 120
STOP_SECONDS = 15
KEPT_LINES = 200
COMMAND = [sys.executable, "-P", "-m", "signalpost"]
"""By ``-P`` no file of the folder that we are called in, as a ``secrets.py``, is taken for a module of Python."""
BESIDE = """
import os, runpy, signal, threading

def end():
    os.read(0, 1)
    os.kill(os.getpid(), signal.SIGTERM)

threading.Thread(target=end, daemon=True).start()
runpy.run_module("signalpost", run_name="__main__", alter_sys=True)
"""
"""The same command, which ends in order as soon as whoever started it is gone, though it was killed: nothing is written
to its standard input, whose other end only that process holds."""


def children_environment(*, egnyte_url: str, **settings: object) -> dict[str, str]:
    """Give the environment of a service that may talk to this machine alone, on a database of its own.

    ``settings`` go over it, by their names in docs/reference/settings.md without ``SIGNALPOST_``, in any letter case.
    """
    ours = {
        "egnyte_url": egnyte_url,
        "allow_private_networks": "true",
        "min_poll_interval_seconds": 1,
        "log_level": "warning",
    }
    given = ours | {name.lower(): value for name, value in settings.items()}
    return _leave_out_settings() | {f"SIGNALPOST_{name.upper()}": str(value) for name, value in given.items()}


def _leave_out_settings() -> dict[str, str]:
    """Give our own environment but for what is set for the service: it may name a database that is in use."""
    return {key: value for key, value in os.environ.items() if not key.upper().startswith("SIGNALPOST_")}


class Child:
    """A ``signalpost`` command that runs; ``url`` is where it said that it is ready."""

    def __init__(self, process: subprocess.Popen[str], name: str, ready: str) -> None:
        self.url = ""
        self.name = name
        self._ready = ready
        self._process = process
        self._logged: deque[str] = deque(maxlen=KEPT_LINES)
        self._heard = threading.Event()
        self._threads = [
            threading.Thread(target=read, args=(pipe,), daemon=True)
            for read, pipe in ((self._listen, process.stdout), (self._keep, process.stderr))
            if pipe is not None
        ]
        for thread in self._threads:
            thread.start()

    def wait_until_ready(self) -> None:
        """Wait for its line that says so.

        Raises:
            SignalpostError: it ended, or said nothing for too long.
        """
        if not self._heard.wait(START_SECONDS):
            raise SignalpostError(f"{self.name} was not ready after {START_SECONDS} s\n{self.tell()}")
        if not self.url:
            raise SignalpostError(f"{self.name} ended before it was ready\n{self.tell()}")

    def tell(self, most: int = 40) -> str:
        """Give the last lines that it logged, if they are kept."""
        return "".join(list(self._logged)[-most:])

    def stop(self) -> None:
        """Ask it to stop, and make it after a while."""
        self._process.terminate()
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in self._threads:
            thread.join(1)
        if self._process.stdin is not None:
            self._process.stdin.close()

    def _listen(self, pipe: IO[str]) -> None:
        # What is printed besides is not kept: the link that makes the first account is among it.
        with pipe:
            for line in pipe:
                if not self.url and line.startswith(self._ready):
                    self.url = line.removeprefix(self._ready).strip()
                    self._heard.set()
        self._heard.set()

    def _keep(self, pipe: IO[str]) -> None:
        with pipe:
            self._logged.extend(pipe)


@contextmanager
def start_child(
    arguments: Sequence[str],
    ready: str,
    environment: Mapping[str, str] | None = None,
    *,
    keep_log: bool = False,
) -> Iterator[Child]:
    """Run ``signalpost`` with ``arguments`` until the block, or this process, ends; ``<ready><url>``: it is up.

    Without an ``environment`` it gets ours but for all settings. ``keep_log``: what it logs is kept for ``Child.tell``,
    not shown.

    Raises:
        SignalpostError: it ended, or said nothing, before it was ready.
    """
    process = subprocess.Popen(  # noqa: S603 - our own command
        [*COMMAND[:2], "-c", BESIDE, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE if keep_log else None,
        env=_leave_out_settings() if environment is None else environment,
        text=True,
        errors="replace",
    )
    child = Child(process, f"signalpost {arguments[0]}", ready)
    try:
        child.wait_until_ready()
        yield child
    finally:
        child.stop()


def run_child(arguments: Sequence[str], environment: Mapping[str, str] | None = None) -> str:
    """Run ``signalpost`` with ``arguments`` to its end, and give what it printed; ``environment`` as above.

    Raises:
        SignalpostError: it failed; its last words are in the message.
    """
    done = subprocess.run(  # noqa: S603 - our own command
        [*COMMAND, *arguments],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env=_leave_out_settings() if environment is None else environment,
        text=True,
        errors="replace",
        timeout=START_SECONDS,
        check=False,
    )
    if done.returncode:
        raise SignalpostError(
            f"signalpost {arguments[0]} ended with {done.returncode}: {done.stderr[-2000:]}"
        )
    return done.stdout
