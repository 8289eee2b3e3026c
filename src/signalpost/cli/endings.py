"""How every command ends: the exit codes, and the error that chooses one."""

from __future__ import annotations

from enum import IntEnum
from typing import Self

from signalpost.model.errors import SignalpostError


class Ending(IntEnum):
    """An exit code, with what it means (``meaning``)."""

    meaning: str

    def __new__(cls, code: int, meaning: str) -> Self:
        """Keep the meaning beside the number."""
        made = int.__new__(cls, code)
        made._value_, made.meaning = code, meaning
        return made

    DONE = 0, "it is done, and all is well"
    FAILED = 1, "it could not be done, or something is wrong; one line on standard error says what"
    MISUSED = 2, "an option or argument is wrong or missing, or a file to be judged cannot be read"
    UNREACHABLE = 3, "the server gives no answer, or cannot answer now: the same may succeed later"
    REFUSED = 4, "the server does not take the secrets"
    MISSING = 5, "the server knows no such thing"
    INTERRUPTED = 130, "it was interrupted from the keyboard"


class CommandError(SignalpostError):
    """An error of a command that ends with an exit code of its own."""

    def __init__(self, message: str, ending: Ending) -> None:
        super().__init__(message)
        self.ending = ending
