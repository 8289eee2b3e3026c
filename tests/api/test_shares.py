"""One organization that waits for much leaves places to the others: for their answers, and for their bodies."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

import pytest

from signalpost.api.waiting import MOST_OF_ONE, MOST_WAITING
from tests.api.conftest import enter_organization
from tests.api.test_slow_clients import API, open_many, write_half
from tests.support import until

pytestmark = pytest.mark.asyncio(loop_scope="session")


@asynccontextmanager
async def wait_for_answers(world):
    """Have more callbacks tried than one organization may wait for, at a receiver that says nothing."""
    connections = []
    silent = await asyncio.start_server(lambda _, writer: connections.append(writer), "127.0.0.1", 0)
    url = f"http://127.0.0.1:{silent.sockets[0].getsockname()[1]}/hook"
    trying = [
        asyncio.create_task(world.client.post("/instances/test-callback", json={"url": url}))
        for _ in range(MOST_WAITING)
    ]
    try:
        yield
    finally:
        for each in trying:
            each.cancel()
        await asyncio.gather(*trying, return_exceptions=True)
        silent.close()
        for each in connections:
            each.close()
        await asyncio.gather(*(each.wait_closed() for each in connections), return_exceptions=True)


@asynccontextmanager
async def wait_for_bodies(world):
    async with open_many(world.url, write_half(world, API), MOST_WAITING):
        yield


async def get(world):
    return await world.client.get("/instances")


async def patch(world):
    return await world.client.patch("/instances/1", json={"name": "x"})


@pytest.mark.parametrize(
    ("wait", "ask", "answered"), [(wait_for_answers, get, 200), (wait_for_bodies, patch, 404)]
)
async def test_an_organization_that_waits_for_much_leaves_places_to_others(still, wait, ask, answered):
    async with enter_organization(still) as other:
        async with wait(other):

            async def is_full():
                answer = await ask(other)
                return answer.json() if answer.status_code == 503 else None

            told = await until(is_full)
            assert f"{MOST_OF_ONE} requests of this organization wait" in told["message"]
            for _ in range(3):
                assert (await ask(still)).status_code == answered

        async def is_free():
            return (await ask(other)).status_code == answered

        assert await until(is_free)
