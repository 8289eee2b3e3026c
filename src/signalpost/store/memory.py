"""The memory of objects: which of a resource were seen, and in which version. Bounded; changed only with a page."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import asyncpg

from signalpost.model.event import Remembered

RECALL = """
SELECT object_id, object_type, version, dated_at, seen_at FROM object_memory
WHERE poll_id = $1 AND object_key = ANY($2)
"""

# What is new counts; rows are taken in the order of their keys, as every other writer does.
REMEMBER = """
WITH kept AS (
    INSERT INTO object_memory (poll_id, object_key, object_id, object_type, version, dated_at, seen_at)
    SELECT $1, * FROM unnest($2::bytea[], $3::text[], $4::text[], $5::text[], $6::timestamptz[],
                             $7::timestamptz[])
    ON CONFLICT (poll_id, object_key) DO UPDATE SET object_type = excluded.object_type, version = excluded.version,
        dated_at = excluded.dated_at, seen_at = excluded.seen_at
    RETURNING xmax = 0 AS fresh
)
UPDATE resource_poll SET remembered = remembered + (SELECT count(*) FILTER (WHERE fresh) FROM kept)
WHERE id = $1 RETURNING remembered
"""

FORGET = """
WITH gone AS (DELETE FROM object_memory WHERE poll_id = $1 AND object_key = ANY($2) RETURNING 1)
UPDATE resource_poll SET remembered = remembered - (SELECT count(*) FROM gone) WHERE id = $1
"""

# What has been seen least lately goes first; a tenth more than needed, so that this is seldom done.
PRUNE = """
WITH gone AS (
    DELETE FROM object_memory WHERE poll_id = $1 AND object_key IN (
        SELECT object_key FROM object_memory WHERE poll_id = $1 ORDER BY coalesce(dated_at, seen_at) LIMIT $2
    ) RETURNING coalesce(dated_at, seen_at) AS dated_at
)
UPDATE resource_poll SET remembered = remembered - (SELECT count(*) FROM gone),
       forgotten_before = greatest(forgotten_before, (SELECT max(dated_at) FROM gone))
WHERE id = $1
"""


def make_key(object_id: str) -> bytes:
    """Give the key under which an object is kept: 16 bytes, whatever the length of its id."""
    return hashlib.md5(object_id.encode(), usedforsecurity=False).digest()


class Memory:
    """Reads the memory of a resource's poll."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def recall(self, poll_id: int, object_ids: Sequence[str]) -> Mapping[str, Remembered]:
        """Give what is remembered of these objects, by id. One statement."""
        if not object_ids:
            return {}
        rows = await self._pool.fetch(RECALL, poll_id, [make_key(object_id) for object_id in object_ids])
        return {row["object_id"]: Remembered(*row) for row in rows}

    async def list_keys(self, poll_id: int) -> set[bytes]:
        """Give the keys of all objects remembered. One statement, sixteen bytes an object."""
        rows = await self._pool.fetch("SELECT object_key FROM object_memory WHERE poll_id = $1", poll_id)
        return {row["object_key"] for row in rows}

    async def recall_keys(self, poll_id: int, keys: Sequence[bytes]) -> list[Remembered]:
        """Give the objects remembered under these keys, in the order of their ids."""
        rows = await self._pool.fetch(RECALL + " ORDER BY object_id", poll_id, keys)
        return [Remembered(*row) for row in rows]


async def forget_all(connection: Any, poll_ids: Sequence[int]) -> None:
    """Drop the memory of polls that are deleted, or locked, in this transaction: nobody writes to it any more."""
    await connection.execute("DELETE FROM object_memory WHERE poll_id = ANY($1)", poll_ids)


async def write_memory(
    connection: Any,
    poll_id: int,
    remembered: Sequence[Remembered],
    forgotten: Sequence[str],
    *,
    most: int | None,
) -> None:
    """Change the memory, within the page's transaction. What exceeds ``most`` objects is dropped, oldest first."""
    if forgotten:
        await connection.execute(FORGET, poll_id, sorted(make_key(object_id) for object_id in forgotten))
    if not remembered:
        return
    newest = {make_key(each.object_id): each for each in remembered}
    keys = sorted(newest)
    entries = [newest[key] for key in keys]
    number = await connection.fetchval(
        REMEMBER,
        poll_id,
        keys,
        [each.object_id for each in entries],
        [each.object_type for each in entries],
        [each.version for each in entries],
        [each.dated_at for each in entries],
        [each.seen_at for each in entries],
    )
    if most is not None and number is not None and number > most:
        await connection.execute(PRUNE, poll_id, number - most + most // 10)
