"""Migrations take as long as they take, whatever limits the server has for statements and sessions."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from signalpost.store.database import MIGRATION_LOCK, migrate, read_newest, read_version
from tests.store.test_migrations import open_old
from tests.support import until

LIMITS = ("statement_timeout", "lock_timeout", "idle_session_timeout", "idle_in_transaction_session_timeout")
WAITS_FOR_LONG = """
SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'
               AND clock_timestamp() - query_start > interval '500 milliseconds')
"""
"""Five times as long as the limits."""


@pytest.mark.parametrize(
    "hold",
    [f"SELECT pg_advisory_lock({MIGRATION_LOCK})", "LOCK TABLE resource_poll IN ACCESS SHARE MODE"],
    ids=["another_migrates", "a_table_is_read"],
)
async def test_a_migration_that_waits_for_longer_than_the_servers_limits_is_made(hold, postgres, monkeypatch):
    async with open_old(postgres, monkeypatch, "0008") as arguments:
        # Both have their sessions before there are limits.
        holder, looking = [await asyncpg.connect(**arguments) for _ in range(2)]
        for limit in LIMITS:
            await looking.execute(f"ALTER DATABASE {arguments['database']} SET {limit} = '100ms'")
        holding = holder.transaction()
        await holding.start()
        await holder.execute(hold)
        migrating = asyncio.create_task(migrate(arguments))
        await until(lambda: migrating.done() or looking.fetchval(WAITS_FOR_LONG))
        await holding.rollback()
        await holder.close()
        await migrating
        assert await read_version(looking) == read_newest()
        await looking.close()
