"""Egnyte: the declaration. ``resources`` has what is read; ``feeds``, ``audit``, ``listings`` how; ``client`` calls."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from signalpost.connectors.base import (
    Authorization,
    Field,
    FieldKind,
    Quota,
)
from signalpost.connectors.egnyte.audit import AuditFeed
from signalpost.connectors.egnyte.client import EgnyteClient, classify, read_quota
from signalpost.connectors.egnyte.feeds import Clock, EventFeed
from signalpost.connectors.egnyte.listings import (
    AuditListing,
    EventListing,
    PingListing,
    RemoteListing,
    locate_folder,
    narrow,
    read_places,
)
from signalpost.connectors.egnyte.resources import AUDIT, CONTENTS, EVENTS, PING, RESOURCES, SOURCES
from signalpost.connectors.resource import Condition, Feed, Listing, Resource, Session
from signalpost.model.errors import ConnectorError, InvalidRequestError
from signalpost.model.instance import Account, Tokens
from signalpost.outbound import Answer

DEFAULT_URL = "https://{subdomain}.egnyte.com"
# One DNS label: no dot, slash, @, # or letters beyond ASCII can turn it into another host (egnyte-api.md 1.1).
SUBDOMAIN = re.compile(r"[a-z0-9](?:[a-z0-9_-]{0,61}[a-z0-9])?", re.ASCII)


class EgnyteConnector:
    """Egnyte Connect, by its public API (``reference/egnyte-api.md``)."""

    key = "egnyte"
    id = 4016
    name = "Egnyte"
    description = "Files, folders and notes of an Egnyte domain: what was created, changed, moved, deleted."
    hub = "documents"
    calls_per_second = 2.0
    calls_a_day = 1000
    least_interval_seconds = 0.0  # Egnyte limits calls, not how often is asked (egnyte-api.md 6)
    resources = RESOURCES
    setup_steps = (
        "At developers.egnyte.com, sign in and choose Create New Application.",
        "Kind: a public application (code flow). Keys of internal applications use passwords and do not work here.",
        "Test domain: the subdomain you will connect. Until Egnyte has certified the key, it works for that one alone.",
        "Registered OAuth Redirect URI: the address below, letter by letter.",
        "Wait until Egnyte has approved the key with its shared secret; before that it answers Developer Inactive.",
    )
    fields = (
        Field(
            "oauth.api.key",
            "API Key",
            required=True,
            secret=True,
            hint="The key of the application registered at developers.egnyte.com.",
            application=True,
        ),
        Field(
            "oauth.api.secret",
            "API Secret",
            FieldKind.SECRET,
            required=True,
            secret=True,
            hint="Its shared secret. It is kept encrypted and never shown.",
            application=True,
        ),
        Field("oauth.callback.url", "Callback URL", FieldKind.URL, required=True),
        Field(
            "subdomain",
            "The Egnyte Subdomain",
            required=True,
            hint="The part of the address between https:// and .egnyte.com, as acme in acme.egnyte.com.",
        ),
        Field(
            "oauth.scope",
            "Scope",
            default="Egnyte.filesystem Egnyte.link",
            hint="What the consent covers, with blanks between; each resource says the scope it needs.",
        ),
    )

    def __init__(self, url: str | None = None, clock: Clock = lambda: datetime.now(UTC)) -> None:
        """Take the provider's address: ``{subdomain}`` in it is replaced; another than Egnyte's own is a sandbox.

        The ``clock`` is for what Egnyte gives no time for: where its audit log begins, when it was pinged, when a
        row without a date was.
        """
        self._url = (url or DEFAULT_URL).rstrip("/")
        self._clock = clock

    def find_host(self, configuration: Mapping[str, str]) -> str:
        """Give the base URL of the domain (see ``base.Connector``)."""
        subdomain = configuration.get("subdomain", "").strip().lower()
        if not SUBDOMAIN.fullmatch(subdomain):
            message = (
                f"subdomain: {subdomain[:100]!r} is not an Egnyte subdomain; give the part of the address between"
                " https:// and .egnyte.com alone (letters, digits, - and _), as in 'acme'"
            )
            raise InvalidRequestError(message)
        return self._url.replace("{subdomain}", subdomain)

    def find_authorization(self, configuration: Mapping[str, str]) -> Authorization:
        """Authorize and token address are one at Egnyte (egnyte-api.md 1.2).

        Without a subdomain its place in the address stays empty, for clients that fill it in themselves, as they had
        to at the original (open-connectors.md 4).
        """
        given = configuration.get("subdomain")
        host = self.find_host(configuration) if given else self._url.replace("{subdomain}", "")
        url = f"{host}/puboauth/token"
        scopes = configuration.get("oauth.scope") or "Egnyte.filesystem Egnyte.link"
        return Authorization(url, url, tuple(scopes.split()))

    def read_tokens(self, answer: Mapping[str, Any], now: datetime) -> Tokens:
        """Read both of Egnyte's regimes: never expiring (``-1``, no refresh token), and 30 days with one."""
        access_token = answer.get("access_token")
        if not isinstance(access_token, str) or not access_token:
            message = "Egnyte's token endpoint answered without an access_token"
            raise ConnectorError(message)
        refresh_token = answer.get("refresh_token")
        try:
            lifetime_seconds = float(answer.get("expires_in") or -1)
            expires_at = now + timedelta(seconds=lifetime_seconds) if lifetime_seconds > 0 else None
        except (TypeError, ValueError, OverflowError):  # no number, or for longer than there are years
            expires_at = None
        return Tokens(
            access_token=access_token,
            refresh_token=refresh_token if isinstance(refresh_token, str) and refresh_token else None,
            expires_at=expires_at,
        )

    async def identify(self, session: Session) -> Account:
        """Ask who we are: works with any scope (egnyte-api.md 1.6)."""
        user = await EgnyteClient(session).read_user()
        return Account(id=str(user["id"]), label=str(user.get("username") or user["id"]))

    def open_feed(self, resource: Resource, parameters: Mapping[str, str], id_field: str) -> Feed:
        """Open ``events`` or ``audit``, the two feeds there are (see ``base.Connector``)."""
        assert resource.name in (EVENTS.name, AUDIT.name)
        id_field = id_field or resource.id_field
        if resource.name == EVENTS.name:
            return EventFeed(parameters, id_field, self._clock)
        return AuditFeed(parameters, id_field, self._clock)

    def open_listing(
        self, resource: Resource, parameters: Mapping[str, str], conditions: Sequence[Condition]
    ) -> Listing:
        """Open any of ``resources`` as a list (see ``base.Connector``)."""
        if resource.name == EVENTS.name:
            return EventListing(EventFeed(parameters, EVENTS.id_field, self._clock))
        if resource.name == AUDIT.name:
            return AuditListing(AuditFeed(parameters, AUDIT.id_field, self._clock), parameters, self._clock)
        if resource.name == PING.name:
            return PingListing(self._clock)
        source = SOURCES[resource.name]
        query = narrow(source, conditions) | read_places(parameters)
        if resource.name == CONTENTS.name:
            source = replace(source, path=locate_folder(parameters.get("path", "")))
            query["list_content"] = "true"
        return RemoteListing(source, query)

    def classify(self, answer: Answer) -> Exception | None:
        """Tell Egnyte's refusals apart by header first (egnyte-api.md 6)."""
        return classify(answer, self._clock())

    def read_quota(self, answer: Answer) -> Quota:
        """Read the limits of the token, and how much of them is used."""
        return read_quota(answer)
