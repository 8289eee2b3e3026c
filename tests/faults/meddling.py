"""Users who change, pause, release and replay at any moment: whatever they do, it may not cost an event or the order."""

from __future__ import annotations

import asyncio
import random
import signal
import time
from collections.abc import Awaitable, Callable, Collection
from dataclasses import dataclass
from http import HTTPStatus
from itertools import chain

from tests.faults.asking import wait
from tests.faults.ground import Ground
from tests.faults.load import Title, changing, conclude
from tests.faults.places import KEY
from tests.faults.receiving import Receiver
from tests.faults.results import Result
from tests.faults.scene import Scene, open_scene

SEED = 20261130
USERS = 3
TIMES = 24
"""What each user does: twice each kind of it."""

LONGEST_BETWEEN_KILLS_SECONDS = 5.0
LONGEST_PAUSE_SECONDS = 0.5
FAILING = (410, 429, 500, 503)
"""Of these none makes a dead letter: what is given up is not delivered, and would be missed."""

OVERLAP_SECONDS = 600
OTHER_KEY = "another signature key"
PATHS = ("", "/b", "/c")
INTERVALS_SECONDS = (0.2, 0.5, 1.0)
RATES = ("", 50)
POLICIES = ("retry", "queue")
FAULTS = ("expired_token", "reset", "truncate", "over_qps")


@dataclass(frozen=True, slots=True)
class Meddler:
    """The user of one instance, with a callback and a provider that fail now and then."""

    scene: Scene
    instance_id: int
    receiver: Receiver
    chance: random.Random

    async def meddle(self, times: int) -> None:
        """Do so many things, each kind about as often; afterwards everything is as if nobody had been there."""
        kinds: list[Callable[[], Awaitable[object]]] = [
            self._pause,
            self._move,
            self._change,
            self._rotate,
            self._authorise,
            self._poll,
            self._release,
            self._replay,
            self._send_again,
            self._put_whole,
            self._fail_callback,
            self._fail_provider,
        ]
        rounds = chain.from_iterable(self.chance.sample(kinds, len(kinds)) for _ in range(times))
        for kind, _ in zip(rounds, range(times), strict=False):
            await kind()
            await self._wait()
        await self._configure(**{"event.notification.failure.policy": "", "event.notification.rate": ""})
        await self._call("PUT", "enabled")

    async def _wait(self) -> None:
        await asyncio.sleep(self.chance.uniform(0, LONGEST_PAUSE_SECONDS))

    async def _call(
        self, method: str, path: str = "", body: object = None, *, allowed: Collection[int] = ()
    ) -> object:
        address = f"instances/{self.instance_id}" + (f"/{path}" if path else "")
        return await self.scene.call(method, address, body, allowed=allowed)

    async def _configure(self, **configuration: object) -> None:
        await self._call("PATCH", body={"configuration": configuration})

    async def _pause(self) -> None:
        await self._call("DELETE", "enabled")
        await self._wait()
        await self._call("PUT", "enabled")

    async def _move(self) -> None:
        url = self.receiver.url + self.chance.choice(PATHS)
        await self._configure(**{"event.notification.callback.url": url})

    async def _change(self) -> None:
        await self._configure(
            **{
                "event.poller.refresh_interval": self.chance.choice(INTERVALS_SECONDS) / 60,
                "event.notification.rate": self.chance.choice(RATES),
                "event.notification.failure.policy": self.chance.choice(POLICIES),
            }
        )

    async def _rotate(self) -> None:
        for key in (OTHER_KEY, KEY):  # the receiver's own signs all the time: at first it, then beside it
            await self._call("PUT", "signature-keys", {"key": key, "overlapSeconds": OVERLAP_SECONDS})
            await self._wait()

    async def _authorise(self) -> None:
        code = {"providerData": {"code": await self.scene.authorize()}}
        # Whoever was killed, or met the provider's fault, may have spent the code when it is given once more.
        await self._call("PATCH", body=code, allowed=(HTTPStatus.BAD_REQUEST,))

    async def _poll(self) -> None:
        await self.scene.authorize_again()
        await self._call("PUT", "polling")
        await self._call("POST", "polls", allowed=(HTTPStatus.CONFLICT,))  # it may need authorisation again

    async def _release(self) -> None:
        await self._call("PUT", "endpoint")

    async def _replay(self) -> None:
        replay = await self._call("POST", "replays", {"sequence": 1}, allowed=(HTTPStatus.CONFLICT,))
        await self._wait()
        if (
            isinstance(replay, dict) and "id" in replay
        ):  # else ten run: those of calls that nobody had an answer to
            await self._call("DELETE", f"replays/{replay['id']}")

    async def _send_again(self) -> None:
        found = await self._call("GET", "deliveries?newest=1&state=delivered")
        assert isinstance(found, list)
        for each in found:
            await self._call("POST", f"deliveries/{each['id']}/send", allowed=(HTTPStatus.CONFLICT,))

    async def _put_whole(self) -> None:
        found = await self._call("GET")
        assert isinstance(found, dict)
        await self._call("PUT", body={"configuration": found["configuration"]})

    async def _fail_callback(self) -> None:
        status = self.chance.choice(FAILING)
        self.receiver.decide = lambda _: status
        await self._wait()
        self.receiver.decide = lambda _: 200
        await self._call("PUT", "endpoint")

    async def _fail_provider(self) -> None:
        await self.scene.control("POST", "faults", {"kind": self.chance.choice(FAULTS)})


async def meddle_and_kill(ground: Ground, title: Title) -> Result:
    """Have users meddle while two ``serve`` are killed at random moments, the one that they ask less often."""
    chance = random.Random(SEED)
    ended = asyncio.Event()
    killed_at: list[float] = []

    async def kill(scene: Scene) -> None:
        asked, other = scene.services
        while not ended.is_set():
            await wait(lambda: asked.is_ready and other.is_ready)
            await asyncio.sleep(chance.uniform(0, LONGEST_BETWEEN_KILLS_SECONDS))
            service = asked if len(killed_at) % 3 == 1 else other
            service.send(signal.SIGKILL)
            killed_at.append(time.time())

    async with open_scene(ground, title.name, embedded=False, callbacks=USERS) as scene:
        for name in ("first", "second"):
            data = ("--data-dir", str(scene.folder / name))
            await scene.add_service(name, "serve", "--port", "0", *data).start()
        await scene.connect(USERS)
        killing = asyncio.create_task(kill(scene))
        async with changing(scene):
            pairs = zip(scene.instance_ids, scene.receivers, strict=True)
            users = [Meddler(scene, *pair, random.Random(chance.random())) for pair in pairs]
            await asyncio.gather(*(user.meddle(TIMES) for user in users))
            ended.set()
            await killing
        await scene.control("DELETE", "faults")
        return await conclude(scene, title, faults=len(killed_at), struck_at=killed_at[-1])
