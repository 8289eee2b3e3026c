"""Troubles of the database while the service runs: told when they begin and end, and nothing is lost by them."""

from __future__ import annotations

from contextlib import nullcontext
from datetime import UTC, datetime, timedelta

import asyncpg
import pytest

from signalpost.store.troubles import NO_TABLES, READ_ONLY, SLOW, UNREACHABLE, find_trouble
from tests.support import open_world, until
from tests.troubles.ground import open_way

CHANGES = 30


async def read_trouble(world) -> str | None:
    """Ask /readyz; gives what it says is wrong."""
    answer = await world.outside.get(f"{world.url}/readyz")
    assert answer.status_code in {200, 503}
    return None if answer.status_code == 200 else answer.json()["message"]


async def wait_for_trouble(world, words):
    async def is_told():
        return words in (await read_trouble(world) or "")

    await until(is_told)


async def wait_until_well(world):
    async def is_well():
        return await read_trouble(world) is None

    await until(is_well)


def names(logged, *wanted):
    return [line["event"] for line in logged if line["event"] in wanted]


def is_told_once(logged, reason):
    lost = [line for line in logged if line["event"] == "database.lost"]
    told = names(logged, "database.lost", "database.back", "service.failed", "request.failed", "poll.broke")
    assert told == ["database.lost", "database.back"], (told, lost)
    assert reason in lost[0]["reason"]
    return True


@pytest.mark.parametrize("waits", [False, True])
@pytest.mark.parametrize("amid", [nullcontext, lambda connection: connection.transaction()])
async def test_a_connection_that_ends_between_two_statements_is_a_trouble_of_the_database(pool, amid, waits):
    """Whether it is known by then that it has ended, or not."""

    async def read():
        async with pool.acquire() as connection, amid(connection):
            ended = connection._con.is_closed
            await pool.execute("SELECT pg_terminate_backend($1)", connection.get_server_pid())
            if waits:
                await until(ended)
            await connection.fetchval("SELECT 1")

    with pytest.raises(
        (asyncpg.InterfaceError, asyncpg.InternalClientError, asyncpg.PostgresError)
    ) as raised:
        await read()
    assert find_trouble(raised.value) is UNREACHABLE


async def check_that_all_arrived(world, made):
    """Nothing is lost, nothing new comes after what follows it, and what came again has the same id."""
    ids = [record["id"] for record in made]
    await until(lambda: set(ids) <= {record["id"] for record in world.delivered()})
    firsts = list(dict.fromkeys(record["id"] for record in world.delivered()))
    assert firsts == ids
    bodies = {}
    for received in world.listener.received:
        assert received["valid"]
        assert bodies.setdefault(received["body"]["id"], received["body"]) == received["body"]


async def begin(world):
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    made = await world.change(CHANGES)
    await until(world.delivered)
    return made


async def test_it_is_gone_and_comes_back(ground, sandbox, logged):
    database = await ground.make_database()
    async with open_way(database) as (way, arguments), open_world(arguments, sandbox) as world:
        made = await begin(world)
        way.break_off()
        await wait_for_trouble(world, UNREACHABLE.what)
        made += await world.change(CHANGES)
        for path in ("/instances", "/elements"):
            answer = await world.client.get(path)
            assert answer.status_code == 503
            assert answer.headers["Retry-After"] == "5"
            assert answer.json()["message"].startswith(UNREACHABLE.what)
            assert answer.json()["requestId"] == answer.headers["Elements-Request-Id"]
        page = await world.outside.get(f"{world.url}/setup/{'a' * 43}", headers={"accept": "text/html"})
        assert (page.status_code, page.headers["Retry-After"]) == (503, "5")
        assert (await world.outside.get(f"{world.url}/healthz")).status_code == 200
        await way.open()
        await wait_until_well(world)
        assert (await world.client.get("/instances")).status_code == 200
        await check_that_all_arrived(world, made)
        assert is_told_once(logged, UNREACHABLE.what)


