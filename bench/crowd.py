"""Many instances, written by SQL as copies of one: connected, with their own rows everywhere, and not due for hours."""

from __future__ import annotations

from collections.abc import Mapping

import asyncpg

from signalpost.model.ids import InstanceId

COLUMNS = """
SELECT attname FROM pg_attribute
WHERE attrelid = $1::regclass AND attnum > 0 AND NOT attisdropped AND attidentity = '' AND attgenerated = ''
ORDER BY attnum
"""

OWN = {
    "token_hash": "decode(md5($2::text || each) || md5(each || 'token'), 'hex')",
    "next_poll_at": "now() + interval '3 hours' + make_interval(secs => 3600 * random())",
    "name": "'Bench ' || each",
}
"""What differs from one copy to the next."""


async def write_crowd(pool: asyncpg.Pool, pattern: InstanceId, total: int) -> None:
    """Write copies of the instance ``pattern`` until there are ``total`` instances."""
    async with pool.acquire() as connection:
        there, newest = await connection.fetchrow("SELECT count(*), max(id) FROM instance")
        columns, values = await _pair(connection, "instance", OWN)
        await connection.execute(
            f"INSERT INTO instance ({columns}) SELECT {values}"
            " FROM instance AS pattern CROSS JOIN generate_series(1, $3::bigint) AS each WHERE pattern.id = $1",
            pattern,
            str(newest),
            total - there,
            timeout=1800,
        )
        for table in ("credential", "resource_poll", "endpoint"):
            columns, values = await _pair(connection, table, {"instance_id": "instance.id"})
            await connection.execute(
                f"INSERT INTO {table} ({columns}) SELECT {values}"
                f" FROM {table} AS pattern CROSS JOIN instance WHERE pattern.instance_id = $1 AND instance.id > $2"
                " ORDER BY instance.id",
                pattern,
                newest,
                timeout=1800,
            )


async def pick_instances(pool: asyncpg.Pool, count: int) -> list[InstanceId]:
    """Pick so many of all the copies, evenly spread over their rows."""
    rows = await pool.fetch(
        "SELECT min(id) AS id FROM (SELECT instance_id AS id, ntile($1) OVER (ORDER BY instance_id) AS part"
        " FROM endpoint WHERE url IS NULL) AS parts GROUP BY part ORDER BY part",
        count,
    )
    return [InstanceId(row["id"]) for row in rows]


async def _pair(connection: asyncpg.Connection, table: str, own: Mapping[str, str]) -> tuple[str, str]:
    """Give the columns of a table and the values that a copy has in them, each as SQL."""
    names = [row["attname"] for row in await connection.fetch(COLUMNS, table)]
    return ", ".join(names), ", ".join(own.get(name, f"pattern.{name}") for name in names)
