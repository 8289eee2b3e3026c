"""A file of JSON lines that an export goes on from: what is in it says how far it came."""

from __future__ import annotations

import fcntl
import json
import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from signalpost.cli.whole_lines import PIECE_BYTES, find_line_end
from signalpost.model.errors import ConfigurationError


class Export:
    """An open export. ``last``: the number of its last entry, 0 where there is none; ``last_entry``: that entry."""

    def __init__(self, number: int, path: Path, instance: int, key: str) -> None:
        self._number = number
        self._path = path
        self._instance = instance
        self._key = key
        self.last_entry: dict[str, Any] = {}
        self.last = self._resume()

    def add(self, entries: Sequence[Mapping[str, Any]]) -> None:
        """Add entries at the end, each with its instance and its number in front.

        Whoever kills us here leaves whole lines and at most one that is cut, which the next export drops.
        """
        lines = [
            json.dumps({"instanceId": self._instance, self._key: entry[self._key]} | dict(entry))
            for entry in entries
        ]
        left = memoryview("".join(f"{line}\n" for line in lines).encode())
        while left:
            left = left[os.write(self._number, left) :]
        os.fsync(self._number)
        self.last = entries[-1][self._key]

    def _resume(self) -> int:
        """Drop a last line that is cut, and read how far the one before it came; nothing is dropped of another file."""
        size = os.fstat(self._number).st_size
        end = find_line_end(self._number, size)
        begin = find_line_end(self._number, end - 1) if end else 0
        line, cut = os.pread(self._number, end - begin, begin), os.pread(self._number, PIECE_BYTES, end)
        head = f'{{"instanceId": {self._instance}, "{self._key}": '.encode()
        if not all(text.startswith(head) or head.startswith(text) for text in (line, cut)):
            raise self._refuse()
        last = 0
        if line:
            try:
                self.last_entry = json.loads(line)
                last = self.last_entry[self._key]
            except (ValueError, KeyError, RecursionError):
                raise self._refuse() from None
            if type(last) is not int:
                raise self._refuse()
        os.ftruncate(self._number, end)
        os.lseek(self._number, end, os.SEEK_SET)
        return last

    def _refuse(self) -> ConfigurationError:
        named = {"sequence": "events", "id": "deliveries"}[self._key]
        return ConfigurationError(
            f"{self._path} does not end as an export of the {named} of instance {self._instance} does;"
            " give another file"
        )


@contextmanager
def open_export(path: Path, instance: int, key: str) -> Iterator[Export]:
    """Open a file to add entries of an instance by their ``key``; it is made, for its user alone, if there is none.

    Raises:
        ConfigurationError: it is another file, another export writes it, or it cannot be written.
    """
    try:
        number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_NONBLOCK | os.O_CLOEXEC, 0o600)
        try:
            if not stat.S_ISREG(os.fstat(number).st_mode):
                raise ConfigurationError(f"{path} is no file: an export goes on from what is in it")
            fcntl.flock(number, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield Export(number, path, instance, key)
        finally:
            os.close(number)
    except BlockingIOError:
        raise ConfigurationError(f"{path} is being written by another export") from None
    except OSError as error:
        raise ConfigurationError(f"{path} cannot be written: {error.strerror}") from None
