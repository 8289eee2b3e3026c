"""Keeps the state of a running sandbox in a file, which is that sandbox's alone while it runs."""

from __future__ import annotations

import asyncio
import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import orjson

from signalpost.model.errors import ConfigurationError
from signalpost.sandbox.egnyte.state import State, load_state

SAVE_DELAY_SECONDS = 0.2
RETRY_SECONDS = 2.0


@contextmanager
def keep_state(state: State, path: Path, on_trouble: Callable[[str], None]) -> Iterator[Callable[[], None]]:
    """Take over what the file holds, and keep the state there while the context is open. Gives what to tell a change.

    ``on_trouble`` is told once that the file cannot be written, and once that it can again.

    Raises:
        ConfigurationError: another sandbox has the file, or it cannot be read, or not be written, also in the end.
    """
    keeper = _Keeper(state, path, on_trouble)
    try:
        keeper.open()
        try:
            yield keeper.note_change
        finally:
            keeper.finish()
    finally:
        keeper.close()


class _Keeper:
    """Writes the state to its file soon after changes, several at once.

    The file at the path is open and locked all the time: the lock ends with us, however we die. A new one is locked
    before it takes the place of the old one.
    """

    def __init__(self, state: State, path: Path, on_trouble: Callable[[str], None]) -> None:
        self._state = state
        self._path = path
        self._on_trouble = on_trouble
        self._held: int | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._told = ""

    def open(self) -> None:
        """Take the file and what it holds, or make it if there is none."""
        while self._held is None:
            try:
                self._held = _lock(self._path)
                if self._held is not None:
                    load_state(self._state, self._path)
                self._write(is_first=self._held is None and not self._path.is_symlink())
            except FileExistsError:  # another has made it this moment: that one has it
                continue
            except OSError as error:
                hint = "" if self._path.parent.is_dir() else "; name a file in a folder that exists"
                raise ConfigurationError(f"{self._describe(error)}{hint}") from error

    def note_change(self) -> None:
        """Have the state written a moment later."""
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(SAVE_DELAY_SECONDS, self._save)

    def finish(self) -> None:
        """Write the state for the last time."""
        try:
            self._write()
        except OSError as error:
            raise ConfigurationError(f"{self._describe(error)}; its last changes are lost") from error

    def close(self) -> None:
        """Leave the file to others."""
        if self._timer is not None:
            self._timer.cancel()
        if self._held is not None:
            os.close(self._held)

    def _save(self) -> None:
        """Write the state; what cannot be written is told once, and tried again until it can."""
        self._timer = None
        try:
            self._write()
        except OSError as error:
            trouble = self._describe(error)
            if trouble != self._told:
                self._on_trouble(f"{trouble}; it is tried again every {RETRY_SECONDS:g} s")
            self._told = trouble
            self._timer = asyncio.get_running_loop().call_later(RETRY_SECONDS, self._save)
            return
        if self._told:
            self._on_trouble(f"the state file {self._path} is written again")
        self._told = ""

    def _write(self, *, is_first: bool = False) -> None:
        """Put a new file in the place of the old one, whole or not at all, readable by us alone: it holds tokens."""
        fresh = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        number = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            try:
                os.ftruncate(number, 0)
                with os.fdopen(number, "wb", closefd=False) as file:
                    file.write(orjson.dumps(self._state.to_json()))
                os.fsync(number)
                if is_first:  # a link takes no other's place
                    self._path.hardlink_to(fresh)
                else:
                    fresh.replace(self._path)
            finally:
                fresh.unlink(missing_ok=True)
        except BaseException:
            os.close(number)
            raise
        if self._held is not None:
            os.close(self._held)
        self._held = number

    def _describe(self, error: OSError) -> str:
        return f"the state file {self._path} cannot be written: {error.strerror}"


def _lock(path: Path) -> int | None:
    """Open and lock the file at ``path``; None: there is none."""
    while True:
        try:
            number = os.open(path, os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if os.path.samestat(os.fstat(number), path.stat()):
                return number
        except BlockingIOError:
            os.close(number)
            message = (
                f"the state file {path} is in use by another sandbox: stop that one, or name another file"
            )
            raise ConfigurationError(message) from None
        except FileNotFoundError:
            pass
        os.close(number)  # another file has taken its place
