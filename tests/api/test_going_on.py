"""A log is followed by the last number seen: nothing comes twice, nothing is missed; and its end can be looked at."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import pytest_asyncio

from tests.api.answers import accepted, refused
from tests.api.test_deliveries import prepare
from tests.api.test_events_found import connect_past

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
FURTHEST = 2**62 - 1


@pytest_asyncio.fixture(params=["events", "deliveries"], loop_scope="session")
async def log(request, still):
    """Give the place of a list of six, what it goes by, and the numbers in it."""
    if request.param == "events":
        past, instance = await connect_past(still)
        await past.commit(NOON, [f"object/{number}" for number in range(6)])
        return f"/instances/{instance['id']}/events", "afterSequence", "sequence", list(range(1, 7))
    place, ids = await prepare(still, ["delivered"] * 6)
    return f"{place}/deliveries", "afterId", "id", ids


async def find(still, log, **query):
    place, after, key, _ = log
    query = {after if name == "after" else name: value for name, value in query.items()}
    answer = await still.client.get(place, params=query)
    return [each[key] for each in accepted(answer)], answer.headers.get("Elements-Next-Page-Token")


async def test_who_remembers_the_last_number_goes_on_from_there(still, log):
    _, _, _, numbers = log
    assert (await find(still, log, after=0))[0] == numbers
    assert await find(still, log, after=numbers[3]) == (numbers[4:], None)
    assert (await find(still, log, after=""))[0] == numbers
    assert (await find(still, log, after=numbers[-1]))[0] == []
    assert (await find(still, log, after=FURTHEST))[0] == []
    found, token = await find(still, log, after=numbers[0], pageSize=2)
    assert found == numbers[1:3]
    # The token goes on from its page, whatever stands beside it.
    assert (await find(still, log, after=numbers[0], nextPage=token))[0] == numbers[3:5]
    assert (await find(still, log, after=numbers[0], pageSize=2, page=2))[0] == numbers[3:5]
    assert (await find(still, log, after=numbers[0], state="dead"))[0] == []


async def test_the_newest_are_given_oldest_first_and_without_a_next_page(still, log):
    _, _, _, numbers = log
    assert await find(still, log, newest=2) == (numbers[-2:], None)
    assert await find(still, log, newest=200) == (numbers, None)
    assert (await find(still, log, newest=3, after=numbers[4]))[0] == numbers[5:]
    assert (await find(still, log, newest=3, state="dead"))[0] == []


@pytest.mark.parametrize("wrong", ["-1", "x", "1.5", "٣", str(2**62), "9" * 40, "1e3"])
async def test_a_number_that_cannot_be_is_refused(still, log, wrong):
    place, after, _, _ = log
    refused(
        await still.client.get(place, params={after: wrong}), 400, after, wrong[:50], "whole number from 0"
    )


@pytest.mark.parametrize("wrong", ["0", "201", "-1", "many"])
async def test_a_count_that_cannot_be_is_refused(still, log, wrong):
    place, _, _, _ = log
    refused(await still.client.get(place, params={"newest": wrong}), 400, "newest", wrong, "1 to 200")
