"""Every way to fail is told apart, in plain words, without secrets."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import socket
import traceback
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp.client_reqrep import ConnectionKey

from signalpost.outbound import OutboundError
from signalpost.outbound.failures import Limits, explain_failure
from tests.unit.outbound.servers import Authority, RawSite, open_outbound, serve_raw

SECRET_PATH = "/in?token=SECRET"


async def fail(url: str, **given: object) -> OutboundError:
    async with open_outbound(**given) as outbound:
        with pytest.raises(OutboundError) as caught:
            await outbound.request("POST", url, headers={}, body=b"body", max_bytes=1000)
    assert "SECRET" not in "".join(traceback.format_exception(caught.value))
    return caught.value


async def fail_on(answer: bytes, **given: object) -> OutboundError:
    """Fail on a server that answers with these bytes and hangs up."""

    async def turn(site: RawSite, writer: asyncio.StreamWriter) -> None:
        writer.write(answer)
        writer.close()

    async with serve_raw(turn) as site:
        return await fail(f"http://127.0.0.1:{site.port}{SECRET_PATH}", **given)


@pytest.fixture
def free_port() -> Iterator[int]:
    """Hold a port on which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


@contextlib.asynccontextmanager
async def fill_backlog() -> AsyncIterator[int]:
    """Listen on a port that takes no more connections."""
    with socket.socket() as server, contextlib.ExitStack() as stack:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        for _ in range(4):
            caller = stack.enter_context(socket.socket())
            caller.setblocking(False)
            caller.connect_ex(server.getsockname())
        yield server.getsockname()[1]


async def test_nobody_listens(free_port: int) -> None:
    error = await fail(f"http://127.0.0.1:{free_port}{SECRET_PATH}")
    assert error.kind == "refused"
    assert str(error) == f"nobody listens at 127.0.0.1 on port {free_port}"


async def test_a_name_without_address() -> None:
    def look_up(*_: object, **__: object) -> list[object]:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    error = await fail(f"https://nowhere.example{SECRET_PATH}", look_up=look_up)
    assert error.kind == "dns"
    assert str(error) == "no address found for nowhere.example: Name or service not known"


async def test_a_name_that_cannot_be_one() -> None:
    error = await fail(f"http://{'a' * 64}.example{SECRET_PATH}")
    assert error.kind == "dns"


def test_no_way_there() -> None:
    # Made by hand: on loopback there is always a way.
    key = ConnectionKey("192.0.2.1", 9, False, True, None, None, None)
    fault = aiohttp.ClientConnectorError(key, OSError(errno.ENETUNREACH, "Network is unreachable"))
    error = explain_failure(fault, f"http://192.0.2.1:9{SECRET_PATH}", Limits(5, 30))
    assert isinstance(error, OutboundError)
    assert error.kind == "connect"
    assert str(error) == "no connection to 192.0.2.1: Network is unreachable"


async def test_no_connection_in_time() -> None:
    async with fill_backlog() as port:
        error = await fail(f"http://127.0.0.1:{port}{SECRET_PATH}", connect_timeout_seconds=0.2)
    assert error.kind == "timeout"
    assert str(error) == "no connection to 127.0.0.1 within 0.2 s"


@pytest.mark.parametrize(
    "beginning", [b"", b"HTTP/1.1 200 OK\r\n", b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx"]
)
async def test_no_whole_answer_in_time(beginning: bytes) -> None:
    over = asyncio.Event()

    async def dawdle(site: RawSite, writer: asyncio.StreamWriter) -> None:
        writer.write(beginning)
        await over.wait()

    async with serve_raw(dawdle) as site:
        error = await fail(f"http://127.0.0.1:{site.port}{SECRET_PATH}", total_timeout_seconds=0.2)
        over.set()
    assert error.kind == "timeout"
    assert str(error) == "no whole answer from 127.0.0.1 within 0.2 s"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (b"", "reset"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "reset"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", "reset"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nab", "reset"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n", "protocol"),
        (b"220 mail.example ESMTP\r\n", "protocol"),
        (b"HTTP/1.1 abc\r\n\r\n", "protocol"),
        (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000 + b"\r\n\r\n", "protocol"),
    ],
)
async def test_a_broken_answer(answer: bytes, kind: str) -> None:
    error = await fail_on(answer)
    assert error.kind == kind
    assert "127.0.0.1" in str(error)


@pytest.mark.parametrize(
    ("url", "headers"),
    [
        ("http://127.0.0.1:9/", {"X-Bad": "a\r\nb"}),
        ("http://127.0.0.1:99999/?token=SECRET", {}),
        ("gopher://127.0.0.1/?token=SECRET", {}),
        ("?token=SECRET", {}),
    ],
)
async def test_a_request_that_cannot_be_written(url: str, headers: dict[str, str]) -> None:
    async def turn(site: RawSite, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with serve_raw(turn) as site, open_outbound() as outbound:
        with pytest.raises(OutboundError) as caught:
            await outbound.request("GET", url.replace(":9/", f":{site.port}/"), headers=headers, max_bytes=10)
    assert caught.value.kind == "protocol"
    assert "SECRET" not in str(caught.value)
    assert site.connections in ([], [[]])


@pytest.mark.parametrize(
    ("name", "days", "trusted", "words"),
    [
        ("localhost", 1, False, "its issuer is not trusted here"),
        ("localhost", -1, True, "certificate has expired"),
        ("example.com", 1, True, "(?i)hostname mismatch.*localhost"),
    ],
)
async def test_a_certificate_that_is_not_accepted(
    name: str, days: int, trusted: bool, words: str, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)

    async def turn(site: RawSite, writer: asyncio.StreamWriter) -> None:
        raise AssertionError

    async with serve_raw(turn, tls=authority.serve_as(name, days=days)) as site:
        error = await fail(
            f"https://localhost:{site.port}{SECRET_PATH}", tls=authority.trust() if trusted else None
        )
    assert error.kind == "tls"
    with pytest.raises(OutboundError, match=words):
        raise error


async def test_a_certificate_that_is_accepted(tmp_path: Path) -> None:
    authority = Authority(tmp_path)

    async def turn(site: RawSite, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")

    async with (
        serve_raw(turn, tls=authority.serve_as("localhost")) as site,
        open_outbound(tls=authority.trust()) as outbound,
    ):
        answer = await outbound.request("GET", f"https://localhost:{site.port}/", headers={}, max_bytes=10)
    assert (answer.status, answer.body) == (204, b"")


async def test_a_server_that_does_not_encrypt() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        error = await fail(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}{SECRET_PATH}")
    assert error.kind == "tls"


async def test_a_server_that_hangs_up_on_encryption() -> None:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.transport.abort()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        error = await fail(f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}{SECRET_PATH}")
    assert error.kind == "reset"
