"""The access token of one instance during one poll or call: fresh when needed, renewed by one caller at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta

from signalpost.connectors.authorising import Grant, find_grant
from signalpost.connectors.base import Connector
from signalpost.instances.oauth2 import OAuth2
from signalpost.model.errors import (
    DatabaseLostError,
    NeedsAuthorisationError,
    ProviderError,
    RetryLaterError,
    SignalpostError,
)
from signalpost.model.ids import InstanceId
from signalpost.model.instance import Tokens
from signalpost.observe import Metrics, get_logger
from signalpost.store.tokens import TokenRows
from signalpost.store.troubles import find_trouble

log = get_logger("instances")

FINISH_SECONDS = 2.0
"""How long a renewal under way may still take after its caller was stopped (a process stops within 10 s)."""

HOLD_SECONDS = 30.0
"""How long a poll does not try a renewal again that failed for now, where the provider names no time."""

KEEP_WAITS_SECONDS = (0.1, 1.0, 3.0, 10.0, 30.0)
"""How long to wait before what was renewed is tried to be stored again."""


class FixedToken:
    """A token that cannot be renewed: for the first call, before the instance is stored (``session.AccessTokens``)."""

    version = 0

    def __init__(self, token: str) -> None:
        self._token = token

    async def give(self) -> str:
        """Give it."""
        return self._token

    async def renew(self, refused: str) -> str:  # noqa: ARG002 - the protocol's
        """Refuse.

        Raises:
            NeedsAuthorisationError: always.
        """
        message = "the provider refused the access token"
        raise NeedsAuthorisationError(message)


class InstanceTokens:
    """The tokens of a stored instance (``session.AccessTokens``).

    ``on_renewed`` is told the old and the new access token whenever another one takes over.
    """

    def __init__(
        self,
        *,
        instance_id: InstanceId,
        connector: Connector,
        configuration: Mapping[str, str],
        tokens: Tokens,
        rows: TokenRows,
        oauth2: OAuth2,
        clock: Callable[[], datetime],
        on_renewed: Callable[[str, str], None],
        metrics: Metrics,
    ) -> None:
        self._instance_id = instance_id
        self._connector = connector
        self._configuration = configuration
        self._tokens = tokens
        self._rows = rows
        self._oauth2 = oauth2
        self._clock = clock
        self._on_renewed = on_renewed
        self._renewals = metrics.token_renewals
        self._held: tuple[datetime, ProviderError] | None = None

    @property
    def version(self) -> int:
        """The version of the tokens used last."""
        return self._tokens.version

    async def give(self) -> str:
        """Give the token, renewed if it has ended by our clock and can be.

        Not before its end: where clocks differ, or lifetimes are short, that would be at every call. One that has
        ended only by the provider's clock is refused by it, and then renewed.
        """
        expires_at = self._tokens.expires_at
        renewable = self._tokens.refresh_token or find_grant(self._connector) is Grant.APPLICATION
        if expires_at is not None and renewable and expires_at <= self._clock():
            return await self.renew(self._tokens.access_token)
        return self._tokens.access_token

    async def renew(self, refused: str) -> str:
        """Get another token than ``refused``: the one that somebody else got meanwhile, or a new one.

        The row is locked from reading the refresh token to storing its successor, so two processes never spend
        the same refresh token (promise: nothing is lost). One that failed for now fails the same again until the time
        that the provider named: a poll of many resources would ask an endpoint that wants rest once for each of them,
        and wait for a silent one as often.

        Raises:
            NeedsAuthorisationError: there is no refresh token, or the provider refuses it.
            RetryLaterError: the token endpoint cannot answer now.
            DatabaseLostError: who calls is a connector, and must not be taken for what failed.
        """
        if self._held is not None and self._clock() < self._held[0]:
            raise self._held[1].with_traceback(None)
        renewal = asyncio.create_task(self._renew(refused))
        try:
            return await asyncio.shield(renewal)
        except asyncio.CancelledError:
            # The provider may have spent the refresh token already: have its successor stored before we go.
            with contextlib.suppress(Exception):
                async with asyncio.timeout(FINISH_SECONDS):
                    await renewal
            raise
        except Exception as error:
            self._hold(error)
            if find_trouble(error) is None:
                raise
            raise DatabaseLostError from error

    def _hold(self, error: Exception) -> None:
        if isinstance(error, ProviderError) and not isinstance(error, NeedsAuthorisationError):
            told = error.after_seconds if isinstance(error, RetryLaterError) else None
            self._held = (self._clock() + timedelta(seconds=told or HOLD_SECONDS), error)

    async def _renew(self, refused: str) -> str:
        fresh = None
        try:
            async with self._rows.lock(self._instance_id, self._connector.key) as lock:
                self._tokens = lock.tokens
                if lock.tokens.access_token == refused:
                    fresh = await self._refresh(lock.tokens.refresh_token)
                    await lock.replace(fresh)
            # Only now, as it is stored for good.
            self._tokens = lock.tokens
        except Exception as error:
            if fresh is None or find_trouble(error) is None:
                raise
            self._tokens = await self._keep(replace(fresh, version=self._tokens.version))
        self._on_renewed(refused, self._tokens.access_token)
        return self._tokens.access_token

    async def _keep(self, fresh: Tokens) -> Tokens:
        """Store what the provider gave, though the database was lost meanwhile: the old refresh token is spent."""
        for seconds in KEEP_WAITS_SECONDS:
            try:
                return await self._rows.keep(self._instance_id, fresh)
            except Exception as error:
                if find_trouble(error) is None:
                    raise
            await asyncio.sleep(seconds)
        return await self._rows.keep(self._instance_id, fresh)

    async def _refresh(self, refresh_token: str | None) -> Tokens:
        name, by_application = self._connector.name, find_grant(self._connector) is Grant.APPLICATION
        if refresh_token is None and not by_application:
            message = (
                f"{name} no longer accepts the token (expired, revoked, or the password changed)"
                " and gave none to renew it with: authorise the instance again"
            )
            raise NeedsAuthorisationError(message)
        try:
            if refresh_token is None:
                fresh = await self._oauth2.ask_by_application(self._connector, self._configuration)
            else:
                fresh = await self._oauth2.refresh(self._connector, self._configuration, refresh_token)
        except NeedsAuthorisationError as error:
            self._renewals.labels("refused").inc()
            message = f"{name} no longer renews the token ({error}): authorise the instance again"
            raise NeedsAuthorisationError(message) from error
        except SignalpostError:
            self._renewals.labels("failed").inc()
            raise
        self._renewals.labels("renewed").inc()
        log.info("token.renewed", instance=self._instance_id)
        return fresh
