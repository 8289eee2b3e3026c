"""The access token of one instance during one poll or call: fresh when needed, renewed by one caller at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from signalpost.connectors.base import Connector
from signalpost.instances.oauth2 import OAuth2
from signalpost.model.errors import NeedsAuthorisationError
from signalpost.model.ids import InstanceId
from signalpost.model.instance import Tokens
from signalpost.observe import get_logger
from signalpost.store.tokens import TokenRows

log = get_logger("instances")

CLOCK_SLACK = timedelta(seconds=60)
"""Renew this long before the token's end: clocks differ, and calls take time."""


class FixedToken:
    """A token that cannot be renewed: for the first call, before the instance is stored (``session.AccessTokens``)."""

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
        message = "the provider refused the token it has just given"
        raise NeedsAuthorisationError(message)


class InstanceTokens:
    """The tokens of a stored instance (``session.AccessTokens``)."""

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
    ) -> None:
        self._instance_id = instance_id
        self._connector = connector
        self._configuration = configuration
        self._tokens = tokens
        self._rows = rows
        self._oauth2 = oauth2
        self._clock = clock

    async def give(self) -> str:
        """Give the token, renewed if it is about to end and can be."""
        expires_at = self._tokens.expires_at
        if (
            expires_at is not None
            and self._tokens.refresh_token
            and expires_at - CLOCK_SLACK <= self._clock()
        ):
            return await self.renew(self._tokens.access_token)
        return self._tokens.access_token

    async def renew(self, refused: str) -> str:
        """Get another token than ``refused``: the one that somebody else got meanwhile, or a new one.

        The row is locked from reading the refresh token to storing its successor, so two processes never spend
        the same refresh token (promise: nothing is lost).

        Raises:
            NeedsAuthorisationError: there is no refresh token, or the provider refuses it.
            RetryLaterError: the token endpoint cannot answer now.
        """
        async with self._rows.lock(self._instance_id) as lock:
            self._tokens = lock.tokens
            if lock.tokens.access_token != refused:
                return lock.tokens.access_token
            if lock.tokens.refresh_token is None:
                message = (
                    f"{self._connector.name} no longer accepts the token (expired, revoked, or the password changed)"
                    " and gave none to renew it with: authorise the instance again"
                )
                raise NeedsAuthorisationError(message)
            fresh = await self._oauth2.refresh(
                self._connector, self._configuration, lock.tokens.refresh_token
            )
            await lock.replace(fresh)
            self._tokens = lock.tokens
        log.info("token.renewed", instance=self._instance_id)
        return fresh.access_token
