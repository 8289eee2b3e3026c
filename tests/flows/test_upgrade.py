"""A database of an earlier release is brought to the newest: nothing that it held is lost, and what waited arrives."""

from __future__ import annotations

from pathlib import Path

import asyncpg
import pytest

from signalpost.cli.listen import run_listener
from signalpost.store.database import read_newest, read_version
from tests.doctor.looking import KEY, look
from tests.support import open_world, until, write_url

FROZEN = Path(__file__).parents[1] / "data" / "release-0.1.0.sql"
DELIVERED, WAITING = 100001, 100002
CALLBACKS = {DELIVERED: "http://127.0.0.1:8098", WAITING: "http://127.0.0.1:8099/events"}
SANDBOX = "http://127.0.0.1:8090"


@pytest.fixture
async def listener():
    async with run_listener(key="a signature key") as running:
        yield running


@pytest.fixture
async def frozen(postgres, sandbox, listener):
    """Give arguments for ``asyncpg.connect`` to the database of the earlier release, with the addresses of today."""
    admin = await asyncpg.connect(**postgres.connect_arguments)
    await admin.execute("CREATE DATABASE frozen")
    arguments = {**postgres.connect_arguments, "database": "frozen"}
    loading = await asyncpg.connect(**arguments)
    sql = FROZEN.read_text()
    for url, present in {**dict.fromkeys(CALLBACKS.values(), listener.url), SANDBOX: sandbox.url}.items():
        assert url in sql
        sql = sql.replace(url, present)
    await loading.execute(sql)
    await loading.close()
    yield arguments
    await admin.execute("DROP DATABASE frozen WITH (FORCE)")
    await admin.close()


async def count_rows(arguments, *tables):
    connection = await asyncpg.connect(**arguments)
    found = {table: await connection.fetchval(f"SELECT count(*) FROM public.{table}") for table in tables}
    found["version"] = await read_version(connection)
    await connection.close()
    return found


async def read(world, path):
    answer = await world.client.get(path)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_database_of_an_earlier_release(frozen, sandbox, listener):
    tables = (
        "instance",
        "credential",
        "event",
        "page",
        "notification",
        "attempt",
        "replay",
        "gap",
        "object_memory",
    )
    before = await count_rows(frozen, *tables)
    assert before["version"] == "0006"
    assert all(before.values())
    told = await look("tables", database_url=write_url(frozen), encryption_keys=KEY)
    assert (told.verdict, told.message[:34]) == ("warning", "the tables (0006) are of an older ")
    async with open_world(frozen, sandbox, roles=frozenset()) as world:
        assert await count_rows(frozen, *tables) == {**before, "version": read_newest()}
        instances = await read(world, "/instances")
        assert [each["id"] for each in instances] == [DELIVERED, WAITING]
        assert {each["configuration"]["event.notification.signature.key"] for each in instances} == {
            "********"
        }
        events = {each: await read(world, f"/instances/{each}/events") for each in CALLBACKS}
        assert sum(map(len, events.values())) == before["event"]
        states = [each["state"] for each in await read(world, f"/instances/{WAITING}/deliveries")]
        assert states == ["pending"] * len(states) != []
        assert "dead" in [each["state"] for each in await read(world, f"/instances/{DELIVERED}/deliveries")]
        assert len(await read(world, f"/instances/{DELIVERED}/replays")) == before["replay"]
    assert listener.received == []
    async with open_world(frozen, sandbox) as world:
        assert (await world.client.put(f"/instances/{WAITING}/endpoint")).status_code == 200
        await until(lambda: len(listener.received) == len(states))
        assert all(each["valid"] for each in listener.received)
        assert [each["sequence"] for body in list_bodies(listener) for each in body["events"]] == [1, 2]
        # Authorised again, as today's sandbox knows no token of then, it polls on from its watermark, 3: two of five changes are new to it.
        renewed = {"providerData": {"code": await world.authorize()}}
        answer = await world.client.patch(f"/instances/{DELIVERED}", json=renewed)
        assert answer.status_code == 200, answer.text
        await world.change(5)
        await until(lambda: sum(len(body["events"]) for body in list_bodies(listener)) == 4)
        assert [each["sequence"] for body in list_bodies(listener)[2:] for each in body["events"]] == [4, 5]


def list_bodies(listener):
    return [each["body"]["message"] for each in listener.received]
