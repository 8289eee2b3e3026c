"""Lanes are filled with pages that the worker reads from the provider, and emptied: what several measures share."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from bench.ground import LANES, Ground, until
from bench.instances import make_due, set_watermark
from signalpost.store.queue import Queue

PAGE = 100
NOTIFICATIONS_A_PAGE = 10


@dataclass(frozen=True, slots=True)
class Filled:
    """What is waiting now, how fast it was committed, and the last page before it."""

    notifications: int
    events_per_second: float
    after_page: int


async def append_short_rows(ground: Ground, count: int) -> int:
    """Have the provider tell of new files, in rows so short that ten events make a body of about 5 kB."""
    row = {
        "timestamp": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "actor": 1,
        "type": "file_system",
        "action": "create",
    }
    # Another object each time.
    names = [f"{next(ground.numbers):x}" for _ in range(count)]
    return await ground.append_rows(
        [{**row, "data": {"target_path": f"/Shared/{name}", "target_group_id": name}} for name in names]
    )


async def fill_lanes(
    ground: Ground, pages: int, *, append: Callable[[Ground, int], Awaitable[int]] = append_short_rows
) -> Filled:
    """Have the worker poll ``pages`` full pages for each lane; these are closed meanwhile, so that all of it waits."""
    after_page = await ground.pool.fetchval("SELECT coalesce(max(id), 0) FROM page")
    await ground.pool.execute(
        "UPDATE endpoint SET state = 'deactivated' WHERE instance_id = ANY($1)", ground.lanes
    )
    newest = await append(ground, pages * PAGE)
    await set_watermark(ground.pool, ground.lanes, newest - pages * PAGE)

    async def done() -> bool:
        behind = await ground.pool.fetchval(
            "SELECT count(*) FROM resource_poll WHERE instance_id = ANY($1) AND (watermark->>'id')::bigint < $2",
            ground.lanes,
            newest,
        )
        return not behind

    began_at = datetime.now(UTC)
    await make_due(ground.pool, ground.lanes)
    await until(done, 0.01)
    finished = time.time()
    await until_idle(ground)  # the jobs that found the lanes closed are over
    first = await ground.pool.fetchval("SELECT min(polled_at) FROM page WHERE polled_at >= $1", began_at)
    return Filled(
        notifications=pages * NOTIFICATIONS_A_PAGE * LANES,
        events_per_second=pages * PAGE * LANES / (finished - first.timestamp()),
        after_page=after_page,
    )


async def until_idle(ground: Ground) -> None:
    """Wait until the queue is empty: what is still in it would be counted with what comes."""

    async def idle() -> bool:
        return not await ground.pool.fetchval("SELECT EXISTS (SELECT FROM pgqueuer)")

    await until(idle, 0.02)


async def drain_lanes(ground: Ground, expected: int) -> float:
    """Open the lanes, and hand out their jobs as a commit does; give notifications a second until the last record.

    Raises:
        RuntimeError: not every notification arrived once and in order.
    """
    queue = Queue(ground.pool)
    await ground.read_sink("reset")
    await ground.pool.execute(
        "UPDATE endpoint SET state = 'active' WHERE instance_id = ANY($1)", ground.lanes
    )
    began = time.monotonic()
    await queue.enqueue_deliveries(ground.lanes)
    return expected / (await until_drained(ground, expected) - began)


async def until_drained(ground: Ground, expected: int) -> float:
    """Wait until all that was expected has arrived and is recorded; give the time, by the monotonic clock.

    Raises:
        RuntimeError: not every notification arrived once and in order.
    """

    async def arrived() -> bool:
        return bool((await ground.read_sink())["received"] >= expected)

    async def recorded() -> bool:
        return not await ground.pool.fetchval(
            "SELECT EXISTS (SELECT FROM notification WHERE instance_id = ANY($1) AND state = 'pending')",
            ground.lanes,
        )

    await until(arrived, 0.05)
    await until(recorded, 0.005)
    ended = time.monotonic()
    summary = await ground.read_sink()
    if summary["out_of_order"] or not summary["received"] == summary["distinct"] == expected:
        message = f"{expected:,} notifications were to arrive once and in order: {summary}"
        raise RuntimeError(message)
    return ended
