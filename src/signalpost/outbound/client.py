"""Sends requests to providers and callbacks, and reads what they answer."""

from __future__ import annotations

import asyncio
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from ipaddress import ip_address
from typing import Any, Self

import aiohttp
from aiohttp.connector import Connection
from yarl import URL

from signalpost import __version__
from signalpost.model.addresses import judge_address, judge_spelling
from signalpost.model.allowance import Allowance
from signalpost.outbound.answer import Answer
from signalpost.outbound.deadlines import Deadlines
from signalpost.outbound.exchange import Link, Received, Target, Way, exchange
from signalpost.outbound.failures import Limits, explain_failure, find_host, refuse_address, refuse_way
from signalpost.outbound.gate import Judge, Resolver, open_judged_socket, open_socket

# A look-up blocks its thread, for half a minute if a name server is silent: so they get threads of their own, and
# enough of them that a few dead domains delay nobody else (``gate.OF_A_DOMAIN``).
LOOK_UP_THREADS = 64
# Compressed answers are neither asked for nor unpacked: a small one can become huge.
OUR_HEADERS = {"User-Agent": f"signalpost/{__version__}", "Accept-Encoding": "identity"}
MOST_WAYS = 1024
"""Addresses that are kept taken apart and judged: callbacks are called again and again."""

PROXY_WANTS_PASSWORD = 407
NOTHING_MORE = Allowance()


