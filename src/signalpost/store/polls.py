"""Polls as rows: which are due, what they need, what came of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from signalpost.model.ids import InstanceId, OrganizationId, UserId
from signalpost.model.instance import PollState, ResourcePoll
from signalpost.store.gather import Gather, in_order
from signalpost.store.instances import tokens_from_json
from signalpost.store.vault import Vault

LOAD = """
SELECT instance.id, instance.organization_id, instance.user_id, instance.connector, instance.name, instance.tags,
       instance.configuration, instance.secrets, instance.full_raw, instance.interval_seconds,
       instance.consecutive_failures, credential.tokens,
       credential.version AS tokens_version, endpoint.url IS NOT NULL AS notified, resource_poll.resource,
       resource_poll.configuration AS resource_configuration, resource_poll.watermark, resource_poll.version,
       resource_poll.last_error IS NOT NULL AS failing
FROM instance
JOIN credential ON credential.instance_id = instance.id
JOIN endpoint ON endpoint.instance_id = instance.id
JOIN resource_poll ON resource_poll.instance_id = instance.id
WHERE instance.id = ANY($1) AND NOT instance.disabled AND instance.valid
ORDER BY instance.id, resource_poll.resource
"""

FINISH = """
UPDATE instance SET next_poll_at = CASE WHEN instance.disabled OR NOT instance.valid THEN NULL ELSE done.next END,
       last_poll_at = done.polled, consecutive_failures = done.failures
FROM unnest($1::bigint[], $2::timestamptz[], $3::timestamptz[], $4::integer[]) AS done (id, polled, next, failures)
WHERE instance.id = done.id
"""

CLAIM_DUE = """
UPDATE instance SET next_poll_at = $2
FROM (SELECT id FROM instance WHERE next_poll_at <= $1 ORDER BY next_poll_at LIMIT $3 FOR UPDATE SKIP LOCKED) AS due
WHERE instance.id = due.id RETURNING instance.id
"""


@dataclass(frozen=True, slots=True)
class FinishedPoll:
    """The end of one poll: when it began, when the next is due, how many failed in a row by now (0: it succeeded)."""

    instance_id: InstanceId
    polled_at: datetime
    next_poll_at: datetime
    consecutive_failures: int


class Polls:
    """Rows of polls. Loads and finishes of the polls in flight are gathered into one statement each."""

    def __init__(self, pool: asyncpg.Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault
        self._loads: Gather[InstanceId, PollState | None] = Gather(self._load_all)
        self._finishes: Gather[FinishedPoll, None] = Gather(self._finish_all, window_seconds=0.01)

    async def claim_due(self, now: datetime, *, until: datetime, limit: int) -> list[InstanceId]:
        """Take the instances whose poll is due.

        Each comes up again at ``until`` unless its poll finishes and sets the next time: a poll whose job is lost
        on the way is handed out anew.
        """
        rows = await self._pool.fetch(CLAIM_DUE, now, until, limit)
        return [InstanceId(row["id"]) for row in rows]

    async def give_back(self, instance_ids: Sequence[InstanceId], *, until: datetime, at: datetime) -> None:
        """Have instances that were claimed ``until`` then come up ``at`` an earlier time, if nothing else was set."""
        await self._pool.execute(
            "UPDATE instance SET next_poll_at = $3 WHERE id = ANY($1) AND next_poll_at = $2",
            instance_ids,
            until,
            at,
        )

    async def load(self, instance_id: InstanceId) -> PollState | None:
        """Load what a poll of the instance needs; None when it is not to be polled (gone, disabled, not valid)."""
        return await self._loads.ask(instance_id)

    async def _load_all(self, instance_ids: Sequence[InstanceId]) -> list[PollState | None]:
        rows = await self._pool.fetch(LOAD, instance_ids)
        grouped: dict[InstanceId, list[Any]] = {}
        for row in rows:
            grouped.setdefault(row["id"], []).append(row)
        return in_order(instance_ids, {key: self._read(group) for key, group in grouped.items()})

    def _read(self, rows: list[Any]) -> PollState:
        first = rows[0]
        sealed = self._vault.unseal(first["secrets"])
        return PollState(
            instance_id=InstanceId(first["id"]),
            organization_id=OrganizationId(first["organization_id"]),
            user_id=UserId(first["user_id"]),
            connector=first["connector"],
            name=first["name"],
            tags=tuple(first["tags"]),
            configuration={**first["configuration"], **sealed["configuration"]},
            tokens=tokens_from_json(self._vault.unseal(first["tokens"]), first["tokens_version"]),
            interval_seconds=first["interval_seconds"],
            consecutive_failures=first["consecutive_failures"],
            notified=first["notified"],
            full_raw=first["full_raw"],
            resources=tuple(
                ResourcePoll(
                    resource=row["resource"],
                    configuration=row["resource_configuration"],
                    watermark=row["watermark"],
                    version=row["version"],
                    failing=row["failing"],
                )
                for row in rows
            ),
        )

    async def finish(self, poll: FinishedPoll) -> None:
        """Record the end of a poll and set the next one's time."""
        await self._finishes.ask(poll)

    async def _finish_all(self, polls: Sequence[FinishedPoll]) -> list[None]:
        newest = {poll.instance_id: poll for poll in polls}.values()
        await self._pool.execute(
            FINISH,
            [poll.instance_id for poll in newest],
            [poll.polled_at for poll in newest],
            [poll.next_poll_at for poll in newest],
            [poll.consecutive_failures for poll in newest],
        )
        return [None] * len(polls)

    async def record_failure(
        self, instance_id: InstanceId, resource: str, message: str, now: datetime
    ) -> None:
        """Keep why reading the resource failed, for people to see."""
        await self._pool.execute(
            "UPDATE resource_poll SET last_error = $3, last_error_at = $4 WHERE instance_id = $1 AND resource = $2",
            instance_id,
            resource,
            message,
            now,
        )

    async def record_recovery(self, instance_id: InstanceId, resource: str, now: datetime) -> None:
        """Clear the failure of a resource that was read again."""
        await self._pool.execute(
            "UPDATE resource_poll SET last_error = NULL, last_success_at = $3"
            " WHERE instance_id = $1 AND resource = $2",
            instance_id,
            resource,
            now,
        )

    async def require_authorisation(self, instance_id: InstanceId, tokens_version: int) -> bool:
        """Stop polling the instance until somebody authorises it again.

        Does nothing, and says False, when its tokens were replaced since ``tokens_version`` was read.
        """
        done = await self._pool.execute(
            "UPDATE instance SET valid = false, next_poll_at = NULL FROM credential"
            " WHERE instance.id = $1 AND credential.instance_id = $1 AND credential.version = $2",
            instance_id,
            tokens_version,
        )
        return str(done) == "UPDATE 1"
