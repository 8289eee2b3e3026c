"""The storm: very many events with faults at random, at random moments; nothing may be lost, order must hold."""

from __future__ import annotations

import asyncio
import contextlib
import random
import signal
import time
from collections.abc import Awaitable, Callable
from functools import partial
from math import ceil

import aiohttp

from tests.faults.asking import cut_connections, fetch_once, wait
from tests.faults.ground import Ground
from tests.faults.load import Title, conclude
from tests.faults.results import Result
from tests.faults.scene import Scene, open_scene
from tests.faults.steps import KINDS, STEPS, Situation

STORM = "storm"
INSTANCES = 20
BURST = 500
AHEAD = 1000
"""Changes that may wait at the slowest callback before more are made."""

LONGEST_PAUSE_SECONDS = 2.0
STRIKE_SECONDS = 4.0
FAILING_SECONDS = 1.0
LAST_WAIT_SECONDS = 600.0
MET = [step for step in STEPS.values() if step.situation in {Situation.CHANGES, Situation.RENEWAL}]
"""Steps that are met by changes and renewals alone."""


class Storm:
    """Strikes at random until it is told that it is over; counts what struck."""

    def __init__(self, scene: Scene, chance: random.Random) -> None:
        self._scene = scene
        self._chance = chance
        self._over = asyncio.Event()
        self.struck: dict[str, int] = {}
        self.struck_at = time.time()

    def end(self) -> None:
        """Have no further fault strike."""
        self._over.set()

    async def rage(self) -> None:
        """Strike, pause, strike."""
        ways: list[Callable[[], Awaitable[bool]]] = [
            self._strike_step,
            self._strike_step,
            self._kill,
            self._cut,
            self._truncate,
            self._fail,
        ]
        while not self._over.is_set():
            way = self._chance.choice(ways)
            try:
                did = await way()
            except (OSError, aiohttp.ClientError):
                continue
            if did:
                name = way.__name__
                self.struck[name] = self.struck.get(name, 0) + 1
                self.struck_at = time.time()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._over.wait(), self._chance.uniform(0, LONGEST_PAUSE_SECONDS))
        (self._scene.folder / "order").unlink(missing_ok=True)

    async def _strike_step(self) -> bool:
        step, kind = self._chance.choice(MET), self._chance.choice(KINDS)
        if step.situation is Situation.RENEWAL:
            await self._scene.control("POST", "faults", {"kind": "expired_token"})
        self._scene.order(step.name, kind, skip=self._chance.randint(0, 5))
        struck_at = await self._scene.wait_for_strike(STRIKE_SECONDS)
        await self._scene.authorize_again()
        return struck_at is not None

    async def _kill(self) -> bool:
        service = self._chance.choice(self._scene.services)
        service.send(signal.SIGKILL)
        return service.is_ready

    async def _cut(self) -> bool:
        return await cut_connections(self._scene.read_arguments()) > 0

    async def _truncate(self) -> bool:
        await fetch_once(self._scene.read_arguments(), "TRUNCATE pgqueuer")
        return True

    async def _fail(self) -> bool:
        receiver = self._chance.choice(self._scene.receivers)
        receiver.decide = lambda _: 503
        await asyncio.sleep(self._chance.uniform(0, FAILING_SECONDS))
        receiver.decide = lambda _: 200
        return True


async def run_storm(ground: Ground, *, events: int, seed: int) -> Result:
    """Deliver at least ``events`` to twenty callbacks by two ``serve`` while faults strike."""
    each = ceil(events / INSTANCES / BURST) * BURST
    async with open_scene(ground, STORM, embedded=False, callbacks=INSTANCES, log_level="warning") as scene:
        for name in ("first", "second"):
            await scene.add_service(
                name, "serve", "--port", "0", "--data-dir", str(scene.folder / name)
            ).start()
        await scene.connect(INSTANCES)
        storm = Storm(scene, random.Random(seed))
        raging = asyncio.create_task(storm.rage())
        began = time.monotonic()
        made = 0
        while made < each:
            await scene.change(BURST)
            made += BURST
            await wait(partial(scene.has_everywhere, made - AHEAD), LAST_WAIT_SECONDS)
            print(
                f"storm: {made} of {each} changes, {time.monotonic() - began:.0f} s, {storm.struck}",
                flush=True,
            )
        storm.end()
        await raging
        faults = sum(storm.struck.values())
        what = (
            f"{INSTANCES} instances, two `serve`: kills and errors at random steps and moments, connections cut,"
            " the queue emptied, callbacks that answer 503"
        )
        title = Title(STORM, what)
        return await conclude(
            scene, title, faults=faults, struck_at=storm.struck_at, group="storm", seconds=LAST_WAIT_SECONDS
        )
