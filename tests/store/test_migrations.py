"""Migrations: numbered in a row, safe to run twice and at once, and what they make is what the code expects."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import asyncpg

import signalpost.store
from signalpost.store.database import migrate

VERSIONS = Path(signalpost.store.__file__).parent / "migrations" / "versions"


def test_versions_are_numbered_in_a_row_and_each_follows_the_one_before():
    files = sorted(path for path in VERSIONS.glob("*.py") if path.name != "__init__.py")
    for number, path in enumerate(files, start=1):
        assert re.fullmatch(rf"{number:04d}_[a-z0-9_]+\.py", path.name)
        text = path.read_text()
        assert f'revision = "{number:04d}"' in text
        before = f'"{number - 1:04d}"' if number > 1 else "None"
        assert f"down_revision = {before}" in text


async def test_processes_that_start_at_once_migrate_one_after_the_other(postgres):
    admin = await asyncpg.connect(**postgres.connect_arguments)
    await admin.execute("CREATE DATABASE migrated_at_once")
    arguments = {**postgres.connect_arguments, "database": "migrated_at_once"}
    await asyncio.gather(*(migrate(arguments) for _ in range(4)))
    connection = await asyncpg.connect(**arguments)
    assert await connection.fetchval("SELECT version_num FROM alembic_version") >= "0001"
    assert await connection.fetchval("SELECT count(*) FROM pgqueuer") == 0
    await connection.close()
    await admin.execute("DROP DATABASE migrated_at_once WITH (FORCE)")
    await admin.close()


async def test_the_queues_tables_are_unlogged_as_they_hold_no_truth(pool):
    kinds = await pool.fetch("SELECT relname, relpersistence FROM pg_class WHERE relname = 'pgqueuer'")
    assert [bytes(row["relpersistence"]) for row in kinds] == [b"u"]
    logged = await pool.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relpersistence <> 'p' AND relname NOT LIKE 'pgqueuer%'"
        " AND relnamespace = 'public'::regnamespace"
    )
    assert logged == []
