"""Operational notices: sent signed to an address of their own, again until they are taken, by one worker at a time."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from signalpost.cli.listen import run_listener
from signalpost.model.configuration import OPERATIONS_URL
from signalpost.store.notices import Notices, add_notice
from tests.api.answers import refused
from tests.support import until

KEY = "a signature key"
KIND = "gap.recorded"


@pytest.fixture(autouse=True)
def quick_notices(monkeypatch):
    monkeypatch.setattr("signalpost.runtime.NOTICE_SECONDS", 0.05)


@pytest.fixture
async def telling(make_world):
    """The service without polls, so that the notices are those of the test alone."""
    async with make_world(roles=frozenset({"deliver"}), retry_schedule_seconds="0.05,0.05") as world:
        yield world


async def connect(world, url=None):
    instance = await world.connect(**{OPERATIONS_URL: world.listener.url if url is None else url})
    return instance["id"]


async def add(world, instance_id, **body):
    now = datetime(2026, 5, 28, 11, 41, 12, 900_000, UTC)
    async with world.pool.acquire() as connection:
        await add_notice(connection, instance_id, KIND, {"message": "a message", **body}, now)
    return await world.pool.fetchval("SELECT max(id) FROM operation_notice")


async def count(world):
    return await world.pool.fetchval("SELECT count(*) FROM operation_notice")


async def all_gone(world):
    await until(lambda: is_empty(world))


async def is_empty(world):
    return await count(world) == 0


async def test_a_notice_is_sent_signed_and_then_forgotten(telling):
    basic = {"event.notification.basic.username": "ada", "event.notification.basic.password": "open-sesame"}
    instance = await telling.connect(**{OPERATIONS_URL: telling.listener.url, **basic})
    await add(telling, instance["id"], resource="events")
    await all_gone(telling)
    [received] = telling.listener.received
    assert received["valid"] is True
    body = dict(received["body"])
    notice_id = body.pop("id")
    assert body == {
        "kind": KIND,
        "instanceId": instance["id"],
        "instanceName": "API_Polling",
        "date": "2026-05-28T11:41:12Z",
        "message": "a message",
        "resource": "events",
    }
    headers = {name.lower(): value for name, value in received["headers"].items()}
    assert headers["webhook-id"] == f"notice-{notice_id}"
    # The callback's user name and password are not for this address.
    assert "authorization" not in headers


async def test_nothing_is_kept_for_an_instance_without_an_address(telling):
    instance = await telling.connect()
    await add(telling, instance["id"])
    assert await is_empty(telling)


async def test_one_that_is_refused_comes_again_with_the_same_id_until_it_is_taken(telling):
    telling.listener.status = 500
    await add(telling, await connect(telling))
    await until(lambda: telling.listener.received)
    telling.listener.status = 200
    await all_gone(telling)
    assert len(telling.listener.received) >= 2
    assert len({received["headers"]["webhook-id"] for received in telling.listener.received}) == 1
    assert len({str(received["body"]) for received in telling.listener.received}) == 1


@pytest.mark.parametrize(("status", "attempts"), [(500, 3), (302, 3), (400, 3), (410, 1)])
async def test_one_that_is_never_taken_is_given_up_and_logged(telling, log_lines, status, attempts):
    telling.listener.status = status
    instance_id = await connect(telling)
    await add(telling, instance_id)
    await all_gone(telling)
    assert len(telling.listener.received) == attempts
    [line] = await until(lambda: [line for line in log_lines() if line["event"] == "notice.given_up"])
    assert (line["instance"], line["kind"]) == (instance_id, KIND)


async def test_one_whose_address_was_taken_out_meanwhile_is_forgotten(telling):
    telling.listener.status = 500
    instance_id = await connect(telling)
    now = datetime.now(UTC)
    async with telling.pool.acquire() as connection, connection.transaction():
        await add_notice(connection, instance_id, KIND, {"message": "a message"}, now)
        await connection.execute(
            "UPDATE instance SET configuration = configuration - $2::text WHERE id = $1",
            instance_id,
            OPERATIONS_URL,
        )
    await all_gone(telling)
    assert telling.listener.received == []


async def test_more_than_one_hand_holds_go_out_in_one_look(telling):
    instance_id = await connect(telling)
    now = datetime.now(UTC)
    async with telling.pool.acquire() as connection, connection.transaction():
        for number in range(45):
            await add_notice(connection, instance_id, KIND, {"message": str(number)}, now)
    await all_gone(telling)
    messages = sorted(int(received["body"]["message"]) for received in telling.listener.received)
    assert messages == list(range(45))


async def test_addresses_that_do_not_answer_keep_nobody_elses_waiting(telling):
    over = asyncio.Event()

    async def say_nothing(_reader, writer):
        await over.wait()
        writer.close()

    async with await asyncio.start_server(say_nothing, "127.0.0.1", 0) as silent:
        url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}"
        for instance_id in [await connect(telling, url) for _ in range(2)]:
            for _ in range(20):
                await add(telling, instance_id)
        is_on_its_way = "SELECT count(*) >= 5 FROM operation_notice WHERE due_at > now()"
        await until(lambda: telling.pool.fetchval(is_on_its_way))
        await add(telling, await connect(telling))
        await until(lambda: telling.listener.received)
        # None of the others was given up as too slow meanwhile.
        assert await telling.pool.fetchval("SELECT sum(attempts) FROM operation_notice") == 0
        over.set()
    await all_gone(telling)


async def test_a_deleted_instance_takes_its_notices_along(make_world):
    async with make_world(roles=frozenset()) as world:  # nobody sends them, or gives them up meanwhile
        instance_id = await connect(world)
        await add(world, instance_id)
        assert await count(world) == 1
        assert (await world.client.delete(f"/instances/{instance_id}")).status_code == 200
        assert await is_empty(world)


async def test_two_workers_take_each_notice_once_and_a_killed_ones_comes_up_again(make_world):
    async with make_world(roles=frozenset()) as world:
        instance_id = await connect(world)
        for _ in range(30):
            await add(world, instance_id)
        vault = world.service.runtime._parts.announcer._notices._vault
        rows = Notices(world.pool, vault)
        now = datetime.now(UTC)
        until_at = now + timedelta(seconds=90)
        taken: list[int] = []
        for _ in range(30):
            hands = await asyncio.gather(*(rows.claim_due(now, until=until_at, limit=7) for _ in range(6)))
            taken += [notice.id for hand in hands for notice in hand]
        assert len(taken) == len(set(taken)) == 30
        again = await rows.claim_due(until_at, until=until_at + timedelta(seconds=90), limit=100)
        assert [notice.id for notice in again] == sorted(taken)[:5]
        assert await rows.claim_due(until_at, until=until_at, limit=100, but_for=[instance_id]) == []


async def test_an_address_that_must_not_be_called_is_refused_when_it_is_given(make_world):
    async with make_world(roles=frozenset(), egnyte_url="", allow_private_networks=False) as world:
        for url, shown in [
            ("ftp://example.com/x", "ftp://example.com/x"),
            ("example.com/x", "example.com/x"),
            ("http://user:open-sesame@example.com/x", "example.com/x"),
            ("http://127.0.0.1/x", "127.0.0.1"),
        ]:
            body = await world.body(**{"event.notification.callback.url": None, OPERATIONS_URL: url})
            answer = refused(await world.client.post("/instances", json=body), 400, OPERATIONS_URL, shown)
            assert "open-sesame" not in answer["message"]


@asynccontextmanager
async def connected(world):
    """An instance that is polled, with a receiver for its notices alone."""
    async with run_listener(key=KEY) as operations:
        instance = await world.connect(**{OPERATIONS_URL: operations.url})
        await world.wait_for_watermark(instance["id"])
        yield f"/instances/{instance['id']}", operations.received


async def test_what_is_given_up_is_told_and_goes_on_from_its_watermark_when_it_is_resumed(make_world):
    async with make_world(failures_before_disabling=2) as world, connected(world) as (path, told):
        await world.control("POST", "faults", {"kind": "status", "status": 500, "times": 1000})
        await until(lambda: told)
        status = (await world.client.get(f"{path}/polling")).json()
        assert (status["state"], status["resources"][0]["failures"]) == ("disabled", 2)
        refused(await world.client.post(f"{path}/polls"), 409, f"PUT {path}/polling")
        await world.control("DELETE", "faults")
        made = await world.change(5)
        answer = await world.client.put(f"{path}/polling")
        assert answer.json()["resources"][0]["failures"] == 0
        await until(lambda: len(world.delivered()) >= 5)
        assert [record["id"] for record in world.delivered()] == [row["id"] for row in made]
        await until(lambda: len(told) == 2)
        assert [notice["body"]["kind"] for notice in told] == ["polling.disabled", "polling.resumed"]
        assert told[0]["body"]["resource"] == "events"
        assert "Egnyte failed (500)" in told[0]["body"]["message"]
        assert all(notice["valid"] for notice in told)


async def test_a_needed_authorisation_is_told_once(make_world):
    async with make_world() as world, connected(world) as (path, told):
        await world.control("POST", "revoke", {})
        await until(lambda: told)
        assert told[0]["body"]["kind"] == "authorisation.needed"
        refused(await world.client.post(f"{path}/polls"), 409, "providerData.code")
        assert (await world.client.get(f"{path}/polling")).json()["state"] == "needsAuthorisation"
        await all_gone(world)
        assert len(told) == 1


async def test_a_gap_is_told(make_world):
    async with make_world() as world, connected(world) as (path, told):
        await world.client.delete(f"{path}/enabled")
        await world.change(40)
        await world.control("PATCH", "settings", {"retention": 15})
        await world.client.put(f"{path}/enabled")
        await until(lambda: told)
        [gap] = (await world.client.get(f"{path}/gaps")).json()
        body = told[0]["body"]
        assert body["kind"] == "gap.recorded"
        assert {name: body[name] for name in ("resource", "sequence", "fromWatermark", "toWatermark")} == {
            name: gap[name] for name in ("resource", "sequence", "fromWatermark", "toWatermark")
        }


async def test_a_poll_asked_for_does_not_wait_for_its_interval(make_world):
    async with make_world() as world, connected(world) as (path, _):
        change = {"configuration": {"event.poller.refresh_interval": 60}}
        assert (await world.client.patch(path, json=change)).status_code == 200

        async def is_far():
            status = (await world.client.get(f"{path}/polling")).json()
            due = datetime.fromisoformat(status["nextPollDate"])
            return due > datetime.now(UTC) + timedelta(seconds=40)

        await until(is_far)
        made = await world.change(3)
        assert (await world.client.post(f"{path}/polls")).status_code == 202
        await until(lambda: len(world.delivered()) >= 3)
        assert [record["id"] for record in world.delivered()] == [row["id"] for row in made]
