"""A real forward proxy on loopback: it takes every name for this machine."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field


@dataclass
class Proxy:
    """``asked``: the first line and the headers of each request. ``refusal``: the status it refuses all with."""

    port: int = 0
    refusal: str | None = None
    asked: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    async def talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := (await reader.readuntil(b"\r\n\r\n")).decode():
                line, *rows = head.strip().split("\r\n")
                headers = {name.lower(): value for name, value in (row.split(": ", 1) for row in rows)}
                self.asked.append((line, headers))
                if self.refusal is not None:
                    writer.write(f"HTTP/1.1 {self.refusal}\r\nContent-Length: 2\r\n\r\nno".encode())
                elif line.startswith("CONNECT "):
                    await self._open_tunnel(line.split()[1], reader, writer)
                    return
                else:
                    body = await reader.readexactly(int(headers.get("content-length", "0")))
                    await self._pass_on(line, rows, body, writer)
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _open_tunnel(
        self, target: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", int(target.rpartition(":")[2]))
        writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        await asyncio.gather(_pour(reader, back), _pour(there, writer))

    async def _pass_on(self, line: str, rows: list[str], body: bytes, writer: asyncio.StreamWriter) -> None:
        method, url, version = line.split()
        place, _, path = url.removeprefix("http://").partition("/")
        there, back = await asyncio.open_connection("127.0.0.1", int(place.rpartition(":")[2]))
        kept = [row for row in rows if not row.lower().startswith(("proxy-", "connection:"))]
        head = "\r\n".join([f"{method} /{path} {version}", *kept, "Connection: close"])
        back.write(head.encode() + b"\r\n\r\n" + body)
        await _pour(there, writer)
        back.close()


async def _pour(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while piece := await source.read(65536):
            sink.write(piece)
            await sink.drain()
    except ConnectionError:
        pass
    sink.close()


@asynccontextmanager
async def run_proxy(refusal: str | None = None, tls: ssl.SSLContext | None = None) -> AsyncIterator[Proxy]:
    proxy = Proxy(refusal=refusal)
    server = await asyncio.start_server(proxy.talk, "127.0.0.1", 0, ssl=tls)
    proxy.port = server.sockets[0].getsockname()[1]
    async with server:
        yield proxy
