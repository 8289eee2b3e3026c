"""A connector made of its declaration (``base.Connector``, ``authorising.OwnAuthorisation``)."""

from __future__ import annotations

import base64
import re
import zlib
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from signalpost.connectors.authorising import Grant, write_bearer
from signalpost.connectors.base import Authorization, Field, FieldKind, Quota
from signalpost.connectors.fixed_headers import merge_headers
from signalpost.connectors.resource import Condition, Feed, Resource, Session, Strategy
from signalpost.connectors.rest.addresses import fill_in
from signalpost.connectors.rest.answers import ABSENT, classify, find, find_refusal, read_json
from signalpost.connectors.rest.asking import ask
from signalpost.connectors.rest.auth import BasicAuth, ClientAuth, CodeAuth, HeaderAuth, QueryAuth
from signalpost.connectors.rest.declaration import Declaration
from signalpost.connectors.rest.headers import fill_in as fill_in_header
from signalpost.connectors.rest.headers import list_keys, read_value
from signalpost.connectors.rest.listing import RestListing, narrow
from signalpost.connectors.rest.resources import DeclaredResource
from signalpost.model.errors import ConnectorError, InvalidRequestError
from signalpost.model.event import EventType
from signalpost.model.instance import Account, Tokens
from signalpost.outbound import Answer

FIRST_ID, IDS = 1_000_000, 1_000_000_000
_SECRET = FieldKind.SECRET
_APPLICATION = (
    Field(
        "oauth.api.key",
        "API Key",
        required=True,
        secret=True,
        hint="The key of the application.",
        application=True,
    ),
    Field("oauth.api.secret", "API Secret", _SECRET, required=True, secret=True, application=True),
)
_SCOPE_HINT = "What the token covers, with blanks between."


class RestConnector:
    """A provider's REST API as a file declares it."""

    def __init__(self, declared: Declaration) -> None:
        self._declared = declared
        self.key = declared.key
        self.id = FIRST_ID + zlib.crc32(declared.key.encode()) % IDS
        self.name = declared.name
        self.description = declared.description or f"{declared.name}, by its REST API."
        self.hub = declared.hub
        self.setup_steps = tuple(declared.setup_steps)
        self.calls_per_second = declared.limits.calls_per_second
        self.calls_a_day = declared.limits.calls_a_day
        self.least_interval_seconds = declared.limits.least_interval_seconds
        fixed = {name: text for name, text in declared.headers.items() if not list_keys(text)}
        self.headers = merge_headers({"Accept": "application/json"}, fixed)
        self._filled = {name: text for name, text in declared.headers.items() if name not in fixed}
        self.fields = _list_fields(declared)
        self.resources = tuple(_make_resource(each) for each in declared.resources)
        self._sources = {each.name: each for each in declared.resources}

    @property
    def grant(self) -> Grant:
        """As ``auth`` says."""
        match self._declared.auth:
            case CodeAuth():
                return Grant.CONSENT
            case ClientAuth():
                return Grant.APPLICATION
            case _:
                return Grant.CONFIGURATION

    def write_headers(self, configuration: Mapping[str, str], token: str) -> Mapping[str, str]:
        """Give the headers as ``auth`` says, and those that hold values of fields, which are masked like them.

        Raises:
            ConnectorError: a value cannot stand in a header; it is named.
        """
        filled = {name: fill_in_header(text, configuration) for name, text in self._filled.items()}
        return {**filled, **self._write_own_headers(configuration, token)}

    def _write_own_headers(self, configuration: Mapping[str, str], token: str) -> Mapping[str, str]:
        match self._declared.auth:
            case CodeAuth() | ClientAuth():
                return write_bearer(token)
            case HeaderAuth(header=header, prefix=prefix):
                return {header: prefix + read_value(configuration, "api.key")}
            case BasicAuth():
                pair = f"{configuration.get('username', '')}:{configuration.get('password', '')}"
                return {"Authorization": f"Basic {base64.b64encode(pair.encode()).decode()}"}
            case _:
                return {}

    def write_parameters(self, configuration: Mapping[str, str], token: str) -> Mapping[str, str]:  # noqa: ARG002 - the contract
        """Give the key where ``auth`` has it in the query."""
        auth = self._declared.auth
        return (
            {auth.parameter: configuration.get("api.key", "").strip()} if isinstance(auth, QueryAuth) else {}
        )

    def find_host(self, configuration: Mapping[str, str]) -> str:
        """Give the base URL with the configuration's values in it (see ``base.Connector``)."""
        return fill_in(self._declared.base_url, configuration)

    def find_authorization(self, configuration: Mapping[str, str]) -> Authorization:
        """Give the OAuth2 addresses (see ``base.Connector``)."""
        auth = self._declared.auth
        if not isinstance(auth, (CodeAuth, ClientAuth)):
            message = f"{self.name} has no OAuth2: connect it with POST /instances and the values of its configuration"
            raise InvalidRequestError(message)
        scopes = tuple(configuration.get("oauth.scope", "").split() or auth.scopes)
        token_url = fill_in(auth.token_url, configuration)
        parameters = tuple(auth.parameters.items())
        if isinstance(auth, ClientAuth):
            return Authorization("", token_url, scopes, parameters)
        return Authorization(
            fill_in(auth.authorize_url, configuration), token_url, scopes, parameters, auth.pkce
        )

    def read_tokens(self, answer: Mapping[str, Any], now: datetime) -> Tokens:
        """Read a token answer as RFC 6749 has it (5.1)."""
        access_token, refresh_token = answer.get("access_token"), answer.get("refresh_token")
        if not isinstance(access_token, str) or not re.fullmatch(r"[\x21-\x7e]+", access_token):
            message = f"{self.name}'s token endpoint answered without an access_token"
            raise ConnectorError(message)
        try:
            seconds = float(answer.get("expires_in") or 0)
            expires_at = now + timedelta(seconds=seconds) if seconds > 0 else None
        except (TypeError, ValueError, OverflowError):
            expires_at = None
        return Tokens(
            access_token,
            refresh_token if isinstance(refresh_token, str) and refresh_token else None,
            expires_at,
        )

    async def identify(self, session: Session) -> Account:
        """Read the account that is declared; else the first resource that needs no parameter, to try the connection.

        That is asked for as by polls: some providers refuse pages that are smaller than they like.
        """
        account = self._declared.account
        if account is None:
            for each in self._declared.resources:
                if not each.required:
                    await RestListing(self.name, each, {}).read(session, None, None)
                    break
            return Account(id="", label=self.name)
        value = read_json(self.name, await ask(session, account, account.path, {}, {}))
        found = find(value, account.id)
        if found in (ABSENT, None, "") or isinstance(found, (dict, list)):
            refusal = find_refusal(value)
            said = f" but {refusal}" if refusal else ""
            message = f"{self.name} names no account at {account.id} of {account.path}{said}"
            raise ConnectorError(message)
        label = find(value, account.label) if account.label else found
        return Account(id=str(found), label=str(found if label in (ABSENT, None, "") else label)[:200])

    def open_feed(self, resource: Resource, parameters: Mapping[str, str], id_field: str) -> Feed:
        """Refuse: no declared resource has the strategy ``feed``."""
        message = f"{resource.name} of {self.name} is no feed ({len(parameters)} parameters, id {id_field!r})"
        raise InvalidRequestError(message)

    def open_listing(
        self, resource: Resource, parameters: Mapping[str, str], conditions: Sequence[Condition]
    ) -> RestListing:
        """Open a resource as a list (see ``base.Connector``)."""
        declared = self._sources[resource.name]
        return RestListing(self.name, declared, {**narrow(declared, conditions), **parameters})

    def classify(self, answer: Answer) -> Exception | None:
        """Judge by status; ``limits`` says which mean too fast and used up."""
        return classify(self.name, self._declared.limits, answer, datetime.now(UTC))

    def read_quota(self, answer: Answer) -> Quota:  # noqa: ARG002 - the contract
        """Tell nothing: headers with limits are not declared."""
        return Quota()


