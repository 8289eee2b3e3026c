"""The memory of objects: which of a resource were seen, and in which version. Bounded; changed only with a page."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import asyncpg

from signalpost.model.event import Remembered

RECALL = """
SELECT object_id, object_type, version, dated_at, seen_at FROM object_memory
WHERE poll_id = $1 AND object_key = ANY($2)
"""

# Parts of what commits pages (``page_commit``): $1 is the poll, $8 to $18 are what ``list_changes`` makes.
# Nothing is changed unless ``held`` has a row. What is ``fresh`` counts; rows are taken in the order of their keys, as
# every other writer does.
CHANGE = """gone AS (
    DELETE FROM object_memory WHERE poll_id = $1 AND object_key = ANY($8) AND EXISTS (SELECT FROM held) RETURNING 1
), kept AS (
    INSERT INTO object_memory (poll_id, object_key, object_id, object_type, version, dated_at, seen_at)
    SELECT $1, object_key, object_id, coalesce(object_type, $15), coalesce(version, $16), coalesce(dated_at, $17),
           coalesce(seen_at, $18)
    FROM unnest($9::bytea[], $10::text[], $11::text[], $12::text[], $13::timestamptz[], $14::timestamptz[])
         AS given (object_key, object_id, object_type, version, dated_at, seen_at)
    WHERE EXISTS (SELECT FROM held)
    ON CONFLICT (poll_id, object_key) DO UPDATE SET object_type = excluded.object_type, version = excluded.version,
        dated_at = excluded.dated_at, seen_at = excluded.seen_at
    RETURNING xmax = 0 AS fresh
)"""

# What has been seen least lately goes first. The poll's row is taken before its memory, as by whoever commits a page.
PRUNE = """
WITH held AS (
    SELECT FROM resource_poll WHERE id = $1 FOR UPDATE
), gone AS (
    DELETE FROM object_memory WHERE poll_id = $1 AND EXISTS (SELECT FROM held) AND object_key IN (
        SELECT object_key FROM object_memory WHERE poll_id = $1 ORDER BY coalesce(dated_at, seen_at) LIMIT $2
    ) RETURNING coalesce(dated_at, seen_at) AS dated_at
)
UPDATE resource_poll SET remembered = remembered - (SELECT count(*) FROM gone),
       forgotten_before = greatest(forgotten_before, (SELECT max(dated_at) FROM gone))
WHERE id = $1
"""


@lru_cache(maxsize=8192)  # objects are looked up by what they are written under a moment later
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


def list_changes(remembered: Iterable[Remembered], forgotten: Iterable[str]) -> tuple[Any, ...]:
    """Give the arguments of ``CHANGE``. What is the same for all objects goes once."""
    by_key = {make_key(each.object_id): each for each in remembered}
    keys = sorted(by_key)
    entries = [by_key[key] for key in keys]
    fields = (
        [each.object_type for each in entries],
        [each.version for each in entries],
        [each.dated_at for each in entries],
        [each.seen_at for each in entries],
    )
    found = [_find_common(values) for values in fields]
    return (
        sorted({make_key(object_id) for object_id in forgotten} - by_key.keys()),
        keys,
        [each.object_id for each in entries],
        *(several for several, _ in found),
        *(common for _, common in found),
    )


async def drop_oldest(pool: asyncpg.Pool, poll_id: int, remembered: int, most: int) -> None:
    """Drop what exceeds ``most`` objects of those ``remembered``, oldest first, and a tenth more: it is seldom done."""
    await pool.execute(PRUNE, poll_id, remembered - most + most // 10)


def _find_common(values: Sequence[Any]) -> tuple[Sequence[Any], Any]:
    """Give no list, and the one value that all have; or the list."""
    return ([], values[0]) if len(set(values)) == 1 else (values, None)
