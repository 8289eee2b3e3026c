"""Operational notices: what an operator is to be told, written with what it tells of and kept until it is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

import asyncpg

from signalpost.model.configuration import OPERATIONS_URL
from signalpost.model.event import Gap
from signalpost.model.ids import InstanceId
from signalpost.store.vault import ReadConfiguration, Vault

MOST_OF_ONE = 5
"""Notices of one instance that are taken at once: an address that does not answer keeps no others' waiting."""

ADD = f"""
INSERT INTO operation_notice (instance_id, kind, body, created_at, due_at)
SELECT id, $2, $3, $4, $4 FROM instance WHERE id = $1 AND configuration ? '{OPERATIONS_URL}'
"""

ADD_GAP = """
INSERT INTO gap (instance_id, resource, sequence, reason, from_watermark, to_watermark, detected_at)
VALUES ($1, $2, $3, $4, $5, $6, $7)
"""

# Of each instance the oldest few. Only the notices are locked: whoever changes their instance meanwhile does not wait.
CLAIM_DUE = """
UPDATE operation_notice SET due_at = $2
FROM (SELECT id FROM operation_notice
      WHERE due_at <= $1 AND id = ANY (ARRAY(
          SELECT id FROM (SELECT id, due_at, row_number() OVER (PARTITION BY instance_id ORDER BY due_at, id) AS place
                          FROM operation_notice WHERE due_at <= $1 AND instance_id <> ALL ($4)) AS each
          WHERE place <= $5 ORDER BY due_at LIMIT $3))
      ORDER BY id FOR UPDATE SKIP LOCKED) AS due,
     instance
WHERE operation_notice.id = due.id AND instance.id = operation_notice.instance_id
RETURNING operation_notice.id, operation_notice.instance_id, operation_notice.kind, operation_notice.body,
          operation_notice.created_at, operation_notice.attempts, instance.name, instance.configuration,
          instance.secrets
"""


@dataclass(frozen=True, slots=True)
class Notice:
    """A notice that is to be told now: ``attempts`` have failed before. ``read_configuration``: the instance's."""

    id: int
    instance_id: InstanceId
    instance_name: str
    kind: str
    body: Mapping[str, Any]
    created_at: datetime
    attempts: int
    read_configuration: ReadConfiguration = field(compare=False, repr=False)


async def add_notice(
    connection: Any, instance_id: InstanceId, kind: str, body: Mapping[str, Any], now: datetime
) -> None:
    """Write a notice within the caller's transaction; nothing where the instance names no address for them."""
    await connection.execute(ADD, instance_id, kind, dict(body), now)


async def add_gap(
    connection: Any, instance_id: InstanceId, resource: str, sequence: int, gap: Gap, kind: str, now: datetime
) -> None:
    """Record a gap at a number of the event sequence, with a notice of ``kind``, within the caller's transaction."""
    await connection.execute(
        ADD_GAP, instance_id, resource, sequence, gap.reason, gap.from_watermark, gap.to_watermark, now
    )
    told = {
        "resource": resource,
        "message": gap.reason,
        "sequence": sequence,
        "fromWatermark": gap.from_watermark,
        "toWatermark": gap.to_watermark,
    }
    await add_notice(connection, instance_id, kind, told, now)


class Notices:
    """Rows of notices that wait."""

    def __init__(self, pool: asyncpg.Pool, vault: Vault) -> None:
        self._pool = pool
        self._vault = vault

    async def claim_due(
        self,
        now: datetime,
        *,
        until: datetime,
        limit: int,
        but_for: Collection[InstanceId] = (),
    ) -> list[Notice]:
        """Take notices that are due, the oldest first: of an instance ``MOST_OF_ONE``, of those ``but_for`` none.

        Each row is taken by one caller. It comes up again at ``until`` unless it is removed or postponed: who took it
        may have been killed.
        """
        rows = await self._pool.fetch(CLAIM_DUE, now, until, limit, list(but_for), MOST_OF_ONE)
        return [self._read(row) for row in sorted(rows, key=lambda row: int(row["id"]))]

    async def remove(self, notice: Notice) -> None:
        """Forget a notice: it was told, or given up."""
        await self._pool.execute("DELETE FROM operation_notice WHERE id = $1", notice.id)

    async def postpone(self, notice: Notice, *, due_at: datetime, error: str) -> None:
        """Record a failed attempt and when the next is due."""
        await self._pool.execute(
            "UPDATE operation_notice SET attempts = $2, due_at = $3, last_error = $4 WHERE id = $1",
            notice.id,
            notice.attempts + 1,
            due_at,
            error,
        )

    def _read(self, row: Any) -> Notice:
        return Notice(
            id=row["id"],
            instance_id=InstanceId(row["instance_id"]),
            instance_name=row["name"],
            kind=row["kind"],
            body=row["body"],
            created_at=row["created_at"],
            attempts=row["attempts"],
            read_configuration=partial(self._vault.join_configuration, row),
        )
