"""What must go on for a step to be met: a situation prepares, provokes until the fault struck, and sees to the end."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, ClassVar

from tests.faults.asking import WAIT_SECONDS, wait
from tests.faults.scene import Scene
from tests.faults.steps import Situation

BURST = 25
BURST_SECONDS = 0.5
KEPT = 100
"""Events that the provider keeps where it is to lose some."""


class Going:
    """Changes, burst after burst: most steps are met by themselves."""

    settings: ClassVar[Mapping[str, Any]] = {}

    async def prepare(self, scene: Scene) -> None:
        """Bring the scene to where the fault is ordered."""

    async def burst(self, scene: Scene) -> None:
        """Do what leads to the step."""
        await scene.change(BURST)

    async def provoke(self, scene: Scene) -> float:
        """Go on until the fault struck; gives when.

        Raises:
            AssertionError: it never did.
        """
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            await self.burst(scene)
            struck_at = await scene.wait_for_strike(BURST_SECONDS)
            if struck_at is not None:
                return struck_at
        raise AssertionError(f"the fault never struck; {scene.services[0].read_logs()[-2000:]}")

    async def see_to_the_end(self, scene: Scene) -> None:
        """Check what the comparison of events does not."""
        for instance_id in scene.instance_ids:
            assert await scene.read_gaps(instance_id) == []


class Renewing(Going):
    """The provider's tokens end again and again."""

    async def burst(self, scene: Scene) -> None:
        await scene.control("POST", "faults", {"kind": "expired_token"})
        await scene.change(BURST)
        await scene.authorize_again()

    async def see_to_the_end(self, scene: Scene) -> None:
        await scene.control("DELETE", "faults")
        await super().see_to_the_end(scene)


class Losing(Going):
    """The provider keeps so few events that some are lost to us: that is told."""

    async def prepare(self, scene: Scene) -> None:
        await scene.control("PATCH", "settings", {"retention": KEPT})

    async def burst(self, scene: Scene) -> None:
        await scene.change(4 * KEPT)

    async def see_to_the_end(self, scene: Scene) -> None:
        """Each gap is told, with the same bytes whenever it is told again."""
        total = 0
        for receiver, instance_id in zip(scene.receivers, scene.instance_ids, strict=True):
            gaps = len(await scene.read_gaps(instance_id))
            await wait(partial(receiver.has_notices, gaps))
            assert len(set(receiver.notices)) == gaps
            total += gaps
        assert total

        async def removed() -> bool:
            return not await scene.fetch("SELECT FROM operation_notice")

        await wait(removed)


class Refusing(Going):
    """One callback refuses whatever it is sent, until its notifications wait again."""

    def __init__(self) -> None:
        self._refused: dict[str, None] = {}
        self._good = False

    def _decide(self, notification_id: str) -> int:
        again = len(self._refused) >= 5 and notification_id == next(iter(self._refused))
        self._good = self._good or again
        self._refused[notification_id] = None
        return 200 if self._good else 400

    async def prepare(self, scene: Scene) -> None:
        scene.receivers[0].decide = self._decide
        await scene.change(60)

    async def see_to_the_end(self, scene: Scene) -> None:
        assert self._good
        await super().see_to_the_end(scene)


class Replaying(Going):
    """All that was delivered is sent again."""

    def __init__(self) -> None:
        self._ids: list[str] = []

    async def prepare(self, scene: Scene) -> None:
        await scene.change(60)
        await scene.wait_delivered()

        async def at_rest() -> bool:
            rows = await scene.fetch(
                "SELECT FROM endpoint WHERE due_at IS NOT NULL OR leased_by IS NOT NULL UNION ALL"
                " SELECT FROM notification WHERE state = 'pending'"
            )
            return not rows

        await wait(at_rest)

    async def burst(self, scene: Scene) -> None:
        self._ids = list(dict.fromkeys(each.id for each in scene.receivers[0].arrivals))
        await scene.call("POST", f"instances/{scene.instance_ids[0]}/replays", {"sequence": 1})

    async def see_to_the_end(self, scene: Scene) -> None:
        """It comes again whole, in order, marked, with the same bytes (those are compared with all others)."""

        async def done() -> bool:
            return not await scene.fetch("SELECT FROM replay WHERE state <> 'done'")

        await wait(done)
        replayed = [each.id for each in scene.receivers[0].arrivals if each.replay]
        assert set(self._ids) <= set(replayed)
        await super().see_to_the_end(scene)


class Retrying(Going):
    """One callback takes nothing until the fault struck: its lane is due again and again."""

    async def prepare(self, scene: Scene) -> None:
        scene.receivers[0].decide = lambda _: 200 if scene.read_strike() else 503
        await scene.change(20)


class Removing(Going):
    """What is a second old is removed, but for what waits: one callback takes nothing until the fault struck."""

    settings: ClassVar[Mapping[str, Any]] = {"retention_days": 1 / 86400}

    async def prepare(self, scene: Scene) -> None:
        scene.receivers[0].decide = lambda _: 200 if scene.read_strike() else 503
        await scene.change(60)

    async def see_to_the_end(self, scene: Scene) -> None:
        async def removed() -> bool:
            rows = await scene.fetch("SELECT count(*) AS n FROM event")
            return bool(rows[0]["n"] < 2 * len(scene.list_truth()))

        await wait(removed)
        await super().see_to_the_end(scene)


SITUATIONS: Mapping[Situation, Callable[[], Going]] = {
    Situation.CHANGES: Going,
    Situation.RENEWAL: Renewing,
    Situation.GAP: Losing,
    Situation.REFUSAL: Refusing,
    Situation.REPLAY: Replaying,
    Situation.RETENTION: Removing,
    Situation.RETRY: Retrying,
}
