"""A primary and its standby: a URL that names both leads to the one that takes writes, whatever the other does."""

from __future__ import annotations

import asyncio
import time
from contextlib import asynccontextmanager

import asyncpg
import pytest

from signalpost.model.clock import SharedClock, read_now
from signalpost.model.errors import ConfigurationError
from signalpost.store import hosts
from signalpost.store.database import connect, open_pool, read_newest
from signalpost.store.health import Health
from signalpost.store.troubles import READ_ONLY, UNREACHABLE, find_trouble
from tests.support import PATIENCE_SECONDS
from tests.troubles.ground import PASSWORD, open_way


@asynccontextmanager
async def open_two_ways(ground):
    """Give two ways to one database, and what reaches it by a URL that names both."""
    database = await ground.make_database()
    async with open_way(database) as (first, one), open_way(database) as (second, other):
        places = f"127.0.0.1:{one['port']},127.0.0.1:{other['port']}"
        user, name = database["user"], database["database"]
        url = f"postgresql://{user}:{PASSWORD}@{places}/{name}?target_session_attrs=read-write"
        yield first, second, {"dsn": url}


@pytest.mark.parametrize("silent", ["silent", "gone"])
async def test_a_server_that_is_gone_or_says_nothing_keeps_nobody_from_the_next(ground, monkeypatch, silent):
    monkeypatch.setattr("signalpost.store.database.CONNECT_SECONDS", 4.0)
    monkeypatch.setattr("signalpost.store.hosts.SILENT_SECONDS", 0.2)
    async with open_two_ways(ground) as (first, _, arguments):
        if silent == "silent":
            first.stall()
        else:
            first.break_off()
        pool = await open_pool(arguments, size=1)
        assert await pool.fetchval("SELECT 1") == 1
        await pool.close()
        connection = await connect(arguments)
        await connection.close()


async def test_one_that_is_slow_is_waited_for_where_no_other_will_do(ground, monkeypatch):
    monkeypatch.setattr("signalpost.store.hosts.SILENT_SECONDS", 0.05)
    async with open_two_ways(ground) as (first, second, arguments):
        first.delay_seconds = 0.2
        second.break_off()
        connection = await connect(arguments)
        await connection.close()


async def test_where_none_will_do_it_is_told_why(ground):
    async with open_two_ways(ground) as (first, second, arguments):
        name = arguments["dsn"].rpartition("/")[2].partition("?")[0]
        await ground.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        with pytest.raises(ConfigurationError, match=READ_ONLY.what):
            await open_pool(arguments, size=1)
        first.break_off()  # a primary that is gone before the standby is promoted
        with pytest.raises(ConfigurationError, match=UNREACHABLE.what):
            await open_pool(arguments, size=1)
        second.break_off()
        with pytest.raises(ConfigurationError, match=UNREACHABLE.what):
            await open_pool(arguments, size=1)
        wrong = {"dsn": arguments["dsn"].replace(PASSWORD, "another")}
        await first.open()
        with pytest.raises(ConfigurationError, match="refuses the user or the password"):
            await open_pool(wrong, size=1)


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("postgresql://h/d", ["postgresql://h/d"]),
        ("postgresql:///d?host=/a,/b", ["postgresql:///d?host=/a,/b"]),
        (
            "postgres://u:p%40,@[::1]:5,h:6/d?x=1,2",
            ["postgres://u:p%40,@[::1]:5/d?x=1,2", "postgres://u:p%40,@h:6/d?x=1,2"],
        ),
        ("postgresql://a,b", ["postgresql://a", "postgresql://b"]),
    ],
)
def test_a_url_is_split_at_its_hosts_alone(url, told):
    assert hosts.split_hosts(url) == told


def test_tables_that_a_standby_has_not_are_its_trouble_and_no_fault_of_ours():
    """So PostgreSQL refuses what is not logged during recovery; of its code are faults of ours as well."""
    refused = asyncpg.FeatureNotSupportedError(
        "cannot access temporary or unlogged relations during recovery"
    )
    assert find_trouble(refused) is None
    refused.server_source_function = "get_relation_info"
    assert find_trouble(refused) is READ_ONLY


async def test_what_a_server_was_asked_that_another_has_followed_is_not_waited_for(ground, monkeypatch):
    """It may be silent for ever, and answers by its command timeout at the earliest."""
    database = await ground.make_database()
    life, work = await open_pool(database, size=1), await open_pool(database, size=2)
    health = Health(
        life,
        SharedClock(read_now, time.monotonic),
        newest=read_newest(),
        monotonic=time.monotonic,
        work=work,
    )
    async with work.acquire() as older, work.acquire() as younger:
        asked = asyncio.create_task(older.fetchval("SELECT pg_sleep(600)"))
        await health.look()
        await health.look()
        assert not asked.done()
        work._made_at[younger._con] = time.monotonic()
        another = "SELECT clock_timestamp() AS now, clock_timestamp() AS server, false AS read_only, $$9$$ AS version"
        monkeypatch.setattr("signalpost.store.health.LOOK", another)
        await health.look()
        with pytest.raises(asyncpg.PostgresConnectionError) as caught:
            async with asyncio.timeout(PATIENCE_SECONDS):
                await asked
        assert await younger.fetchval("SELECT 1") == 1  # made since: it leads to the other one
    assert health.note(caught.value) is UNREACHABLE
    assert await work.fetchval("SELECT 1") == 1
    await work.close()
    await life.close()
