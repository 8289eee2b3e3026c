"""COPY of the rows of pages: the fastest way into tables and indexes of the same form."""

from __future__ import annotations

import io
import time
from collections.abc import Mapping

from bench.ground import Ground
from bench.lanes import Filled

LOG_TABLES = {
    "page": "id > $1 AND instance_id = ANY($2)",
    "event": "page_id > $1 AND instance_id = ANY($2)",
    "notification": "page_id > $1 AND instance_id = ANY($2)",
}
"""What a page is in the log; which rows are those after page ``$1`` of the instances ``$2``."""

MEMORY = (
    "poll_id IN (SELECT id FROM resource_poll WHERE instance_id = ANY($2))"
    " AND seen_at >= (SELECT min(polled_at) FROM page WHERE id > $1)"
)
ALL_TABLES = {**LOG_TABLES, "object_memory": MEMORY}
"""With what is remembered of the objects: the new rows that a page writes."""


async def time_copy(ground: Ground, filled: Filled, tables: Mapping[str, str]) -> float:
    """Copy what was filled in, in one transaction; give events a second."""
    rows: dict[str, io.BytesIO] = {}
    given = (filled.after_page, ground.lanes)
    async with ground.pool.acquire() as connection:
        events = await connection.fetchval(f"SELECT count(*) FROM event WHERE {LOG_TABLES['event']}", *given)
        for table, condition in tables.items():
            rows[table] = io.BytesIO()
            query = f"SELECT * FROM {table} WHERE {condition}"
            await connection.copy_from_query(query, *given, output=rows[table], format="binary")
            rows[table].seek(0)
            await connection.execute(f"CREATE TABLE copy_of_{table} (LIKE {table} INCLUDING ALL)")
        began = time.monotonic()
        async with connection.transaction():
            for table, copied in rows.items():
                await connection.copy_to_table(f"copy_of_{table}", source=copied, format="binary")
        seconds = time.monotonic() - began
        for table in tables:
            await connection.execute(f"DROP TABLE copy_of_{table}")
    return int(events) / seconds
