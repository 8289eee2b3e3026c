"""Counts what a reader left in its folder: prints the number of different events, and the number of all."""

from __future__ import annotations

import json
from pathlib import Path

DATABASE, LINES = Path("events.duckdb"), Path("events.jsonl")


def read_database() -> tuple[int, int]:
    import duckdb  # noqa: PLC0415 - only the readers that write to it have it

    with duckdb.connect(str(DATABASE), read_only=True) as connection:
        return connection.execute("SELECT count(DISTINCT id), count(*) FROM egnyte.events").fetchone()


def read_lines() -> tuple[int, int]:
    """Read rows, or messages of Airbyte with a row in each that is a record."""
    ids = []
    with LINES.open() as lines:
        for line in lines:
            row = json.loads(line)
            row = row["record"]["data"] if "record" in row else row
            if "id" in row:
                ids.append(row["id"])
    return len(set(ids)), len(ids)


print(*(read_database() if DATABASE.exists() else read_lines()))
