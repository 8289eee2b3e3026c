"""Connections that never send a whole request, or take no answer, end; those at work do not, however long it lasts."""

from __future__ import annotations

import asyncio
import socket
from contextlib import ExitStack, suppress
from urllib.parse import urlsplit

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from signalpost.api import connections
from signalpost.api.server import bind, serve_app
from tests.support import until

HEAD_SECONDS = 0.4
LARGE = 40_000_000
GET = b"GET /%s HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture
async def connect(monkeypatch):
    """Make connections to a server that has little patience."""
    monkeypatch.setattr(connections, "HEAD_SECONDS", HEAD_SECONDS)
    going_on, writers = asyncio.Event(), []

    async def app(scope, receive, send):
        path = scope["path"]
        if path == "/slow":
            await going_on.wait()
        body = await Request(scope, receive).body() if path == "/body" else b""
        text = "x" * LARGE if path == "/large" else f"well {len(body)}"
        await PlainTextResponse(text)(scope, receive, send)

    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve_app(app, bind("127.0.0.1", 0), stop, ready.set_result))
    place = urlsplit(await ready)

    async def connect():
        reader, writer = await asyncio.open_connection(place.hostname, place.port, limit=2 * LARGE)
        writers.append(writer)
        return reader, writer

    connect.going_on = going_on
    yield connect
    going_on.set()
    for writer in writers:
        writer.close()
    stop.set()
    await serving


async def drip(writer, line: bytes = b"x") -> None:
    """Send a little again and again, until the other side has hung up."""
    with suppress(OSError):
        while not writer.is_closing():
            writer.write(line)
            await writer.drain()
            await asyncio.sleep(HEAD_SECONDS / 10)


async def read_while_dripping(reader, writer, line: bytes) -> bytes:
    dripping = asyncio.create_task(drip(writer, line))
    try:
        return await reader.read()
    except ConnectionError:  # what was sent meanwhile was refused
        return b""
    finally:
        dripping.cancel()


@pytest.mark.parametrize("begin", [b"", b"GET / HTTP/1.1\r\n", b"GET /" + 100 * b"a"])
async def test_a_head_that_never_ends_is_answered_408(connect, begin):
    reader, writer = await connect()
    writer.write(begin)
    answer = await read_while_dripping(reader, writer, b"x: y\r\n" if b"\n" in begin else b"x")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert answer.endswith(b"the head of a request is to come within 30 s")


async def test_so_is_that_of_a_second_request_and_one_that_waits_behind_another(connect):
    reader, writer = await connect()
    writer.write(GET % b"first" + b"GET /second HTTP/1.1\r\n")
    assert (await reader.readuntil(b"well 0")).startswith(b"HTTP/1.1 200 ")
    assert (await read_while_dripping(reader, writer, b"x: y\r\n")).startswith(b"HTTP/1.1 408 ")


async def test_a_connection_that_sends_nothing_is_closed_without_a_word(connect, monkeypatch):
    monkeypatch.setattr(connections, "KEEP_ALIVE_SECONDS", HEAD_SECONDS)
    reader, _ = await connect()
    assert await reader.read() == b""


async def test_a_body_that_never_ends_behind_its_answer_ends_the_connection(connect):
    reader, writer = await connect()
    writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
    assert (await reader.readuntil(b"well 0")).startswith(b"HTTP/1.1 200 ")
    assert await read_while_dripping(reader, writer, b"x") == b""


async def test_what_is_at_work_is_not_cut_off_however_long_it_takes(connect):
    (slow, writer), (body, sender) = await connect(), await connect()
    writer.write(GET % b"slow" + GET % b"slow")  # the second waits behind the first
    sender.write(b"POST /body HTTP/1.1\r\nHost: x\r\nContent-Length: 20\r\n\r\n")
    for _ in range(20):
        sender.write(b"x")
        await asyncio.sleep(HEAD_SECONDS / 10)
    assert (await body.readuntil(b"well 20")).startswith(b"HTTP/1.1 200 ")
    connect.going_on.set()
    for _ in range(2):
        assert (await slow.readuntil(b"well 0")).startswith(b"HTTP/1.1 200 ")
    writer.write(GET % b"third")  # and the connection is good for more
    assert (await slow.readuntil(b"well 0")).startswith(b"HTTP/1.1 200 ")


