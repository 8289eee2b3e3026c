"""Where notifications end: a receiver that costs next to nothing, in a process of its own (``python -m bench.sink``).

It answers 200 to every request (at ``/slow`` after 25 s, at ``/dead`` never) and watches the order: the path names
the lane, ``webhook-id`` the notification.
``GET /reset`` gives ``{"received", "distinct", "out_of_order", "first_at", "last_at"}`` since the last reset, and
``GET /arrivals`` when each notification first came, as ``{"<id>": seconds}``: by the machine's monotonic clock, which
all processes share.
"""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import time
from typing import cast

import orjson
import uvloop

SLOW_SECONDS = 25.0
KEYS = orjson.OPT_NON_STR_KEYS
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
LENGTH = re.compile(rb"\r\nContent-Length: (\d+)", re.IGNORECASE)
WEBHOOK_ID = re.compile(rb"\r\nwebhook-id: (\d+)", re.IGNORECASE)


class Tally:
    """What has arrived since the last reset."""

    def __init__(self) -> None:
        self.reset()

    def reset(self) -> None:
        """Start anew."""
        self.received = 0
        self.out_of_order = 0
        self.first_at = 0.0
        self.last_at = 0.0
        self.seen: dict[int, float] = {}
        self.newest: dict[bytes, int] = {}

    def note(self, lane: bytes, notification_id: int) -> None:
        """Count one notification."""
        self.last_at = time.monotonic()
        if not self.received:
            self.first_at = self.last_at
        self.received += 1
        self.out_of_order += notification_id < self.newest.get(lane, 0)
        self.newest[lane] = notification_id
        self.seen.setdefault(notification_id, self.last_at)

    def take_summary(self) -> bytes:
        """Give the counts and start anew."""
        summary = {
            "received": self.received,
            "distinct": len(self.seen),
            "out_of_order": self.out_of_order,
            "first_at": self.first_at,
            "last_at": self.last_at,
        }
        return orjson.dumps(summary)

    def answer(self, head: bytes) -> bytes:
        """Answer a request by its head."""
        path = head.split(b" ", 2)[1]
        if path in {b"/summary", b"/reset", b"/arrivals"}:
            body = self.take_summary() if path != b"/arrivals" else orjson.dumps(self.seen, option=KEYS)
            if path == b"/reset":
                self.reset()
            return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body)
        found = WEBHOOK_ID.search(head)
        self.note(path, int(found[1]) if found else 0)
        return ANSWER


class Receiver(asyncio.Protocol):
    """One connection; requests on it follow one another."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally
        self._pending = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keep where answers go."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's is none by inheritance

    def data_received(self, data: bytes) -> None:
        """Answer every request that is complete."""
        self._pending += data
        while True:
            end = self._pending.find(b"\r\n\r\n")
            if end < 0:
                return
            head = bytes(self._pending[:end])
            length = LENGTH.search(head)
            whole = end + 4 + (int(length[1]) if length else 0)
            if len(self._pending) < whole:
                return
            del self._pending[:whole]
            path = head.split(b" ", 2)[1]
            if path == b"/slow":
                asyncio.get_running_loop().call_later(SLOW_SECONDS, self._answer_late)
            elif path != b"/dead":
                self._transport.write(self._tally.answer(head))

    def _answer_late(self) -> None:
        with contextlib.suppress(RuntimeError):  # they hung up meanwhile
            self._transport.write(ANSWER)


async def serve() -> None:
    """Receive until SIGTERM."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    tally = Tally()
    server = await loop.create_server(lambda: Receiver(tally), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    print(f"sink ready on http://127.0.0.1:{port}", flush=True)
    await stop.wait()
    server.close()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve())
