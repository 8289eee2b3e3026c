"""What comes back from outside: the end of a request."""

from __future__ import annotations

import json
import re
from codecs import BOM_UTF8
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from signalpost.model.errors import replace_unusable

_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")


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

    def read_json(self) -> Any:
        """Read the body as JSON, whatever its content type says.

        Halves of a character, as a name has that was cut in one, are valid (RFC 8259, 8.2) and replaced: nothing can
        keep them. A byte order mark before it is passed over (8.1).

        Raises:
            ValueError: it is none.
        """
        try:
            return orjson.loads(self.body)
        except orjson.JSONDecodeError:
            if _SURROGATE.search(self.body) is None and not self.body.startswith(BOM_UTF8):
                raise
        try:
            written = json.dumps(json.loads(self.body), ensure_ascii=False)
        except RecursionError as error:
            message = "it is nested too deeply"
            raise ValueError(message) from error
        return orjson.loads(replace_unusable(written))


def _escape(letter: str) -> str:
    return letter.encode("unicode_escape").decode()
