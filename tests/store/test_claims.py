"""A lane that is claimed amid a change of its instance: what the worker then has is of one moment, or nothing."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from uuid import uuid4

import pytest

from signalpost.model.configuration import BASIC_USERNAME
from signalpost.store.deliveries import Deliveries
from signalpost.store.endpoints import activate_endpoint, rest_endpoint
from tests.store.notified import VAULT, add_instance, add_worker
from tests.support import until


@pytest.fixture
async def instance_id(pool):
    return await add_instance(pool)


@pytest.fixture
async def deliveries(pool):
    return Deliveries(pool, VAULT, await add_worker(pool, uuid4()), lease_seconds=30)


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
