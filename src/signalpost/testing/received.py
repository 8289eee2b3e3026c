"""What arrived at a callback, and how it is sent again: rightly signed, or as a forger would."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from signalpost.receiver import (
    ELEMENTS_SIGNATURE,
    STANDARD_ID,
    STANDARD_SIGNATURE,
    STANDARD_TIMESTAMP,
    sign_open_connectors,
    sign_standard,
    verify,
)

TOO_OLD_SECONDS = 600
_SIGNED = {name.lower() for name in (ELEMENTS_SIGNATURE, STANDARD_SIGNATURE, STANDARD_TIMESTAMP)}
# Of the connection, not of the notification: whoever sends it again writes their own.
_LEFT_OUT = {"host", "content-length", "connection", "accept-encoding"} | _SIGNED


@dataclass
class Received:
    """A notification as it arrived: ``headers`` by lower-case names, ``body`` the very bytes.

    ``status`` is what it was answered with: None while it is not answered, and where the connection was cut.
    """

    headers: dict[str, str]
    body: bytes
    is_valid: bool
    status: int | None = None
    trouble: str = ""

    @property
    def id(self) -> str:
        """The notification's number, the same at every attempt."""
        return self.headers.get(STANDARD_ID) or self.headers.get("elements-webhook-id", "")

    @property
    def is_accepted(self) -> bool:
        """Whether it was answered with a 2xx, so that it does not come again."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004 - a success

    @property
    def events(self) -> list[dict[str, Any]]:
        """Its events, whichever form it has; none where it is no notification (docs/reference/notifications.md)."""
        try:
            body = json.loads(self.body)
        except ValueError:
            return []
        if isinstance(body, dict):
            content = body.get("message", body.get("data"))
            body = content.get("events") if isinstance(content, dict) else None
        return [event for event in body if isinstance(event, dict)] if isinstance(body, list) else []

    def __str__(self) -> str:
        signature = "signature valid" if self.is_valid else "SIGNATURE INVALID"
        answer = "no answer" if self.status is None else f"answered {self.status}"
        trouble = f"\n{self.trouble}" if self.trouble else ""
        return f"notification {self.id or '?'}: {len(self.events)} events, {signature}, {answer}{trouble}"


def sign_again(
    received: Received, key: str, *, body: bytes | None = None, age_seconds: int = 0
) -> dict[str, str]:
    """Give the headers of another attempt: the same but for the time and the signatures. Names are in lower case."""
    content = received.body if body is None else body
    timestamp = int(time.time()) - age_seconds
    kept = {name: value for name, value in received.headers.items() if name not in _LEFT_OUT}
    standard = sign_standard(key, notification_id=received.id, timestamp=timestamp, body=content)
    return kept | {
        ELEMENTS_SIGNATURE.lower(): sign_open_connectors(key, content),
        STANDARD_TIMESTAMP: str(timestamp),
        STANDARD_SIGNATURE: standard,
    }


def forge(received: Received, key: str, *, covers_time: bool) -> Iterator[tuple[str, dict[str, str], bytes]]:
    """Give what a forger may send: what is wrong with it, headers, body.

    Without ``covers_time`` only what Open Connectors' own signature tells: it covers neither time nor id.
    """
    body = received.body
    right = sign_again(received, key)
    unsigned = {name: value for name, value in right.items() if name not in _SIGNED}
    yield "no signature", unsigned, body
    yield "a signature with another key", sign_again(received, key + "x"), body
    yield "a changed body", right, body + b" "
    if covers_time:
        yield "a signature ten minutes old", sign_again(received, key, age_seconds=TOO_OLD_SECONDS), body
        yield "the id of another notification", right | {STANDARD_ID: f"{received.id}9"}, body


def is_signed(headers: dict[str, str], body: bytes, key: str) -> bool:
    """Say whether a notification's signature is that of ``key``."""
    return verify(headers, body, key)
