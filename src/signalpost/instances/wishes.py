"""What a caller asks for, cleaned: names, tags, configuration. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from signalpost.connectors.base import Connector, Field
from signalpost.instances.token_answers import has_controls
from signalpost.model.configuration import (
    ALWAYS_SECRET,
    EVENTS_ENABLED,
    MASK,
    PREVIOUS_KEY,
    PREVIOUS_KEY_UNTIL,
    SIGNATURE_KEY,
    VENDOR_TYPE,
    stringify,
)
from signalpost.model.errors import InvalidRequestError
from signalpost.model.instance import Tokens
from signalpost.model.lines import is_line

MARKUP = re.compile(r"<[^>]*>")
LONGEST_NAME = 255
LONGEST_KEY = 200
MOST_TAGS = 50
MOST_CHARACTERS = 1_000_000
"""Of a whole configuration, as of the body of a request: every poll and every list reads it."""
MOST_VALUES = 1000
"""Of a whole configuration."""

EVENT_DEFAULTS = {
    EVENTS_ENABLED: "false",
    VENDOR_TYPE: "polling",
}
"""The seed's parameter table, and open-connectors.md 1.6. The interval's default depends on what is allowed: see
``lifecycle``."""

ACCESS_TOKEN = "oauth.user.token"  # noqa: S105 - the name of a field
REFRESH_TOKEN = "oauth.user.refresh_token"  # noqa: S105 - the name of a field
GIVEN_TOKENS = frozenset({ACCESS_TOKEN, REFRESH_TOKEN})
REDIRECT_URI = "oauth.callback.url"
"""The configuration value that names where the provider sends the person back to."""
ROTATED = frozenset({PREVIOUS_KEY, PREVIOUS_KEY_UNTIL})
"""Written by the rotation of signature keys alone: what a caller gives for them is an echo of what was shown."""


@dataclass(frozen=True, slots=True)
class Wish:
    """What a caller asks for; None where nothing was said. ``external``: the tokens stand in the configuration.

    ``state`` is the one that the consent page of the ``code`` was asked with. ``tokens`` are those of a consent whose
    code was exchanged before.
    """

    connector: str | None = None
    name: str | None = None
    tags: Sequence[str] | None = None
    configuration: Mapping[str, Any] | None = None
    code: str | None = None
    state: str | None = None
    external: bool = False
    tokens: Tokens | None = None


def merge_configuration(
    given: Mapping[str, Any], before: Mapping[str, str], connector: Connector, *, whole: bool
) -> dict[str, str]:
    """Give the new configuration: ``given`` over ``before``.

    A masked value stands for the one before; null or empty removes. When ``given`` is the ``whole``, of ``before``
    only the connector's own fields stay where they are not named (a client that echoes what it read loses nothing),
    and the signature key before this one, which goes when another one is set.

    Raises:
        InvalidRequestError: a name is too long, a masked value stands for nothing, or it is too much in all.
    """
    own = {each.key for each in connector.fields} | ROTATED
    merged = {key: value for key, value in before.items() if not whole or key in own}
    for key, value in given.items():
        if key in ROTATED:
            continue
        if len(key) > LONGEST_KEY or "\x00" in key:
            message = f"configuration: the name {key[:50]!r}... is longer than {LONGEST_KEY} characters or has a NUL"
            raise InvalidRequestError(message)
        text = stringify(value)
        if text == MASK:
            if key not in before:
                message = f"configuration.{key}: {MASK} stands for a value kept before, and there is none"
                raise InvalidRequestError(message)
            text = before[key]
        if "\x00" in text:
            message = f"configuration.{key}: it holds a NUL character, which cannot be kept"
            raise InvalidRequestError(message)
        merged[key] = text
    kept = {key: text for key, text in merged.items() if text.strip()}
    _check_size(kept, before)
    if kept.get(SIGNATURE_KEY) != before.get(SIGNATURE_KEY):
        return {key: text for key, text in kept.items() if key not in ROTATED}
    return kept


def _check_size(configuration: Mapping[str, str], before: Mapping[str, str]) -> None:
    """Refuse what is too much; what was there ``before``, as by an earlier release, may stay."""
    if len(configuration) > max(MOST_VALUES, len(before)):
        message = (
            f"configuration: it would have {len(configuration):,} values; at most {MOST_VALUES:,} are kept, so remove"
            " what is not needed by null"
        )
        raise InvalidRequestError(message)
    characters = _count_characters(configuration)
    if characters > max(MOST_CHARACTERS, _count_characters(before)):
        message = (
            f"configuration: it would have {characters:,} characters in all; at most {MOST_CHARACTERS:,} are kept, so"
            " remove what is not needed by null"
        )
        raise InvalidRequestError(message)


def _count_characters(configuration: Mapping[str, str]) -> int:
    return sum(len(key) + len(text) for key, text in configuration.items())


def with_defaults(configuration: Mapping[str, str], connector: Connector) -> dict[str, str]:
    """Fill in the defaults of the events framework and of the connector."""
    own = {each.key: each.default for each in connector.fields if each.default is not None}
    return {**EVENT_DEFAULTS, **own, **configuration}


def list_secret_keys(connector: Connector) -> frozenset[str]:
    """List the configuration values that are encrypted."""
    return ALWAYS_SECRET | {each.key for each in connector.fields if each.secret}


def list_missing(configuration: Mapping[str, str], connector: Connector) -> list[Field]:
    """List the fields that are required and not there."""
    return [
        each for each in connector.fields if each.required and not configuration.get(each.key, "").strip()
    ]


def check_required(
    configuration: Mapping[str, str],
    connector: Connector,
    *,
    but_secrets: bool = False,
    but_redirect: bool = False,
) -> None:
    """Check that every required field is there, or every one ``but_secrets``, or but the redirect address.

    Raises:
        InvalidRequestError: one is missing.
    """
    for each in list_missing(configuration, connector):
        if (each.secret and but_secrets) or (each.key == REDIRECT_URI and but_redirect):
            continue
        message = f"configuration.{each.key}: it is missing ({each.label})"
        raise InvalidRequestError(message)


def take_tokens(configuration: Mapping[str, str]) -> Tokens:
    """Take tokens that the caller brings along (``externalAuthentication``, open-connectors.md 3.4).

    The access token is "" where a refresh token alone is given.

    Raises:
        InvalidRequestError: there is neither, or no header can hold the access token.
    """
    access_token, refresh_token = (
        configuration.get(ACCESS_TOKEN, "").strip(),
        configuration.get(REFRESH_TOKEN) or None,
    )
    if not access_token and refresh_token is None:
        message = (
            f"configuration.{ACCESS_TOKEN}, configuration.{REFRESH_TOKEN}: both are missing; externalAuthentication"
            " needs a token of the provider's, or a refresh token to get one by"
        )
        raise InvalidRequestError(message)
    if has_controls(access_token):
        message = (
            f"configuration.{ACCESS_TOKEN}: it holds a line break or another control character; give one line"
        )
        raise InvalidRequestError(message)
    return Tokens(access_token, refresh_token, None)


def clean_text(field: str, text: str) -> str:
    """Strip markup from a name or tag, as the original does (open-connectors.md 3.2).

    Raises:
        InvalidRequestError: nothing is left, it is too long, or holds control characters.
    """
    # Nothing is closed behind the last ">": of a long row of "<" each would be followed to the end of the text.
    marked, end, rest = text.rpartition(">")
    cleaned = (MARKUP.sub("", marked + end) + rest).strip()
    if len(cleaned) > LONGEST_NAME or not is_line(cleaned):
        message = (
            f"{field}: {cleaned[:50]!r} must have 1 to {LONGEST_NAME} printable characters besides markup"
        )
        raise InvalidRequestError(message)
    return cleaned


def clean_tags(tags: Sequence[str]) -> tuple[str, ...]:
    """Clean tags; empty ones are left out (the seed's own template has one)."""
    if len(tags) > MOST_TAGS:
        message = f"tags: {len(tags)} are given; at most {MOST_TAGS} are kept"
        raise InvalidRequestError(message)
    return tuple(clean_text("tags", tag) for tag in tags if tag.strip())
