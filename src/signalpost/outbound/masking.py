"""Secrets that a provider or a callback repeats: masked before its words are kept, shown or logged. Pure."""

from __future__ import annotations

import html
import json
from collections.abc import Iterable
from dataclasses import replace
from urllib.parse import quote, quote_plus

from signalpost.model.configuration import MASK
from signalpost.outbound.answer import Answer

LEAST_SECRET_CHARACTERS = 8
"""Shorter ones are words of a refusal as likely as secrets."""


def mask_secrets(answer: Answer, secrets: Iterable[str | None]) -> Answer:
    """Mask what we sent where the answer repeats it: as it is, or as JSON, addresses and HTML have it."""
    body = answer.body
    for secret in secrets:
        if secret and len(secret) >= LEAST_SECRET_CHARACTERS:
            for spelling in _spell(secret):
                body = body.replace(spelling.encode(), MASK.encode())
    return replace(answer, body=body)


def list_secrets(values: Iterable[str]) -> list[str]:
    """List what is secret of the values of headers: each, and in it what follows a scheme (``Bearer``)."""
    return [secret for value in values for secret in (value, value.rpartition(" ")[2])]


def _spell(secret: str) -> set[str]:
    in_json = {json.dumps(secret)[1:-1], json.dumps(secret, ensure_ascii=False)[1:-1]}
    return {
        secret,
        *in_json,
        *(each.replace("/", "\\/") for each in in_json),
        *(write(secret) for write in (quote, quote_plus, html.escape)),
        quote(secret, safe=""),
    }
