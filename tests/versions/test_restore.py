"""Dumped and restored on each version, by the tools of that version."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from tests.store.restoring import read_command, run_command


async def test_what_the_tools_of_the_server_dump_is_restored_on_an_empty_database(postgres, pool, tmp_path):
    await pool.execute("INSERT INTO organization (name) VALUES ('Acme')")
    tools = await pool.fetchval("SELECT setting FROM pg_config() WHERE name = 'BINDIR'")
    if not (Path(tools) / "pg_dump").exists():
        pytest.skip(f"THE TOOLS OF THIS POSTGRESQL ARE NOT TESTED: there is no pg_dump in {tools}")
    here = {**postgres.connect_arguments, "database": await pool.fetchval("SELECT current_database()")}
    await run_command(read_command("$TOOLS/pg_dump", '"$DATABASE"'), tmp_path, here, tools=tools)

    admin = await asyncpg.connect(**postgres.connect_arguments)
    await admin.execute("CREATE DATABASE restored ENCODING 'UTF8' TEMPLATE template0")
    there = {**postgres.connect_arguments, "database": "restored"}
    restore = read_command("{ $TOOLS/pg_restore", "> /dev/null")
    numbers = read_command("NUMBERS=", '"')
    try:
        await run_command(f"{numbers}\n{restore}", tmp_path, there, tools=tools)
        restored = await asyncpg.connect(**there)
        assert await restored.fetchval("SELECT name FROM organization") == "Acme"
        await restored.close()
    finally:
        await admin.execute("DROP DATABASE restored WITH (FORCE)")
        await admin.close()