def _list_fields(declared: Declaration) -> tuple[Field, ...]:
    own = tuple(
        Field(
            each.key,
            each.label,
            FieldKind.SECRET if each.secret else FieldKind.TEXT,
            required=each.required and each.default is None,
            secret=each.secret,
            default=each.default,
            hint=each.hint,
        )
        for each in declared.fields
    )
    scope = Field(
        "oauth.scope",
        "Scope",
        default=" ".join(getattr(declared.auth, "scopes", ())) or None,
        hint=_SCOPE_HINT,
    )
    match declared.auth:
        case HeaderAuth() | QueryAuth():
            key = Field(
                "api.key", "API Key", _SECRET, required=True, secret=True, hint="Kept encrypted, never shown."
            )
            return (*own, key)
        case BasicAuth():
            user = Field("username", "User name", required=True)
            return (
                *own,
                user,
                Field("password", "Password", _SECRET, secret=True, hint="Kept encrypted, never shown."),
            )
        case CodeAuth():
            callback = Field("oauth.callback.url", "Callback URL", FieldKind.URL, required=True)
            return (*_APPLICATION, callback, *own, scope)
        case ClientAuth():
            return (*_APPLICATION, *own, scope)
        case _:
            return own


def _make_resource(declared: DeclaredResource) -> Resource:
    dated = declared.updated_field or declared.created_field
    usual = [Strategy.TIMESTAMP, Strategy.SNAPSHOT] if dated else [Strategy.SNAPSHOT]
    return Resource(
        name=declared.name,
        path=declared.name,
        description=declared.description,
        strategies=tuple(Strategy(each) for each in declared.strategies) or tuple(usual),
        id_field=declared.id_field,
        updated_field=declared.updated_field,
        created_field=declared.created_field,
        date_format=declared.date_format,
        date_zone=declared.date_zone,
        parameters=frozenset(declared.parameters),
        required=frozenset(declared.required),
        filters=frozenset(each.field for each in declared.filters),
        uncompared=frozenset(each.field for each in declared.filters if not each.compared),
        appears_as=EventType.DELETED if declared.lists_deleted else EventType.CREATED,
        label_fields=tuple(declared.labels),
        deleted_field=declared.deleted_field,
        deleted_values=frozenset(declared.deleted_values),
    )
