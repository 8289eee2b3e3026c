"""The server around the application: what comes between taking the address and listening on it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import pytest
from starlette.responses import PlainTextResponse

from signalpost.api.server import bind, serve_app
from signalpost.model.errors import ConfigurationError


@asynccontextmanager
async def connected(app):
    """Serve an application; give a connection to it."""
    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve_app(app, bind("127.0.0.1", 0), stop, ready.set_result))
    place = urlsplit(await ready)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        yield reader, writer
    finally:
        writer.close()
        stop.set()
        await serving


async def test_a_port_that_another_process_took_while_this_one_started_is_told():
    ready = []
    with bind("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with bind("127.0.0.1", port) as second:  # two processes may bind it, one may listen
            first.listen()
            with pytest.raises(ConfigurationError, match=f"cannot listen on 127.0.0.1:{port} "):
                await serve_app(None, second, asyncio.Event(), ready.append)
    assert ready == []


async def test_a_request_that_says_twice_how_long_it_is_is_refused_and_nothing_behind_it_is_taken():
    asked = []

    async def note(scope, receive, send):
        asked.append(scope["path"])
        await PlainTextResponse("well")(scope, receive, send)

    lengths = "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
    behind = "GET /behind HTTP/1.1\r\nHost: x\r\n\r\n"
    async with connected(note) as (reader, writer):
        writer.write(f"POST /first HTTP/1.1\r\nHost: x\r\n{lengths}{behind}".encode())
        answer = await reader.read()  # to the end: the connection is closed
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert answer.count(b"HTTP/1.1") == 1
    assert asked == []


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("http://x.example:8080/a%20b/%2Fc?d=http://y/z", "/a b//c"),
        ("HTTPS://x.example", "/"),
        ("http://x.example?d", "/"),
        ("/http://x.example/a", "/http://x.example/a"),
        ("http:///a", "http:///a"),  # no address: there is nothing at that
    ],
)
async def test_a_whole_address_is_answered_as_its_path(target, path):
    asked = []

    async def note(scope, receive, send):
        asked.append((scope["path"], scope["query_string"].decode()))
        await PlainTextResponse("well")(scope, receive, send)

    async with connected(note) as (reader, writer):
        writer.write(f"GET {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode())
        assert (await reader.read()).startswith(b"HTTP/1.1 200 ")
    assert asked == [(path, target.partition("?")[2])]


async def test_a_connection_is_kept_for_longer_than_balancers_and_clients_wait_between_two_requests(
    monkeypatch,
):
    """A request that is sent just as the server closes is lost: a client that asked every 5 s met that again and again."""
    loop, timers = asyncio.get_running_loop(), []
    call_later = loop.call_later

    def note(seconds, callback, *given, **named):
        if "keep_alive" in getattr(callback, "__name__", ""):
            timers.append((seconds, callback))
        return call_later(seconds, callback, *given, **named)

    monkeypatch.setattr(loop, "call_later", note)
    async with connected(PlainTextResponse("well")) as (reader, writer):
        for _ in range(2):
            writer.write(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert (await reader.readuntil(b"well")).startswith(b"HTTP/1.1 200 ")
        [*_, (seconds, end)] = timers
        assert seconds > 120
        end()  # as it does when the time has come
        assert await reader.read() == b""


@pytest.mark.parametrize("protocol", ["h2c", "websocket", "TLS/1.2"])
async def test_an_offer_of_another_protocol_is_passed_over_and_not_logged(caplog, protocol):
    """As Java's own client makes one of HTTP/2 with each connection."""
    offer = f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: {protocol}\r\nHTTP2-Settings: AAEAAEAA\r\n"
    async with connected(PlainTextResponse("well")) as (reader, writer):
        for _ in range(2):
            writer.write(f"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n{offer}\r\n{{}}".encode())
            assert (await reader.readuntil(b"well")).startswith(b"HTTP/1.1 200 ")
    assert [each.getMessage() for each in caplog.records if each.levelname == "WARNING"] == []
