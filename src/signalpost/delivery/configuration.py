"""Where notifications go and how they are signed: the delivery part of an instance's configuration."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from signalpost.model.addresses import parse_callback_url
from signalpost.model.configuration import (
    BASIC_PASSWORD,
    BASIC_USERNAME,
    CALLBACK_URL,
    RAW,
    SIGNATURE_KEY,
)
from signalpost.model.errors import InvalidRequestError

LONGEST_KEY = 1000


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """How an instance's events are delivered. ``callback_url`` None: they are logged, not delivered."""

    callback_url: str | None
    signature_keys: tuple[str, ...]
    basic: tuple[str, str] | None
    full_raw: bool


def read_delivery_settings(configuration: Mapping[str, str]) -> DeliverySettings:
    """Read and check all that concerns delivery.

    Raises:
        InvalidRequestError: a value is wrong; the message names the field.
    """
    url = configuration.get(CALLBACK_URL, "").strip()
    # "false" stands for none in definitions of the original (open-connectors.md 1.6).
    callback_url = None if url in {"", "false"} else parse_callback_url(url, f"configuration.{CALLBACK_URL}")
    raw = configuration.get(RAW, "").strip().lower() or "notification"
    if raw not in {"notification", "full"}:
        message = (
            f"{RAW}: {raw[:50]!r} is neither 'full' (the whole page in every notification)"
            " nor 'notification' (the records of its own events)"
        )
        raise InvalidRequestError(message)
    key = configuration.get(SIGNATURE_KEY, "")
    if len(key) > LONGEST_KEY:
        message = f"{SIGNATURE_KEY}: it has {len(key):,} characters; at most {LONGEST_KEY:,} are taken"
        raise InvalidRequestError(message)
    username = configuration.get(BASIC_USERNAME, "")
    return DeliverySettings(
        callback_url=callback_url,
        signature_keys=(key,) if key else (),
        basic=(username, configuration.get(BASIC_PASSWORD, "")) if username else None,
        full_raw=raw == "full",
    )
