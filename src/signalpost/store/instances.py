"""Instances and the resources polled for them, as rows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import asyncpg

from signalpost.model.configuration import DELIVERY_PREFIX
from signalpost.model.errors import ConflictError, FencedError
from signalpost.model.ids import InstanceId, OrganizationId, UserId
from signalpost.model.instance import Instance, Tokens
from signalpost.store.connections import FINISH, Taken
from signalpost.store.endpoints import activate_endpoint, rest_endpoint
from signalpost.store.events import delete_log
from signalpost.store.instance_rows import COLUMNS, InstanceDraft, read_instance, split_configuration
from signalpost.store.memory import forget_all
from signalpost.store.polled import BEGIN_ENABLED, LIST_BEGUN, begin_polls, write_polls
from signalpost.store.polling_status import NEEDS_SOMEBODY
from signalpost.store.tokens import tokens_to_json
from signalpost.store.vault import Vault, hash_secret

# Before the instance's own row: whoever renews the tokens holds it for as long as the provider takes to answer, and
# while we wait for that nobody else may wait for us.
LOCK_TOKENS = "SELECT FROM credential WHERE instance_id = $1 FOR UPDATE"
LOCK_POLLS = "SELECT id FROM resource_poll WHERE instance_id = $1 FOR UPDATE"

DISABLE = """
UPDATE instance SET disabled = true, disabled_until_authorised = false, wishes = wishes + 1, next_poll_at = NULL
WHERE id = $1 AND NOT (disabled AND NOT disabled_until_authorised)
"""
ENABLE = """
UPDATE instance SET disabled = false, disabled_until_authorised = false, wishes = wishes + 1,
       next_poll_at = CASE WHEN valid AND EXISTS (SELECT FROM resource_poll WHERE instance_id = $1) THEN now() END
