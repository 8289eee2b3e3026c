"""Tokens that end, in every way: polling goes on with a good one, or stops and says so; and nothing is lost."""

from __future__ import annotations

import asyncpg
import pytest

from signalpost.cli.listen import run_listener
from signalpost.store.vault import Vault
from tests.support import REDIRECT, until

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
TOKEN_ENDPOINT = "/puboauth"


@pytest.fixture
async def operations():
    """Where operational notices go."""
    async with run_listener(key="a signature key") as listener:
        yield listener


@pytest.fixture
async def instance(world, operations):
    """Give a function that connects an instance, watched, and waits for its first poll."""

    async def connect(**settings):
        await world.control("PATCH", "settings", {"expires_in": 2592000, **settings})
        connected = await world.connect(**{"event.notification.operations.url": operations.url})
        await world.wait_for_watermark(connected["id"])
        return connected

    return connect


async def fail(world, kind, **options):
    await world.control("POST", "faults", {"kind": kind, **options})


async def authorize_again(world, instance, username="admin"):
    asked = {"client_id": "key", "redirect_uri": REDIRECT, "username": username}
    code = (await world.control("POST", "authorize", asked))["code"]
    return await world.client.put(f"/instances/{instance['id']}", json={"providerData": {"code": code}})


async def is_valid(world, instance):
    return (await world.client.get(f"/instances/{instance['id']}")).json()["valid"]


async def wait_for_refusal(world, instance):
    async def is_refused():
        return not await is_valid(world, instance)

    await until(is_refused)


async def count_refreshes(world):
    calls = await world.control("GET", "calls")
    return sum(sum(counts.values()) for path, counts in calls["paths"].items() if "puboauth/token" in path)


async def check_delivered(world, made):
    await until(lambda: len(world.delivered()) >= len(made))
    assert [record["id"] for record in world.delivered()] == [row["id"] for row in made]


def told(operations):
    return [received["body"]["kind"] for received in operations.received]


@pytest.mark.parametrize("rotation", [True, False])
async def test_a_token_that_ended_is_renewed_again_and_again(world, instance, operations, rotation):
    connected = await instance(refresh_rotation=rotation)
    before = await count_refreshes(world)
    made = []
    for times in (1, 2, 3):
        await fail(world, "expired_token")
        made += await world.change(10)
        await check_delivered(world, made)
        assert await count_refreshes(world) == before + times
    assert await is_valid(world, connected)
    assert told(operations) == []


TRANSIENT = {
    "throttled": {"kind": "status", "status": 409, "headers": {"Retry-After": "1"}, "times": 1},
    "failing": {"kind": "status", "status": 500, "body": "<h1>Oops</h1>", "times": 2},
    "in maintenance": {"kind": "status", "status": 503, "headers": {"Retry-After": "1"}, "times": 1},
    "cut off": {"kind": "reset", "times": 2},
}


@pytest.mark.parametrize("name", TRANSIENT)
async def test_a_token_endpoint_that_cannot_answer_now_is_asked_again(world, instance, operations, name):
    connected = await instance()
    await fail(world, path=TOKEN_ENDPOINT, **TRANSIENT[name])
    await fail(world, "expired_token")
    await check_delivered(world, await world.change(10))
    assert await world.control("GET", "faults") == {"faults": []}
    # Nobody authorised it again: it has been valid all the time.
    assert await is_valid(world, connected)
    assert told(operations) == []


async def test_a_token_endpoint_that_is_silent_is_asked_again(make_world):
    async with make_world(total_timeout_seconds=3) as world:
        connected = await world.connect()
        await world.wait_for_watermark(connected["id"])
        await fail(world, "latency", path=TOKEN_ENDPOINT, seconds=6)
        await fail(world, "expired_token")
        made = await world.change(10)

        async def has_failed():
            return await world.pool.fetchval("SELECT last_error FROM resource_poll")

        assert "did not answer" in await until(has_failed)
        await check_delivered(world, made)
        assert await is_valid(world, connected)


async def test_a_long_silence_that_the_token_endpoint_asks_for_is_kept(world, instance):
    connected = await instance()
    headers = {"Retry-After": "3000"}
    await fail(world, "status", status=409, headers=headers, path=TOKEN_ENDPOINT, times=1)
    await fail(world, "expired_token")
    made = await world.change(5)

    async def waits():
        return await world.pool.fetchval(
            "SELECT retry_at > now() + interval '40 minutes' AND next_poll_at > now() + interval '40 minutes'"
            " FROM resource_poll JOIN instance ON instance.id = instance_id"
        )

    await until(waits)
    assert await is_valid(world, connected)
    await world.pool.execute("UPDATE resource_poll SET retry_at = NULL")
    await world.pool.execute("UPDATE instance SET next_poll_at = now()")
    await check_delivered(world, made)


