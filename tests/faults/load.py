"""Changes that go on while something happens, and the result once all of them arrived."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from tests.faults.asking import WAIT_SECONDS, wait
from tests.faults.results import Result, sum_up
from tests.faults.scene import Scene

BURST = 25
PAUSE_SECONDS = 0.15


@dataclass(frozen=True, slots=True)
class Title:
    """What a scenario is called, and what happens in it."""

    name: str
    what: str


@asynccontextmanager
async def changing(scene: Scene) -> AsyncIterator[None]:
    """Make changes for as long as the context is open."""
    ended = asyncio.Event()

    async def change() -> None:
        while not ended.is_set():
            await scene.change(BURST)
            await asyncio.sleep(PAUSE_SECONDS)

    changes = asyncio.create_task(change())
    try:
        yield
    finally:
        ended.set()
        await changes


async def wait_for_deliveries(scene: Scene) -> None:
    """Wait until every callback got something more: the load is in full swing."""
    before = [len(receiver.arrivals) for receiver in scene.receivers]
    await wait(
        lambda: all(
            len(receiver.arrivals) > count for receiver, count in zip(scene.receivers, before, strict=True)
        ),
        WAIT_SECONDS,
    )


async def conclude(
    scene: Scene,
    title: Title,
    *,
    faults: int,
    struck_at: float,
    group: str = "troubles",
    seconds: float = WAIT_SECONDS,
) -> Result:
    """Make one more change, wait until all arrived, and compare."""
    first = await scene.change(BURST)

    async def recovered() -> bool:
        await scene.authorize_again()
        return scene.has_arrived(first)

    await wait(recovered, seconds)
    await scene.wait_delivered(seconds)
    for instance_id in scene.instance_ids:
        assert await scene.read_gaps(instance_id) == []
    return sum_up(
        group,
        title.name,
        "",
        title.what,
        faults=faults,
        tallies=await scene.compare(),
        recovery_seconds=scene.measure_recovery(struck_at, first),
    )
