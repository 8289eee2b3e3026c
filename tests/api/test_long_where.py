"""A long ``where`` on many records hurts who asks: everybody else gets turns in between, wherever it is asked."""

from __future__ import annotations

import asyncio
import sys
from contextlib import asynccontextmanager

import pytest

from tests.api.answers import accepted, with_token
from tests.store.notified import add_notifications

pytestmark = pytest.mark.asyncio(loop_scope="session")

RECORDS = 60
MOST_CALLS_A_TURN = 100_000
"""Of functions, by the process as a whole: with that it is busy for some hundredths of a second."""


def write_where(field, values):
    dates = [f"Thu, {1 + number % 28} May 2026 11:{number:02}:00 GMT" for number in range(values)]
    return " or ".join(f"{field} = '{each}'" for each in dates)


@asynccontextmanager
async def count_calls_a_turn():
    """Give a list of how many functions were called between one turn of the process and the next."""
    calls, turns = 0, []

    def count(frame, event, argument):
        nonlocal calls
        calls += event == "call"

    async def take_turns():
        nonlocal calls
        while True:
            turns.append(calls)
            calls = 0
            await asyncio.sleep(0)

    before = sys.getprofile()
    sys.setprofile(count)
    taking = asyncio.create_task(take_turns())
    try:
        yield turns
    finally:
        sys.setprofile(before)
        taking.cancel()
        turns.append(calls)


async def test_records_that_are_read_through_an_instance(still):
    instance = await still.connect()
    await still.change(RECORDS)
    query = {"where": write_where("timestamp", 60), "pageSize": "200"}
    async with count_calls_a_turn() as turns:
        answer = await still.client.get(
            "/hubs/documents/events", params=query, headers=with_token(still, instance["token"])
        )
    assert accepted(answer) == []
    assert max(turns) < MOST_CALLS_A_TURN


@pytest.mark.parametrize("method", ["GET", "PUT"])
async def test_deliveries_that_are_stuck(still, method):
    instance = await still.connect()
    await add_notifications(still.pool, instance["id"], ["pending"] * RECORDS + ["dead"] * RECORDS)
    await still.pool.execute("UPDATE notification SET attempts = 1 WHERE instance_id = $1", instance["id"])
    query = {"where": write_where("createdDate", 60)}
    async with count_calls_a_turn() as turns:
        answer = await still.client.request(method, "/notifications/subscriptions/deliveries", params=query)
    assert accepted(answer) == []
    assert max(turns) < MOST_CALLS_A_TURN


async def test_a_configuration_that_is_tried(still):
    instance = await still.connect()
    await still.control("POST", "records/users", {"create": [{} for _ in range(RECORDS)]})
    where = write_where("userName", 50)
    wish = {"users": {"url": f"/hubs/documents/users?where={where}"}, "pageSize": 200}
    async with count_calls_a_turn() as turns:
        answer = await still.client.post(f"/instances/{instance['id']}/polls/preview", json=wish)
    [tried] = accepted(answer)["resources"]
    assert tried["error"] is None
    assert tried["records"] == []
    assert any("do not meet the where" in each for each in tried["remarks"])
    assert max(turns) < MOST_CALLS_A_TURN
