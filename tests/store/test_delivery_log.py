"""What is stuck is found by index ranges, whatever else is kept."""

from __future__ import annotations

import re

import pytest

from signalpost.model.delivery import State
from signalpost.store.delivery_log import DeliveryLog
from signalpost.store.event_log import EventSearch
from tests.store.notified import add_instance, add_notifications

FILL = """
INSERT INTO notification (instance_id, lane_order, page_id, next_attempt_at, created_at, state)
SELECT instance_id, lane_order + number, page_id, now(), now(), 'delivered'
FROM notification, generate_series(1, 1000) AS number WHERE id = $1
"""


class Explained:
    """A pool that keeps the plan of every query that it answers."""

    def __init__(self, pool):
        self.pool = pool
        self.plans = []

    async def fetch(self, statement, *arguments):
        rows = await self.pool.fetch(f"EXPLAIN {statement}", *arguments)
        self.plans.append("\n".join(row[0] for row in rows))
        return await self.pool.fetch(statement, *arguments)


@pytest.fixture
async def filled(pool):
    """Give an instance and what is stuck of it, among many notifications that were delivered, its own and others'."""
    instance_ids = [await add_instance(pool, organization=f"Organization {number}") for number in range(8)]
    stuck = await add_notifications(pool, instance_ids[0], ["pending", "dead"])
    for instance_id in instance_ids:
        [kept] = await add_notifications(pool, instance_id, ["delivered"])
        await pool.execute(FILL, kept)
    await pool.execute("ANALYZE")
    return instance_ids[0], stuck


async def test_what_is_stuck_is_found_by_index(pool, filled):
    first, stuck = filled
    organization_id = await pool.fetchval("SELECT organization_id FROM instance WHERE id = $1", first)
    explained = Explained(pool)
    log = DeliveryLog(explained)
    states = (State.PENDING, State.DEAD)
    for after, found in [((0, 0), stuck), ((first, stuck[0]), stuck[1:]), ((first, stuck[1]), [])]:
        rows = await log.list_stuck(organization_id, instance_id=None, states=states, after=after, limit=200)
        assert [each.id for each in rows] == found
    assert await log.list_stuck_instances(organization_id, instance_id=None, after_id=0, limit=9) == [first]
    for plan in explained.plans:
        assert re.search("notification_(pending|of_page)", plan), plan  # both hold what waits alone
        assert "notification_dead" in plan, plan
        assert "Seq Scan on notification_rest" not in plan, plan


@pytest.mark.parametrize(
    ("search", "index"),
    [
        ({}, "of_instance"),
        ({"states": frozenset({State.DEAD})}, "dead"),
        ({"object_id": "o2"}, "of_instance"),
    ],
)
@pytest.mark.parametrize("backwards", [False, True])
async def test_lists_of_an_instance_are_index_ranges(pool, filled, search, index, backwards):
    first, _ = filled
    explained = Explained(pool)
    found = await DeliveryLog(explained).list_deliveries(
        first, EventSearch(**search), after_id=0, limit=50, backwards=backwards
    )
    assert len(found) == (1 if search else 50)
    [plan] = explained.plans
    assert "Seq Scan on notification_rest" not in plan, plan
    assert re.search("notification_(of_instance|dead|pkey)", plan)[1] == index, plan
