"""From commit to callback, at half of the rate at which one worker reads, commits and delivers."""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Sequence

from bench.ground import LANES, Ground
from bench.instances import make_due, set_watermark
from bench.lanes import append_short_rows, drain_lanes, fill_lanes, until_drained, until_idle
from bench.measures import Measure, bound, take_value
from signalpost.store.queue import Queue

MEDIAN_MILLISECONDS = 10.0
MOST_MILLISECONDS = 60.0
EVENTS = 10
"""Of each commit at the steady pace: one notification."""

CYCLES = 12
PACE_SECONDS = 4.0
STEP_SECONDS = 0.005

# A page is never changed: its transaction is that of the commit.
COMMITTED = """
SELECT notification.id, pg_xact_commit_timestamp(page.xmin) AS committed_at
FROM notification JOIN page ON page.id = notification.page_id
WHERE page.id > $1 AND notification.instance_id = ANY($2)
"""


async def measure_latency(ground: Ground, *, rounds: int) -> list[Measure]:
    """Have the worker do all it can, then half as much at a steady pace; note how long each notification takes.

    Each is of ten events that one poll found.

    The wait runs from the commit of the page, as PostgreSQL has it, to the arrival, by the machine's one clock.
    """
    rates: list[float] = []
    waits: list[Sequence[float]] = []
    async with ground.work():
        await drain_lanes(ground, (await fill_lanes(ground, 1)).notifications)  # opens connections
        for number in range(rounds + 1):
            rate = await _measure_whole(ground, CYCLES)
            milliseconds = await _pace(ground, rate / 2)
            if number:
                rates.append(rate / 2)
                waits.append(statistics.quantiles(milliseconds, n=100))
    name = "commit to callback at that rate"
    return [
        take_value("half of the rate at which one worker reads, commits and delivers", rates, "1/s"),
        bound(f"{name}, median", [each[49] for each in waits], MEDIAN_MILLISECONDS, "ms"),
        bound(f"{name}, 99th of a hundred", [each[98] for each in waits], MOST_MILLISECONDS, "ms"),
    ]


async def _measure_whole(ground: Ground, cycles: int) -> float:
    """Give notifications a second: all lanes find ten events at once, and again when the last of them has arrived."""
    await until_idle(ground)
    queue = Queue(ground.pool)
    await set_watermark(ground.pool, ground.lanes, await append_short_rows(ground, 1))
    await ground.read_sink("reset")
    started = time.monotonic()
    for number in range(1, cycles + 1):
        await append_short_rows(ground, EVENTS)
        waiting = ground.lanes
        while waiting:  # those whose last job is still in the queue
            waiting = await queue.enqueue_polls(waiting)
            await asyncio.sleep(STEP_SECONDS)
        while (await ground.read_sink())["received"] < number * LANES:
            await asyncio.sleep(STEP_SECONDS)
    return cycles * LANES / (await until_drained(ground, cycles * LANES) - started)


async def _pace(ground: Ground, rate: float) -> list[float]:
    """Have one lane after the other polled, ``rate`` a second, each for ten new events; give milliseconds."""
    await until_idle(ground)
    queue = Queue(ground.pool)
    newest = await append_short_rows(ground, EVENTS)
    await set_watermark(ground.pool, ground.lanes, newest)
    await ground.read_sink("reset")
    since = await ground.pool.fetchval("SELECT max(id) FROM page")
    total = max(int(rate * PACE_SECONDS) // LANES, 1) * LANES
    started, given = time.monotonic(), 0
    while given < total:
        due = min(int((time.monotonic() - started) * rate) + 1, total)
        while given < due:
            if given % LANES == 0:
                await append_short_rows(ground, EVENTS)
            await queue.enqueue_polls([ground.lanes[given % LANES]])
            given += 1
        await asyncio.sleep(STEP_SECONDS)
    while (await ground.read_sink())["received"] < total:
        await until_idle(ground)  # then come those that were asked for while they were being polled
        await make_due(ground.pool, ground.lanes)
        await asyncio.sleep(1)
    await until_drained(ground, total)
    rows = await ground.pool.fetch(COMMITTED, since, ground.lanes)
    arrivals, wall = await ground.read_sink("arrivals"), _wall()
    return [1000 * (arrivals[str(row["id"])] + wall - row["committed_at"].timestamp()) for row in rows]


def _wall() -> float:
    """Give what the clock on the wall is ahead of the monotonic one."""
    return time.time() - time.monotonic()
