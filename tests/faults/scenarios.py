"""Runs one step with one kind of fault: brings the step about under load, and compares what arrived with what happened."""

from __future__ import annotations

import signal

from tests.faults.asking import wait
from tests.faults.ground import Ground
from tests.faults.results import Result, sum_up
from tests.faults.scene import open_scene
from tests.faults.situations import BURST, SITUATIONS
from tests.faults.steps import Kind, Step


async def run_step(ground: Ground, step: Step, kind: Kind) -> Result:
    """Have a fault strike at a step.

    A kill strikes ``serve`` on its embedded database, the others on a server that goes on.

    Raises:
        AssertionError: the fault never struck, or something did not arrive, or not as it must.
    """
    situation = SITUATIONS[step.situation]()
    name = f"{step.name}-{kind}"
    async with open_scene(ground, name, embedded=kind is Kind.KILL, **situation.settings) as scene:
        await scene.start()
        await scene.connect()
        await situation.prepare(scene)
        scene.order(step.name, kind)
        struck_at = await situation.provoke(scene)
        first = await scene.change(BURST)

        async def recovered() -> bool:
            await scene.authorize_again()
            return scene.has_arrived(first)

        await wait(recovered)
        await scene.wait_delivered()
        await situation.see_to_the_end(scene)
        deaths = scene.services[0].deaths
        assert deaths == ([-signal.SIGKILL] if kind is Kind.KILL else []), deaths
        tallies = await scene.compare()
        return sum_up(
            "steps",
            step.name,
            kind,
            step.what,
            faults=1,
            tallies=tallies,
            recovery_seconds=scene.measure_recovery(struck_at, first),
        )
