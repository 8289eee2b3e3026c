"""A user's own reading of a resource, by the same connector code as polling: at ``/hubs/{hub}/{resource path}``."""

from __future__ import annotations

import math
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from signalpost.connectors.authorising import asks_consent
from signalpost.connectors.base import Connector
from signalpost.connectors.containment import contain, guard
from signalpost.connectors.registry import Registry
from signalpost.connectors.resource import ListPage, Resource, Session
from signalpost.model.errors import (
    AccessRefusedError,
    InvalidRequestError,
    MissingError,
    NeedsAuthorisationError,
    NotFoundError,
    ProviderError,
    QuotaSpentError,
    RejectedError,
    RequestError,
    RetryLaterError,
    TooFastError,
)
from signalpost.model.ids import InstanceId
from signalpost.model.instance import Instance, Tokens
from signalpost.model.quota import Allowance
from signalpost.polling.choosing import choose
from signalpost.polling.strategies.asking import find_conditions
from signalpost.polling.where import read_where
from signalpost.store.polling_status import PollingStatus

MOST_PAGES = 10
"""Pages of the provider that one request reads on for, where a ``where`` leaves nothing of them."""

USUAL_RETRY_SECONDS = 30.0
"""When to come again, where the provider names no time."""

ABSENT = object()
"""Stands for a field that a record does not have."""

PING = "ping"
"""The path of the resource that is one thing, not a list."""


class ProviderRefusalError(RequestError):
    """The provider did not give what a user asked for; ``headers`` are those of the answer."""

    def __init__(
        self,
        status: int,
        message: str,
        error: ProviderError | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message, provider_message=None if error is None else str(error))
        self.status = status
        self.headers = headers


class UserSession(Session, Protocol):
    """A session whose calls go before those of polls."""

    @property
    def allowance(self) -> Allowance | None:
        """What is known of the account's calls by now."""
        ...


class OpenUserSession(Protocol):
    """Opens the provider session of an instance for a call of a user (wiring gives it)."""

    def __call__(
        self,
        connector: Connector,
        *,
        instance_id: InstanceId,
        configuration: Mapping[str, str],
        tokens: Tokens,
        quota: Mapping[str, Any] | None,
    ) -> UserSession:
        """Open it; no call is made yet."""
        ...


class UserCalls:
    """Opens sessions for users' calls, and keeps what these teach of the account's quota."""

    def __init__(self, rows: PollingStatus, open_session: OpenUserSession) -> None:
        self._rows = rows
        self._open_session = open_session

    @asynccontextmanager
    async def open(self, instance: Instance, connector: Connector) -> AsyncIterator[UserSession]:
        """Give a session for the length of the block.

        Raises:
            ProviderRefusalError: the provider failed within the block, or the instance must be authorised again.
            NotFoundError: the instance was deleted meanwhile.
        """
        access = await self._rows.load_access(instance.id)
        if access is None:
            message = f"there is no instance {instance.id}"
            raise NotFoundError(message)
        if not instance.valid:
            raise ProviderRefusalError(403, _ask_authorisation(instance, connector))
        try:
            with contain("find_host"):
                session = self._open_session(
                    connector,
                    instance_id=instance.id,
                    configuration=instance.configuration,
                    tokens=access.tokens,
                    quota=access.quota,
                )
        except ProviderError as error:
            raise refuse(error, instance, connector) from error
        try:
            yield session
        except ProviderError as error:
            raise refuse(error, instance, connector) from error
        finally:
            learned = session.allowance.to_json() if session.allowance is not None else None
            if learned is not None and learned != access.quota:
                await self._rows.keep_quota(instance.id, learned, access)


def refuse(error: ProviderError, instance: Instance, connector: Connector) -> ProviderRefusalError:
    """Give the answer that a provider's failure becomes."""
    name = connector.name
    headers = None
    if isinstance(error, RetryLaterError):
        seconds = USUAL_RETRY_SECONDS if error.after_seconds is None else error.after_seconds
        headers = {"Retry-After": str(max(1, math.ceil(seconds)))}
    match error:
        case MissingError():
            status, message = 404, f"{name} does not know what was asked for"
        case RejectedError():
            status, message = 400, f"{name} does not take the request as it is"
        case AccessRefusedError():
            status = 403
            message = f"{name} refuses this to the account of instance {instance.id}: a permission or scope is missing"
        case NeedsAuthorisationError():
            status, message = 403, _ask_authorisation(instance, connector)
        case TooFastError() | QuotaSpentError():
            status = 429
            message = f"the calls that {name} allots to the account are used up for now; Retry-After says for how long"
        case RetryLaterError():
            status, message = 503, f"{name} cannot answer now; try again"
        case _:
            status, message = 502, f"{name} gave an answer that is not understood"
    return ProviderRefusalError(status, message, error, headers)


