"""The file of ``signalpost listen --jsonl``: whole lines alone, wherever the disk became full or a listener died."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import orjson

from signalpost.cli.printing import print_line
from signalpost.cli.whole_lines import find_line_end
from signalpost.model.errors import ConfigurationError

HEAD = b'{"receivedAt":'
"""How each line begins."""


class ReceivedLines:
    """An open file that lines are added to. ``is_file``: not a pipe or a device, which take nothing back."""

    def __init__(self, number: int, path: Path, *, is_file: bool) -> None:
        self._number = number
        self._path = path
        self._is_file = is_file
        self._may_be_cut = is_file
        self._told = ""
        self._mend()

    def add(self, line: bytes) -> bool:
        """Add a line, and say whether it could be: if not, nothing of it stays. Each trouble is told once."""
        try:
            self._mend()
            self._write(line)
        except OSError as error:
            reason = error.strerror or str(error)
            if reason != self._told:
                self._tell(
                    f"cannot write to {self._path} ({reason}); until it can, what arrives is answered 500"
                )
            self._told = reason
            return False
        if self._told:
            self._tell(f"{self._path} is written again")
        self._told = ""
        return True

    def _write(self, line: bytes) -> None:
        before = os.fstat(self._number).st_size
        left = memoryview(line)
        try:
            while left:
                left = left[os.write(self._number, left) :]
        except OSError:
            self._may_be_cut = self._is_file
            # Never what others have added, or taken away, meanwhile.
            if self._is_file and os.fstat(self._number).st_size == before + len(line) - len(left):
                os.ftruncate(self._number, before)
                self._may_be_cut = False
            raise

    def _mend(self) -> None:
        """Drop a last line that is cut: it was not answered, and comes again. One of something else is ended."""
        if not self._may_be_cut:
            return
        size = os.fstat(self._number).st_size
        end = find_line_end(self._number, size)
        last = os.pread(self._number, size - end, end)
        if _is_cut(last):
            os.ftruncate(self._number, end)
        elif last:
            os.write(self._number, b"\n")
        self._may_be_cut = False

    def _tell(self, what: str) -> None:
        with suppress(OSError):  # what it goes to may be on the same disk
            print_line(f"signalpost: --jsonl: {what}", to_errors=True)


def _is_cut(last: bytes) -> bool:
    if not last or last[: len(HEAD)] != HEAD[: len(last)]:
        return False
    try:
        orjson.loads(last)
    except orjson.JSONDecodeError:
        return True
    return False


@contextmanager
def open_lines(path: Path | None) -> Iterator[ReceivedLines | None]:
    """Open the file to add to, which is made if there is none; None for none.

    Raises:
        ConfigurationError: it cannot be written.
    """
    if path is None:
        yield None
        return
    try:
        is_file = path.is_file() or not path.exists()
        # Of a pipe no end to read from is opened: then nobody would notice that none reads it any more.
        file = path.open("a+b" if is_file else "ab", buffering=0)
        try:
            lines = ReceivedLines(file.fileno(), path, is_file=is_file)
        except OSError:
            file.close()
            raise
    except OSError as error:
        hint = "" if path.parent.is_dir() else "; name a file in a folder that exists"
        message = f"--jsonl: cannot write to {path} ({error.strerror}){hint}"
        raise ConfigurationError(message) from error
    with file:
        yield lines
