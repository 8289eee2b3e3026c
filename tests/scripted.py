"""A callback whose answers a test writes: a function of what arrived."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import orjson
from aiohttp import web


@dataclass(frozen=True)
class Arrival:
    """One POST, as it came."""

    headers: Mapping[str, str]
    body: bytes

    @property
    def notification_id(self) -> int:
        return int(self.headers["webhook-id"])

    @property
    def sequences(self) -> list[int]:
        """The numbers of its events, of the default form."""
        return [event["sequence"] for event in orjson.loads(self.body)["message"]["events"]]


@dataclass(frozen=True)
class Reply:
    """What is answered, after ``delay_seconds``, or once ``after`` is set."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay_seconds: float = 0
    after: asyncio.Event | None = None


@dataclass
class Receiver:
    """A running one: ``arrived`` in order, and of these ``taken`` with 2xx. ``most_at_once``: in hand together."""

    url: str
    reply: Callable[[Arrival], Reply]
    arrived: list[Arrival] = field(default_factory=list)
    taken: list[Arrival] = field(default_factory=list)
    most_at_once: int = 0
    _in_hand: int = 0

    async def take(self, request: web.Request) -> web.Response:
        self._in_hand += 1
        self.most_at_once = max(self.most_at_once, self._in_hand)
        try:
            arrival = Arrival(request.headers, await request.read())
            self.arrived.append(arrival)
            reply = self.reply(arrival)
            if reply.delay_seconds:
                await asyncio.sleep(reply.delay_seconds)
            if reply.after is not None:
                await reply.after.wait()
            if 200 <= reply.status <= 299:
                self.taken.append(arrival)
            return web.Response(status=reply.status, headers=reply.headers, body=reply.body)
        finally:
            self._in_hand -= 1

    def sequences(self) -> list[int]:
        """The numbers of the events taken, in order of arrival, repetitions included."""
        return [number for arrival in self.taken for number in arrival.sequences]


@asynccontextmanager
async def run_receiver(reply: Callable[[Arrival], Reply]) -> AsyncIterator[Receiver]:
    """Receive while the context is open."""
    receiver = Receiver("", reply)
    app = web.Application(client_max_size=64 * 1024 * 1024)
    app.router.add_route("POST", "/{path:.*}", receiver.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    site: Any = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    receiver.url = f"http://127.0.0.1:{site._server.sockets[0].getsockname()[1]}/callback"
    try:
        yield receiver
    finally:
        await runner.cleanup()
