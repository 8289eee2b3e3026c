"""How long a reading takes: whole, as one runs it, and without its start."""

from __future__ import annotations

import asyncio
import resource
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from bench.ground import Ground, until
from bench.instances import make_due, set_watermark
from bench.processes import read_processor_seconds
from bench.readers.rivals import check_stored
from signalpost.model.ids import InstanceId

PATH = "/pubapi/v2/events"
PAGE_SIZE = 100
LOOK_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class Reading:
    """What one reading took, in seconds.

    ``whole_seconds`` run from the start of the process until all events are stored, ``reading_seconds`` from the first
    page that the sandbox has answered; ``processor_seconds`` are those of the process, of its children and of
    PostgreSQL, but not of the sandbox.
    """

    whole_seconds: float
    reading_seconds: float
    processor_seconds: float


async def take_time(ground: Ground, read: Callable[[], Awaitable[float]]) -> Reading:
    """Time one reading; ``read`` gives the time, by the monotonic clock, when all was stored."""
    await _count_calls(ground, "DELETE")
    spent = _read_processor(ground)
    began = time.monotonic()
    first = asyncio.create_task(_find_first_answer(ground))
    try:
        ended = await read()
        return Reading(ended - began, ended - await first, _read_processor(ground) - spent)
    finally:
        first.cancel()


async def read_by_signalpost(ground: Ground, instance_id: InstanceId, newest: int) -> float:
    """Read by a worker of its own into PostgreSQL, until the newest event is committed; give the time of that."""

    async def done() -> bool:
        watermark = await ground.pool.fetchval(
            "SELECT watermark FROM resource_poll WHERE instance_id = $1", instance_id
        )
        return bool(watermark["id"] == newest)

    await set_watermark(ground.pool, [instance_id], 0)
    await make_due(ground.pool, [instance_id])
    async with ground.work("worker"):
        await until(done, LOOK_SECONDS)
        ended = time.monotonic()
    stored = await ground.pool.fetchrow(
        "SELECT count(DISTINCT id), count(*) FROM event WHERE instance_id = $1", instance_id
    )
    check_stored("Signalpost", list(stored), newest)
    return ended


async def read_bare(ground: Ground, newest: int) -> float:
    """Read the same pages, one after the other, and keep nothing; give the time when that was done."""
    headers = {"Authorization": f"Bearer {ground.access_token}"}
    for after_id in range(0, newest, PAGE_SIZE):
        url = f"{ground.sandbox.url}{PATH}?id={after_id}&count={PAGE_SIZE}"
        async with ground.http.get(url, headers=headers) as answer:
            answer.raise_for_status()
            await answer.read()
    return time.monotonic()


async def _find_first_answer(ground: Ground) -> float:
    while PATH not in await _count_calls(ground, "GET"):
        await asyncio.sleep(LOOK_SECONDS)
    return time.monotonic()


async def _count_calls(ground: Ground, method: str) -> dict[str, object]:
    async with ground.http.request(method, f"{ground.sandbox.url}/_sandbox/calls") as answer:
        return dict((await answer.json())["paths"])


def _read_processor(ground: Ground) -> float:
    ended = resource.getrusage(resource.RUSAGE_CHILDREN)
    return ended.ru_utime + ended.ru_stime + (read_processor_seconds(ground.postgres_id) or 0.0)
