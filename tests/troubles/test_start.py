"""A start that the database does not allow: one line says which setting and what to do, and nothing secret."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from functools import partial

import asyncpg
import pytest

from signalpost.model.errors import ConfigurationError
from signalpost.settings import Settings
from signalpost.store.database import migrate, open_pool, read_newest
from signalpost.store.troubles import UNREACHABLE, check_tables, check_version
from signalpost.wiring.database import ReachedDatabase
from signalpost.wiring.service import open_service
from tests.processes import run
from tests.support import PATIENCE_SECONDS, write_url
from tests.troubles.ground import PASSWORD, open_way, wait_closed

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


async def start(database) -> str:
    """Start as a process does; gives the line that says why that cannot be."""
    url = database if isinstance(database, str) else write_url(database)
    settings = Settings(database_url=url, encryption_keys=KEY)
    with pytest.raises(ConfigurationError) as caught:
        async with asyncio.timeout(PATIENCE_SECONDS), open_service(settings, frozenset({"poll", "deliver"})):
            pass
    told = str(caught.value)
    assert told.startswith("SIGNALPOST_DATABASE_URL")
    assert "\n" not in told
    assert PASSWORD not in told
    return told


@asynccontextmanager
async def listen(say):
    """Listen as something else than PostgreSQL; gives the URL."""
    writers = []

    async def serve(reader, writer):
        writers.append(writer)
        await say(reader, writer)

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield f"postgresql://me:{PASSWORD}@127.0.0.1:{server.sockets[0].getsockname()[1]}/signalpost"
    finally:
        server.close()
        await wait_closed(writers)


async def test_nobody_listens(ground):
    async with open_way(ground.arguments) as (way, arguments):
        way.break_off()
        assert "cannot be reached; check host and port" in await start({**arguments, "password": PASSWORD})


async def test_of_the_embedded_database_its_directory_is_named(tmp_path):
    embedded = ReachedDatabase(
        {"host": str(tmp_path), "port": 5432, "user": "signalpost", "database": "signalpost"}
    )
    for reach in (embedded.migrate, partial(embedded.open_pool, size=1)):
        with pytest.raises(
            ConfigurationError, match=r"^SIGNALPOST_DATA_DIR: the database cannot be reached"
        ) as told:
            await reach()
        assert "run this again" in str(told.value)


async def test_another_program_listens():
    async def refuse(reader, writer):
        await reader.read(8)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    async with listen(refuse) as url:
        assert "is no PostgreSQL" in await start(url)
        assert "cannot be reached" in await start(f"{url}?sslmode=disable")


async def test_what_listens_says_nothing(monkeypatch):
    monkeypatch.setattr("signalpost.store.database.CONNECT_SECONDS", 0.3)

    async def wait(reader, writer):
        await reader.read()
        writer.close()

    async with listen(wait) as url:
        assert "does not answer in time" in await start(url)


async def test_the_password_is_wrong(ground):
    database = await ground.make_database()
    assert "refuses the user or the password" in await start({**database, "password": "another"})
    assert "refuses the user or the password" in await start({**database, "user": "nobody_here"})


@pytest.mark.parametrize(
    ("behind", "told"),
    [
        ("channel_binding=require", "refuses a parameter that stands behind the ? of its URL; leave out"),
        ("timezone=nowhere", "refuses a parameter"),
        ("sslmode=verify-full", "cannot be read: sslmode=verify-full and verify-ca need the certificates"),
        (
            "sslmode=verify-full&sslrootcert=/nowhere",
            "certificates or keys that its URL names cannot be read",
        ),
        ("sslmode=require&sslcert=/nowhere", "certificates or keys that its URL names cannot be read"),
        ("sslmode=on", "cannot be read: sslmode is disable,"),
    ],
)
async def test_what_stands_behind_the_url_is_wrong(ground, behind, told, monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    database = write_url(await ground.make_database())
    assert told in await start(f"{database}&{behind}")


async def test_there_is_no_such_database(ground):
    database = await ground.make_database()
    told = await start({**database, "database": "elsewhere"})
    assert "no database of this name; make it: createdb" in told


async def test_the_database_takes_no_connections(ground):
    database = await ground.make_database()
    await ground.run(f"ALTER DATABASE {database['database']} ALLOW_CONNECTIONS false")
    assert "lets nobody in" in await start(database)


async def test_the_database_is_left_over_from_a_removal_that_broke_off(ground):
    database = await ground.make_database()
    name = database["database"]
    await ground.run(
        f"UPDATE pg_database SET datconnlimit = -2 WHERE datname = '{name}'"
    )  # as DROP DATABASE does
    assert "lets nobody in" in await start(database)


async def test_the_user_may_not_connect(ground):
    database = await ground.make_database()
    await ground.run(f"REVOKE CONNECT ON DATABASE {database['database']} FROM PUBLIC, {database['user']}")
    assert "does not allow its user" in await start(database)


async def test_the_user_may_not_log_in(ground):
    database = await ground.make_database()
    await ground.run(f"ALTER ROLE {database['user']} NOLOGIN")
    assert "refuses the user" in await start(database)


async def test_the_database_takes_no_writes(ground):
    database = await ground.make_database()
    await ground.run(f"ALTER DATABASE {database['database']} SET default_transaction_read_only = on")
    assert "takes no writes" in await start(database)


async def test_the_user_may_make_no_tables(ground):
    database = await ground.make_database(template="template1")
    await ground.run(f"ALTER DATABASE {database['database']} OWNER TO signalpost")
    told = await start(database)
    assert "does not allow its user what is needed" in told
    assert "OWNER TO" in told


@pytest.mark.parametrize("encoding", ["LATIN1", "SQL_ASCII"])
async def test_the_database_cannot_hold_all_texts(ground, encoding):
    name = f"of_{encoding.lower()}"
    options = f"ENCODING '{encoding}' LOCALE_PROVIDER libc LOCALE 'C' TEMPLATE template0"
    await ground.run(
        f"CREATE ROLE {name} LOGIN PASSWORD '{PASSWORD}'", f"CREATE DATABASE {name} {options} OWNER {name}"
    )
    told = await start({**ground.arguments, "user": name, "password": PASSWORD, "database": name})
    assert f"its encoding is {encoding}" in told
    assert "createdb --encoding UTF8" in told


@pytest.mark.parametrize("pooled", [False, True])
async def test_a_server_may_isolate_transactions_more_than_we_do(ground, pooled):
    database = await ground.make_database()
    await ground.run(
        f"ALTER DATABASE {database['database']} SET default_transaction_isolation = 'serializable'"
    )
    pool = await open_pool(database, size=1, pooled=pooled)
    async with pool.acquire() as connection, connection.transaction():
        assert await connection.fetchval("SHOW transaction_isolation") == "read committed"
    await pool.close()


async def test_there_is_no_connection_left(ground):
    database = await ground.make_database()
    await ground.run(f"ALTER ROLE {database['user']} CONNECTION LIMIT 2")
    holders = [await asyncpg.connect(**database) for _ in range(2)]
    told = await start(database)
    for holder in holders:
        await holder.close()
    assert "no connection left; raise max_connections" in told


@pytest.mark.parametrize("password", ["p#ss", "[hunter2"])
async def test_the_url_cannot_be_read(password):
    told = await start(f"postgresql://me:{password}@h:x/d")
    assert "percent-encoded" in told
    assert password not in told
    assert "must start with postgresql://" in await start(f"mysql://me:{PASSWORD}@h/d")


async def test_tables_of_a_newer_release_are_left_alone(ground):
    database = await ground.make_database()
    await ground.run("UPDATE alembic_version SET version_num = '9999'", database=database["database"])
    told = await start(database)
    assert f"(9999) are of a newer release than this one ({read_newest()})" in told
    assert await ground.fetch(database["database"], "SELECT version_num FROM alembic_version") == "9999"


def test_tables_are_compared_by_their_version():
    for version in (None, "0001", "0005"):
        check_tables(version, "0005")
    with pytest.raises(ConfigurationError, match="newer release"):
        check_tables("0006", "0005")


def test_a_server_that_is_too_old_is_refused():
    for major in (14, 18, 19):
        check_version(major)
    with pytest.raises(ConfigurationError, match="PostgreSQL 13 is too old: 14 or newer is needed"):
        check_version(13)


async def test_a_database_without_tables_gets_them_from_whoever_starts_first(ground):
    database = await ground.make_database(template="template1")
    await asyncio.gather(*(migrate(database) for _ in range(3)))
    assert (
        await ground.fetch(database["database"], "SELECT version_num FROM alembic_version") == read_newest()
    )


async def test_a_command_ends_with_one_line(unused_tcp_port):
    settings = {"database_url": f"postgresql://me:{PASSWORD}@127.0.0.1:{unused_tcp_port}/d"}
    code, output, errors = await run(["worker"], settings)
    assert (code, output) == (1, "")
    line = f"signalpost: SIGNALPOST_DATABASE_URL: {UNREACHABLE.what}; {UNREACHABLE.remedy}\n"
    assert errors == line
