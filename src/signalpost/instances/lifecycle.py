"""An instance's life: connected, changed, authorised again. Everything is checked before anything is stored."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import partial

from signalpost.connectors.authorising import NO_TOKENS, Grant, asks_consent, find_grant
from signalpost.connectors.base import Connector
from signalpost.connectors.containment import contain_configuration, find_host, guard
from signalpost.connectors.registry import Registry
from signalpost.connectors.resource import Session
from signalpost.instances.adoption import adopt_account, name_authorisation, tell_refusal
from signalpost.instances.drafts import ReadPlan, write_draft
from signalpost.instances.oauth2 import OAuth2
from signalpost.instances.starts import Starts
from signalpost.instances.wishes import (
    REFRESH_TOKEN,
    Wish,
    list_missing,
    merge_configuration,
    take_tokens,
    with_defaults,
)
from signalpost.model.errors import (
    FencedError,
    InvalidRequestError,
    NotFoundError,
    ProviderError,
    QuotaSpentError,
    RetryLaterError,
    TooFastError,
    replace_unusable,
)
from signalpost.model.instance import Account, Caller, Instance, Tokens
from signalpost.observe import get_logger
from signalpost.store.connections import Taken
from signalpost.store.instance_rows import InstanceDraft
from signalpost.store.instances import Instances
from signalpost.store.vault import make_secret

log = get_logger("instances")

SPENT = "try again, but a code, or a refresh token given alone, is spent by now: give a new one"

FIRST_CALL_WAITS_SECONDS = (0.5, 2.0)
"""Waits before the first call is made again where the provider cannot answer: a code that failed with it would be
spent, and the consent be asked for once more."""
FIRST_CALL_PATIENCE_SECONDS = 5.0
"""It is not where the provider took longer than this, or asks for it: somebody waits for the answer."""


@dataclass(frozen=True, slots=True)
class Authorised:
    """What a new authorisation of an instance gave."""

    tokens: Tokens
    account: Account


class Lifecycle:
    """Connects and changes instances."""

    def __init__(
        self,
        *,
        registry: Registry,
        instances: Instances,
        oauth2: OAuth2,
        read_plan: ReadPlan,
        starts: Starts,
    ) -> None:
        self._registry = registry
        self._instances = instances
        self._oauth2 = oauth2
        self._draft = partial(write_draft, read_plan)
        self._open_session = starts.open_first
        self._starts = starts

    async def check(self, wish: Wish, instance: Instance | None = None) -> None:
        """Check a wish for a new instance, or for a change of an ``instance`` by PATCH; nobody is called.

        Raises:
            InvalidRequestError, NotFoundError: the wish is wrong.
        """
        connector = self._registry.find(wish.connector or (instance.connector if instance else ""))
        before = {} if instance is None else dict(instance.configuration)
        given = merge_configuration(wish.configuration or {}, before, connector, whole=instance is None)
        await self._draft(connector, wish, with_defaults(given, connector), instance)

    async def authorise(self, wish: Wish) -> Tokens:
        """Exchange the code of a new instance's wish, and call the provider once; nothing is stored.

        Raises:
            InvalidRequestError: the provider refuses. UnavailableError: it cannot answer now.
        """
        connector = self._registry.find(wish.connector or "")
        given = merge_configuration(wish.configuration or {}, {}, connector, whole=True)
        draft = await self._draft(connector, wish, with_defaults(given, connector))
        tokens = await self._authorise(connector, wish, given)
        await self._identify(connector, draft, tokens, wish)
        return tokens

    def open_first(self, wish: Wish) -> Session:
        """Open a session with the tokens of a wish whose consent was given, before there is an instance."""
        assert wish.tokens is not None
        connector = self._registry.find(wish.connector or "")
        given = merge_configuration(wish.configuration or {}, {}, connector, whole=True)
        with contain_configuration(connector, "open_session"):
            return self._open_session(connector, with_defaults(given, connector), wish.tokens.access_token)

    async def create(self, caller: Caller, wish: Wish, *, taken: Taken | None = None) -> Instance:
        """Check everything, exchange the code, call the provider once, and only then store the instance.

        Feeds start where they are before it is stored: what happens once we have answered is told by the first poll,
        whenever that comes.

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
        draft = await self._draft(connector, wish, with_defaults(given, connector))
        tokens = await self._authorise(connector, wish, given)
        draft = await self._identify(connector, draft, tokens, wish)
        draft = replace(draft, starts=await self._starts.find_first(connector, draft, tokens))
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

    async def change(
        self, instance: Instance, wish: Wish, *, whole: bool, exact: bool = False, taken: Taken | None = None
    ) -> Instance:
        """Change an instance: PUT (``whole``) replaces its configuration, PATCH changes what is named.

        Watermarks of resources that stay are kept. With a code it is authorised again, as the same account. What
        somebody else changed meanwhile stays, where it is not named here; with ``exact`` nothing may have been changed.
        ``taken`` as in ``create``.

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
        authorised = None
        while True:
            configuration = dict(instance.configuration)
            if wish.configuration is not None:
                merged = merge_configuration(wish.configuration, configuration, connector, whole=whole)
                configuration = with_defaults(merged, connector)
            # Of an imported one, secrets may be given one by one.
            may_lack = not instance.was_authorised and wish.code is None and not wish.external
            draft = await self._draft(connector, wish, configuration, instance, may_lack=may_lack)
            # A code can be exchanged only once.
            authorised = authorised or await self._authorise_again(
                connector, wish, configuration, draft, instance
            )
            if authorised is not None:
                place = name_authorisation(wish, connector)
                draft = replace(draft, account=adopt_account(instance, authorised.account, place))
            tokens = None if authorised is None else authorised.tokens
            starts = await self._starts.find_added(connector, draft, tokens, instance)
            draft = replace(draft, starts=starts)
            try:
                changed = await self._instances.update(instance, draft, tokens=tokens, taken=taken)
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
    ) -> Authorised | None:
        """Give what the wish authorises; None where it authorises nothing and need not."""
        if not asks_consent(connector):
            own = [each.key for each in connector.fields]
            changed = any(configuration.get(key) != instance.configuration.get(key) for key in own)
            named = not own or any(key in (wish.configuration or {}) for key in own)
            if list_missing(configuration, connector) or (not changed and (instance.valid or not named)):
                return None
        elif wish.code is None and not wish.external:
            if not instance.was_authorised:  # whatever host it had, no account there was ever connected
                return None
            host, before = (find_host(connector, each) for each in (configuration, instance.configuration))
            if host == before:
                return None
            # No code would help: an account is its domain's (see ``_identify``).
            message = (
                f"configuration: {host} is another domain than {before}, and so another account than this instance"
                " acts as; create another instance for it"
            )
            raise InvalidRequestError(message)
        tokens = await self._authorise(connector, wish, configuration)
        return Authorised(tokens, (await self._identify(connector, draft, tokens, wish)).account)

    async def _authorise(self, connector: Connector, wish: Wish, configuration: Mapping[str, str]) -> Tokens:
        grant = find_grant(connector)
        if grant is Grant.CONFIGURATION:
            return NO_TOKENS
        if grant is Grant.APPLICATION:
            try:
                return await self._oauth2.ask_by_application(connector, configuration)
            except ProviderError as error:
                raise tell_refusal(f"{connector.name} gives no token for oauth.api.key", error) from error
        if wish.external:
            return await self._complete(connector, configuration, take_tokens(configuration))
        if wish.tokens is not None:
            return wish.tokens
        if not wish.code:
            message = (
                "providerData.code: it is missing; give the code that the provider's consent page returned"
            )
            raise InvalidRequestError(message)
        try:
            return await self._oauth2.exchange_code(connector, configuration, wish.code, state=wish.state)
        except ProviderError as error:
            raise tell_refusal(f"providerData.code: {connector.name} did not accept it", error) from error

    async def _complete(
        self, connector: Connector, configuration: Mapping[str, str], tokens: Tokens
    ) -> Tokens:
        """Give tokens that a caller brought, with an access token got by the refresh token where there is none."""
        if tokens.access_token or tokens.refresh_token is None:
            return tokens
        try:
            return await self._oauth2.refresh(connector, configuration, tokens.refresh_token)
        except ProviderError as error:
            what = f"configuration.{REFRESH_TOKEN}: {connector.name} did not accept it"
            raise tell_refusal(what, error) from error

    async def _identify(
        self, connector: Connector, draft: InstanceDraft, tokens: Tokens, wish: Wish
    ) -> InstanceDraft:
        """Test the connection by one call, and learn which account it is."""
        try:
            session = self._open_session(connector, draft.configuration, tokens.access_token)
            account = await _call_first(connector, session)
        except ProviderError as error:
            what, again = f"{connector.name} refused the first call with the new token", SPENT
            if find_grant(connector) is Grant.CONFIGURATION:
                what, again = f"{connector.name} refused the first call by this configuration", "try again"
            elif wish.external:
                what = f"{name_authorisation(wish, connector)}: {what}"
            raise tell_refusal(what, error, again) from error
        host = find_host(connector, draft.configuration)
        label = replace_unusable(account.label)
        return replace(draft, account=Account(id=f"{host}#{account.id}", label=label))


async def _call_first(connector: Connector, session: Session) -> Account:
    """Learn which account it is; asked again where the provider cannot answer at once and a code is at stake."""
    began = asyncio.get_running_loop().time()
    for wait_seconds in FIRST_CALL_WAITS_SECONDS if asks_consent(connector) else ():
        try:
            return await guard(connector, "identify", Account, session)
        except (QuotaSpentError, TooFastError):  # the session has asked again, or none is left
            raise
        except RetryLaterError as error:
            wait = max(wait_seconds, error.after_seconds or 0.0)
            if asyncio.get_running_loop().time() - began + wait > FIRST_CALL_PATIENCE_SECONDS:
                raise
        await asyncio.sleep(wait)
    return await guard(connector, "identify", Account, session)
