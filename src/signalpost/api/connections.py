"""The connections of clients: a bounded number, of which each sends whole requests, and takes answers, without a rest.

The API's own limits begin with a request's head. A connection whose head never ends, that sends nothing, or that takes
no answer would stand for ever, with one of the files that this process may open: polls and deliveries need them, too.
"""

from __future__ import annotations

import asyncio
import resource

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

KEEP_ALIVE_SECONDS = 130
"""How long a connection stays open for a first or a next request.

Longer than the 60 s of most balancers and the two minutes of Caddy: who closes first is to be the side that sends, as a
request that is sent while the other side closes is lost.
"""

HEAD_SECONDS = 30.0
"""How long a head may take to come, all of it."""

STALL_SECONDS = 60.0
"""How long the client may take nothing of its answer, where that is more than the systems keep on the way."""

MOST_CONNECTIONS = 10_000
SHARE = 4
"""Connections get this part of the files that the process may open, where these are few."""

ROUNDS = 20
"""For one too many a twentieth of them goes, of those that are idle: all would be looked through for each otherwise."""

TOO_SLOW = f"the head of a request is to come within {HEAD_SECONDS:g} s"


def count_most() -> int:
    """Give how many connections there may be."""
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if files == resource.RLIM_INFINITY else min(MOST_CONNECTIONS, files // SHARE)


class PatientProtocol(H11Protocol):
    """HTTP by uvicorn, with an end to patience."""

    _head: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None
    _has_begun = False
    heard_at = 0.0

    @property
    def is_idle(self) -> bool:
        """Whether no request is being answered."""
        return self.cycle is None or self.cycle.response_complete

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override] # as uvicorn has it
        """Take a connection; for one too many, those go that have been silent for longest."""
        super().connection_made(transport)
        self.heard_at = self.loop.time()
        self._head = self.loop.call_later(KEEP_ALIVE_SECONDS, transport.close)
        if len(self.connections) > (most := count_most()):
            self._make_room(1 + most // ROUNDS)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        super().connection_lost(exc)
        self._end_head()
        self._end_stall()

    def data_received(self, data: bytes) -> None:
        """Take what came; of what is no whole head yet the time begins."""
        super().data_received(data)
        self.heard_at = self.loop.time()
        if not self.is_idle:
            self._end_head()
        elif not self._has_begun and not self.transport.is_closing():
            self._end_head()
            self._has_begun = True
            self._head = self.loop.call_later(HEAD_SECONDS, self._give_up)

    def pause_writing(self) -> None:
        """Wait for the client to take something of its answer, not for ever."""
        super().pause_writing()
        self._watch_stall(self.transport.get_write_buffer_size())

    def resume_writing(self) -> None:
        """Go on with the answer."""
        super().resume_writing()
        self._end_stall()

    def _make_room(self, number: int) -> None:
        others = [each for each in self.connections if isinstance(each, PatientProtocol) and each is not self]
        idle = [each for each in others if each.is_idle and not each.transport.is_closing()]
        idle.sort(key=lambda each: each.heard_at)
        for each in idle[:number] or [self]:
            each.transport.abort()

    def _watch_stall(self, left: int) -> None:
        self._stall = self.loop.call_later(STALL_SECONDS, self._judge_stall, left)

    def _judge_stall(self, before: int) -> None:
        left = self.transport.get_write_buffer_size()
        if left < before:
            self._watch_stall(left)
        else:
            self.transport.abort()

    def _end_stall(self) -> None:
        if self._stall is not None:
            self._stall.cancel()
            self._stall = None

    def _end_head(self) -> None:
        self._has_begun = False
        if self._head is not None:
            self._head.cancel()
            self._head = None

    def _give_up(self) -> None:
        # The rest of a body may be what is late, of a request that was answered before.
        if self.conn.our_state is h11.IDLE:
            head = f"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: {len(TOO_SLOW)}\r\n\r\n"
            self.transport.write((head + TOO_SLOW).encode())
        self.transport.close()
