"""Troubles of the database: it is restarted, killed, cut off, full; its clock is another; the queue is emptied."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from signalpost.store import embedded_files
from tests.faults.asking import cut_connections, fetch_once, wait
from tests.faults.ground import Ground
from tests.faults.load import Title, changing, conclude, wait_for_deliveries
from tests.faults.results import Result
from tests.faults.scene import Scene, open_scene
from tests.faults.servers import OwnServer, mount_small_disk, move_log_away, run_own_server
from tests.faults.steps import Kind

TIMES = 3
CUTS = 10
TRUNCATIONS = 40
FULL_SECONDS = 3.0
HOUR_SECONDS = 3600


async def restart_server(ground: Ground, title: Title) -> Result:
    """Stop and start a server of one's own."""
    return await _interrupt_server(ground, title, OwnServer.stop)


async def kill_server(ground: Ground, title: Title) -> Result:
    """Kill -9 and start a server of one's own."""
    return await _interrupt_server(ground, title, OwnServer.kill)


async def _interrupt_server(
    ground: Ground, title: Title, interrupt: Callable[[OwnServer], Awaitable[None]]
) -> Result:
    folder = ground.make_folder(title.name)
    async with run_own_server(ground, folder / "server") as server:
        async with open_scene(ground, title.name, embedded=False, server=server) as scene:
            await scene.start()
            await scene.connect()
            async with changing(scene):
                for _ in range(TIMES):
                    await wait_for_deliveries(scene)
                    await interrupt(server)
                    struck_at = time.time()
                    await server.start()
            result = await conclude(scene, title, faults=TIMES, struck_at=struck_at)
            assert scene.services[0].deaths == []
            return result


async def stop_embedded(ground: Ground, title: Title) -> Result:
    """Stop the server that is the child of ``serve``."""
    return await _interrupt_embedded(ground, title, signal.SIGINT)


async def kill_embedded(ground: Ground, title: Title) -> Result:
    """Kill -9 the server that is the child of ``serve``."""
    return await _interrupt_embedded(ground, title, signal.SIGKILL)


async def _interrupt_embedded(ground: Ground, title: Title, number: int) -> Result:
    async with open_scene(ground, title.name, embedded=True) as scene:
        await scene.start()
        await scene.connect()
        service = scene.services[0]
        async with changing(scene):
            for times in range(1, TIMES + 1):
                await wait_for_deliveries(scene)
                server_id = embedded_files.read_server_id(scene.folder / "data" / "postgres")
                assert server_id is not None
                os.kill(server_id, number)
                struck_at = time.time()
                await wait(partial(service.has_come_back, times))
        return await conclude(scene, title, faults=TIMES, struck_at=struck_at)


async def cut_off(ground: Ground, title: Title) -> Result:
    """End all connections, again and again."""
    cuts = 0

    async def cut(arguments: Mapping[str, Any]) -> None:
        nonlocal cuts
        cuts += await cut_connections(arguments) > 0

    result = await _repeat(ground, title, cut, times=CUTS, pause_seconds=0.4)
    assert cuts == CUTS
    return result


async def truncate_queue(ground: Ground, title: Title) -> Result:
    """Empty the queue, again and again."""

    async def truncate(arguments: Mapping[str, Any]) -> None:
        await fetch_once(arguments, "TRUNCATE pgqueuer, pgqueuer_log")

    return await _repeat(ground, title, truncate, times=TRUNCATIONS, pause_seconds=0.1)


async def _repeat(
    ground: Ground,
    title: Title,
    act: Callable[[Mapping[str, Any]], Awaitable[None]],
    *,
    times: int,
    pause_seconds: float,
) -> Result:
    async with open_scene(ground, title.name, embedded=False) as scene:
        await scene.start()
        await scene.connect()
        async with changing(scene):
            await wait_for_deliveries(scene)
            for _ in range(times):
                await act(scene.read_arguments())
                struck_at = time.time()
                await asyncio.sleep(pause_seconds)
        result = await conclude(scene, title, faults=times, struck_at=struck_at)
        assert scene.services[0].deaths == []
        return result


async def fill_disk(ground: Ground, title: Title) -> Result:
    """Let the disk of the database be full; where none can be mounted, have commits fail as if it were."""
    folder = ground.make_folder(title.name)
    async with mount_small_disk(folder / "disk") as disk:
        if disk is None:
            return await _pretend_full(
                ground, Title(title.name, f"{title.what} (raised: no disk could be mounted)")
            )
        data = disk.folder / "data"
        headers = await ground.copy_cluster(data)
        await move_log_away(data / "postgres", folder / "log")
        server = OwnServer(data, headers)
        await server.start()
        try:
            async with open_scene(ground, title.name, embedded=False, server=server) as scene:
                await scene.start()
                await scene.connect()
                async with changing(scene):
                    await wait_for_deliveries(scene)
                    disk.fill()
                    await wait(lambda: _count_full(scene) > 0)
                    await asyncio.sleep(FULL_SECONDS)
                    disk.clear()
                    struck_at = time.time()
                return await conclude(scene, title, faults=_count_full(scene), struck_at=struck_at)
        finally:
            await server.stop()


def _count_full(scene: Scene) -> int:
    return scene.services[0].read_logs().count("the database's disk is full")


async def _pretend_full(ground: Ground, title: Title) -> Result:
    async with open_scene(ground, title.name, embedded=False) as scene:
        await scene.start()
        await scene.connect()
        async with changing(scene):
            for _ in range(TIMES):
                scene.order("commit-begins", Kind.FULL)
                struck_at = await wait(scene.read_strike)
        return await conclude(scene, title, faults=TIMES, struck_at=struck_at)


async def jump_clock(ground: Ground, title: Title) -> Result:
    """Set the service's clock an hour forth and back again."""
    async with open_scene(ground, title.name, embedded=False) as scene:
        await scene.start()
        await scene.connect()
        async with changing(scene):
            for seconds in (HOUR_SECONDS, 0, -HOUR_SECONDS, 0):
                set_clock(scene, seconds)
                struck_at = time.time()
                made = await scene.change(1)
                await wait(partial(scene.has_arrived, made))
        return await conclude(scene, title, faults=4, struck_at=struck_at)


async def run_ahead(ground: Ground, title: Title) -> Result:
    """Let the service's clock be an hour ahead of the database's."""
    return await _differ(ground, title, HOUR_SECONDS)


async def run_behind(ground: Ground, title: Title) -> Result:
    """Let the service's clock be an hour behind the database's."""
    return await _differ(ground, title, -HOUR_SECONDS)


async def _differ(ground: Ground, title: Title, seconds: float) -> Result:
    async with open_scene(ground, title.name, embedded=False) as scene:
        set_clock(scene, seconds)
        await scene.start()
        await scene.connect()
        began_at = time.time()
        async with changing(scene):
            for _ in range(5 * TIMES):
                await wait_for_deliveries(scene)
        return await conclude(scene, title, faults=1, struck_at=began_at)


def set_clock(scene: Scene, seconds: float) -> None:
    """Have the programs of the scene take the time for later by so many seconds."""
    new = scene.folder / "clock.new"
    new.write_text(str(seconds))
    new.rename(scene.folder / "clock")