WHERE id = $1
"""


class Instances:
    """Writes and reads instances. Every call names the organization: nobody reaches another's rows."""

    def __init__(self, pool: asyncpg.Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault

    async def create(
        self,
        draft: InstanceDraft,
        *,
        organization_id: OrganizationId,
        user_id: UserId,
        token: str,
        tokens: Tokens,
        taken: Taken | None = None,
    ) -> Instance:
        """Write a new instance, its endpoint and its resource polls in one transaction.

        Of a connection that was ``taken`` (which, and when) it is made once; raises ConflictError: not by this taker.
        """
        plain, sealed = draft.split(self._vault, token)
        async with self._pool.acquire() as connection, connection.transaction():
            row = await connection.fetchrow(
                "INSERT INTO instance (organization_id, user_id, connector, name, tags, configuration, secrets,"
                " token_hash, account_id, account_label, full_raw, interval_seconds)"
                f" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) RETURNING {COLUMNS}",
                organization_id,
                user_id,
                draft.connector,
                draft.name,
                draft.tags,
                plain,
                sealed,
                hash_secret(token),
                draft.account.id,
                draft.account.label,
                draft.full_raw,
                draft.interval_seconds,
            )
            await connection.execute("INSERT INTO endpoint (instance_id) VALUES ($1)", row["id"])
            await connection.execute(
                "INSERT INTO credential (instance_id, tokens) VALUES ($1, $2)",
                row["id"],
                self._vault.seal(tokens_to_json(tokens)),
            )
            await self._write_polling(connection, row["id"], draft)
            await _finish(connection, taken, row["id"])
        return self._read(row)

    async def update(
        self,
        instance: Instance,
        draft: InstanceDraft,
        *,
        tokens: Tokens | None = None,
        taken: Taken | None = None,
    ) -> Instance | None:
        """Write the changed instance. ``tokens`` come with a new authorisation, which makes it valid again.

        The first one of an imported instance enables it, if nobody disabled it. ``taken`` as in ``create``.
        Resources that stay keep their watermark; those that went lose it. None when the instance is gone.

        Raises:
            FencedError: somebody changed it since ``instance`` was read; nothing was written.
        """
        plain, sealed = draft.split(self._vault, instance.token)
        async with self._pool.acquire() as connection, connection.transaction():
            if tokens is not None:
                await connection.execute(LOCK_TOKENS, instance.id)
            if not await self._lock(connection, instance):
                return None
            row = await connection.fetchrow(
                "UPDATE instance SET name = $3, tags = $4, configuration = $5, secrets = $6, full_raw = $7,"
                " interval_seconds = $8, account_id = $10, account_label = $11, valid = valid OR $9,"
                " disabled = disabled AND NOT (disabled_until_authorised AND $9),"
                " disabled_until_authorised = disabled_until_authorised AND NOT $9,"
                # A new authorisation may bring a new allowance: what was known of the old one says nothing of it.
                " quota = CASE WHEN $9 THEN NULL ELSE quota END,"
                " throttled_until = CASE WHEN $9 THEN NULL ELSE throttled_until END"
                f" WHERE id = $1 AND organization_id = $2 RETURNING {COLUMNS}",
                instance.id,
                instance.organization_id,
                draft.name,
                draft.tags,
                plain,
                sealed,
                draft.full_raw,
                draft.interval_seconds,
                tokens is not None,
                draft.account.id,
                draft.account.label,
            )
            if tokens is not None:
                await connection.execute(
                    "UPDATE credential SET tokens = $2, version = version + 1 WHERE instance_id = $1",
                    instance.id,
                    self._vault.seal(tokens_to_json(tokens)),
                )
                await begin_polls(connection, instance.id)
            await self._write_polling(connection, instance.id, draft)
            if _list_delivery(instance.configuration) != _list_delivery(draft.configuration):
                # What was wrong may be right now: what waits goes out at once.
                await activate_endpoint(connection, instance.id)
            await _finish(connection, taken, instance.id)
        return self._read(row)

    async def update_configuration(
        self, instance: Instance, configuration: Mapping[str, str], secret_keys: frozenset[str]
    ) -> bool:
        """Write a configuration in which nothing changed that polling lives by.

        False when the instance is gone. Raises as ``update``.
        """
        plain, sealed = split_configuration(configuration, secret_keys, self._vault, instance.token)
        async with self._pool.acquire() as connection, connection.transaction():
            is_there = await self._lock(connection, instance)
            await connection.execute(
                "UPDATE instance SET configuration = $2, secrets = $3 WHERE id = $1",
                instance.id,
                plain,
                sealed,
            )
            # What a turn that runs was about to send goes with what holds now.
            await connection.execute(
                "UPDATE endpoint SET generation = generation + 1 WHERE instance_id = $1", instance.id
            )
        return is_there

    async def _lock(self, connection: Any, instance: Instance, *, exact: bool = True) -> bool:
        """Hold the row until the transaction ends; ``exact``: if it is still as ``instance`` has it."""
        changes = await connection.fetchval(
            "SELECT changes FROM instance WHERE id = $1 AND organization_id = $2 FOR NO KEY UPDATE",
            instance.id,
            instance.organization_id,
        )
        if exact and changes is not None and changes != instance.changes:
            message = f"instance {instance.id} was changed meanwhile"
            raise FencedError(message)
        return changes is not None

    async def _write_polling(self, connection: Any, instance_id: int, draft: InstanceDraft) -> None:
        await write_polls(connection, instance_id, draft)
        await connection.execute(
            "UPDATE endpoint SET url = $2 WHERE instance_id = $1 AND url IS DISTINCT FROM $2",
            instance_id,
            draft.callback_url,
        )
        await connection.execute(
            "UPDATE instance SET wishes = wishes + 1,"
            " next_poll_at = CASE WHEN $2 AND NOT disabled AND valid THEN now() END WHERE id = $1",
            instance_id,
            bool(draft.resources),
        )

    async def list_begun(self, instance_id: InstanceId) -> dict[str, str | None]:
        """List the polled resources of which it is known from where, or from when on, they are read.

        Each with the source that is read so; None: that was never noted.
        """
        rows = await self._pool.fetch(LIST_BEGUN, instance_id)
        return {row["resource"]: row["source"] for row in rows}

    async def find(self, organization_id: OrganizationId, instance_id: InstanceId) -> Instance | None:
        """Find one instance of the organization."""
        row = await self._pool.fetchrow(
            f"SELECT {COLUMNS} FROM instance WHERE id = $1 AND organization_id = $2",
            instance_id,
            organization_id,
        )
        return None if row is None else self._read(row)

    async def search(
        self,
        organization_id: OrganizationId,
        *,
        tags: Sequence[str],
        text: str | None,
        after_id: int,
        limit: int,
        offset: int = 0,
        needing_at: datetime | None = None,
        connector: str | None = None,
    ) -> list[Instance]:
        """List instances in the order of their ids: with all ``tags``, ``text`` in the name, and of a ``connector``.

        ``needing_at``: only those of ``NEEDS_SOMEBODY``, as it was then.
        """
        rows = await self._pool.fetch(
            f"SELECT {COLUMNS} FROM instance WHERE organization_id = $1 AND tags @> $2"
            " AND ($3::text IS NULL OR strpos(lower(name), lower($3)) > 0)"
            f" AND ($7::timestamptz IS NULL OR {NEEDS_SOMEBODY.format(now='$7')})"
            " AND ($8::text IS NULL OR connector = $8)"
            " AND id > $4 ORDER BY id LIMIT $5 OFFSET $6",
            organization_id,
            list(tags),
            text,
            after_id,
            limit,
            offset,
            needing_at,
            connector,
        )
        return [self._read(row) for row in rows]

    async def delete(self, instance: Instance, *, exact: bool = False) -> bool:
        """Remove the instance with all that belongs to it; ``exact``: raises as ``update``.

        What was logged goes in as many transactions as it takes, oldest first. From the first on the instance is
        disabled, and so it stays should we be killed before the last: then this is called again.
        """
        while (is_done := await self._delete_some(instance, exact=exact)) is None:
            exact = False  # it was, when this was decided
        return is_done

    async def _delete_some(self, instance: Instance, *, exact: bool) -> bool | None:
        """Remove the oldest of its log, or all that is left; None: there is more. False when it is gone."""
        async with self._pool.acquire() as connection, connection.transaction():
            # As a change of the instance takes its locks; then no commit is between its own when the row goes.
            await connection.execute(LOCK_TOKENS, instance.id)
            if not await self._lock(connection, instance, exact=exact):
                return False
            polls = await connection.fetch(LOCK_POLLS, instance.id)
            if not await delete_log(connection, instance.id):
                await _disable(connection, instance.id)
                return None
            await forget_all(connection, [row["id"] for row in polls])
            await connection.execute("DELETE FROM instance WHERE id = $1", instance.id)
        return True

    async def set_disabled(self, instance: Instance, disabled: bool, *, exact: bool = False) -> None:
        """Disable or enable. Enabling also releases a deactivated endpoint; watermarks and backlog stay.

        ``exact``: raises as ``update``.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            await self._lock(connection, instance, exact=exact)
            if disabled:
                await _disable(connection, instance.id)
            else:
                await connection.execute(ENABLE, instance.id)
                await connection.execute(BEGIN_ENABLED, instance.id)
                await activate_endpoint(connection, instance.id)

    def _read(self, row: Any) -> Instance:
        return read_instance(row, self._vault)


def _list_delivery(configuration: Mapping[str, str]) -> dict[str, str]:
    return {key: value for key, value in configuration.items() if key.startswith(DELIVERY_PREFIX)}


async def _disable(connection: Any, instance_id: InstanceId) -> None:
    await connection.execute(DISABLE, instance_id)
    await rest_endpoint(connection, instance_id)


async def _finish(connection: Any, taken: Taken | None, instance_id: int) -> None:
    if taken is not None and await connection.fetchval(FINISH, *taken, instance_id) is None:
        raise ConflictError("this consent was used meanwhile, in another window or by another person")
