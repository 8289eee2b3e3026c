"""Instances as Open Connectors shows them (``GET /instances``), read as what ours are to be. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from signalpost.instances.wishes import Wish
from signalpost.model.configuration import (
    CALLBACK_URL,
    EVENTS_ENABLED,
    POLLER_CONFIGURATION,
    VENDOR_TYPE,
    read_boolean,
    stringify,
)
from signalpost.model.errors import InvalidRequestError

MASKED = re.compile(r"\*{4,}")
TOKEN_PREFIX = "oauth.user."  # noqa: S105 - the beginning of names
"""How the names begin of what the original knows of its own tokens: a new consent brings ours."""
WEBHOOKS = frozenset({"webhook", "webhooks"})
OLDER_SETTINGS = ("event.poller.urls", "event.objects")
"""What some connectors of the original poll by instead of a poller configuration (open-connectors.md 1.6)."""

LONGEST_ID = 100


@dataclass(frozen=True, slots=True)
class Original:
    """An instance of the original. ``masked`` names the values of its configuration that it does not show.

    ``remarks`` tell what is other here than it was there.
    """

    id: str
    connector: str
    name: str
    tags: tuple[str, ...]
    configuration: Mapping[str, str]
    masked: tuple[str, ...]
    disabled: bool
    remarks: tuple[str, ...]

    def write_wish(self, connector: str, given: Mapping[str, str]) -> Wish:
        """Give the wish for an instance of ours; ``given`` are values that go over those of the original.

        Raises:
            InvalidRequestError: what it polled cannot be said here.
        """
        configuration = {**self.configuration, **given}
        older = [key for key in OLDER_SETTINGS if key in configuration]
        if (
            older
            and POLLER_CONFIGURATION not in configuration
            and read_boolean(configuration, EVENTS_ENABLED, default=False)
        ):
            message = (
                f"configuration.{older[0]}: it is not read here, and without {POLLER_CONFIGURATION} something else"
                " would be polled than before; give that"
            )
            raise InvalidRequestError(message)
        return Wish(
            connector=connector,
            name=self.name if self.name.strip() else None,
            tags=self.tags,
            configuration=configuration,
        )


def read_original(value: Any) -> Original:
    """Read one entry of ``GET /instances``.

    Raises:
        InvalidRequestError: it is no instance of Open Connectors; the message names the field.
    """
    fields = _read_object(value, "it")
    number = fields.get("id")
    is_number = isinstance(number, int) and not isinstance(number, bool)
    if not is_number and not (isinstance(number, str) and number.strip()):
        raise InvalidRequestError("id: it is missing; every instance of Open Connectors has one")
    if "\x00" in str(number):
        raise InvalidRequestError("id: it holds a NUL character, which cannot be kept")
    element = _read_object(fields.get("element"), "element")
    key = element.get("key")
    if not isinstance(key, str) or not key.strip():
        raise InvalidRequestError("element.key: it is missing; it says whose instance this is")
    tags, name = fields.get("tags") or [], fields.get("name") or ""
    if (
        not isinstance(name, str)
        or not isinstance(tags, list)
        or not all(isinstance(tag, str) for tag in tags)
    ):
        raise InvalidRequestError("name, tags: give text, and a list of texts")
    configuration, masked, remarks = _read_configuration(fields)
    return Original(
        id=str(number).strip()[:LONGEST_ID],
        connector=key.strip(),
        name=name,
        tags=tuple(tags),
        configuration=configuration,
        masked=masked,
        disabled=fields.get("disabled") in (True, "true"),
        remarks=remarks,
    )


def _read_configuration(
    fields: Mapping[str, Any],
) -> tuple[dict[str, str], tuple[str, ...], tuple[str, ...]]:
    """Give the values that are shown, the names of the others, and what is other here."""
    given = _read_object(fields.get("configuration"), "configuration")
    # Shown beside the configuration too, and in some answers there alone.
    beside = {
        EVENTS_ENABLED: fields.get("eventsEnabled"),
        CALLBACK_URL: fields.get("eventsNotificationCallbackUrl"),
    }
    texts = {key: stringify(value) for key, value in {**beside, **_drop_null(given)}.items()}
    shown = {key: text for key, text in texts.items() if text.strip() and not key.startswith(TOKEN_PREFIX)}
    masked = tuple(key for key, text in shown.items() if MASKED.fullmatch(text))
    configuration = {key: text for key, text in shown.items() if key not in masked}
    remarks = []
    if configuration.get(CALLBACK_URL, "").strip().lower() == "false":  # stands for none in some connectors
        del configuration[CALLBACK_URL]
    if configuration.get(VENDOR_TYPE, "").strip().lower() in WEBHOOKS:
        configuration[VENDOR_TYPE] = "polling"
        remarks.append("its events came by webhooks of the provider; here they are polled")
    return configuration, masked, tuple(remarks)


def _drop_null(given: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in given.items() if value is not None}


def _read_object(value: Any, field: str) -> Mapping[str, Any]:
    if not isinstance(value, dict):
        message = f"{field}: it is no JSON object; this is not what GET /instances of Open Connectors gives"
        raise InvalidRequestError(message)
    return value
