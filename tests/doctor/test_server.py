"""Doctor on a database, and on who works on it."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from functools import partial

import asyncpg
import pytest

from signalpost.store.checkup import Checkup
from signalpost.store.database import open_pool
from tests.doctor.looking import KEY, PASSWORD, look
from tests.support import write_url
from tests.troubles.ground import wait_closed

OTHER_KEY = "MTIzNDU2Nzg5MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTI="


@pytest.fixture
async def run(database):
    """Give a function that runs a statement."""
    connection = await asyncpg.connect(**database)
    yield connection.execute
    await connection.close()


@pytest.fixture
def look_there(database):
    def look_at(name, **given):
        return look(name, **{"database_url": write_url(database), "encryption_keys": KEY, **given})

    return look_at


@pytest.mark.parametrize(
    ("url", "words"),
    [
        (f"postgresql://me:{PASSWORD}@127.0.0.1:1/x", "cannot be reached"),
        (f"mysql://me:{PASSWORD}@127.0.0.1:1/x", "must start with postgresql://"),
        (f"postgresql://me:{PASSWORD}@127.0.0.1:port/x", "cannot be read"),
    ],
)
async def test_a_database_that_is_not_there(url, words):
    found = await look("database", database_url=url)
    assert found.verdict == "failure"
    assert words in found.message
    assert found.remedy
    assert (await look("signatures", database_url=url)).message == "the database cannot be reached"


async def test_a_database_that_does_not_exist(database, look_there):
    found = await look_there("database", database_url=write_url({**database, "database": "gone"}))
    assert "no database of this name" in found.message
    assert "createdb" in found.remedy


async def test_a_database_that_says_nothing_is_given_up(monkeypatch):
    monkeypatch.setattr("signalpost.cli.doctor.examination.CHECK_SECONDS", 0.3)

    writers = []

    async def hold(_, writer):
        writers.append(writer)

    silent = await asyncio.start_server(hold, "127.0.0.1", 0)
    url = f"postgresql://me@127.0.0.1:{silent.sockets[0].getsockname()[1]}/x"
    found = await look("database", database_url=url)
    assert (found.verdict, found.message) == ("failure", "it took too long, and was given up")
    silent.close()
    await wait_closed(writers)


async def test_a_server_that_is_too_old(look_there, monkeypatch):
    monkeypatch.setattr("signalpost.store.troubles.OLDEST_SUPPORTED", 99)
    found = await look_there("database-version")
    assert found.verdict == "failure"
    assert "is too old" in found.message


async def test_a_database_that_cannot_hold_all_texts(database, run):
    name = f"{database['database']}_latin1"
    await run(f"CREATE DATABASE {name} ENCODING 'LATIN1' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0")
    found = await look(
        "encoding", database_url=write_url({**database, "database": name}), encryption_keys=KEY
    )
    await run(f"DROP DATABASE {name} (FORCE)")
    assert found.verdict == "failure"
    assert "its encoding is LATIN1" in found.message
    assert "createdb --encoding UTF8" in found.remedy


async def test_a_database_that_takes_no_writes(database, run, look_there):
    await run(f"ALTER DATABASE {database['database']} SET default_transaction_read_only = on")
    found = await look_there("writes")
    assert found.verdict == "failure"
    assert "takes no writes" in found.message


@pytest.mark.parametrize(
    ("statement", "verdict", "words"),
    [
        ("UPDATE alembic_version SET version_num = '0001'", "warning", "(0001) are of an older release"),
        ("UPDATE alembic_version SET version_num = '9999'", "failure", "(9999) are of a newer release"),
        ("DROP TABLE alembic_version", "warning", "there are no tables yet"),
    ],
)
async def test_tables_of_another_release(run, look_there, statement, verdict, words):
    await run(statement)
    found = await look_there("tables")
    assert found.verdict == verdict
    assert words in found.message
    assert (await look_there("workers")).verdict == "skipped"


async def test_too_few_connections(run, look_there):
    await run(
        "INSERT INTO worker (id, heartbeat_at) SELECT gen_random_uuid(), now() FROM generate_series(1, 4)"
    )
    assert (await look_there("connections")).message == "197 are allowed, 4 x 20 may be opened"
    found = await look_there("connections", database_connections=50)
    assert (found.verdict, found.message) == ("failure", "197 are allowed, 4 x 50 may be opened")
    assert "max_connections" in found.remedy


def shift(minutes):
    return datetime.now(UTC) + timedelta(minutes=minutes)


async def test_a_clock_that_is_wrong(look_there):
    for minutes, words in ((10, "behind"), (-10, "ahead of")):
        found = await look_there("clock", now=partial(shift, minutes))
        assert found.verdict == "warning"
        assert f"{words} this machine's" in found.message


async def test_keys_that_fit_nothing_stored(make_world, look_there):
    async with make_world(roles=frozenset()) as world:
        await world.connect()
    found = await look_there("stored-secrets", encryption_keys=OTHER_KEY)
    assert found.verdict == "failure"
    assert "4 of 4 stored secrets that were tried cannot be decrypted" in found.message
    assert (await look_there("stored-secrets", encryption_keys=f"{OTHER_KEY},{KEY}")).verdict == "ok"
    assert (await look_there("signatures", encryption_keys=OTHER_KEY)).verdict == "skipped"
    assert (await look_there("workers")).message == "none is alive"


def read_seconds(message):
    return int(re.search(r"(\d+) s\b", message)[1])


async def test_nobody_polls_or_delivers(make_world, run, look_there):
    """As where all workers have the other role: what is due is handed out to nobody."""
    async with make_world(roles=frozenset()) as world:
        await world.connect()
        await run(
            "INSERT INTO worker (id, heartbeat_at) VALUES (gen_random_uuid(), now() - interval '5 minutes')"
        )
        silent = (await look_there("workers")).message
        assert silent.startswith("none is alive; the last was heard of ")
        assert 300 <= read_seconds(silent) < 360
        assert (await look_there("polls-late")).verdict == "skipped"
        await run("UPDATE worker SET heartbeat_at = now() + interval '1 hour'")
        await run("UPDATE instance SET next_poll_at = now() - interval '5 minutes'")
        await run("UPDATE endpoint SET due_at = now() + interval '5 minutes'")
        await run(
            "INSERT INTO pgqueuer (priority, created, updated, heartbeat, execute_after, status, entrypoint, payload)"
            " VALUES (0, now() - interval '7 minutes', now(), now(), now(), 'queued', 'deliver', '1 x')"
        )
        for name, seconds, role in (("polls-late", 300, "poll"), ("deliveries-late", 420, "deliver")):
            found = await look_there(name)
            assert found.verdict == "failure"
            assert seconds <= read_seconds(found.message) < seconds + 60
            assert f"--roles {role}" in found.remedy


async def test_nothing_can_be_written(database):
    pool = await open_pool(database, size=1)
    with pytest.raises(asyncpg.ReadOnlySQLTransactionError):
        await Checkup(pool)._fetch("DELETE FROM worker")
    await pool.close()
