"""What goes between a worker and PostgreSQL, in bytes: counted at a socket that stands between the two."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

READ_BYTES = 65536


@dataclass(slots=True)
class Wire:
    """Bytes to PostgreSQL and from it, so far."""

    sent: int = 0
    received: int = 0

    def clear(self) -> None:
        """Count anew."""
        self.sent = self.received = 0


@asynccontextmanager
async def open_wire(server: Path, path: Path) -> AsyncIterator[Wire]:
    """Pass on what comes to the socket ``path`` to PostgreSQL's, ``server``, and back."""
    wire = Wire()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, is_sent: bool) -> None:
        with contextlib.suppress(ConnectionError):
            while data := await reader.read(READ_BYTES):
                if is_sent:
                    wire.sent += len(data)
                else:
                    wire.received += len(data)
                writer.write(data)
                await writer.drain()
        writer.close()

    async def join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        answers, questions = await asyncio.open_unix_connection(server)
        await asyncio.gather(
            pass_on(reader, questions, is_sent=True), pass_on(answers, writer, is_sent=False)
        )

    listening = await asyncio.start_unix_server(join, path)
    try:
        yield wire
    finally:
        listening.close()
