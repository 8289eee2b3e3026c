"""How polling stands, as rows: read for people, resumed, asked for at once; and what a call of a user needs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from signalpost.model.event import Watermark
from signalpost.model.ids import InstanceId, OrganizationId
from signalpost.model.instance import Instance, Tokens
from signalpost.store.notices import add_notice
from signalpost.store.tokens import tokens_from_json
from signalpost.store.vault import Vault

SCHEDULE = """
SELECT interval_seconds, created_at, next_poll_at, last_poll_at, last_success_at, throttled_until, quota
FROM instance WHERE id = $1
"""

RESOURCES = """
SELECT resource, configuration, watermark, failures, last_error, last_error_at, last_success_at, retry_at, disabled_at,
       remark, remembered
FROM resource_poll WHERE instance_id = $1 ORDER BY resource
"""

# With a remark that is no more true then the first success is written, as one after failures is.
RESUME = """
UPDATE resource_poll SET disabled_at = NULL, failures = 0, retry_at = NULL, remark = 'resumed, and not read since'
WHERE instance_id = $1 AND disabled_at IS NOT NULL RETURNING resource
"""

# The instance's row first, as every change of an instance does.
LOCK = "SELECT FROM instance WHERE id = $1 FOR NO KEY UPDATE"

DUE_NOW = """
UPDATE instance SET next_poll_at = now(), wishes = wishes + 1
WHERE id = $1 AND valid AND NOT disabled
  AND EXISTS (SELECT FROM resource_poll WHERE instance_id = $1 AND disabled_at IS NULL)
RETURNING now()
"""

STOPPED = """
SELECT instance.id AS instance_id, instance.name AS instance_name,
       array_agg(resource_poll.resource ORDER BY resource_poll.resource) AS resources,
       min(resource_poll.disabled_at) AS since,
       (array_agg(resource_poll.last_error ORDER BY resource_poll.disabled_at DESC))[1] AS last_error
FROM resource_poll JOIN instance ON instance.id = resource_poll.instance_id
WHERE resource_poll.disabled_at IS NOT NULL AND instance.organization_id = $1
  AND ($2::bigint IS NULL OR instance.id = $2) AND instance.id > $3
GROUP BY instance.id ORDER BY instance.id LIMIT $4 OFFSET $5
"""

STALE_INTERVALS = 3
STALE_SECONDS = 60
"""Without a success for so many intervals, and at least so long, polling is stale (``polling.status``)."""

IS_STALE = f"""
next_poll_at IS NOT NULL AND greatest(coalesce(last_success_at, created_at), throttled_until)
    < {{now}} - make_interval(secs => greatest({STALE_INTERVALS} * interval_seconds, {STALE_SECONDS}))
"""
"""The condition that polling of an instance is stale at the time that takes the place of ``{now}``."""

NEEDS_SOMEBODY = f"""
NOT disabled AND (NOT valid OR {IS_STALE}
    OR id IN (SELECT instance_id FROM resource_poll WHERE disabled_at IS NOT NULL))
"""
"""The condition that an instance is not read until somebody sees to it, at the time that takes the place of ``{now}``:
it needs an authorisation, its polling is stale, or a resource was given up."""

# What a poll has learned of its own calls stays as it is: a user's call teaches nothing about it. Where another
# authorisation has begun to count anew, what the one before had left says nothing, as at the end of a poll.
KEEP_QUOTA = """
UPDATE instance SET quota = $2 || CASE WHEN quota ? 'callsAPoll'
    THEN jsonb_build_object('callsAPoll', quota -> 'callsAPoll') ELSE '{}' END
