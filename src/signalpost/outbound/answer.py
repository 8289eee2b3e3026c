"""What comes back from outside: the end of a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Answer:
    """What was answered, whatever the status.

    ``headers`` are found in any case; of a repeated one, the first. ``body`` is as it came, never decompressed.
    ``truncated``: the body went on after ``max_bytes``. ``seconds``: from the call to the last byte read.
    """

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool
    seconds: float

    def excerpt(self, limit: int = 1024) -> str:
        """Give the beginning of the body, at most ``limit`` characters, safe to store and show anywhere.

        What is not UTF-8 and what cannot be printed (line breaks too) is shown escaped.
        """
        text = self.body[: limit * 4].decode(errors="backslashreplace")[:limit]
        if text.isprintable():
            return text
        return "".join(letter if letter.isprintable() else _escape(letter) for letter in text)[:limit]


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode()
