"""A receiver that can be told how to misbehave, and a way to POST to it: what the tests of hostile receivers share."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from datetime import UTC, datetime

from signalpost.delivery.configuration import read_delivery_settings
from signalpost.delivery.egress import KEPT_CHARACTERS, Egress, Message
from tests.unit.outbound.servers import open_outbound


class Receiver:
    """Does as ``act`` says on the first ``times`` connections, and answers 204 on the others.

    ``written`` counts the bytes that it could write; ``closed`` is set when one that it poured into was closed.
    """

    def __init__(self, act, times=1):
        self.act, self.times = act, times
        self.connections = self.written = 0
        self.closed, self.over = asyncio.Event(), asyncio.Event()

    async def talk(self, reader, writer):
        self.connections += 1
        try:
            if self.connections <= self.times:
                await self.act(self, reader, writer)
            else:
                await reader.readuntil(b"\r\n\r\n")
                writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            self.closed.set()
        except asyncio.CancelledError:
            pass  # the test is over
        finally:
            writer.close()

    async def pour(self, writer, piece):
        while True:
            writer.write(piece)
            await writer.drain()
            self.written += len(piece)


@asynccontextmanager
async def receive(act, *, times=1, server_tls=None, **given):
    """Give a function that POSTs to such a receiver, and the receiver."""
    receiver = Receiver(act, times)
    server = await asyncio.start_server(receiver.talk, "127.0.0.1", 0, ssl=server_tls)
    port = server.sockets[0].getsockname()[1]
    async with server, open_outbound(**given) as outbound:

        async def post(body=b"body", url="http://127.0.0.1:{port}/in?token=SECRET", **configuration):
            message = Message("1", datetime.now(UTC), "application/json", body)
            settings = read_delivery_settings(configuration)
            answered = await Egress(outbound).post(url.format(port=port), settings, message)
            for text in (answered.error, answered.excerpt):
                assert text is None or (text.isprintable() and len(text) <= KEPT_CHARACTERS)
            assert "SECRET" not in (answered.error or "")
            return answered

        yield post, receiver
        receiver.over.set()


def say(answer):
    async def act(receiver, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        await writer.drain()

    return act
