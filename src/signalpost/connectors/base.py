"""The contract: what a connector declares and does. Form, validation, masking and docs follow from the declaration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from signalpost.connectors.resource import Condition, Feed, Listing, Resource, Session
from signalpost.model.instance import Account, Tokens
from signalpost.outbound import Answer


class FieldKind(StrEnum):
    """How a value of the configuration is asked for and shown."""

    TEXT = "TEXT_128"
    URL = "TEXT_1000"
    SECRET = "PASSWORD"  # noqa: S105 - the name of a kind
    BOOLEAN = "BOOLEAN"
    JSON = "TEXTAREA"


@dataclass(frozen=True, slots=True)
class Field:
    """One value of an instance's configuration. ``secret`` ones are encrypted and shown as ``********``.

    ``hint`` says to people what to write; an ``application`` field belongs to the application that is registered at
    the provider, and may be saved for many instances.
    """

    key: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = False
    secret: bool = False
    default: str | None = None
    hint: str = ""
    application: bool = False


EVENT_FIELDS = (
    Field("event.notification.enabled", "Events Enabled", FieldKind.BOOLEAN, default="false"),
    Field("event.vendor.type", "Event Type", default="polling"),
    Field("event.notification.callback.url", "Event Notification Callback URL", FieldKind.URL),
    Field("event.notification.signature.key", "Callback Notification Signature Key", secret=True),
    Field("event.notification.basic.username", "Callback user name"),
    Field("event.notification.basic.password", "Callback password", FieldKind.SECRET, secret=True),
    Field("event.notification.callback.headers", "Callback headers", FieldKind.JSON, secret=True),
    Field("event.notification.format", "Form of notifications", default="open-connectors"),
    Field("event.notification.raw", "Raw records in notifications", default="notification"),
    Field("event.notification.failure.policy", "When retries are spent", default="retry"),
    Field("event.notification.ordering", "Order of notifications", default="strict"),
    Field("event.notification.concurrency", "Notifications sent at once (relaxed order)", default="1"),
    Field("event.notification.rate", "Most notifications a second"),
    Field("event.poller.refresh_interval", "Event poller refresh interval (mins)", default="15"),
    Field("event.poller.start", "First poll from", default="now"),
    Field("event.poller.configuration", "Configure Polling", FieldKind.JSON),
    Field("event.notification.operations.url", "Operational Notification URL", FieldKind.URL),
)
"""The fields of the events framework, the same for every connector (open-connectors.md 1.6)."""


@dataclass(frozen=True, slots=True)
class Authorization:
    """OAuth2, code flow (RFC 6749): where to send the person and where to exchange the code.

    ``parameters`` go to the consent page besides OAuth2's own, or to the token endpoint where nobody is asked; with
    ``pkce`` the code's exchange is proved (RFC 7636).
    """

    authorize_url: str
    token_url: str
    scopes: tuple[str, ...]
    parameters: tuple[tuple[str, str], ...] = ()
    pkce: bool = False


@dataclass(frozen=True, slots=True)
class Quota:
    """What the provider told of its limits in an answer; None where it told nothing.

    ``calls_a_day`` are allotted, ``calls_used`` counts those of this day so far, the answered one included.
    """

    calls_per_second: float | None = None
    calls_a_day: int | None = None
    calls_used: int | None = None
    resets_at: datetime | None = None


class Connector(Protocol):
    """One kind of SaaS: a declaration and what it does."""

    @property
    def key(self) -> str:
        """Its name in the API, lower case; never changes."""
        ...

    @property
    def id(self) -> int:
        """Its number in the API; never changes."""
        ...

    @property
    def name(self) -> str:
        """Its name for people."""
        ...

    @property
    def description(self) -> str:
        """One sentence for people."""
        ...

    @property
    def hub(self) -> str:
        """The family of connectors it belongs to, as in ``/hubs/{hub}``."""
        ...

    @property
    def setup_steps(self) -> Sequence[str]:
        """How to register the application at the provider, one sentence or two for each step."""
        ...

    @property
    def fields(self) -> Sequence[Field]:
        """What an instance's configuration needs."""
        ...

    @property
    def resources(self) -> Sequence[Resource]:
        """What can be read and polled; the first is polled when nothing is configured."""
        ...

    @property
    def calls_per_second(self) -> float:
        """The rate kept per account until the provider tells another."""
        ...

    @property
    def calls_a_day(self) -> int | None:
        """The calls allotted per account and day until the provider tells another number; None: no limit."""
        ...

    @property
    def least_interval_seconds(self) -> float:
        """The least time between polls that the provider asks for; 0: it names none. Shorter intervals are refused."""
        ...

    def find_host(self, configuration: Mapping[str, str]) -> str:
        """Give the provider's base URL for this configuration.

        Raises:
            InvalidRequestError: the configuration names none, or one that is not the provider's.
        """
        ...

    def find_authorization(self, configuration: Mapping[str, str]) -> Authorization:
        """Give the OAuth2 addresses for this configuration (raises as ``find_host``)."""
        ...

    def read_tokens(self, answer: Mapping[str, Any], now: datetime) -> Tokens:
        """Read the provider's answer of the token endpoint.

        Raises:
            ConnectorError: it holds no usable token.
        """
        ...

    async def identify(self, session: Session) -> Account:
        """Call the provider once: does the connection work, and as which account?"""
        ...

    def open_feed(self, resource: Resource, parameters: Mapping[str, str], id_field: str) -> Feed:
        """Give the feed of one of ``resources``; ``parameters`` are those of the configured URL.

        ``id_field`` names the field of its records that identifies the object; "": the connector's own choice.

        Raises:
            InvalidRequestError: a parameter's value is wrong; it is named.
        """
        ...

    def open_listing(
        self, resource: Resource, parameters: Mapping[str, str], conditions: Sequence[Condition]
    ) -> Listing:
        """Give one of ``resources`` as a list. Feeds can be listed too.

        Every record must meet the ``conditions``, all on fields among ``resource.filters``: those the provider may
        use to give less. It may also give more; the caller compares again.

        Raises:
            InvalidRequestError: a parameter's value is wrong; it is named.
        """
        ...

    def classify(self, answer: Answer) -> Exception | None:
        """Say what an answer means: None when it is good, else the ``ProviderError`` to raise."""
        ...

    def read_quota(self, answer: Answer) -> Quota:
        """Read the limits that the provider tells in the headers of an answer."""
        ...
