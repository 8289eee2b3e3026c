"""The provider's tokens of an instance, changed by one caller at a time across all processes."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

import asyncpg

from signalpost.model.errors import NeedsAuthorisationError, RetryLaterError
from signalpost.model.ids import InstanceId
from signalpost.model.instance import Tokens
from signalpost.store.vault import Vault

SHARE_OF_CONNECTIONS = 0.4
"""Each renewal holds a connection while the provider answers: silent token endpoints must not take them all."""
RENEWAL_SECONDS = 120
"""How long the transaction of a renewal may wait for the provider's answer: longer than any may take."""
LOCK_SECONDS = 45.0
"""How long to wait for one's turn: longer than one caller's renewal can take, shorter than a statement may."""


# Who locks them meanwhile reads the old ones, and is refused by the provider; then this goes over them all the same.
KEEP = """
UPDATE credential SET tokens = $2, version = version + 1 WHERE instance_id = $1 AND version = $3
RETURNING tokens, version
"""
# By a statement of its own: one that waited for another's renewal has the tokens of before it.
STORED = "SELECT tokens, version FROM credential WHERE instance_id = $1"


class TokenLock:
    """Holds an instance's row while its tokens are renewed: a second caller waits and then reads what the first got."""

    def __init__(self, connection: Any, vault: Vault, instance_id: InstanceId, tokens: Tokens) -> None:
        self._connection = connection
        self._vault = vault
        self._instance_id = instance_id
        self.tokens = tokens

    async def replace(self, tokens: Tokens) -> None:
        """Store the renewed tokens; they count once the lock is left in order."""
        version = await self._connection.fetchval(
            "UPDATE credential SET tokens = $2, version = version + 1 WHERE instance_id = $1 RETURNING version",
            self._instance_id,
            self._vault.seal(tokens_to_json(tokens)),
        )
        self.tokens = replace(tokens, version=version)


class TokenRows:
    """Reads and renews tokens."""

    def __init__(self, pool: asyncpg.Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault
        at_once, of_a_connector = count_places(pool.get_max_size())
        self._slots = asyncio.Semaphore(at_once)
        self._shares: defaultdict[str, asyncio.Semaphore] = defaultdict(
            lambda: asyncio.Semaphore(of_a_connector)
        )

    @asynccontextmanager
    async def lock(self, instance_id: InstanceId, connector: str) -> AsyncIterator[TokenLock]:
        """Lock the tokens of an instance of ``connector`` (its key) for the length of the block; one transaction.

        The lock is the row's own, so it ends with the process that held it.

        Raises:
            NeedsAuthorisationError: the instance is gone.
            RetryLaterError: others have held it for ``LOCK_SECONDS``.
        """
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(LOCK_SECONDS):
                    await stack.enter_async_context(self._shares[connector])
                    await stack.enter_async_context(self._slots)
                    connection = await stack.enter_async_context(self._pool.acquire())
                    await stack.enter_async_context(connection.transaction())
                    await connection.execute(
                        f"SET LOCAL idle_in_transaction_session_timeout = '{RENEWAL_SECONDS}s'"
                    )
                    row = await connection.fetchrow(
                        "SELECT tokens, version FROM credential WHERE instance_id = $1 FOR UPDATE",
                        instance_id,
                    )
            except TimeoutError as error:
                message = "the account's token is being renewed, and the provider's token endpoint is slow"
                raise RetryLaterError(message) from error
            yield TokenLock(connection, self._vault, instance_id, self._read(instance_id, row))

    async def keep(self, instance_id: InstanceId, tokens: Tokens) -> Tokens:
        """Store renewed tokens whose lock was lost with its connection; give what is stored then.

        ``tokens.version`` is that of the tokens they were got by: if others stand there by now, these are left.

        Raises:
            NeedsAuthorisationError: the instance is gone.
        """
        sealed = self._vault.seal(tokens_to_json(tokens))
        row = await self._pool.fetchrow(KEEP, instance_id, sealed, tokens.version)
        return self._read(instance_id, row or await self._pool.fetchrow(STORED, instance_id))

    def _read(self, instance_id: InstanceId, row: Any) -> Tokens:
        if row is None:
            message = f"instance {instance_id} is gone"
            raise NeedsAuthorisationError(message)
        return tokens_from_json(self._vault.unseal(row["tokens"]), row["version"])


def count_places(connections: int) -> tuple[int, int]:
    """Say how many renewals may be under way on so many connections, and of one connector.

    Half of them: a silent token endpoint must not keep the instances of other connectors from theirs.
    """
    at_once = max(2, int(connections * SHARE_OF_CONNECTIONS))
    return at_once, at_once // 2


def tokens_to_json(tokens: Tokens) -> dict[str, Any]:
    """Give tokens as the JSON that is sealed."""
    return {
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "expires_at": None if tokens.expires_at is None else tokens.expires_at.isoformat(),
    }


def tokens_from_json(value: Mapping[str, Any], version: int) -> Tokens:
    """Read what ``tokens_to_json`` gave; ``version`` is the row's."""
    expires_at = value["expires_at"]
    return Tokens(
        access_token=value["access_token"],
        refresh_token=value["refresh_token"],
        expires_at=None if expires_at is None else datetime.fromisoformat(expires_at),
        version=version,
    )
