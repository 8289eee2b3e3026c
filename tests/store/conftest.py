"""An instance, and a worker's deliveries."""

from __future__ import annotations

from uuid import uuid4

import pytest

from signalpost.store.deliveries import Deliveries
from tests.store.notified import VAULT, add_instance, add_worker


@pytest.fixture
async def database(postgres):
    """Give a database without partitions: what is kept in the rest is looked at here as well."""
    async with postgres.open_database(like="migrated") as arguments:
        yield arguments


@pytest.fixture
async def instance_id(pool):
    return await add_instance(pool)


@pytest.fixture
async def deliveries(pool):
    return Deliveries(pool, VAULT, await add_worker(pool, uuid4()), lease_seconds=30)