async def test_it_takes_no_writes(ground, sandbox, logged):
    database = await ground.make_database()
    name = database["database"]
    async with open_world(database, sandbox) as world:
        made = await begin(world)
        await ground.run(f"ALTER DATABASE {name} SET default_transaction_read_only = on")
        await ground.cut(name)
        await wait_for_trouble(world, READ_ONLY.what)
        made += await world.change(CHANGES)
        assert (await world.client.get("/instances")).status_code == 200  # what only reads goes on
        refused = await world.client.post("/instances", json=await world.body())
        assert (refused.status_code, refused.headers["Retry-After"]) == (503, "5")
        # Nobody is cut off for it.
        await ground.run(f"ALTER DATABASE {name} RESET default_transaction_read_only")
        await wait_until_well(world)
        await check_that_all_arrived(world, made)
        assert names(logged, "service.failed", "request.failed", "poll.broke") == []
        assert names(logged, "database.lost", "database.back")[-1] == "database.back"


async def test_it_has_no_connection_left(ground, sandbox, logged):
    database = await ground.make_database()
    user = database["user"]
    async with open_world(database, sandbox) as world:
        made = await begin(world)
        await ground.run(f"ALTER ROLE {user} CONNECTION LIMIT 0")
        await ground.cut(database["database"])
        await wait_for_trouble(world, "no connection left")
        made += await world.change(CHANGES)
        answer = await world.client.get("/instances")
        assert answer.status_code == 503
        assert "no connection left" in answer.json()["message"]
        await ground.run(f"ALTER ROLE {user} CONNECTION LIMIT -1")
        await wait_until_well(world)
        await check_that_all_arrived(world, made)
        assert names(logged, "service.failed", "request.failed", "poll.broke") == []


async def test_a_trouble_that_turns_into_another_is_told_as_well(ground, sandbox, logged):
    """Who has changed the password and restarted the server reads of the password."""
    database = await ground.make_database()
    user = database["user"]
    async with open_way(database) as (way, arguments), open_world(arguments, sandbox) as world:
        way.break_off()
        await wait_for_trouble(world, UNREACHABLE.what)
        await ground.run(f"ALTER ROLE {user} NOLOGIN")
        await way.open()
        await wait_for_trouble(world, "refuses the user")
        await ground.run(f"ALTER ROLE {user} LOGIN")
        await wait_until_well(world)
    told = [line for line in logged if line["event"] in {"database.lost", "database.back"}]
    assert [line.get("reason") for line in told] == [
        UNREACHABLE.what,
        "the database refuses the user or the password",
        None,
    ]


async def test_whoever_finds_no_tables_in_a_database_that_is_not_well_has_met_that(ground, sandbox, logged):
    """As where a backup is put back on a database made anew: it is no fault of ours."""
    database = await ground.make_database()
    name = database["database"]
    async with open_way(database) as (way, arguments), open_world(arguments, sandbox) as world:
        way.break_off()
        await wait_for_trouble(world, UNREACHABLE.what)
        await ground.run(
            "ALTER SCHEMA public RENAME TO away", f"CREATE SCHEMA public AUTHORIZATION {name}", database=name
        )
        await way.open()
        await wait_for_trouble(world, NO_TABLES.what)
        answer = await world.client.get("/instances")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")
        assert answer.json()["message"].startswith(NO_TABLES.what)
        assert names(logged, "service.failed", "request.failed", "poll.broke", "poll.lost") == []
        way.break_off()
        await ground.run("DROP SCHEMA public", "ALTER SCHEMA away RENAME TO public", database=name)
        await way.open()
        await wait_until_well(world)
    reasons = [line["reason"] for line in logged if line["event"] == "database.lost"]
    assert reasons == [UNREACHABLE.what, NO_TABLES.what]


