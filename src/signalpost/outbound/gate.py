"""The gate of outgoing connections: finds a host's addresses and lets sockets to allowed ones only be opened.

aiohttp asks ``Resolver`` for names and the ``open_...socket`` functions for the socket of every connection it makes,
with the very address it then connects to. So literals in any spelling, names, and names whose address changes
between two look-ups (or comes from the client's cache) all meet the same judgement.
"""

from __future__ import annotations

import asyncio
import errno
import socket
from collections.abc import Callable
from concurrent.futures import Executor
from contextlib import suppress
from typing import Any
from weakref import WeakValueDictionary

from aiohttp.abc import AbstractResolver, ResolveResult

OF_A_DOMAIN = 16
"""Names of one domain (the last two labels) looked up at a time: it may be its name server that is silent, and whoever
owns a domain has as many names as they like. Not fewer: all accounts of a provider may be in one domain, and so are all
names below an ending that many share (``co.uk``)."""

Judge = Callable[[str], str | None]
"""Says why an address must not be connected to; None when it may be."""


class RefusedSocketError(OSError):
    """An address must not be connected to: ``reason`` says what it is.

    They all read alike, or the client would merge those of several addresses into one plain ``OSError``.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(errno.EACCES, "address refused")
        self.reason = reason


class Resolver(AbstractResolver):
    """Finds a host's addresses, in the threads of ``executor``, as ``look_up`` (``socket.getaddrinfo``) does.

    With a ``judge`` it leaves out those that are refused. If there are no others it gives them all the same: they
    are refused when their socket is opened.
    """

    def __init__(
        self, look_up: Callable[..., list[Any]], executor: Executor, judge: Judge | None = None
    ) -> None:
        self._look_up = look_up
        self._executor = executor
        self._judge = judge
        self._domains: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Find the addresses of ``host``.

        Raises:
            socket.gaierror: it has none.

        """
        found = await self._find_in_turn(host, port, family)
        if self._judge is None:
            return found
        return [result for result in found if self._judge(result["host"]) is None] or found

    async def close(self) -> None:
        """Do nothing: the executor is not ours."""

    async def _find_in_turn(self, host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        loop = asyncio.get_running_loop()
        domain = ".".join(host.lower().rstrip(".").split(".")[-2:])
        turn = self._domains.setdefault(domain, asyncio.Semaphore(OF_A_DOMAIN))
        await turn.acquire()

        def leave(_: object) -> None:
            with suppress(RuntimeError):  # the loop is closed by now
                loop.call_soon_threadsafe(turn.release)

        # Who gives up waiting leaves the thread at work: the turn is over when that is.
        looking = self._executor.submit(self._find, host, port, family)
        looking.add_done_callback(leave)
        return await asyncio.wrap_future(looking)

    def _find(self, host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        try:
            rows = self._look_up(host, port, family=family, type=socket.SOCK_STREAM)
        except UnicodeError:
            raise socket.gaierror(socket.EAI_NONAME, "that is no valid host name") from None
        return [
            ResolveResult(hostname=host, host=row[4][0], port=port, family=row[0], proto=row[2], flags=0)
            for row in rows
        ]


def open_judged_socket(judge: Judge, found: tuple[Any, ...]) -> socket.socket:
    """Open a socket for a row of ``getaddrinfo``.

    Raises:
        RefusedSocketError: the address is refused.

    """
    reason = judge(found[4][0])
    if reason is not None:
        raise RefusedSocketError(reason)
    return open_socket(found)


def open_socket(found: tuple[Any, ...]) -> socket.socket:
    """Open a socket for a row of ``getaddrinfo``, whatever the address."""
    family, kind, protocol, _, _ = found
    return socket.socket(family, kind, protocol)
