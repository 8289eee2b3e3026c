"""Two workers on the same lanes, beside one."""

from __future__ import annotations

from bench.ground import Ground
from bench.lanes import drain_lanes, fill_lanes
from bench.measures import Measure, compare

AIM = 1.6


async def measure_workers(ground: Ground, *, pages: int, rounds: int) -> list[Measure]:
    """Deliver the same load by one worker and by two; PostgreSQL, the receiver and both share the machine's cores."""
    two: list[float] = []
    one: list[float] = []
    async with ground.work():
        await _deliver(ground, 1)
        for _ in range(rounds):
            one.append(await _deliver(ground, pages))
            async with ground.work():
                await _deliver(ground, 1)  # opens the second worker's connections
                two.append(await _deliver(ground, pages))
    return [compare("notifications, two workers (limit: one worker)", two, one, "1/s", aim=AIM)]


async def _deliver(ground: Ground, pages: int) -> float:
    filled = await fill_lanes(ground, pages)
    return await drain_lanes(ground, filled.notifications)