async def test_a_lock_timeout_of_the_servers_is_a_slow_database(ground, sandbox, logged):
    database = await ground.make_database()
    name = database["database"]
    await ground.run(f"ALTER DATABASE {name} SET lock_timeout = '100ms'")
    async with open_world(database, sandbox) as world:
        made = await begin(world)
        holder = await asyncpg.connect(**database)
        await holder.execute("SET lock_timeout = 0")
        async with holder.transaction():
            await holder.execute(
                "LOCK TABLE instance, endpoint, page, worker, pgqueuer IN ACCESS EXCLUSIVE MODE"
            )
            made += await world.change(CHANGES)
            await wait_for_trouble(world, SLOW.what)
            assert (await world.client.get("/instances")).status_code == 503
        await holder.close()
        await wait_until_well(world)
        await check_that_all_arrived(world, made)
    assert names(logged, "service.failed", "request.failed", "poll.broke", "poll.lost", "lane.failed") == []


async def test_tables_of_an_older_release_are_told(ground, sandbox, logged):
    """As after a backup was put back under a running service."""
    database = await ground.make_database()
    name = database["database"]
    newest = await ground.fetch(name, "SELECT version_num FROM alembic_version")
    async with open_world(database, sandbox) as world:
        await ground.run("UPDATE alembic_version SET version_num = '0001'", database=name)
        await wait_for_trouble(world, NO_TABLES.what)
        await ground.run(f"UPDATE alembic_version SET version_num = '{newest}'", database=name)
        await wait_until_well(world)
        assert is_told_once(logged, NO_TABLES.what)


async def test_a_newer_release_may_migrate_while_an_older_one_runs(ground, sandbox, logged):
    database = await ground.make_database()
    name = database["database"]
    async with open_world(database, sandbox) as world:
        made = await begin(world)
        await ground.run(
            "UPDATE alembic_version SET version_num = '9999'",
            *(
                f"ALTER TABLE {table} ADD COLUMN newer integer NOT NULL DEFAULT 1"
                for table in ("instance", "endpoint", "resource_poll", "worker", "credential")
            ),
            database=name,
        )
        await until(lambda: names(logged, "database.newer"))
        made += await world.change(CHANGES)
        await check_that_all_arrived(world, made)
        assert await read_trouble(world) is None
        assert names(logged, "database.newer", "database.lost", "service.failed") == ["database.newer"]


@pytest.mark.parametrize("seconds", [600, -600])
async def test_clocks_of_workers_ten_minutes_apart_change_nothing(database, sandbox, monkeypatch, seconds):
    """What one worker writes is due for the other at the same time, whatever their machines' clocks show."""
    async with open_world(database, sandbox, roles=frozenset({"poll"})) as first:
        monkeypatch.setattr(
            "signalpost.wiring.service.read_now", lambda: datetime.now(UTC) + timedelta(seconds=seconds)
        )
        async with (
            open_world(
                database, sandbox, roles=frozenset({"deliver"}), retry_schedule_seconds="0.2,0.2,9"
            ) as other,
            open_world(database, sandbox, roles=frozenset()) as api,
        ):
            instance = await api.connect()
            await first.wait_for_watermark(instance["id"])
            api.listener.status = 500
            made = await first.change(CHANGES)
            await until(lambda: len(api.listener.received) >= 2)
            api.listener.status = 200
            await check_that_all_arrived(api, made)
            for clock in (api.service.app.api.state.parts.clock, other.service.runtime._parts.clock):
                assert abs((clock() - datetime.now(UTC)).total_seconds()) < 5
            row = await api.pool.fetchrow(
                "SELECT max(abs(extract(epoch FROM polled_at - now()))) AS polled,"
                " (SELECT max(abs(extract(epoch FROM started_at - now()))) FROM attempt) AS tried,"
                " (SELECT max(abs(extract(epoch FROM created_at - now()))) FROM instance) AS created FROM event"
            )
            assert all(each < 60 for each in row)