WHERE id = $1 AND (wishes = $3 OR quota IS NOT NULL)
"""


@dataclass(frozen=True, slots=True)
class PollingRow:
    """A polled resource as it is kept."""

    resource: str
    configuration: Mapping[str, Any]
    watermark: Watermark | None
    failures: int
    last_error: str | None
    last_error_at: datetime | None
    last_success_at: datetime | None
    retry_at: datetime | None
    disabled_at: datetime | None
    remark: str | None
    remembered: int


@dataclass(frozen=True, slots=True)
class Schedule:
    """When an instance is polled, and its resources. ``quota`` is as ``quota.Allowance.to_json`` gave it."""

    interval_seconds: float
    created_at: datetime
    next_poll_at: datetime | None
    last_poll_at: datetime | None
    last_success_at: datetime | None
    throttled_until: datetime | None
    quota: Mapping[str, Any] | None
    resources: tuple[PollingRow, ...]


@dataclass(frozen=True, slots=True)
class StoppedPolling:
    """An instance some of whose resources were given up."""

    instance_id: int
    instance_name: str
    resources: tuple[str, ...]
    since: datetime
    last_error: str | None


@dataclass(frozen=True, slots=True)
class Access:
    """What a call of a user needs of an instance besides its configuration.

    ``wishes`` grow whenever it is authorised, as with whatever has it polled at once.
    """

    tokens: Tokens
    quota: Mapping[str, Any] | None
    wishes: int


class PollingStatus:
    """Reads and changes how instances are polled. Who calls has found the instance as the organization's own."""

    def __init__(self, pool: asyncpg.Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault

    async def read(self, instance_id: InstanceId) -> Schedule | None:
        """Read how polling of an instance stands; None when it is gone."""
        async with self._pool.acquire() as connection:
            row = await connection.fetchrow(SCHEDULE, instance_id)
            resources = await connection.fetch(RESOURCES, instance_id)
        if row is None:
            return None
        return Schedule(**dict(row), resources=tuple(PollingRow(*each) for each in resources))

    async def resume(self, instance: Instance, now: datetime) -> list[str]:
        """Have the resources that were given up read again, from their watermarks; with one notice. Gives them.

        The instance is due at once, if it may be polled at all.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(LOCK, instance.id)
            rows = await connection.fetch(RESUME, instance.id)
            resumed = sorted(row["resource"] for row in rows)
            if resumed:
                await connection.execute(DUE_NOW, instance.id)
                told = {"resources": resumed, "message": f"polling of {', '.join(resumed)} was resumed"}
                await add_notice(connection, instance.id, "polling.resumed", told, now)
        return resumed

    async def ask_poll(self, instance: Instance) -> datetime | None:
        """Have an instance polled now, what waits for a retry included; gives the time, None if it must not be."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(LOCK, instance.id)
            await connection.execute(
                "UPDATE resource_poll SET retry_at = NULL WHERE instance_id = $1 AND retry_at IS NOT NULL",
                instance.id,
            )
            asked_at: datetime | None = await connection.fetchval(DUE_NOW, instance.id)
        return asked_at

    async def list_stopped(
        self,
        organization_id: OrganizationId,
        *,
        instance_id: InstanceId | None,
        after_id: int,
        limit: int,
        offset: int = 0,
    ) -> list[StoppedPolling]:
        """List instances with resources that were given up, in the order of their ids."""
        rows = await self._pool.fetch(STOPPED, organization_id, instance_id, after_id, limit, offset)
        return [
            StoppedPolling(
                row["instance_id"],
                row["instance_name"],
                tuple(row["resources"]),
                row["since"],
                row["last_error"],
            )
            for row in rows
        ]

    async def load_access(self, instance_id: InstanceId) -> Access | None:
        """Load what a call of a user needs; None when the instance is gone."""
        row = await self._pool.fetchrow(
            "SELECT credential.tokens, credential.version, instance.quota, instance.wishes"
            " FROM credential JOIN instance ON instance.id = credential.instance_id"
            " WHERE credential.instance_id = $1",
            instance_id,
        )
        if row is None:
            return None
        tokens = tokens_from_json(self._vault.unseal(row["tokens"]), row["version"])
        return Access(tokens, row["quota"], row["wishes"])

    async def keep_quota(self, instance_id: InstanceId, quota: Mapping[str, Any], access: Access) -> None:
        """Keep what a call of a user, who had this ``access``, taught of the account's calls."""
        await self._pool.execute(KEEP_QUOTA, instance_id, dict(quota), access.wishes)
