"""What rows take on disk, with their indexes and what updates left of them."""

from __future__ import annotations

import asyncpg

from bench.measures import Measure

SIZES = """
SELECT regexp_replace(relname, '_(rest|before|[0-9]{8}_[0-9]{6})$', '') AS name,
       sum(pg_table_size(relid))::bigint AS rows, sum(pg_indexes_size(relid))::bigint AS indexes
FROM pg_stat_user_tables GROUP BY 1
"""

LOG = ("page", "event", "notification", "attempt")
OF_AN_INSTANCE = ("instance", "credential", "resource_poll", "endpoint")


async def measure_log(pool: asyncpg.Pool, state: str) -> list[Measure]:
    """Give what an event takes in the four tables of the log, all of which is ``state``."""
    sizes = {row["name"]: row for row in await pool.fetch(SIZES)}
    events = await pool.fetchval("SELECT count(*) FROM event")
    taken = [
        (f"{what} of {table}", sizes[table][what] / events) for table in LOG for what in ("rows", "indexes")
    ]
    taken.append(("all of it", sum(value for _, value in taken)))
    return [Measure(f"disk for an event, {state}: {what}", round(value, 1), "bytes") for what, value in taken]


async def measure_instance(pool: asyncpg.Pool) -> Measure:
    """Give what an instance takes with its credential, its poll and its endpoint."""
    return await _measure(pool, OF_AN_INSTANCE, "disk for an instance with one resource")


async def measure_memory(pool: asyncpg.Pool) -> Measure:
    """Give what an object that is remembered takes."""
    return await _measure(pool, ("object_memory",), "disk for an object remembered")


async def _measure(pool: asyncpg.Pool, tables: tuple[str, ...], name: str) -> Measure:
    sizes = {row["name"]: row for row in await pool.fetch(SIZES)}
    count = await pool.fetchval(f"SELECT count(*) FROM {tables[0]}")
    whole = sum(sizes[table][what] for table in tables for what in ("rows", "indexes"))
    return Measure(name, round(whole / count, 1), "bytes")
