"""What the workers ask of PostgreSQL: counted by ``pg_stat_statements``, the benchmark's own questions left out."""

from __future__ import annotations

from dataclasses import dataclass

import asyncpg

SETTINGS = {
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track": "none",
    "pg_stat_statements.max": "10000",
}
"""Of PostgreSQL; a session is counted only if it asks for it, as by ``COUNTED`` in its URL."""

COUNTED = "&pg_stat_statements.track=top"


@dataclass(frozen=True, slots=True)
class Asked:
    """Statements executed, and the time that the server spent on them."""

    statements: int
    milliseconds: float


async def forget_statements(pool: asyncpg.Pool) -> None:
    """Start counting anew."""
    await pool.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
    await pool.execute("SELECT pg_stat_statements_reset()")


async def read_statements(pool: asyncpg.Pool) -> Asked:
    """Read what was asked since."""
    row = await pool.fetchrow(
        "SELECT coalesce(sum(calls), 0) AS calls, coalesce(sum(total_exec_time), 0) AS milliseconds"
        " FROM pg_stat_statements"
    )
    return Asked(int(row["calls"]), float(row["milliseconds"]))
