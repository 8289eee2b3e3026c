"""Headers of the receiver's own that go with every notification: ``event.notification.callback.headers`` (pure)."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

from signalpost.model.configuration import CALLBACK_HEADERS
from signalpost.model.errors import InvalidRequestError
from signalpost.model.headers import belongs_to_connection, is_header_name

MOST_HEADERS = 50
MOST_CHARACTERS = 8000

_VALUE = re.compile(r"[\x20-\x7e]+")
_OURS = ("webhook-", "elements-", "signalpost-")


def read_callback_headers(text: str, *, has_user: bool) -> tuple[tuple[str, str], ...]:
    """Read a JSON object, or lines ``Name: value``. With ``has_user``, ``Authorization`` is taken already.

    Raises:
        InvalidRequestError: a header cannot be sent or is not the receiver's to set. Values are not shown, nor are
            names that are none: secrets stand there.
    """
    if len(text) > MOST_CHARACTERS:
        raise _refuse(f"they have {len(text):,} characters; at most {MOST_CHARACTERS:,} are taken")
    text = text.strip()
    pairs = _read_object(text) if text.startswith("{") else _read_lines(text)
    headers = tuple(_check(number, name, value) for number, (name, value) in enumerate(pairs, start=1))
    if len(headers) > MOST_HEADERS:
        raise _refuse(f"there are {len(headers):,}; at most {MOST_HEADERS} are taken")
    seen: set[str] = set()
    for name, _ in headers:
        lower = name.lower()
        if lower in seen:
            raise _refuse(f"{name[:100]!r} stands there twice; give each name once, in any letter case")
        if lower == "authorization" and has_user:
            raise _refuse(
                f"{name!r} is already set by event.notification.basic.username; give one of the two"
            )
        seen.add(lower)
    return headers


def _read_object(text: str) -> list[tuple[str, Any]]:
    try:
        pairs = json.loads(text, object_pairs_hook=_Pairs)
    except (ValueError, RecursionError) as error:
        message = (
            'they begin with { but are no JSON object; right would be, for example, {"X-Tenant": "acme"}'
        )
        raise _refuse(message) from error
    assert isinstance(pairs, _Pairs)
    return pairs


class _Pairs(list[tuple[str, Any]]):
    """The members of a JSON object as they were written, those of the same name included."""


def _read_lines(text: str) -> Iterable[tuple[str, Any]]:
    for number, line in enumerate(re.split(r"\r?\n", text), start=1):
        name, colon, value = line.partition(":")
        if not colon:
            if line.strip():
                raise _refuse(f"line {number} has no colon; right would be, for example, X-Tenant: acme")
            continue
        yield name.strip(" \t"), value


def _check(number: int, name: str, value: Any) -> tuple[str, str]:
    if not is_header_name(name):
        message = f"the name of header {number} is not made of letters, digits and hyphens, as in X-Tenant"
        raise _refuse(message)
    # To programs behind CGI or WSGI a low line in a name is a hyphen.
    plain = name.lower().replace("_", "-")
    if belongs_to_connection(plain) or plain == "content-type" or plain.startswith(_OURS):
        message = (
            f"{name[:100]!r} is not yours to set: it belongs to the connection, the body or the signature;"
            " leave it out"
        )
        raise _refuse(message)
    value = value.strip(" \t") if isinstance(value, str) else None
    if not value or not _VALUE.fullmatch(value):
        message = (
            f"the value of {name[:100]!r} is not text of visible ASCII characters;"
            " give one line of it, without control characters"
        )
        raise _refuse(message)
    return name, value


def _refuse(what: str) -> InvalidRequestError:
    return InvalidRequestError(f"{CALLBACK_HEADERS}: {what}")
