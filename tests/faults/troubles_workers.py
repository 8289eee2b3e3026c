"""Troubles of the programs: two at once, one that stands still and comes back, one after the other restarted."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from dataclasses import replace
from functools import partial
from typing import Any

from tests.faults.asking import wait
from tests.faults.ground import Ground
from tests.faults.load import BURST, Title, changing, conclude, wait_for_deliveries
from tests.faults.receiving import Receiver
from tests.faults.results import Result
from tests.faults.scene import open_scene

SEED = 20261125
KILLS = 10
TIMES = 3
LONGEST_PAUSE_SECONDS = 0.8
ENDLESS_SECONDS = 600.0
SLOW_SECONDS = 0.1
BACKLOG = 400
PAUSES_SECONDS = {"short": 6.0, "long": 120.0}
PATIENT_LEASE_SECONDS = 10.0


async def kill_often(ground: Ground, title: Title, *, times: int = KILLS) -> Result:
    """Kill ``serve`` on its embedded database, each time at a random moment after it began to deliver."""
    chance = random.Random(SEED)
    async with open_scene(ground, title.name, embedded=True) as scene:
        await scene.start()
        await scene.connect()
        service = scene.services[0]
        async with changing(scene):
            for number in range(1, times + 1):
                await wait_for_deliveries(scene)
                await asyncio.sleep(chance.uniform(0, LONGEST_PAUSE_SECONDS))
                service.send(signal.SIGKILL)
                struck_at = time.time()
                await wait(partial(service.has_come_back, number))
        return await conclude(scene, title, faults=times, struck_at=struck_at)


async def kill_with_lanes_in_hand(ground: Ground, title: Title) -> Result:
    """Kill a worker amid an attempt of each lane; another takes both lanes over."""
    async with open_scene(ground, title.name, embedded=False) as scene:
        await scene.add_service("api", "api", "--port", "0").start()
        killed = scene.add_service("killed", "worker")
        await killed.start()
        await scene.connect()
        for receiver in scene.receivers:
            receiver.delay_seconds = ENDLESS_SECONDS
        await scene.change(2 * BURST)
        await wait(lambda: all(receiver.arrivals for receiver in scene.receivers))
        await scene.add_service("other", "worker").start()
        await killed.kill()
        struck_at = time.time()
        for receiver in scene.receivers:
            receiver.delay_seconds = 0
        result = await conclude(scene, title, faults=1, struck_at=struck_at)
        for receiver in scene.receivers:  # what was in its hand came again, first
            assert receiver.arrivals[0].id == receiver.arrivals[1].id
        return result


async def run_two(ground: Ground, title: Title) -> Result:
    """Run two ``serve`` on one database, of which one is killed now and then."""
    async with open_scene(ground, title.name, embedded=False) as scene:
        for name in ("first", "second"):
            data = ("--data-dir", str(scene.folder / name))
            await scene.add_service(name, "serve", "--port", "0", *data).start()
        await scene.connect()
        first, second = scene.services
        async with changing(scene):
            for times in range(1, TIMES + 1):
                await wait_for_deliveries(scene)
                second.send(signal.SIGKILL)
                struck_at = time.time()
                await wait(partial(second.has_come_back, times))
        result = await conclude(scene, title, faults=TIMES, struck_at=struck_at)
        assert first.deaths == []
        return result


async def pause_shortly(ground: Ground, title: Title) -> Result:
    """Stop a worker for longer than its lease."""
    return await _pause(ground, title, PAUSES_SECONDS["short"], patient=False)


async def pause_long(ground: Ground, title: Title) -> Result:
    """Stop a worker for two minutes, with all waits as a user has them."""
    return await _pause(ground, title, PAUSES_SECONDS["long"], patient=True)


async def _pause(ground: Ground, title: Title, seconds: float, *, patient: bool) -> Result:
    settings: dict[str, Any] = {"lease_seconds": PATIENT_LEASE_SECONDS} if patient else {}
    async with open_scene(ground, title.name, embedded=False, **settings) as scene:
        if patient:
            (scene.folder / "patient").touch()
        await scene.add_service("api", "api", "--port", "0").start()
        first = scene.add_service("first", "worker")
        await first.start()
        await scene.connect()
        for receiver in scene.receivers:
            receiver.delay_seconds = SLOW_SECONDS
        await scene.change(BACKLOG)
        await wait_for_deliveries(scene)  # it has both lanes in hand
        first.send(signal.SIGSTOP)
        stopped_at = time.time()
        made = await scene.change(BACKLOG)
        await scene.add_service("second", "worker").start()
        await scene.wait_delivered()
        # What another does meanwhile is long done: the time that the first stands still is what is tested.
        await asyncio.sleep(stopped_at + seconds - time.time())
        before = [len(receiver.arrivals) for receiver in scene.receivers]
        first.send(signal.SIGCONT)
        async with changing(scene):
            await wait(lambda: "lane.overtaken" in first.read_logs())
        result = await conclude(scene, title, faults=1, struck_at=stopped_at)
        for receiver, count in zip(scene.receivers, before, strict=True):
            # No more than the one attempt that it was in the middle of.
            assert count_repeats(receiver, count) <= 1
        return replace(result, recovery_seconds=round(scene.measure_recovery(stopped_at, made), 1))


def count_repeats(receiver: Receiver, count: int) -> int:
    """Count what had been taken among the first ``count`` arrivals and came again later."""
    taken = {each.id for each in receiver.arrivals[:count] if each.accepted}
    return sum(each.id in taken for each in receiver.arrivals[count:])


async def restart_in_turn(ground: Ground, title: Title) -> Result:
    """Restart ``api`` and two ``worker``s, one after the other, twice."""
    async with open_scene(ground, title.name, embedded=False) as scene:
        for name, arguments in (("api", ("api", "--port", "0")), ("one", ("worker",)), ("two", ("worker",))):
            await scene.add_service(name, *arguments).start()
        await scene.connect()
        async with changing(scene):
            for service in scene.services * 2:
                await wait_for_deliveries(scene)
                struck_at = time.time()
                await service.restart()
        result = await conclude(scene, title, faults=2 * len(scene.services), struck_at=struck_at)
        assert all(service.deaths == [0, 0] for service in scene.services)
        return result
