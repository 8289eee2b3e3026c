"""``Idempotency-Key``: done once, answered again; another request is refused; nobody is blocked by what was killed."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime

import asyncpg
import pytest

from signalpost.store.kept_answers import CLAIM_SECONDS, KEPT_SECONDS
from signalpost.store.replay_orders import ReplayOrders
from signalpost.store.retention import Retention
from tests.api.answers import accepted, refused, with_token
from tests.api.conftest import enter_organization

pytestmark = pytest.mark.asyncio(loop_scope="session")

KEY = {"Idempotency-Key": '"8e03978e-40d5-43dd-bc93-6894a57f9324"'}


async def age(world, seconds):
    await world.pool.execute(
        "UPDATE kept_answer SET claimed_at = claimed_at - make_interval(secs => $1)", seconds
    )


async def test_an_instance_is_connected_once_and_shown_again(still):
    body = await still.body()
    first = await still.client.post("/instances", json=body, headers=KEY)
    again = await still.client.post("/instances", json=body, headers=KEY)
    assert accepted(again) == accepted(first)
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    for name in ("ETag", "Content-Type"):
        assert again.headers[name] == first.headers[name]
    assert again.headers["Elements-Request-Id"] != first.headers["Elements-Request-Id"]
    assert len((await still.client.get("/instances")).json()) == 1


async def test_the_quotes_of_a_key_may_be_left_out(still):
    instance_id = (await still.connect())["id"]
    url = f"/instances/{instance_id}/polls"
    first = await still.client.post(url, headers={"Idempotency-Key": "a-b"})
    again = await still.client.post(url, headers={"Idempotency-Key": '"a-b"'})
    assert (first.status_code, again.status_code) == (202, 202)
    assert again.json() == first.json()
    assert again.headers["Idempotency-Replayed"] == "true"


async def test_every_post_that_makes_something_takes_a_key(still):
    instance_id = (await still.connect())["id"]
    base = f"/instances/{instance_id}"
    await still.pool.execute("DELETE FROM kept_answer")
    for url, body in (
        (f"{base}/polls", None),
        (f"{base}/replays", {"sequence": 1}),
        (f"{base}/deliveries/send-failed", None),
        ("/instances/test-callback", {"url": still.listener.url}),
    ):
        headers = {"Idempotency-Key": url}
        first = await still.client.post(url, json=body, headers=headers)
        again = await still.client.post(url, json=body, headers=headers)
        assert first.status_code < 300, first.text
        assert again.content == first.content
        assert again.headers["Idempotency-Replayed"] == "true", url
    assert await still.pool.fetchval("SELECT count(*) FROM kept_answer") == 4


async def test_what_the_organization_was_answered_is_not_given_to_who_acts_for_one_instance(still):
    instance = await still.connect()
    whole = f"{still.client.headers['Authorization']}, Element {instance['token']}"
    user, _, _ = whole.partition(",")
    body, key = {"url": still.listener.url}, {"Idempotency-Key": "the-same"}
    answers = [
        await still.client.post("/instances/test-callback", json=body, headers=key | {"Authorization": sent})
        for sent in (whole, whole, f"{user}, Element {instance['token']}")
    ]
    assert [each.headers.get("Idempotency-Replayed") for each in answers] == [None, "true", None]


@pytest.mark.parametrize("key", ["", "é".encode(), "x" * 256, '"', '""', '"x', "a\tb"])
async def test_a_key_that_is_none_is_refused(still, key):
    answer = await still.client.post("/instances", json={}, headers={"Idempotency-Key": key})
    refused(answer, 400, "Idempotency-Key")


async def test_who_may_not_ask_is_told_that_first(still):
    answer = await still.outside.post(
        f"{still.url}/elements/api-v2/instances", json={}, headers={"Idempotency-Key": ""}
    )
    refused(answer, 401)


async def test_a_key_is_not_for_another_request(still):
    first = await still.connect()
    other = await still.connect()
    url = f"/instances/{first['id']}/replays"
    assert (await still.client.post(url, json={"sequence": 1}, headers=KEY)).status_code == 202
    for answer in (
        await still.client.post(url, json={"sequence": 2}, headers=KEY),
        await still.client.post(f"{url}?a=b", json={"sequence": 1}, headers=KEY),
        await still.client.post(f"/instances/{other['id']}/replays", json={"sequence": 1}, headers=KEY),
        await still.client.post(url, json={"sequence": 1}, headers=KEY | with_token(still, first["token"])),
    ):
        refused(answer, 422, "Idempotency-Key", "another request")


async def test_another_users_same_key_is_another_key(still):
    body = await still.body()
    mine = accepted(await still.client.post("/instances", json=body, headers=KEY))
    async with enter_organization(still) as other:
        body["providerData"] = {"code": await still.authorize()}
        theirs = accepted(await other.client.post("/instances", json=body, headers=KEY))
    assert theirs["id"] != mine["id"]


async def test_of_many_at_once_one_is_done(still):
    body = await still.body()
    answers = await asyncio.gather(
        *(still.client.post("/instances", json=body, headers=KEY) for _ in range(6))
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    done = [answer for answer in answers if answer.status_code == 200]
    assert len({answer.json()["id"] for answer in done}) == 1
    for answer in answers:
        if answer.status_code == 409:
            refused(answer, 409, "Idempotency-Key", "still runs")
            assert answer.headers["Retry-After"] == "1"
    again = await still.client.post("/instances", json=body, headers=KEY)
    assert accepted(again)["id"] == done[0].json()["id"]
    assert len((await still.client.get("/instances")).json()) == 1


async def test_what_was_killed_half_way_blocks_nobody_for_ever(still):
    instance_id = (await still.connect())["id"]
    url = f"/instances/{instance_id}/replays"
    assert (await still.client.post(url, json={"sequence": 1}, headers=KEY)).status_code == 202
    await still.pool.execute("UPDATE kept_answer SET answer = NULL")  # as its process would have left it
    refused(await still.client.post(url, json={"sequence": 1}, headers=KEY), 409, "still runs")
    await age(still, CLAIM_SECONDS)
    refused(await still.client.post(url, json={"sequence": 2}, headers=KEY), 422)
    answer = await still.client.post(url, json={"sequence": 1}, headers=KEY)
    assert answer.status_code == 202
    assert "Idempotency-Replayed" not in answer.headers


async def test_what_may_have_been_done_is_not_done_again_at_once(still, monkeypatch):
    instance_id = (await still.connect())["id"]
    url, key = f"/instances/{instance_id}/replays", {"Idempotency-Key": "cut-off"}
    ask = ReplayOrders.ask_range

    async def ask_and_lose_the_database(*arguments):
        await ask(*arguments)
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")

    with monkeypatch.context() as patched:
        patched.setattr(ReplayOrders, "ask_range", ask_and_lose_the_database)
        refused(await still.client.post(url, json={"sequence": 1}, headers=key), 503)
    refused(await still.client.post(url, json={"sequence": 1}, headers=key), 409, "was cut off")
    assert len((await still.client.get(url)).json()) == 1
    await age(still, CLAIM_SECONDS)
    assert (await still.client.post(url, json={"sequence": 1}, headers=key)).status_code == 202


async def test_a_refused_request_did_nothing_and_its_key_is_free(still):
    wrong = await still.client.post("/instances", json={"element": {"key": "nothing"}}, headers=KEY)
    refused(wrong, 404)
    right = await still.client.post("/instances", json=await still.body(), headers=KEY)
    assert accepted(right)["id"]
    assert "Idempotency-Replayed" not in right.headers


@pytest.mark.asyncio(loop_scope="function")
async def test_one_that_takes_too_long_is_told_as_such(make_world, monkeypatch):
    monkeypatch.setattr("signalpost.store.database.LONGEST_WAIT_SECONDS", 2)
    async with make_world(roles=frozenset()) as world:
        instance_id = (await world.connect())["id"]
        async with world.pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT FROM instance WHERE id = $1 FOR UPDATE", instance_id)
            path = f"/instances/{instance_id}/replays"
            answer = await world.client.post(path, json={"sequence": 1}, headers=KEY)
        refused(answer, 503, "the database answers, but not this within")


async def test_answers_are_encrypted_kept_for_a_day_and_trimmed(still):
    body = await still.body()
    first = accepted(await still.client.post("/instances", json=body, headers=KEY))
    kept = bytes(await still.pool.fetchval("SELECT answer FROM kept_answer ORDER BY claimed_at DESC LIMIT 1"))
    assert first["token"].encode() not in kept
    assert b"API_Polling" not in kept
    await age(still, KEPT_SECONDS - 60)
    assert accepted(await still.client.post("/instances", json=body, headers=KEY))["id"] == first["id"]
    retention = Retention(still.pool, retention_days=7, most_waiting=1000)
    await retention.tidy(datetime.now(UTC))
    assert await still.pool.fetchval("SELECT count(*) FROM kept_answer") > 0
    await age(still, 120)
    body["providerData"] = {"code": await still.authorize()}
    other = await still.client.post("/instances", json=body, headers=KEY)  # old, but not trimmed yet
    assert accepted(other)["id"] != first["id"]
    await age(still, KEPT_SECONDS + 60)
    await retention.tidy(datetime.now(UTC))
    assert await still.pool.fetchval("SELECT count(*) FROM kept_answer") == 0
