"""One request and its answer on a connection of the client's pool, and no more than that.

The client's own session does much that we have switched off (redirects, cookies, decompression, tracing), and takes as
long for it as for the exchange. So we use what it stands on: its pool, which opens and judges connections, its writer
of heads, and its reader of answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import aiohttp
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.http_writer import StreamWriter

WITHOUT_BODY = frozenset({"GET", "HEAD"})
"""Methods of which nobody expects a body, so that none is announced where there is none."""

# Longer bodies are written in pieces, each when the one before it has gone: what is written in one go is encrypted in
# one go, while nothing else runs. What is shorter than the transport's buffer never waits.
PIECE_BYTES = 32 * 1024

# Of one header of an answer, its name with it; the client takes at most 128 of them.
LONGEST_HEADER_BYTES = 16 * 1024

HEAD_ENDS = b"\r\n\r\n"
BODILESS = (b"204", b"304")
"""Statuses of answers that end with their head, whatever length it names (RFC 9112, 6.3)."""

SWITCHING_PROTOCOLS = 101
LAST_INTERIM = 199

REST_SECONDS = 5.0
"""How long one that answers a request before it has read it may take to read on: what it has taken by a 2xx is to be
had whole. One that reads no more has its answer count all the same."""


class Link(ResponseHandler):
    """One connection. ``has_served``: a whole answer came over it already. ``rests``: nothing is asked over it now.

    What comes while it rests is no answer to what is asked next: it is dropped then. Once given up it waits for nobody:
    the client's own first lets the other side read the rest, and one that never reads would keep the socket, and what
    was not sent, for ever.
    """

    has_served = False
    rests = False
    _awaits_head = False

    def ask(self) -> None:
        """Await an answer."""
        self.rests = False
        self._awaits_head = True

    def data_received(self, data: bytes) -> None:
        """Take what came.

        A head is read apart from what comes with it, unless that is as long as it says. One that is followed by more,
        as a 204 by a body, is an answer all the same, and the last on this connection: read together, the answer is
        given up for the rest.
        """
        if self.rests:
            self.close()
            return
        if self._awaits_head and (end := data.find(HEAD_ENDS)) >= 0:
            self._awaits_head = False
            end += len(HEAD_ENDS)
            length = len(data) - end
            if length and (data[9:12] in BODILESS or data.find(b"ength: %d\r\n" % length, 0, end) < 0):
                super().data_received(data[:end])
                data = data[end:]
        super().data_received(data)
        error, body = self.exception(), self._payload
        if error is not None and body is not None and not body.is_eof():
            body.set_exception(error)  # whoever reads it would wait until the end of their time

    def close(self) -> None:
        """Drop the connection."""
        transport = self.transport
        super().close()
        if transport is not None:
            transport.abort()


class Target(aiohttp.ClientRequest):
    """A request to an address as the client would make it, without a body. It serves for all requests to go there."""

    @cached_property
    def connection_key(self) -> ConnectionKey:
        """Say which connections of the pool lead there."""
        return super().connection_key


@dataclass(frozen=True, slots=True)
class Way:
    """Where requests go: the pool, the address, and what stands for it in the first line."""

    pool: aiohttp.TCPConnector
    request: Target
    path: str


class Received(NamedTuple):
    """What was answered. ``truncated``: the body went on after the bytes that were wanted."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    truncated: bool


async def exchange(
    way: Way,
    connection: Connection,
    headers: Mapping[str, str],
    body: bytes | None,
    *,
    max_bytes: int,
) -> Received:
    """Send a request, with ``headers`` over its own, and read at most ``max_bytes`` of the answer's body.

    The connection goes back to the pool once the answer is read to its end; else it is closed.

    Raises:
        aiohttp.ClientError, aiohttp.http.HttpProcessingError, OSError: no whole answer came.
        ValueError: a header cannot be written; nothing was sent.
    """
    link = connection.protocol
    assert isinstance(link, Link)
    writing: asyncio.Task[None] | None = None
    link.ask()
    try:
        link.set_response_params(
            skip_payload=way.request.method == "HEAD",
            read_until_eof=True,
            auto_decompress=False,  # a small answer can become huge
            max_field_size=LONGEST_HEADER_BYTES,
        )
        writing = await _write(way, link, headers, body)
        while True:
            message, content = await link.read()
            if message.code == SWITCHING_PROTOCOLS or not 100 <= message.code <= LAST_INTERIM:  # noqa: PLR2004
                break
        received, truncated = await _read(content, max_bytes)
        if writing is not None and 200 <= message.code <= 299:  # noqa: PLR2004 - the range of success
            await asyncio.wait({writing}, timeout=REST_SECONDS)
    except BaseException:
        connection.close()
        raise
    finally:
        is_written = writing is None or writing.done()
        if writing is not None:
            writing.cancel()
    if truncated or not is_written:
        connection.close()
    else:
        link.has_served = link.rests = True
        connection.release()
    return Received(message.code, message.headers, received, truncated)


async def _write(
    way: Way, link: Link, headers: Mapping[str, str], body: bytes | None
) -> asyncio.Task[None] | None:
    """Write the request. Of a long body gives what still writes it: an answer may come before its end."""
    request = way.request
    head = request.headers.copy()
    head.update(headers)
    if body is not None:
        head["Content-Length"] = str(len(body))
    elif request.method not in WITHOUT_BODY:
        head["Content-Length"] = "0"
    writer = StreamWriter(link, request.loop)
    await writer.write_headers(f"{request.method} {way.path} HTTP/1.1", head)
    if body is None or len(body) <= PIECE_BYTES:
        await writer.write_eof(body or b"")
        return None
    return asyncio.create_task(_write_pieces(writer, link, body))


async def _write_pieces(writer: StreamWriter, link: Link, body: bytes) -> None:
    try:
        for start in range(0, len(body), PIECE_BYTES):
            await writer.write(body[start : start + PIECE_BYTES])
            await writer.drain()
        await writer.write_eof()
        # It is over only when all of it has left: what is kept here goes with the connection.
        if link.transport is not None:
            link.transport.set_write_buffer_limits(0)
            await writer.drain()
        if link.transport is not None:
            link.transport.set_write_buffer_limits()
    except Exception as error:  # noqa: BLE001 - told to whoever reads the answer
        link.set_exception(error)


async def _read(content: aiohttp.StreamReader, max_bytes: int) -> tuple[bytes, bool]:
    """Read the body, or its first ``max_bytes``; then the second value is True."""
    pieces: list[bytes] = []
    missing = max_bytes
    while piece := await content.readany():
        pieces.append(piece[:missing])
        missing -= len(piece)
        if missing < 0:
            return b"".join(pieces), True
    return b"".join(pieces), False
