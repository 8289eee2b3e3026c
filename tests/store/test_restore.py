"""What the page on backups says is done: dumped and restored by its commands, partitions and all."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from signalpost.model.errors import FencedError
from signalpost.store.database import migrate, open_pool
from signalpost.store.partitions import Partitions
from tests.store.history import make_past
from tests.store.restoring import read_command, run_command

KEPT = timedelta(days=7)


@pytest.fixture
async def open_migrated(postgres):
    """Make databases with our tables; give a pool and the arguments of each."""
    admin = await asyncpg.connect(**postgres.connect_arguments)
    opened: dict[str, asyncpg.Pool] = {}

    async def open_one(name):
        await admin.execute(f"CREATE DATABASE {name}")
        arguments = {**postgres.connect_arguments, "database": name}
        await migrate(arguments)
        opened[name] = await open_pool(arguments, size=2)
        return opened[name], arguments

    yield open_one
    for name, pool in opened.items():
        await pool.close()
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
    await admin.close()


@pytest.mark.parametrize("made_for", [timedelta(), timedelta(days=20)], ids=["same_partitions", "others"])
async def test_a_dump_with_partitions_is_restored_over_tables_that_have_their_own(
    made_for, open_migrated, tmp_path
):
    now = datetime.now(UTC)
    pool, arguments = await open_migrated("dumped")
    for days in (6, 4, 2, 0):
        await Partitions(pool, kept=KEPT).make_ahead(now - timedelta(days=days))
    past = await make_past(pool)
    for days in (5, 3, 0):
        await past.commit(now - timedelta(days=days), ["a", "b"])
    await run_command(read_command("$TOOLS/pg_dump", '"$DATABASE"'), tmp_path, arguments)

    restored, arguments = await open_migrated("restored")
    await Partitions(restored, kept=KEPT).make_ahead(now + made_for)
    await run_command(read_command("NUMBERS=", "> /dev/null"), tmp_path, arguments)

    log = (
        "SELECT id, instance_id, sequence, tableoid::regclass::text AS partition FROM event ORDER BY sequence"
    )
    assert await restored.fetch(log) == await pool.fetch(log)
    newest = await pool.fetchval("SELECT max(id) FROM notification")
    past.pool = restored
    with pytest.raises(FencedError):  # who read on the state of before has no part in this one
        await past.commit(now, ["c"])
    past.version = await restored.fetchval("SELECT version FROM resource_poll")
    await past.commit(now, ["c"])
    assert await restored.fetchval("SELECT max(id) FROM notification") > newest + 1_000_000


async def test_a_dump_is_restored_where_a_newer_release_has_made_its_tables(open_migrated, tmp_path):
    pool, arguments = await open_migrated("dumped")
    await pool.execute("INSERT INTO organization (name) VALUES ('Acme')")
    await run_command(read_command("$TOOLS/pg_dump", '"$DATABASE"'), tmp_path, arguments)

    restored, arguments = await open_migrated("restored")
    await restored.execute("CREATE TABLE of_newer (member_id bigint REFERENCES member)")
    await run_command(read_command("NUMBERS=", "> /dev/null"), tmp_path, arguments)

    await migrate(arguments)
    assert await restored.fetchval("SELECT name FROM organization") == "Acme"
    assert await restored.fetchval("SELECT to_regclass('of_newer')") is None