def _ask_authorisation(instance: Instance, connector: Connector) -> str:
    if not asks_consent(connector):
        return (
            f"{connector.name} no longer accepts the credentials of instance {instance.id}; change them with"
            f" PATCH /instances/{instance.id}"
        )
    return (
        f"{connector.name} no longer accepts the credentials of instance {instance.id}; authorise it again with"
        f" PUT /instances/{instance.id} and a new providerData.code"
    )


@dataclass(frozen=True, slots=True)
class HubQuery:
    """What is asked of a resource: its own ``parameters``, and what every resource takes.

    ``fields`` are the fields wanted, empty: all. ``position`` is where to read on (None: from the start), of up to
    ``size`` records.
    """

    parameters: Mapping[str, str]
    where: str
    fields: Sequence[str]
    position: str | None
    size: int


@dataclass(frozen=True, slots=True)
class HubPage:
    """What was found. ``next`` is the position to read on from; ``total`` all there are, where that is known."""

    records: Sequence[Any]
    next: str | None
    total: int | None


class Hub:
    """Reads resources for users."""

    def __init__(self, registry: Registry, calls: UserCalls) -> None:
        self._registry = registry
        self._calls = calls

    def find_resource(self, instance: Instance, path: str) -> Resource:
        """Find the resource of the instance's connector at ``path``; any hub is taken for the connector's own.

        Raises:
            NotFoundError: there is none; the message lists those there are.
        """
        connector = self._registry.find(instance.connector)
        for resource in connector.resources:
            if resource.path == path.strip("/"):
                return resource
        known = ", ".join(f"/hubs/{connector.hub}/{each.path}" for each in connector.resources)
        message = f"{connector.name} has no resource {path[:200]!r}; known: {known}"
        raise NotFoundError(message)

    async def read(self, instance: Instance, resource: Resource, query: HubQuery) -> HubPage:
        """Read one page. One that the ``where`` leaves nothing of is passed over, at most nine times.

        Raises:
            InvalidRequestError: a parameter is unknown, missing or wrong; it is named.
            ProviderRefusalError: the provider did not give it.
        """
        connector = self._registry.find(instance.connector)
        check_parameters(resource, query.parameters)
        where = read_where(query.where)
        conditions = find_conditions(where, resource)
        where = where.without(resource.uncompared)
        position, total = query.position, None
        found: list[Any] = []
        async with self._calls.open(instance, connector) as session:
            with contain("open_listing"):
                listing = connector.open_listing(resource, query.parameters, conditions)
            for _ in range(MOST_PAGES):
                page = await guard(listing, "read", ListPage, session, position, query.size)
                found = await choose(where, page.records)
                position, total = page.next, page.total
                if found or position is None:
                    break
        records = [_project(record, query.fields) for record in found]
        return HubPage(records, position, None if query.where.strip() else total)


def check_parameters(resource: Resource, parameters: Mapping[str, str]) -> None:
    """Check that a resource takes these query parameters.

    Raises:
        InvalidRequestError: one is unknown, or one that it needs is missing.
    """
    taken = resource.parameters | resource.required
    unknown = sorted(set(parameters) - taken)
    if unknown:
        known = ", ".join(sorted(taken | {"where", "fields", "pageSize", "nextPage"}))
        message = f"{unknown[0][:100]}: {resource.path} has no such query parameter; known: {known}"
        raise InvalidRequestError(message)
    missing = sorted(name for name in resource.required if not parameters.get(name))
    if missing:
        message = f"{missing[0]}: it is missing; {resource.path} cannot be read without it"
        raise InvalidRequestError(message)


def _project(record: Any, fields: Sequence[str]) -> Any:
    """Give the named fields of a record; a name with dots leads into objects, unless it is a field's own name."""
    if not fields or not isinstance(record, dict):
        return record
    shown: dict[str, Any] = {}
    for field in fields:
        path = [field] if field in record else field.split(".")
        source: Any = record
        for part in path:
            source = source.get(part, ABSENT) if isinstance(source, dict) else ABSENT
        if source is ABSENT:
            continue
        target = shown
        for part in path[:-1]:
            target = target.setdefault(part, {})
        target[path[-1]] = source
    return shown
