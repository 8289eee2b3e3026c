"""Secrets that a provider or a callback repeats: masked before its words are kept, shown or logged. Pure."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from urllib.parse import quote

from multidict import CIMultiDict

from signalpost.model.configuration import MASK
from signalpost.outbound.answer import Answer

LEAST_SECRET_CHARACTERS = 8
"""Shorter ones are words of a refusal as likely as secrets."""


def mask_secrets(answer: Answer, secrets: Iterable[str | None]) -> Answer:
    """Mask what we sent where the answer repeats it: as it is, or as JSON, addresses and HTML have it."""
    body, headers = answer.body, list(answer.headers.items())
    for secret in secrets:
        if secret and len(secret) >= LEAST_SECRET_CHARACTERS:
            pattern = _write_pattern(secret)
            body = pattern.sub(MASK.encode(), body)
            headers = [(name, _mask_text(pattern, text)) for name, text in headers]
    return replace(answer, body=body, headers=CIMultiDict(headers))


def list_secrets(values: Iterable[str]) -> list[str]:
    """List what is secret of the values of headers: each, and in it what follows a scheme (``Bearer``)."""
    return [secret for value in values for secret in (value, value.rpartition(" ")[2])]


def _mask_text(pattern: re.Pattern[bytes], text: str) -> str:
    # The client keeps bytes of a header that are no UTF-8 in this way.
    return pattern.sub(MASK.encode(), text.encode(errors="surrogateescape")).decode(errors="surrogateescape")


@lru_cache(maxsize=256)
def _write_pattern(secret: str) -> re.Pattern[bytes]:
    """Write what finds a secret in every spelling, each character in any of its own."""
    return re.compile(b"".join(map(_spell, secret)))


def _spell(character: str) -> bytes:
    if character.isascii() and character.isalnum():
        return character.encode()
    number = ord(character)
    spellings = {
        character,
        *({"+"} if character == " " else set()),
        *({"\\/"} if character == "/" else set()),
        json.dumps(character)[1:-1],
        f"\\u{number:04x}",
        quote(character, safe=""),
        f"%{number:02x}",
        html.escape(character),
        f"&#{number};",
        f"&#x{number:x};",
    }
    longest_first = sorted(spellings, key=len, reverse=True)
    return b"(?i:" + b"|".join(re.escape(each.encode()) for each in longest_first) + b")"
