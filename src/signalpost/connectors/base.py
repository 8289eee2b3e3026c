"""The contract: what a connector declares and does. Form, validation, masking and docs follow from the declaration."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from signalpost.model.event import Gap, Page, Watermark
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
    """One value of an instance's configuration. ``secret`` ones are encrypted and shown as ``********``."""

    key: str
    label: str
    kind: FieldKind = FieldKind.TEXT
    required: bool = False
    secret: bool = False
    default: str | None = None


EVENT_FIELDS = (
    Field("event.notification.enabled", "Events Enabled", FieldKind.BOOLEAN, default="false"),
    Field("event.vendor.type", "Event Type", default="polling"),
    Field("event.notification.callback.url", "Event Notification Callback URL", FieldKind.URL),
    Field("event.notification.signature.key", "Callback Notification Signature Key", secret=True),
    Field("event.notification.basic.username", "Callback user name"),
    Field("event.notification.basic.password", "Callback password", FieldKind.SECRET, secret=True),
    Field("event.notification.raw", "Raw records in notifications", default="notification"),
    Field("event.poller.refresh_interval", "Event poller refresh interval (mins)", default="15"),
    Field("event.poller.configuration", "Configure Polling", FieldKind.JSON),
)
"""The fields of the events framework, the same for every connector (open-connectors.md 1.6)."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of thing that is read and polled, at ``/hubs/{hub}/{path}`` in our API.

    ``id_field`` and ``date_field`` name fields of its records; ``parameters`` the query parameters it understands.
    """

    name: str
    path: str
    id_field: str
    date_field: str
    date_format: str
    parameters: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Authorization:
    """OAuth2, code flow (RFC 6749): where to send the person and where to exchange the code."""

    authorize_url: str
    token_url: str
    scopes: tuple[str, ...]


class Session(Protocol):
    """Authenticated calls to the provider for one instance; paced and classified (``connectors.session``)."""

    async def get(self, path: str, parameters: Mapping[str, str]) -> Answer:
        """GET ``path`` of the provider. The answer's status is 2xx.

        Raises:
            ProviderError: one of its subclasses, as ``Connector.classify`` judged the answer.
        """
        ...


class Feed(Protocol):
    """A resource that has the provider's own cursor (strategy ``feed``, architecture section 6)."""

    async def find_start(self, session: Session) -> Watermark:
        """Give the watermark of now: what comes after it is new."""
        ...

    async def read(self, session: Session, watermark: Watermark) -> Page:
        """Read one page of what follows ``watermark``.

        Raises:
            WatermarkLostError: the provider no longer keeps what follows it.
        """
        ...

    async def recover(self, session: Session, watermark: Watermark) -> Gap:
        """Find the oldest change the provider still keeps, after ``watermark`` was lost."""
        ...


@dataclass(frozen=True, slots=True)
class Quota:
    """What the provider told of its limits in an answer."""

    calls_per_second: float | None = None


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

    def open_feed(
        self, resource: Resource, configuration: Mapping[str, Any], parameters: Mapping[str, str]
    ) -> Feed:
        """Give the feed of one of ``resources``; ``parameters`` are those of the configured URL."""
        ...

    def classify(self, answer: Answer) -> Exception | None:
        """Say what an answer means: None when it is good, else the ``ProviderError`` to raise."""
        ...

    def read_quota(self, answer: Answer) -> Quota:
        """Read the limits that the provider tells in the headers of an answer."""
        ...