async def test_an_answer_is_given_up_where_nothing_of_it_is_taken_between_two_looks(connect, monkeypatch):
    loop, looks = asyncio.get_running_loop(), []
    call_later = loop.call_later

    def note(seconds, callback, *given, **named):
        if callback.__name__ != "_judge_stall":
            return call_later(seconds, callback, *given, **named)
        looks.append((seconds, callback, given))
        return call_later(600, callback, *given)  # it is called by hand

    monkeypatch.setattr(loop, "call_later", note)
    reader, writer = await connect()
    reader._transport.pause_reading()
    writer.write(GET % b"large")
    await until(lambda: looks)
    taken = 0
    for number in range(1, 4):
        (seconds, look, (left,)) = looks[-1]
        assert seconds == connections.STALL_SECONDS
        while look.__self__.transport.get_write_buffer_size() >= left:  # systems keep some on the way
            reader._transport.resume_reading()
            taken += len(await reader.read(100_000))
            reader._transport.pause_reading()
            await asyncio.sleep(0)
        look(left)
        assert len(looks) == number + 1
        assert not look.__self__.transport.is_closing()
    _, look, (left,) = looks[-1]
    look(look.__self__.transport.get_write_buffer_size())
    reader._transport.resume_reading()
    with suppress(ConnectionError):
        taken += len(await reader.read())
    assert taken < LARGE


async def test_of_too_many_that_goes_which_has_been_silent_for_longest_and_none_at_work(connect, monkeypatch):
    working, writer = await connect()
    writer.write(GET % b"slow")
    silent = [await connect() for _ in range(3)]
    for reader, each in silent[::-1]:
        each.write(GET % b"")
        await reader.readuntil(b"well 0")
    monkeypatch.setattr(connections, "count_most", lambda: 4)
    newest, asking = await connect()
    with suppress(ConnectionError):
        await silent[-1][0].read()  # heard of first
    assert silent[-1][0].at_eof() or silent[-1][0].exception()
    asking.write(GET % b"")
    await newest.readuntil(b"well 0")
    for _, each in silent[:-1]:
        each.write(GET % b"slow")
    asking.write(GET % b"slow")
    refused, _ = await connect()
    await until(lambda: refused.at_eof() or refused.exception())
    connect.going_on.set()
    for reader in (working, newest, silent[0][0], silent[1][0]):
        await reader.readuntil(b"well 0")


async def test_for_each_of_several_that_come_at_once_another_goes(connect, monkeypatch):
    monkeypatch.setattr(connections, "count_most", lambda: 4)
    silent = [await connect() for _ in range(4)]
    host, port = silent[0][1].get_extra_info("peername")
    with ExitStack() as stack:  # they wait to be accepted together
        new = [stack.enter_context(socket.create_connection((host, port))) for _ in range(3)]
        for reader, _ in silent[:3]:
            with suppress(ConnectionError):
                assert await reader.read() == b""
        for each in new:
            reader, writer = await asyncio.open_connection(sock=each.dup())
            writer.write(GET % b"")
            await reader.readuntil(b"well 0")
            writer.close()
    silent[3][1].write(GET % b"")
    await silent[3][0].readuntil(b"well 0")


async def test_of_many_a_twentieth_goes_at_once(connect, monkeypatch):
    """Else each that comes would have all looked through."""
    monkeypatch.setattr(connections, "count_most", lambda: 40)
    silent = [await connect() for _ in range(40)]
    await connect()
    for reader, _ in silent[:3]:
        with suppress(ConnectionError):
            assert await reader.read() == b""
    await connect()
    await connect()
    silent[3][1].write(GET % b"")
    await silent[3][0].readuntil(b"well 0")


def test_connections_get_a_part_of_the_files_that_may_be_open(monkeypatch):
    for soft, most in ((1024, 256), (1_048_576, 10_000), (connections.resource.RLIM_INFINITY, 10_000)):
        monkeypatch.setattr(connections.resource, "getrlimit", lambda _, soft=soft: (soft, soft))
        assert connections.count_most() == most