class Outbound:
    """Sends HTTP requests; one for each event loop, opened and closed in it, or used with ``async with``.

    Only public addresses are connected to (see ``gate``), and what ``allowance`` names. ``allow_private`` switches
    all judgement off.

    With ``proxy_url`` every request goes through that forward proxy, wherever it stands. What the host resolves to
    here is judged before; what it resolves to at the proxy is for the proxy to judge.

    ``connect_timeout_seconds`` is for each address tried, encryption included; ``total_timeout_seconds`` counts from
    the call to the last byte, with the wait for one of the ``connections``, of which one host may have
    ``connections_to_host`` (0: all). ``tls`` trusts other authorities than the
    system's; ``look_up`` is called as ``socket.getaddrinfo``, in threads.
    """

    def __init__(
        self,
        *,
        allow_private: bool,
        connections: int,
        connections_to_host: int = 0,
        allowance: Allowance = NOTHING_MORE,
        proxy_url: str | None = None,
        connect_timeout_seconds: float = 5,
        total_timeout_seconds: float = 30,
        tls: ssl.SSLContext | None = None,
        look_up: Callable[..., list[Any]] = socket.getaddrinfo,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allow_private = allow_private
        self._allowance = allowance
        self._connections = connections
        self._connections_to_host = connections_to_host
        self._proxy = None if proxy_url is None else URL(proxy_url)
        shown = None if self._proxy is None else self._proxy.host_port_subcomponent
        self._limits = Limits(connect_timeout_seconds, total_timeout_seconds, shown)
        self._connect_timeout = aiohttp.ClientTimeout(sock_connect=connect_timeout_seconds)
        self._tls = tls
        self._look_up = look_up
        self._monotonic = monotonic

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Get ready, in the running event loop."""
        self._threads = ThreadPoolExecutor(LOOK_UP_THREADS, thread_name_prefix="look-up")
        self._resolver = Resolver(self._look_up, self._threads)
        # Sockets to a proxy are not judged: somebody who may set the proxy has put it there.
        judging = not self._allow_private and self._proxy is None
        self._pool = self._open_pool(self._judge if judging else None)
        self._allowed_pool = self._open_pool(None) if judging else self._pool
        self._deadlines = Deadlines(self._limits.total_seconds)
        self._find_way = lru_cache(MOST_WAYS)(self._make_way)

    async def close(self) -> None:
        """Drop all connections."""
        await self._pool.close()
        await self._allowed_pool.close()
        self._deadlines.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _open_pool(self, judge: Judge | None) -> aiohttp.TCPConnector:
        pool = aiohttp.TCPConnector(
            limit=self._connections,
            limit_per_host=self._connections_to_host,
            resolver=Resolver(self._look_up, self._threads, judge),
            socket_factory=open_socket if judge is None else partial(open_judged_socket, judge),
            ssl=self._tls or True,
        )
        pool._factory = partial(Link, loop=asyncio.get_running_loop())  # type: ignore[assignment]  # noqa: SLF001 - no other way
        return pool

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], max_bytes: int, body: bytes | None = None
    ) -> Answer:
        """Send one request; read at most ``max_bytes`` of the answer's body. A redirect is an answer like others.

        A server may close a pooled connection just when we use it. So if a connection that served before breaks
        without a byte of an answer, the request is sent once more, with the time limit anew: it may then arrive
        twice, which at-least-once delivery allows. On a new connection nothing is repeated.

        Raises:
            AddressRefusedError: the host, or each of its addresses, is not allowed; nothing was sent.
            OutboundError: no whole answer came; its ``kind`` says why.

        """
        started_at = self._monotonic()
        try:
            if self._proxy is None:
                way = self._find_way(method, url)
            else:
                await self._judge_for_proxy(url)
                way = self._make_way(method, url)
            received = await self._send(way, headers, body, max_bytes)
        except (aiohttp.ClientError, aiohttp.http.HttpProcessingError, OSError, ValueError) as error:
            # Not "from error": the client's messages hold the whole URL, and there may be secrets in its query.
            raise explain_failure(error, url, self._limits) from None
        if self._limits.proxy is not None and received.status == PROXY_WANTS_PASSWORD:
            raise refuse_way(self._limits.proxy, find_host(url), received.status)
        return Answer(
            received.status,
            received.headers,
            received.body,
            received.truncated,
            self._monotonic() - started_at,
        )

    async def _send(
        self, way: Way, headers: Mapping[str, str], body: bytes | None, max_bytes: int
    ) -> Received:
        with self._deadlines.start():
            connection, has_served = await self._connect(way)
            try:
                return await exchange(way, connection, headers, body, max_bytes=max_bytes)
            except (aiohttp.ClientConnectionError, OSError) as error:
                if not has_served or not _is_stale(error):
                    raise
        with self._deadlines.start():
            connection, _ = await self._connect(way)
            return await exchange(way, connection, headers, body, max_bytes=max_bytes)

    async def _connect(self, way: Way) -> tuple[Connection, bool]:
        """Take a connection from the pool, or open one; the second value tells whether it has served before."""
        try:
            connection = await way.pool.connect(way.request, [], self._connect_timeout)
        except TimeoutError:
            raise aiohttp.ConnectionTimeoutError from None
        return connection, isinstance(connection.protocol, Link) and connection.protocol.has_served

    async def vet(self, url: str) -> None:
        """Look the URL's host up and judge its addresses, before anything is sent there.

        A host that cannot be found is let pass: it may be there later, and is judged whenever we connect.

        Raises:
            AddressRefusedError: the host, or each of its addresses, is not allowed.

        """
        try:
            host = URL(url).raw_host or ""
            async with asyncio.timeout(self._limits.total_seconds):
                await self._judge_host(host)
        except (OSError, ValueError):
            return

    async def _judge_for_proxy(self, url: str) -> None:
        async with asyncio.timeout(self._limits.total_seconds):
            await self._judge_host(URL(url).raw_host or "")

    def _make_way(self, method: str, url: str) -> Way:
        """Say how requests get to an address.

        Raises:
            AddressRefusedError: its host is spelt in a way that is not allowed.
            ValueError: that is no address of HTTP.
        """
        parts = URL(url)
        host = parts.raw_host or ""
        if parts.scheme not in ("http", "https"):
            raise aiohttp.InvalidURL(url)
        if self._proxy is None and (oddity := judge_spelling(host)) is not None:
            raise refuse_address(host, oddity)
        request = Target(
            method,
            parts,
            headers=OUR_HEADERS,
            loop=asyncio.get_running_loop(),
            proxy=self._proxy,
            proxy_headers=None if self._proxy is None else OUR_HEADERS,
        )
        return Way(
            pool=self._allowed_pool if self._allowance.has_host(host) else self._pool,
            request=request,
            path=str(request.url) if self._proxy and parts.scheme == "http" else request.url.raw_path_qs,
        )

    async def _judge_host(self, host: str) -> None:
        """Judge a host by what it resolves to here; one that cannot be found passes."""
        reason = judge_spelling(host)
        if reason is None and not self._allow_private and not self._allowance.has_host(host):
            reasons = [self._judge(address) for address in await self._find_addresses(host)]
            refusals = [found for found in reasons if found is not None]
            # We connect to the allowed ones only; but a proxy is free to take any of them.
            if refusals and (self._proxy is not None or len(refusals) == len(reasons)):
                reason = refusals[0]
        if reason is not None:
            raise refuse_address(host, reason)

    async def _find_addresses(self, host: str) -> list[str]:
        plain = host.rstrip(".")
        try:
            return [str(ip_address(plain))]
        except ValueError:
            pass
        if not plain:
            return []
        try:
            return [found["host"] for found in await self._resolver.resolve(plain)]
        except socket.gaierror:
            return []

    def _judge(self, address: str) -> str | None:
        return None if self._allowance.has_address(address) else judge_address(address)


def _is_stale(error: Exception) -> bool:
    """Tell whether a pooled connection broke before a byte of an answer came."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return isinstance(error.message, str)  # else it holds the part of an answer that did come
    return isinstance(error, ConnectionError | aiohttp.ClientOSError) and not isinstance(error, TimeoutError)