async def test_a_renewed_token_that_is_refused_once_stops_nothing(world, instance, operations):
    """The first of two refusals has the token renewed; the other meets the one that was just given."""
    connected = await instance()
    await fail(world, "status", status=401, times=2, path="/pubapi")

    async def has_failed():
        return await world.pool.fetchval("SELECT last_error FROM resource_poll WHERE failures = 1")

    assert "no longer accepts the token" in await until(has_failed)
    await check_delivered(world, await world.change(10))
    assert await is_valid(world, connected)
    assert told(operations) == []
    assert await world.pool.fetchval("SELECT failures FROM resource_poll") == 0


async def test_renewed_tokens_that_are_refused_at_two_polls_in_a_row_stop_polling(
    world, instance, operations
):
    connected = await instance()
    before = await count_refreshes(world)
    await fail(world, "status", status=401, times=20, path="/pubapi")

    async def has_stopped():
        return not await is_valid(world, connected)

    await until(has_stopped)
    assert await count_refreshes(world) == before + 2
    await until(lambda: told(operations) == ["authorisation.needed"])


async def change_password(world):
    await world.control("POST", "revoke", {"username": "admin"})


async def remove_application(world):
    await world.control("POST", "revoke", {"client_id": "key"})


async def revoke_token(world):
    await fail(world, "revoked_token")


async def lose_answer(world):
    """The provider has spent the refresh token, and its successor never arrives."""
    await fail(world, "truncate", path=TOKEN_ENDPOINT)
    await fail(world, "expired_token")


async def disable_key(world):
    """Every token is refused, those that the token endpoint gives anew as well."""
    headers = {"X-Mashery-Error-Code": "ERR_403_DEVELOPER_INACTIVE"}
    await fail(world, "status", status=403, headers=headers, body="<h1>Developer Inactive</h1>", times=10_000)


ENDS = [
    (change_password, 2592000),
    (remove_application, 2592000),
    (revoke_token, 2592000),
    (revoke_token, -1),  # a token that never ends has none to renew it with
    (lose_answer, 2592000),
    (disable_key, 2592000),
]


@pytest.mark.parametrize(("end", "expires_in"), ENDS)
async def test_a_token_that_cannot_be_renewed_stops_polling_until_somebody_authorises(
    world, instance, operations, end, expires_in
):
    connected = await instance(expires_in=expires_in)
    before = await world.watermark(connected["id"])
    await end(world)
    await wait_for_refusal(world, connected)
    await world.control("DELETE", "faults")
    made = await world.change(20)
    await until(lambda: operations.received)
    assert told(operations) == ["authorisation.needed"]
    assert await world.pool.fetchval("SELECT next_poll_at FROM instance") is None
    assert await world.watermark(connected["id"]) == before

    assert (await authorize_again(world, connected)).json()["valid"] is True
    await check_delivered(world, made)
    assert told(operations) == ["authorisation.needed"]


async def test_another_account_cannot_take_over_what_waits_for_authorisation(world, instance):
    connected = await instance()
    before = await world.watermark(connected["id"])
    await change_password(world)
    await wait_for_refusal(world, connected)
    made = await world.change(5)
    answer = await authorize_again(world, connected, username="power")
    assert answer.status_code == 409, answer.text
    assert not await is_valid(world, connected)
    assert await world.watermark(connected["id"]) == before
    assert (await authorize_again(world, connected)).status_code == 200
    await check_delivered(world, made)


async def test_tokens_and_secrets_are_not_readable_in_the_database(world, instance, database):
    connected = await instance()
    connection = await asyncpg.connect(**database)
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    dump = ""
    for table in tables:
        rows = await connection.fetch(f"SELECT t::text AS row FROM {table['tablename']} t")
        dump += "\n".join(row["row"] for row in rows)
    await connection.close()
    sealed = await world.pool.fetchval("SELECT tokens FROM credential")
    token = Vault([KEY]).unseal(sealed)["access_token"]
    for secret in (token, connected["token"], "a signature key", *world.secrets.values()):
        assert secret not in dump
        assert secret.encode().hex() not in dump
