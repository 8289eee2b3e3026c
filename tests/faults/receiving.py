"""The far end of the fault harness: a callback that verifies, keeps what it must compare, and fails as told."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import orjson
from aiohttp import web

from signalpost.delivery.egress import REPLAY
from signalpost.receiver import STANDARD_TIMESTAMP, verify
from tests.faults.places import KEY

Decide = Callable[[str], int]
"""Gives the status to answer a notification with, by its id."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A POST that arrived at ``at`` (Unix seconds) and was answered with ``status``."""

    at: float
    id: str
    digest: bytes
    status: int
    valid: bool
    records: tuple[int, ...]
    sequences: tuple[int, ...]
    event_ids: tuple[str, ...]
    replay: bool

    @property
    def accepted(self) -> bool:
        """Whether the lane's own attempt was taken."""
        return self.status < 300 and not self.replay


@dataclass(slots=True)
class Receiver:
    """A running callback. ``decide`` and ``delay_seconds`` may be changed; notices go to ``url`` + ``/notices``."""

    url: str = ""
    decide: Decide = lambda _: 200
    delay_seconds: float = 0.0
    arrivals: list[Arrival] = field(default_factory=list)
    notices: list[tuple[str, bytes]] = field(default_factory=list)
    seen: set[int] = field(default_factory=set)
    """The provider's ids of all that was taken."""

    def has_notices(self, count: int) -> bool:
        """Say whether so many notices arrived, repeats not counted."""
        return len({notice_id for notice_id, _ in self.notices}) == count

    async def take(self, request: web.BaseRequest) -> web.Response:
        """Take one POST: write it down, then answer."""
        body = await request.read()
        digest = hashlib.sha256(body).digest()
        valid = verify(request.headers, body, KEY, now=float(request.headers[STANDARD_TIMESTAMP]))
        content = orjson.loads(body)
        if request.path == "/notices":
            assert valid
            self.notices.append((str(content["id"]), digest))
            return web.Response()
        message = content["message"]
        status = self.decide(content["id"])
        arrival = Arrival(
            at=time.time(),
            id=content["id"],
            digest=digest,
            status=status,
            valid=valid and request.headers["webhook-id"] == content["id"],
            records=tuple(record["id"] for record in message["raw"]["events"]),
            sequences=tuple(event["sequence"] for event in message["events"]),
            event_ids=tuple(event["id"] for event in message["events"]),
            replay=REPLAY in request.headers,
        )
        self.arrivals.append(arrival)
        if arrival.accepted:
            self.seen.update(arrival.records)
        if self.delay_seconds:
            await asyncio.sleep(self.delay_seconds)
        return web.Response(status=status)


@asynccontextmanager
async def run_receiver() -> AsyncIterator[Receiver]:
    """Receive while the context is open."""
    receiver = Receiver()
    app = web.Application(client_max_size=32 * 1024 * 1024)
    app.router.add_post("/{path:.*}", receiver.take)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        receiver.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        yield receiver
    finally:
        await runner.cleanup()
