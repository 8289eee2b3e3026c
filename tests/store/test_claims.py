"""What is claimed amid a change, or by another at the same time: what the worker then has is of one moment, or nothing."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from signalpost.model.configuration import BASIC_USERNAME
from signalpost.store.deliveries import Deliveries
from signalpost.store.endpoints import activate_endpoint, rest_endpoint
from signalpost.store.replay_orders import ReplayOrders
from signalpost.store.replays import Replays
from tests.store.notified import NOW, VAULT, add_notifications, add_worker
from tests.support import until


@asynccontextmanager
async def changing(pool, deliveries, instance_id):
    """Have the lane claimed before what is changed is committed; gives what it is changed by, and the claim."""
    async with pool.acquire() as connection, connection.transaction():
        claims = []
        yield connection, claims
        claims.append(asyncio.ensure_future(deliveries.claim(instance_id)))
        await until(lambda: pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))


async def test_a_claim_amid_a_change_gets_no_address_with_the_configuration_of_another(
    pool, instance_id, deliveries
):
    async with changing(pool, deliveries, instance_id) as (connection, claims):
        value = {BASIC_USERNAME: "new"}
        await connection.execute("UPDATE instance SET configuration = configuration || $1::jsonb", value)
        await connection.execute("UPDATE endpoint SET url = 'https://new.example.com/'")
        await activate_endpoint(connection, instance_id)
    assert await claims[0] is None
    assert await pool.fetchval("SELECT due_at <= now() FROM endpoint")
    lane = await deliveries.claim(instance_id)
    assert (lane.url, lane.read_configuration()[BASIC_USERNAME]) == ("https://new.example.com/", "new")


async def test_a_claim_amid_a_disabling_gets_none(pool, instance_id, deliveries):
    async with changing(pool, deliveries, instance_id) as (connection, claims):
        await connection.execute("UPDATE instance SET disabled = true")
        await rest_endpoint(connection, instance_id)
    assert await claims[0] is None


async def add_replay(pool, instance_id):
    [number] = await add_notifications(pool, instance_id, ["dead"])
    return (await ReplayOrders(pool, lambda: NOW).ask_one(instance_id, number)).id


@pytest.mark.parametrize(
    ("table", "key", "open_rows", "is_replay"),
    [("endpoint", "instance_id", Deliveries, False), ("replay", "id", Replays, True)],
)
async def test_who_waits_for_a_row_does_not_take_it_from_a_worker_that_began_meanwhile(
    pool, instance_id, table, key, open_rows, is_replay
):
    row_id = await add_replay(pool, instance_id) if is_replay else instance_id
    early = open_rows(pool, VAULT, await add_worker(pool, uuid4()), lease_seconds=30)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute(f"SELECT FROM {table} WHERE {key} = $1 FOR UPDATE", row_id)
        claim = asyncio.ensure_future(early.claim(row_id))
        await until(lambda: pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
        late = await add_worker(pool, uuid4())
        await connection.execute(f"UPDATE {table} SET leased_by = $2 WHERE {key} = $1", row_id, late)
    assert await claim is None
    assert await pool.fetchval(f"SELECT leased_by FROM {table} WHERE {key} = $1", row_id) == late
