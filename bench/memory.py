"""The largest memory of ``serve``, PostgreSQL not counted, over the loads of all other measures."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from bench.ground import Ground
from bench.instances import set_watermark
from bench.lanes import drain_lanes, fill_lanes
from bench.measures import Measure, bound
from bench.polls import time_polls
from signalpost.store.organizations import Organizations

MOST_MEGABYTES = 200.0
READERS = 20
MOST_IDLE = 400
PATHS = ("instances", "hubs/documents/events?pageSize=200", "instances/{id}/events?pageSize=200")


async def measure_memory(ground: Ground, *, pages: int, rounds: int) -> list[Measure]:
    """Have ``serve`` poll, read pages and deliver, and answer people meanwhile; give its peak.

    No more polls at once than it does in ten seconds beside all that: what is later counts as missed and is put off.
    """
    idle = ground.idle[:MOST_IDLE]
    await set_watermark(ground.pool, idle, await ground.make_changes(1))
    secrets = await Organizations(ground.pool).create_credentials("Bench", "bench@example.com")
    headers = {
        "Authorization": f"User {secrets['userSecret']}, Organization {secrets['organizationSecret']}",
    }
    async with ground.work("serve", "--port", "0") as service:
        reading = asyncio.gather(*(_read_on(ground, service.url, headers) for _ in range(READERS)))
        try:
            for _ in range(rounds):
                await time_polls(ground, idle)
                filled = await fill_lanes(ground, pages)
                await drain_lanes(ground, filled.notifications)
        finally:
            reading.cancel()
            await asyncio.gather(reading, return_exceptions=True)
    peaks = ground.peaks.get("serve")
    return [bound("peak memory of serve over all of it", peaks, MOST_MEGABYTES, "MB")] if peaks else []


async def _read_on(ground: Ground, url: str, headers: Mapping[str, str]) -> None:
    """Ask for one list after the other, with a pause as a busy script would make."""
    while True:
        for path in PATHS:
            where = f"{url}/elements/api-v2/{path.format(id=ground.lanes[0])}"
            async with ground.http.get(where, headers=headers) as answer:
                await answer.read()
                answer.raise_for_status()
            await asyncio.sleep(0.2)
