"""An instance's life: connected, changed, authorised again. Everything is checked before anything is stored."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from signalpost.connectors.authorising import NO_TOKENS, Grant, find_grant
from signalpost.connectors.base import Connector
from signalpost.connectors.containment import guard
from signalpost.connectors.registry import Registry
from signalpost.connectors.resource import Session
from signalpost.instances.oauth2 import OAuth2
from signalpost.instances.wishes import (
    GIVEN_TOKENS,
    Wish,
    check_required,
    clean_tags,
    clean_text,
    list_secret_keys,
    merge_configuration,
    take_tokens,
    with_defaults,
)
from signalpost.model.configuration import POLL_INTERVAL
from signalpost.model.errors import (
    ConflictError,
    FencedError,
    InvalidRequestError,
    NotFoundError,
    ProviderError,
    RetryLaterError,
    UnavailableError,
)
from signalpost.model.instance import Account, Caller, Instance, Tokens
from signalpost.observe import get_logger
from signalpost.store.instances import InstanceDraft, Instances
from signalpost.store.vault import make_secret

log = get_logger("instances")


@dataclass(frozen=True, slots=True)
class EventPlan:
    """The part of a configuration that concerns polling and delivery, read and checked."""

    interval_seconds: float
    resources: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    callback_url: str | None = None
    full_raw: bool = False


class ReadPlan(Protocol):
    """Reads and checks the event part of a configuration (wiring gives it: it spans polling and delivery)."""

    async def __call__(self, configuration: Mapping[str, str], connector: Connector) -> EventPlan:
        """Read it; raises InvalidRequestError naming the field."""
        ...


OpenFirstSession = Callable[[Connector, Mapping[str, str], str], Session]
"""Opens a session for a connector, a configuration and an access token, before there is an instance."""


class Lifecycle:
    """Connects and changes instances."""

    def __init__(
        self,
        *,
        registry: Registry,
        instances: Instances,
        oauth2: OAuth2,
        read_plan: ReadPlan,
        open_session: OpenFirstSession,
    ) -> None:
        self._registry = registry
        self._instances = instances
        self._oauth2 = oauth2
        self._read_plan = read_plan
        self._open_session = open_session

    async def check(self, wish: Wish, instance: Instance | None = None) -> None:
        """Check a wish for a new instance, or for a change of an ``instance`` by PATCH; nobody is called.

        Raises:
            InvalidRequestError, NotFoundError: the wish is wrong.
        """
        connector = self._registry.find(wish.connector or (instance.connector if instance else ""))
        before = {} if instance is None else dict(instance.configuration)
        given = merge_configuration(wish.configuration or {}, before, connector, whole=instance is None)
        await self._check(connector, wish, with_defaults(given, connector), instance)

    async def authorise(self, wish: Wish) -> Tokens:
        """Exchange the code of a new instance's wish, and call the provider once; nothing is stored.

        Raises:
            InvalidRequestError: the provider refuses. UnavailableError: it cannot answer now.
        """
        connector = self._registry.find(wish.connector or "")
        given = merge_configuration(wish.configuration or {}, {}, connector, whole=True)
        draft = await self._check(connector, wish, with_defaults(given, connector))
        tokens = await self._authorise(connector, wish, given)
        await self._identify(connector, draft, tokens)
        return tokens

    def open_first(self, wish: Wish) -> Session:
        """Open a session with the tokens of a wish whose consent was given, before there is an instance."""
        assert wish.tokens is not None
        connector = self._registry.find(wish.connector or "")
        given = merge_configuration(wish.configuration or {}, {}, connector, whole=True)
        return self._open_session(connector, with_defaults(given, connector), wish.tokens.access_token)

    async def create(
        self, caller: Caller, wish: Wish, *, taken: tuple[UUID, datetime] | None = None
    ) -> Instance:
        """Check everything, exchange the code, call the provider once, and only then store the instance.

        ``taken``: the connection that it comes of, and when that was taken (see ``Instances.create``).

        Raises:
            InvalidRequestError, NotFoundError: the wish is wrong; nothing was stored.
            UnavailableError: the provider cannot answer now; nothing was stored.
        """
        if not wish.connector:
            message = 'element.key: it is missing; say which connector, as in {"element": {"key": "egnyte"}}'
            raise InvalidRequestError(message)
        connector = self._registry.find(wish.connector)
        given = merge_configuration(wish.configuration or {}, {}, connector, whole=True)
        draft = await self._check(connector, wish, with_defaults(given, connector))
        tokens = await self._authorise(connector, wish, given)
        draft = await self._identify(connector, draft, tokens)
        instance = await self._instances.create(
            draft,
            organization_id=caller.organization_id,
            user_id=caller.user_id,
            token=make_secret(),
            tokens=tokens,
            taken=taken,
        )
        log.info("instance.created", instance=instance.id, connector=connector.key)
        return instance

    async def change(self, instance: Instance, wish: Wish, *, whole: bool, exact: bool = False) -> Instance:
        """Change an instance: PUT (``whole``) replaces its configuration, PATCH changes what is named.

        Watermarks of resources that stay are kept. With a code it is authorised again, as the same account. What
        somebody else changed meanwhile stays, where it is not named here; with ``exact`` nothing may have been changed.

        Raises:
            InvalidRequestError: the wish is wrong; nothing was changed.
            FencedError: it had to be ``exact``, and somebody changed it; nothing was changed.
            ConflictError: the new authorisation is for another account.
            NotFoundError: the instance was deleted meanwhile.
        """
        connector = self._registry.recall(instance)
        if wish.connector and self._registry.find(wish.connector).key != connector.key:
            message = f"element: an instance of {connector.key} cannot become one of {wish.connector[:100]!r}"
            raise InvalidRequestError(message)
        tokens = None
        while True:
            configuration = dict(instance.configuration)
            if wish.configuration is not None:
                given = merge_configuration(wish.configuration, configuration, connector, whole=whole)
                configuration = with_defaults(given, connector)
            draft = await self._check(connector, wish, configuration, instance)
            # A code can be exchanged only once.
            tokens = tokens or await self._authorise_again(connector, wish, configuration, draft, instance)
            try:
                changed = await self._instances.update(instance, draft, tokens=tokens)
                break
            except FencedError:  # changed by somebody else since it was read: the wish goes over that
                if exact:
                    raise
                instance = await self._instances.find(instance.organization_id, instance.id) or instance
        if changed is None:
            message = f"instance {instance.id} was deleted meanwhile"
            raise NotFoundError(message)
        log.info("instance.changed", instance=instance.id, authorised=tokens is not None)
        return changed

    async def _authorise_again(
        self,
        connector: Connector,
        wish: Wish,
        configuration: Mapping[str, str],
        draft: InstanceDraft,
        instance: Instance,
    ) -> Tokens | None:
        """Give the tokens that came with the wish; None where it has none and needs none."""
        if find_grant(connector) is not Grant.CONSENT:
            own = [each.key for each in connector.fields]
            changed = any(configuration.get(key) != instance.configuration.get(key) for key in own)
            named = not own or any(key in (wish.configuration or {}) for key in own)
            if not changed and (instance.valid or not named):
                return None
        elif wish.code is None and not wish.external:
            if connector.find_host(configuration) == connector.find_host(instance.configuration):
                return None
            message = (
                "configuration: another domain needs a new authorisation; send providerData.code with it"
            )
            raise InvalidRequestError(message)
        tokens = await self._authorise(connector, wish, configuration)
        account = (await self._identify(connector, draft, tokens)).account
        if account.id != instance.account.id:
            message = (
                f"{_name_place(connector)}: it authorises {_show_account(account)}, but this instance acts as"
                f" {_show_account(instance.account)}; create another instance for another account"
            )
            raise ConflictError(message)
        return tokens

    async def _check(
        self,
        connector: Connector,
        wish: Wish,
        configuration: Mapping[str, str],
        before: Instance | None = None,
    ) -> InstanceDraft:
        configuration = {key: value for key, value in configuration.items() if key not in GIVEN_TOKENS}
        check_required(configuration, connector)
        connector.find_host(configuration)
        plan = await self._read_plan(configuration, connector)
        configuration.setdefault(POLL_INTERVAL, f"{plan.interval_seconds / 60:g}")
        name = wish.name if wish.name is not None else (before.name if before else connector.name)
        tags = wish.tags if wish.tags is not None else (before.tags if before else ())
        return InstanceDraft(
            connector=connector.key,
            name=clean_text("name", name),
            tags=clean_tags(tags),
            configuration=configuration,
            secret_keys=list_secret_keys(connector),
            account=before.account if before else Account("", ""),
            interval_seconds=plan.interval_seconds,
            resources=plan.resources,
            callback_url=plan.callback_url,
            full_raw=plan.full_raw,
        )

    async def _authorise(self, connector: Connector, wish: Wish, configuration: Mapping[str, str]) -> Tokens:
        grant = find_grant(connector)
        if grant is Grant.CONFIGURATION:
            return NO_TOKENS
        if grant is Grant.APPLICATION:
            try:
                return await self._oauth2.ask_by_application(connector, configuration)
            except ProviderError as error:
                raise _refusal(f"{connector.name} gives no token for oauth.api.key", error) from error
        if wish.external:
            return take_tokens(configuration)
        if wish.tokens is not None:
            return wish.tokens
        if not wish.code:
            message = (
                "providerData.code: it is missing; give the code that the provider's consent page returned"
            )
            raise InvalidRequestError(message)
        try:
            return await self._oauth2.exchange_code(connector, configuration, wish.code)
        except ProviderError as error:
            raise _refusal(f"providerData.code: {connector.name} did not accept it", error) from error

    async def _identify(self, connector: Connector, draft: InstanceDraft, tokens: Tokens) -> InstanceDraft:
        """Test the connection by one call, and learn which account it is."""
        session = self._open_session(connector, draft.configuration, tokens.access_token)
        try:
            account = await guard(connector, "identify", Account, session)
        except ProviderError as error:
            by = (
                "by this configuration"
                if find_grant(connector) is Grant.CONFIGURATION
                else "with the new token"
            )
            raise _refusal(f"{connector.name} refused the first call {by}", error) from error
        host = connector.find_host(draft.configuration)
        return replace(draft, account=Account(id=f"{host}#{account.id}", label=account.label))


def _name_place(connector: Connector) -> str:
    return "providerData.code" if find_grant(connector) is Grant.CONSENT else "configuration"


def _show_account(account: Account) -> str:
    return f"{account.label!r} at {account.id.partition('#')[0]}"


def _refusal(what: str, error: ProviderError) -> InvalidRequestError | UnavailableError:
    if isinstance(error, RetryLaterError):
        return UnavailableError(f"{what}: it cannot answer now; try again", provider_message=str(error))
    return InvalidRequestError(what, provider_message=str(error))
