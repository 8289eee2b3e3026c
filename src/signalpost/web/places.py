"""Where an error of a configuration stands: at which field of a form, at which line of JSON. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable

import orjson

WHOLE_FORM = "form"
"""Where an error stands that belongs to no field."""


def find_place(message: str, keys: Iterable[str]) -> tuple[str, str]:
    """Give the key that an error's message begins with, and what it says of it.

    Of what lies deeper (``event.poller.configuration.users.url: ...``) the rest of the path stays with the words.
    """
    text = message.removeprefix("configuration.")
    for key in sorted(keys, key=len, reverse=True):
        if text.startswith(f"{key}: "):
            return key, text[len(key) + 2 :]
        if text.startswith(f"{key}."):
            return key, text[len(key) + 1 :]
        # With its value: "configuration.url 'ftp://x' must begin with http://". Other messages may begin with a word
        # that is a key as well.
        if message.startswith(f"configuration.{key} "):
            return key, text[len(key) + 1 :]
    return WHOLE_FORM, message


def find_syntax_error(text: str) -> tuple[int, str] | None:
    """Give the line at which text stops being JSON, and what is wrong there, column named; None: it is JSON."""
    try:
        orjson.loads(text)
    except orjson.JSONDecodeError as error:
        return error.lineno, f"line {error.lineno}, column {error.colno}: this is not JSON ({error.msg})"
    return None


def find_line(text: str, words: str, names: Iterable[str]) -> int | None:
    """Give the line of JSON that words such as ``users.url: ...`` are about; None where none can be told."""
    for name in sorted(names, key=len, reverse=True):
        if not words.startswith((f"{name}.", f"{name}:")):
            continue
        at = _find_key(text, name, 0)
        if at is None:
            return None
        for segment in words[len(name) :].partition(":")[0].strip(".").split("."):
            at = _find_key(text, segment, at) or at
        return text.count("\n", 0, at) + 1
    return None


def _find_key(text: str, key: str, start: int) -> int | None:
    written = re.escape(orjson.dumps(key).decode())
    found = re.compile(written + r"\s*:").search(text, start)
    return None if found is None else found.start()
