"""Sends requests to providers and callbacks, and reads what they answer."""

from __future__ import annotations

import asyncio
import io
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Self

import aiohttp

from signalpost import __version__
from signalpost.model.addresses import judge_address
from signalpost.outbound.answer import Answer
from signalpost.outbound.failures import explain_failure, find_host, refuse_address
from signalpost.outbound.gate import OPENED, Resolver, open_public_socket, open_socket

# A look-up blocks its thread, for half a minute if a name server is silent: so they get threads of their own, and
# enough of them that a few dead names delay nobody else.
LOOK_UP_THREADS = 32
# The client warns of longer bodies given as bytes: it would write them in one go, while nothing else runs.
LONGEST_BYTES_BODY = 1024 * 1024


class Outbound:
    """Sends HTTP requests; one for each event loop, opened and closed in it, or used with ``async with``.

    Only public addresses are connected to (see ``gate``). ``allow_private`` switches that off for all hosts,
    ``allowed_hosts`` (names or addresses as in the URL, lower case) for some.

    ``connect_timeout_seconds`` is for each address tried, encryption included; ``total_timeout_seconds`` counts from
    the call to the last byte, with the wait for one of the ``connections``. ``tls`` trusts other authorities than the
    system's; ``look_up`` is called as ``socket.getaddrinfo``, in threads.
    """

    def __init__(
        self,
        *,
        allow_private: bool,
        connections: int,
        allowed_hosts: frozenset[str] = frozenset(),
        connect_timeout_seconds: float = 5,
        total_timeout_seconds: float = 30,
        tls: ssl.SSLContext | None = None,
        look_up: Callable[..., list[Any]] = socket.getaddrinfo,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._allow_private = allow_private
        self._allowed_hosts = allowed_hosts
        self._connections = connections
        self._connect_seconds = connect_timeout_seconds
        self._total_seconds = total_timeout_seconds
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
        self._resolver = Resolver(self._look_up, self._threads, judging=not self._allow_private)
        self._session = self._open_session(self._resolver, judging=not self._allow_private)
        self._allowed_session = self._session
        if self._allowed_hosts and not self._allow_private:
            unjudging = Resolver(self._look_up, self._threads, judging=False)
            self._allowed_session = self._open_session(unjudging, judging=False)

    async def close(self) -> None:
        """Drop all connections."""
        await self._session.close()
        await self._allowed_session.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _open_session(self, resolver: Resolver, *, judging: bool) -> aiohttp.ClientSession:
        session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(
                limit=self._connections,
                resolver=resolver,
                socket_factory=open_public_socket if judging else open_socket,
                ssl=self._tls or True,
            ),
            # Compressed answers are neither asked for nor unpacked: a small one can become huge.
            headers={"User-Agent": f"signalpost/{__version__}", "Accept-Encoding": "identity"},
            auto_decompress=False,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=self._total_seconds, sock_connect=self._connect_seconds),
            trust_env=False,
        )
        # The client's own second try of a GET does not ask whether the connection was a new one; ours does.
        session._retry_connection = False  # noqa: SLF001 - there is no public switch
        return session

    async def request(
        self, method: str, url: str, *, headers: Mapping[str, str], max_bytes: int, body: bytes | None = None
    ) -> Answer:
        """Send one request; read at most ``max_bytes`` of the answer's body. A redirect is an answer like others.

        A server may close a pooled connection just when we use it. So if a connection that served before breaks
        without a byte of an answer, the request is sent once more, with the time limit anew: it may then arrive
        twice, which at-least-once delivery allows. On a new connection nothing is repeated.

        Raises:
            AddressRefusedError: the host, or each of its addresses, is not public; nothing was sent.
            OutboundError: no whole answer came; its ``kind`` says why.

        """
        started_at = self._monotonic()
        session = self._session
        if self._allowed_hosts and self._is_allowed(find_host(url)):
            session = self._allowed_session
        opened: list[int] = []
        token = OPENED.set(opened)
        try:
            try:
                response = await _send(session, method, url, headers, body)
            except (aiohttp.ClientConnectionError, OSError) as error:
                if opened or not _is_stale(error):
                    raise
                response = await _send(session, method, url, headers, body)
            content, truncated = await _read(response, max_bytes)
        except (aiohttp.ClientError, OSError, ValueError) as error:
            # Not "from error": the client's messages hold the whole URL, and there may be secrets in its query.
            raise explain_failure(
                error, url, connect_seconds=self._connect_seconds, total_seconds=self._total_seconds
            ) from None
        finally:
            OPENED.reset(token)
        return Answer(response.status, response.headers, content, truncated, self._monotonic() - started_at)

    async def vet(self, url: str) -> None:
        """Look the URL's host up and judge its addresses, before anything is sent there.

        A host that cannot be found is let pass: it may be there later, and is judged whenever we connect.

        Raises:
            AddressRefusedError: the host, or each of its addresses, is not public.

        """
        host = find_host(url)
        if self._allow_private or self._is_allowed(host):
            return
        try:
            async with asyncio.timeout(self._total_seconds):
                found = await self._resolver.resolve(host.rstrip("."))
        except OSError:
            return
        # The resolver leaves out what is not public, unless there is nothing else.
        reason = judge_address(found[0]["host"])
        if reason is not None:
            raise refuse_address(host, reason)

    def _is_allowed(self, host: str) -> bool:
        return host.lower().rstrip(".") in self._allowed_hosts


async def _send(
    session: aiohttp.ClientSession, method: str, url: str, headers: Mapping[str, str], body: bytes | None
) -> aiohttp.ClientResponse:
    payload = io.BytesIO(body) if body is not None and len(body) > LONGEST_BYTES_BODY else body
    return await session.request(method, url, headers=headers, data=payload, allow_redirects=False)


def _is_stale(error: Exception) -> bool:
    """Tell whether a pooled connection broke before a byte of an answer came."""
    if isinstance(error, aiohttp.ServerDisconnectedError):
        return isinstance(error.message, str)  # else it holds the part of an answer that did come
    return isinstance(error, ConnectionError | aiohttp.ClientOSError) and not isinstance(error, TimeoutError)


async def _read(response: aiohttp.ClientResponse, max_bytes: int) -> tuple[bytes, bool]:
    """Read the body, or its first ``max_bytes``; then the connection is closed, and the second value is True."""
    length = response.content_length
    if length is not None and length <= max_bytes:
        return await response.read(), False
    pieces: list[bytes] = []
    missing = max_bytes
    try:
        while piece := await response.content.readany():
            pieces.append(piece[:missing])
            missing -= len(piece)
            if missing < 0:
                break
    except BaseException:
        response.close()
        raise
    if missing < 0:
        response.close()
    else:
        response.release()
    return b"".join(pieces), missing < 0
