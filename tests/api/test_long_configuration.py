"""A configuration of polls as long as may be hurts who sends it: everybody else gets turns meanwhile."""

from __future__ import annotations

import pytest

from tests.api.answers import accepted, refused
from tests.api.test_long_where import MOST_CALLS_A_TURN, count_calls_a_turn

pytestmark = pytest.mark.asyncio(loop_scope="session")

POLLER = "event.poller.configuration"


def write_resources(mark):
    """Write resources of which each takes long to be read, and that are none of another test's."""
    where = f"x > '{mark}" + "${date:yyyy}" * 300 + "'"
    return {f"{mark}{number}": {"url": f"/hubs/documents/users?where={where}"} for number in range(60)}


async def test_it_is_taken_and_shown_while_others_have_their_turns(still):
    instance = await still.connect()
    place, given = f"/instances/{instance['id']}", write_resources("a")
    async with count_calls_a_turn() as turns:
        accepted(await still.client.patch(place, json={"configuration": {POLLER: given}}))
        shown = accepted(await still.client.get(f"{place}/polling"))
    assert {each["resource"] for each in shown["resources"]} == set(given)
    assert {each["strategy"] for each in shown["resources"]} == {"timestamp"}
    assert max(turns) < MOST_CALLS_A_TURN


async def test_what_is_wrong_in_it_is_named_as_in_a_short_one(still):
    instance = await still.connect()
    given = {**write_resources("b"), "last": {"url": "/hubs/documents/planets"}}
    answer = await still.client.patch(f"/instances/{instance['id']}", json={"configuration": {POLLER: given}})
    refused(answer, 400, f"{POLLER}.last.url", "planets")
