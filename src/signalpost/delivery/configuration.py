"""Where notifications go and how they are signed: the delivery part of an instance's configuration."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVar

from signalpost.delivery.callback_headers import read_callback_headers
from signalpost.model.addresses import parse_callback_url
from signalpost.model.configuration import (
    BASIC_PASSWORD,
    BASIC_USERNAME,
    CALLBACK_HEADERS,
    CALLBACK_URL,
    CONCURRENCY,
    FAILURE_POLICY,
    FORMAT,
    ORDERING,
    PREVIOUS_KEY,
    PREVIOUS_KEY_UNTIL,
    RATE,
    RAW,
    SIGNATURE_KEY,
)
from signalpost.model.delivery import Format, Policy
from signalpost.model.errors import InvalidRequestError
from signalpost.receiver import find_key_fault

LONGEST_CREDENTIAL = 1000
MOST_CONCURRENCY = 100
LEAST_RATE, MOST_RATE = 0.001, 10_000

# The first of each is taken where none is given.
_FORMATS = {each.value: each for each in Format}
_POLICIES = {each.value: each for each in Policy}
_ORDERINGS = {"strict": False, "relaxed": True}
_RAW = {"notification": False, "full": True}

Choice = TypeVar("Choice")


@dataclass(frozen=True, slots=True)
class DeliverySettings:
    """How an instance's events are delivered. ``callback_url`` None: they are logged, not delivered.

    ``concurrency`` notifications are sent at once, one where the order is strict; at most ``rate_per_second``.
    """

    callback_url: str | None
    signature_key: str | None
    previous_key: str | None
    previous_key_until: datetime | None
    basic: tuple[str, str] | None
    headers: tuple[tuple[str, str], ...]
    form: Format
    full_raw: bool
    policy: Policy
    relaxed: bool
    concurrency: int
    rate_per_second: float | None

    def list_keys(self, now: datetime) -> tuple[str, ...]:
        """Give the keys to sign with now: the newest first, and the one before it while it is still good."""
        newest = (self.signature_key,) if self.signature_key else ()
        if not self.previous_key or self.previous_key_until is None or now >= self.previous_key_until:
            return newest
        return (*newest, self.previous_key)


def read_delivery_settings(configuration: Mapping[str, str]) -> DeliverySettings:
    """Read and check all that concerns delivery.

    Raises:
        InvalidRequestError: a value is wrong; the message names the field.
    """
    url = configuration.get(CALLBACK_URL, "").strip()
    basic = _read_basic(configuration)
    relaxed = _read_choice(configuration, ORDERING, _ORDERINGS)
    return DeliverySettings(
        # "false" stands for none in definitions of the original (open-connectors.md 1.6).
        callback_url=None
        if url in {"", "false"}
        else parse_callback_url(url, f"configuration.{CALLBACK_URL}"),
        signature_key=_read_key(configuration, SIGNATURE_KEY),
        previous_key=_read_key(configuration, PREVIOUS_KEY),
        previous_key_until=_read_until(configuration),
        basic=basic,
        headers=read_callback_headers(configuration.get(CALLBACK_HEADERS, ""), has_user=basic is not None),
        form=_read_choice(configuration, FORMAT, _FORMATS),
        full_raw=_read_choice(configuration, RAW, _RAW),
        policy=_read_choice(configuration, FAILURE_POLICY, _POLICIES),
        relaxed=relaxed,
        concurrency=_read_concurrency(configuration, relaxed=relaxed),
        rate_per_second=_read_rate(configuration),
    )


def _read_choice(configuration: Mapping[str, str], key: str, choices: Mapping[str, Choice]) -> Choice:
    """Read one of ``choices`` in any letter case; the first is taken where none is given."""
    text = configuration.get(key, "").strip().lower()
    if not text:
        return next(iter(choices.values()))
    if text not in choices:
        message = f"{key}: {_show(text)} is none of {', '.join(choices)}"
        raise InvalidRequestError(message)
    return choices[text]


def _read_key(configuration: Mapping[str, str], key: str) -> str | None:
    text = configuration.get(key, "")
    fault = find_key_fault(text) if text else None
    if fault is not None:
        message = f"{key}: it {fault}"
        raise InvalidRequestError(message)
    return text or None


def _read_until(configuration: Mapping[str, str]) -> datetime | None:
    text = configuration.get(PREVIOUS_KEY_UNTIL, "").strip()
    if not text:
        return None
    try:
        until = datetime.fromisoformat(text)
    except ValueError:
        until = datetime.min  # noqa: DTZ901 - stands for what cannot be read: it has no zone
    if until.tzinfo is None:
        message = (
            f"{PREVIOUS_KEY_UNTIL}: {_show(text)} is not an instant with its zone, as in 2026-05-28T11:41:12Z"
        )
        raise InvalidRequestError(message)
    return until


def _read_basic(configuration: Mapping[str, str]) -> tuple[str, str] | None:
    """Read user name and password (RFC 7617: no colon in the name, no control characters in either)."""
    username, password = configuration.get(BASIC_USERNAME, ""), configuration.get(BASIC_PASSWORD, "")
    for key, text in ((BASIC_USERNAME, username), (BASIC_PASSWORD, password)):
        if len(text) > LONGEST_CREDENTIAL:
            message = f"{key}: it has {len(text):,} characters; at most {LONGEST_CREDENTIAL:,} are taken"
            raise InvalidRequestError(message)
        if not text.isprintable():
            message = (
                f"{key}: it has line breaks, tabs or other characters that do not show; give one line of text"
            )
            raise InvalidRequestError(message)
    if ":" in username:
        message = (
            f"{BASIC_USERNAME}: {_show(username.partition(':')[0])} is followed by a colon, which ends a user name;"
            f" give the password as {BASIC_PASSWORD}"
        )
        raise InvalidRequestError(message)
    return (username, password) if username else None


def _read_concurrency(configuration: Mapping[str, str], *, relaxed: bool) -> int:
    text = configuration.get(CONCURRENCY, "").strip() or "1"
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= len("100") else 0
    if not 1 <= number <= MOST_CONCURRENCY:
        message = f"{CONCURRENCY}: {_show(text)} is not a whole number from 1 to {MOST_CONCURRENCY}"
        raise InvalidRequestError(message)
    if number > 1 and not relaxed:
        message = (
            f"{CONCURRENCY}: {number} at once would not keep the order;"
            f" set {ORDERING} to relaxed, or leave it at 1"
        )
        raise InvalidRequestError(message)
    return number


def _read_rate(configuration: Mapping[str, str]) -> float | None:
    text = configuration.get(RATE, "").strip()
    if not text:
        return None
    try:
        rate = float(text) if text.isascii() and "_" not in text else math.nan
    except ValueError:
        rate = math.nan
    # Written so that NaN fails it.
    if not LEAST_RATE <= rate <= MOST_RATE:
        message = (
            f"{RATE}: {_show(text)} is not a number of notifications a second between {LEAST_RATE} and"
            f" {MOST_RATE:,}, as in 5 or 0.5"
        )
        raise InvalidRequestError(message)
    return rate


def _show(text: str) -> str:
    return repr(text[:50])
