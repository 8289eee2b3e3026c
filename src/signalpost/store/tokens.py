"""The provider's tokens of an instance, changed by one caller at a time across all processes."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import asyncpg

from signalpost.model.errors import NeedsAuthorisationError
from signalpost.model.ids import InstanceId
from signalpost.model.instance import Tokens
from signalpost.store.instances import tokens_from_json, tokens_to_json
from signalpost.store.vault import Vault


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

    @asynccontextmanager
    async def lock(self, instance_id: InstanceId) -> AsyncIterator[TokenLock]:
        """Lock the instance's tokens for the length of the block; one transaction.

        The lock is the row's own, so it ends with the process that held it.

        Raises:
            NeedsAuthorisationError: the instance is gone.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                "SELECT tokens, version FROM credential WHERE instance_id = $1 FOR UPDATE", instance_id
            )
            if row is None:
                message = f"instance {instance_id} is gone"
                raise NeedsAuthorisationError(message)
            tokens = tokens_from_json(self._vault.unseal(row["tokens"]), row["version"])
            yield TokenLock(connection, self._vault, instance_id, tokens)
