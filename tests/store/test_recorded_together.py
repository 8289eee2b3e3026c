"""Attempts that share a statement are recorded as each would be by itself."""

from __future__ import annotations

import asyncio
from itertools import product

from signalpost.model.delivery import Outcome
from tests.store.notified import add_instance, add_notifications
from tests.store.test_lanes import record

OUTCOMES = (Outcome.DELIVERED, Outcome.RETRY, Outcome.DEAD)
CHANGES = {
    "generation": "UPDATE endpoint SET generation = generation + 1 WHERE instance_id = $1",
    "failures": "UPDATE notification SET failures = failures + 1 WHERE instance_id = $1",
    "lease": "UPDATE endpoint SET leased_by = gen_random_uuid() WHERE instance_id = $1",
    "state": "UPDATE notification SET state = 'delivered' WHERE instance_id = $1",
    "row": "DELETE FROM notification WHERE instance_id = $1",
}
"""What others may have done while an attempt was under way."""

FOUND = """
SELECT state, attempts, failures, refusals, next_attempt_at, dead_at, delivered_at,
       (SELECT count(*) FROM attempt WHERE notification_id = notification.id) AS recorded
FROM notification WHERE id = $1
"""


async def try_each(pool, deliveries):
    """Have an attempt of each outcome amid each two changes, in a lane of its own; give their records."""
    records = []
    for outcome, *changes in product(OUTCOMES, [None, *CHANGES], [None, *CHANGES]):
        instance_id = await add_instance(pool)
        [notification_id] = await add_notifications(pool, instance_id, ["pending"])
        lane = await deliveries.claim(instance_id)
        for change in filter(None, changes):
            await pool.execute(CHANGES[change], instance_id)
        records.append(record(lane, notification_id, outcome, status=503, refused=outcome is Outcome.DEAD))
    return records


async def read_each(pool, records):
    rows = [await pool.fetchrow(FOUND, each.attempt.notification_id) for each in records]
    return [row and tuple(row) for row in rows]


async def test_what_shares_a_statement_is_recorded_as_if_it_were_alone(pool, deliveries):
    alone, together = await try_each(pool, deliveries), await try_each(pool, deliveries)
    go_on = [await deliveries.record(each) for each in alone]
    assert {True, False} == set(go_on)
    assert await asyncio.gather(*map(deliveries.record, together)) == go_on
    found = await read_each(pool, together)
    assert found == await read_each(pool, alone)
    assert {row and row[0] for row in found} == {"pending", "delivered", "dead", None}
