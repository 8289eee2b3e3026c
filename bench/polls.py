"""Idle polls a second, beside GETs a second of the client alone."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime

import aiohttp

from bench.ground import Ground, until
from bench.instances import make_due, set_watermark
from bench.limits import Request, send_bare, time_lanes
from bench.measures import Measure, compare, take_value
from bench.spent import Spent
from signalpost.model.ids import InstanceId

CONCURRENT_GETS = 100
AIM = 0.3
FEW = 10
LAST = 10

MOST_FINDS = 1500
"""On a slow machine more would last for over ten seconds: what is due for longer counts as missed, and is put off."""

NOT_POLLED = """
SELECT EXISTS (SELECT FROM instance WHERE id = ANY($1) AND (last_poll_at < $2 OR last_poll_at IS NULL))
"""


async def measure_polls(ground: Ground, *, rounds: int) -> list[Measure]:
    """Poll instances for which the provider has nothing new (204), all due at once; round by round."""
    newest = await ground.make_changes(1)
    await set_watermark(ground.pool, ground.idle, newest)
    polls: list[float] = []
    gets: list[float] = []
    async with ground.work() as worker:
        spent = Spent(ground, worker)
        for number in range(rounds + 1):
            spent.begin()
            rate = await time_polls(ground, ground.idle)
            spent.end(len(ground.idle))
            bare = await _time_gets(ground, newest)
            if number:  # the first round opens connections and fills caches on both sides
                polls.append(rate)
                gets.append(bare)
    return [
        compare("idle polls, one worker (limit: GETs of the bare client)", polls, gets, "1/s", aim=AIM),
        *spent.list_measures("idle poll"),
    ]


async def measure_finds(ground: Ground, *, rounds: int) -> list[Measure]:
    """Poll instances without a callback for each of which the provider has a few changes; round by round."""
    finds: list[float] = []
    ids = ground.idle[:MOST_FINDS]
    async with ground.work() as worker:
        spent = Spent(ground, worker)
        for number in range(rounds + 1):
            newest = await ground.make_changes(FEW)
            await set_watermark(ground.pool, ids, newest - FEW)
            spent.begin()
            rate = await time_polls(ground, ids)
            spent.end(len(ids))
            if number:  # the first round opens connections and fills caches
                finds.append(rate)
    return [
        take_value(f"polls that find {FEW} events, one worker", finds, "1/s"),
        *spent.list_measures(f"poll that finds {FEW} events"),
    ]


async def time_polls(ground: Ground, ids: Sequence[InstanceId]) -> float:
    """Have these polled; give polls a second, from when the worker takes the first at its tick, once a second."""
    began_at = datetime.now(UTC)

    async def taken() -> bool:
        return bool(
            await ground.pool.fetchval("SELECT next_poll_at > now() FROM instance WHERE id = $1", ids[0])
        )

    # All are asked for only when the last few are done: else that would cost PostgreSQL as much as the polls.
    last = ids[-LAST:]

    async def done() -> bool:
        for some in (last, ids):
            if await ground.pool.fetchval(NOT_POLLED, some, began_at):
                return False
        return True

    await make_due(ground.pool, ids)
    await until(taken, 0.002)
    began = time.monotonic()
    await until(done, 0.02)
    return len(ids) / (time.monotonic() - began)


async def _time_gets(ground: Ground, after_id: int) -> float:
    url = f"{ground.sandbox.url}/pubapi/v2/events?id={after_id}&count=100"
    request = Request("GET", url, {"Authorization": f"Bearer {ground.access_token}"})
    lanes = [[request] * (len(ground.idle) // CONCURRENT_GETS)] * CONCURRENT_GETS
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=CONCURRENT_GETS)) as session:
        return await time_lanes(send_bare(session), lanes)
