"""The form that connects or changes an instance: what stands in it, and what is asked for with it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import orjson

from signalpost.connectors.authorising import asks_consent
from signalpost.connectors.base import EVENT_FIELDS, Connector, Field, FieldKind
from signalpost.instances.orders import Order
from signalpost.instances.wishes import REDIRECT_URI, Wish, list_secret_keys
from signalpost.model.addresses import mask_url
from signalpost.model.configuration import (
    CALLBACK_URL,
    DEFAULT_INTERVAL_MINUTES,
    EVENTS_ENABLED,
    FAILURE_POLICY,
    FORMAT,
    OPERATIONS_URL,
    ORDERING,
    POLL_INTERVAL,
    POLL_START,
    POLLER_CONFIGURATION,
    RAW,
    VENDOR_TYPE,
)
from signalpost.model.errors import RequestError
from signalpost.model.instance import Instance, Tokens
from signalpost.web.places import WHOLE_FORM, find_line, find_place, find_syntax_error
from signalpost.web.resource_rows import Row, read_json

PREFIX = "configuration."
OWN_WIDGETS = frozenset({POLLER_CONFIGURATION, POLL_START, VENDOR_TYPE})
"""Values of the events framework that the form asks for in its own way, or not at all."""
START_AT = "start_at"
"""The field of the instant from which on is polled first; the rest of ``POLL_START`` is chosen beside it."""
WAYS_OUT = frozenset({CALLBACK_URL, OPERATIONS_URL})
"""Values that say where something is sent."""
CHOICES = frozenset({EVENTS_ENABLED, FORMAT, RAW, FAILURE_POLICY, ORDERING})
"""Values that are one of a few words, in any letter case."""


@dataclass(slots=True)
class ConnectForm:
    """What stands in the form. ``secrets`` were typed, or are ``kept`` from before: they are never shown.

    ``tokens`` are those of a consent that was given already for ``connection``, for the account digested in
    ``consented``. Where no consent is needed, one instance is made of ``connection``, however often the form is sent.
    ``errors`` are by field. ``shown_key`` is a signature key just made, which is shown once on purpose. ``opened`` has
    of an instance's fields the digests of what they showed when the form was opened.
    """

    connector: Connector
    instance: Instance | None = None
    name: str = ""
    tags: str = ""
    values: dict[str, str] = field(default_factory=dict)
    secrets: dict[str, str] = field(default_factory=dict)
    forgotten: frozenset[str] = frozenset()
    application: str = ""
    save_as: str = ""
    pane: str = "form"
    rows: list[Row] = field(default_factory=list)
    json_text: str = ""
    start: str = "now"
    start_at: str = ""
    look_first: bool = False
    tokens: Tokens | None = None
    consented: str = ""
    connection: str = ""
    errors: dict[str, str] = field(default_factory=dict)
    json_line: tuple[int, str] | None = None
    shown_key: str = ""
    opened: dict[str, str] = field(default_factory=dict)

    @property
    def by_consent(self) -> bool:
        """Whether a person consents at the provider before an instance is made."""
        return asks_consent(self.connector)

    @property
    def own_fields(self) -> list[Field]:
        """The connector's own fields, but for the one that we set."""
        return [each for each in self.connector.fields if each.key != REDIRECT_URI]

    @property
    def event_fields(self) -> dict[str, Field]:
        """The fields of the events framework, by key."""
        return {each.key: each for each in EVENT_FIELDS if each.key not in OWN_WIDGETS}

    @property
    def secret_keys(self) -> frozenset[str]:
        """The keys whose values are not shown."""
        return list_secret_keys(self.connector)

    @property
    def saved(self) -> frozenset[str]:
        """The secrets that are there although they are not shown: an empty field keeps them."""
        there = set(self.secrets)
        if self.instance is not None:
            there |= set(self.instance.configuration) & self.secret_keys
        return frozenset(there - self.forgotten)

    @property
    def interval_minutes(self) -> float:
        """The interval, for the arithmetic beside it; the usual one where it cannot be read."""
        try:
            minutes = float(self.values.get(POLL_INTERVAL) or DEFAULT_INTERVAL_MINUTES)
        except ValueError:
            return DEFAULT_INTERVAL_MINUTES
        return minutes if 0 < minutes < float("inf") else DEFAULT_INTERVAL_MINUTES

    def summarise(self) -> dict[str, str]:
        """Give the errors for the top of the form, by the id of the field, each with the field's label."""
        labels = {each.key: each.label for each in (*self.connector.fields, *EVENT_FIELDS)}
        ids = {key: PREFIX + key for key in labels} | {POLL_START: START_AT}
        labels |= {"name": "Name", "tags": "Tags", "application": "Saved application", "save_as": "Save as"}
        return {
            ids.get(key, key): (f"{labels[key]}: {words}" if key in labels else words)
            for key, words in self.errors.items()
        }

    def add_error(self, error: RequestError) -> None:
        """Put an error at its field; one of the poller configuration also at its line."""
        message = str(error)
        if error.provider_message:
            message += f". {self.connector.name} says: {error.provider_message}"
        keys = [each.key for each in (*self.connector.fields, *EVENT_FIELDS)]
        key, words = find_place(message, [*keys, "name", "tags", "application"])
        if key == POLLER_CONFIGURATION:
            syntax = find_syntax_error(self.json_text)
            number = find_line(self.json_text, words, [row.name for row in self.rows])
            if syntax is not None:
                number, words = syntax
            elif number is not None:
                words = f"line {number}: {words}"
            if number is not None:
                self.json_line = (number, self.json_text.split("\n")[number - 1].strip()[:200])
        self.errors.setdefault(WHOLE_FORM if key == REDIRECT_URI else key, words)

    def list_missing(self) -> None:
        """Add an error for each required value that is not there."""
        if not self.name.strip():
            self.errors["name"] = "it is missing; say what you call this instance, as in Acme Legal"
        for each in sorted(self.own_fields, key=lambda field: field.application):
            by_application = each.application and self.application
            there = self.values.get(each.key) or each.key in self.saved
            if each.required and not there and not by_application:
                self.errors[each.key] = "it is missing"
        if self.start == "instant" and not self.start_at:
            self.errors[POLL_START] = (
                "it is missing; give the instant with its zone, as in 2026-05-28T11:41:12Z, or choose another start"
            )
        if self.json_text.strip() == "{}" and self.values.get(EVENTS_ENABLED) == "true":
            self.errors[POLLER_CONFIGURATION] = "nothing is chosen; choose at least one resource to poll"

    def write_configuration(self, redirect_uri: str, application: Mapping[str, str]) -> dict[str, str]:
        """Give the configuration as the API takes it; of an instance only what is to change."""
        given = {key: text for key, text in self.values.items() if key not in OWN_WIDGETS}
        given |= {key: text for key, text in self.secrets.items() if key not in application}
        given |= dict.fromkeys(self.forgotten, "")
        given[POLL_START] = self.start_at if self.start == "instant" else self.start
        given[POLLER_CONFIGURATION] = "" if self.json_text.strip() == "{}" else self.json_text
        if self.instance is None:
            way_back = {REDIRECT_URI: redirect_uri} if self.by_consent else {}
            return {key: text for key, text in given.items() if text} | {**application, **way_back}
        before = self.instance.configuration
        shown = self.show_values(before)
        changed = {key: text for key, text in given.items() if text != shown.get(key, before.get(key, ""))}
        if _read_resources(self.json_text, self.connector) == _read_resources(
            before.get(POLLER_CONFIGURATION, ""), self.connector
        ):
            changed.pop(POLLER_CONFIGURATION, None)
        if changed.get(POLL_START) == "now" and POLL_START not in before:
            changed.pop(POLL_START)
        return changed

    def show_values(self, configuration: Mapping[str, str]) -> dict[str, str]:
        """Give the values of a configuration as fields show them: the usual one where it says nothing."""
        shown = {}
        for each in (*self.own_fields, *self.event_fields.values()):
            if each.key not in self.secret_keys:
                text = configuration.get(each.key) or each.default or ""
                shown[each.key] = text.strip().lower() if each.key in CHOICES else text
        return shown

    def write_order(self, redirect_uri: str, application: Mapping[str, str]) -> Order:
        """Give what is asked for."""
        configuration = self.write_configuration(redirect_uri, application)
        # Another account, or another application: the consent given before is not good for that.
        tokens = self.tokens if self.consented == self.digest_account(configuration) else None
        wish = Wish(
            connector=self.connector.key,
            name=self.name.strip(),
            tags=[tag.strip() for tag in self.tags.split(",") if tag.strip()],
            configuration=configuration,
            tokens=tokens,
        )
        number = int(self.application) if application else 0
        return Order(wish, "" if application else self.save_as.strip(), self.look_first, number)

    def digest_fields(self) -> dict[str, str]:
        """Digest each field that is shown as it is, by its name."""
        fields = {
            "name": self.name,
            "tags": self.tags,
            "start": f"{self.start} {self.start_at}",
            POLLER_CONFIGURATION: self.json_text,
            **{PREFIX + key: text for key, text in self.values.items()},
        }
        return {name: hashlib.sha256(text.encode()).hexdigest()[:16] for name, text in fields.items()}

    def digest_account(self, configuration: Mapping[str, str]) -> str:
        """Digest the values of a configuration that say which account is meant, and by which application."""
        meant = [
            configuration.get(each.key) or each.default
            for each in self.own_fields
            if each.kind is not FieldKind.SECRET
        ]
        return hashlib.sha256(orjson.dumps(meant)).hexdigest()


def _read_resources(text: str, connector: Connector) -> Any:
    value = read_json(text, connector)
    return text if value is None else value


def name_change(key: str, value: str) -> str:
    """Name a value that was changed, for the audit trail; of one that says where something is sent, where to."""
    return f"{key} to {mask_url(value) or 'none'}" if key in WAYS_OUT else key
