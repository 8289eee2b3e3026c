"""Tokens: both of Egnyte's regimes, renewed by one caller at a time, and what happens when they end."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.connectors.registry import Registry
from signalpost.instances.oauth2 import OAuth2
from signalpost.instances.tokens import InstanceTokens
from signalpost.outbound import Outbound
from signalpost.store.polls import Polls
from signalpost.store.tokens import TokenRows
from signalpost.store.vault import Vault
from tests.support import until

KEY = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="


async def started(world):
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    return instance


async def count_refreshes(world):
    calls = await world.control("GET", "calls")
    return sum(sum(counts.values()) for path, counts in calls["paths"].items() if "puboauth/token" in path)


async def test_a_token_that_ended_is_renewed_and_nothing_is_lost(world):
    await world.control("PATCH", "settings", {"expires_in": 2592000, "refresh_rotation": True})
    instance = await started(world)
    await world.control("POST", "faults", {"kind": "expired_token", "times": 1})
    made = await world.change(30)
    await until(lambda: len(world.delivered()) >= 30)
    assert [record["id"] for record in world.delivered()] == [row["id"] for row in made]
    assert (await world.client.get(f"/instances/{instance['id']}")).json()["valid"] is True


async def test_a_token_that_never_ends_and_is_revoked_needs_authorisation_and_keeps_the_watermark(world):
    await world.control("PATCH", "settings", {"expires_in": -1})
    instance = await started(world)
    await world.control("POST", "faults", {"kind": "revoked_token", "times": 1})

    async def invalid():
        return not (await world.client.get(f"/instances/{instance['id']}")).json()["valid"]

    await until(invalid)
    before = await world.watermark(instance["id"])
    made = await world.change(20)
    body = {"providerData": {"code": await world.authorize()}}
    answer = await world.client.put(f"/instances/{instance['id']}", json=body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["valid"] is True
    await until(lambda: len(world.delivered()) >= 20)
    assert before["id"] == made[0]["id"] - 1
    assert [record["id"] for record in world.delivered()] == [row["id"] for row in made]


@pytest.fixture
async def holders(world, pool):
    """Twenty callers with the same stored instance, as if in twenty processes."""
    await world.control("PATCH", "settings", {"expires_in": 2592000, "refresh_rotation": True})
    instance = await world.connect(**{"event.poller.refresh_interval": 60})
    vault = Vault([KEY])
    state = await Polls(pool, vault).load(instance["id"])
    connector = Registry([EgnyteConnector(world.sandbox.url)]).find("egnyte")
    async with Outbound(allow_private=True, connections=50) as outbound:
        yield [
            InstanceTokens(
                instance_id=instance["id"],
                connector=connector,
                configuration=state.configuration,
                tokens=state.tokens,
                rows=TokenRows(pool, vault),
                oauth2=OAuth2(outbound, lambda: datetime.now(UTC)),
                clock=lambda: datetime.now(UTC),
            )
            for _ in range(20)
        ]


async def test_many_callers_refused_at_once_renew_once(world, holders):
    before = await count_refreshes(world)
    old = await holders[0].give()
    renewed = await asyncio.gather(*(holder.renew(old) for holder in holders))
    assert len(set(renewed)) == 1
    assert renewed[0] != old
    assert await count_refreshes(world) == before + 1


async def test_a_token_about_to_end_is_renewed_before_it_is_used(world, holders):
    before = await count_refreshes(world)
    old = await holders[0].give()
    for holder in holders:
        holder._clock = lambda: datetime.now(UTC) + timedelta(days=29, hours=23, minutes=59, seconds=30)
    given = await holders[1].give()
    assert given != old
    assert await count_refreshes(world) == before + 1


async def test_a_throttled_token_endpoint_waits_and_loses_nothing(world):
    await world.control("PATCH", "settings", {"expires_in": 2592000})
    instance = await started(world)
    await world.control("POST", "faults", {"kind": "expired_token", "times": 1})
    fault = {
        "kind": "status",
        "status": 409,
        "headers": {"Retry-After": "1"},
        "path": "/puboauth",
        "times": 1,
    }
    await world.control("POST", "faults", fault)
    made = await world.change(10)
    await until(lambda: len(world.delivered()) >= 10)
    assert [record["id"] for record in world.delivered()] == [row["id"] for row in made]
    assert (await world.client.get(f"/instances/{instance['id']}")).json()["valid"] is True


async def test_tokens_and_secrets_are_not_readable_in_the_database(world, database):
    instance = await started(world)
    import asyncpg

    connection = await asyncpg.connect(**database)
    tables = await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
    dump = ""
    for table in tables:
        rows = await connection.fetch(f"SELECT t::text AS row FROM {table['tablename']} t")
        dump += "\n".join(row["row"] for row in rows)
    await connection.close()
    sealed = await world.pool.fetchval("SELECT tokens FROM credential")
    token = Vault([KEY]).unseal(sealed)["access_token"]
    for secret in (token, instance["token"], "a signature key", *world.secrets.values()):
        assert secret not in dump
        assert secret.encode().hex() not in dump
