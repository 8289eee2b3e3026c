"""An instance's configuration: values as text, as Open Connectors keeps them, and read strictly where they are used."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from signalpost.model.errors import InvalidRequestError

MASK = "********"

DELIVERY_PREFIX = "event.notification."
"""How the keys of all values begin that say where and how notifications go."""

EVENTS_ENABLED = "event.notification.enabled"
CALLBACK_URL = "event.notification.callback.url"
SIGNATURE_KEY = "event.notification.signature.key"
BASIC_USERNAME = "event.notification.basic.username"
BASIC_PASSWORD = "event.notification.basic.password"  # noqa: S105 - the name of a field
RAW = "event.notification.raw"
FORMAT = "event.notification.format"
CALLBACK_HEADERS = "event.notification.callback.headers"
FAILURE_POLICY = "event.notification.failure.policy"
ORDERING = "event.notification.ordering"
CONCURRENCY = "event.notification.concurrency"
RATE = "event.notification.rate"
PREVIOUS_KEY = "event.notification.signature.previous.key"
PREVIOUS_KEY_UNTIL = "event.notification.signature.previous.until"
POLL_INTERVAL = "event.poller.refresh_interval"
POLLER_CONFIGURATION = "event.poller.configuration"
POLL_START = "event.poller.start"
OPERATIONS_URL = "event.notification.operations.url"
VENDOR_TYPE = "event.vendor.type"

OLDEST = datetime(1, 1, 1, tzinfo=UTC)
"""A start before all that a provider can have."""

DEFAULT_INTERVAL_MINUTES = 15
MOST_MINUTES = 60 * 24 * 31

# Masked whatever the connector declares: nobody needs them back, everybody could misuse them.
ALWAYS_SECRET = frozenset({SIGNATURE_KEY, PREVIOUS_KEY, BASIC_PASSWORD, CALLBACK_HEADERS})


def stringify(value: Any) -> str:
    """Give a configuration value as the text it is kept as: ``true``, ``15``, JSON for objects, nothing for null."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    return orjson.dumps(value).decode()


def read_boolean(configuration: Mapping[str, str], key: str, *, default: bool) -> bool:
    """Read ``true`` or ``false`` in any letter case; empty or absent is ``default``.

    Raises:
        InvalidRequestError: it is something else.
    """
    text = configuration.get(key, "").strip().lower()
    if not text:
        return default
    if text in {"true", "false"}:
        return text == "true"
    message = f"{key}: {text[:100]!r} is neither true nor false"
    raise InvalidRequestError(message)


def read_interval_seconds(configuration: Mapping[str, str], *, minimum_seconds: float) -> float:
    """Read ``event.poller.refresh_interval`` (minutes, fractions allowed) as seconds; 15 minutes when absent.

    Raises:
        InvalidRequestError: it is no number, not positive, below the minimum, or absurdly long.
    """
    text = configuration.get(POLL_INTERVAL, "").strip()
    if not text:
        return max(DEFAULT_INTERVAL_MINUTES * 60.0, minimum_seconds)
    least = f"{minimum_seconds / 60:g}"
    try:
        minutes = float(text) if text.isascii() and "_" not in text else float("nan")
    except ValueError:
        minutes = float("nan")
    # Written so that NaN fails it; a hair is allowed for minutes that are no exact binary fraction.
    if not minimum_seconds - 1e-6 <= minutes * 60 <= MOST_MINUTES * 60 or minutes <= 0:
        message = (
            f"{POLL_INTERVAL}: {text[:100]!r} is not a number of minutes between {least} and {MOST_MINUTES:,};"
            " give the minutes between polls, as in 15"
        )
        raise InvalidRequestError(message)
    return minutes * 60


def read_start(configuration: Mapping[str, str]) -> datetime | None:
    """Read ``event.poller.start``: None for ``now`` (and when absent), ``OLDEST`` for ``oldest``, or an instant.

    Raises:
        InvalidRequestError: it is none of these, or the instant has no zone.
    """
    text = configuration.get(POLL_START, "").strip()
    if text.lower() in {"", "now"}:
        return None
    if text.lower() == "oldest":
        return OLDEST
    try:
        instant = datetime.fromisoformat(text)
    except ValueError:
        instant = datetime.min  # noqa: DTZ901 - stands for what cannot be read: it has no zone
    if instant.tzinfo is None:
        message = (
            f"{POLL_START}: {text[:100]!r} is neither 'now' nor 'oldest' nor an instant with its zone,"
            " as in 2026-05-28T11:41:12Z"
        )
        raise InvalidRequestError(message)
    return instant.astimezone(UTC)
