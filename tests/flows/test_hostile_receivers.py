"""Receivers that mean harm: each POST ends with a plain reason, little read, and the next one is delivered."""

from __future__ import annotations

import asyncio
import gzip
import socket
import struct

import pytest

from signalpost.delivery.egress import KEPT_CHARACTERS, READ_BYTES
from signalpost.outbound.gate import open_socket
from tests.flows.hostile import receive, say
from tests.support import PATIENCE_SECONDS, until
from tests.unit.outbound.servers import name_hosts

LARGE_BODY = b"x" * 8_000_000
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
EMPTY = b"Content-Length: 0\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
# What the kernel holds in both directions, and what is on its way, may be written beyond what is read.
MOST_WRITTEN_BYTES = 16 * 1024 * 1024
NO_HTTP = "did not answer with valid HTTP"


async def check_next(post):
    assert (await post()).status == 204


async def wait_for_next(post):
    """Where a POST may take a moment only: on a busy machine one or the other takes longer."""

    async def is_taken():
        return (await post()).status in {200, 204}

    await until(is_taken)


BROKEN = {
    "a return in a header": (b"HTTP/1.1 200 OK\r\nX: a\rSet-Cookie: b\r\n" + EMPTY, NO_HTTP),
    "a zero in a header": (b"HTTP/1.1 200 OK\r\nX: a\0b\r\n" + EMPTY, NO_HTTP),
    "a negative length": (b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nabcde", NO_HTTP),
    "a length in words": (b"HTTP/1.1 200 OK\r\nContent-Length: five\r\n\r\nabcde", NO_HTTP),
    "a length beyond numbers": (b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\nab" % 10**30, NO_HTTP),
    "two lengths": (b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcdef", NO_HTTP),
    "a length and chunks": (CHUNKED[:-2] + b"Content-Length: 5\r\n\r\n5\r\nabcde\r\n0\r\n\r\n", NO_HTTP),
    "a chunk beyond numbers": (CHUNKED + b"f" * 20 + b"\r\nab", NO_HTTP),
    "a negative chunk": (CHUNKED + b"-5\r\nabcde\r\n", NO_HTTP),
    "a chunk longer than it says": (CHUNKED + b"2\r\nabcde\r\n0\r\n\r\n", NO_HTTP),
    "a chunk that ends early": (CHUNKED + b"5\r\nab", "hung up in the middle of its answer"),
    "endless trailers": (CHUNKED + b"0\r\n" + b"X: y\r\n" * 100_000, "headers .* are too long"),
    "a huge header": (b"HTTP/1.1 200 OK\r\nX: " + b"x" * 20_000 + b"\r\n" + EMPTY, "headers .* are too long"),
    "headers without end": (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 100_000, "headers .* are too long"),
    "a huge first line": (b"HTTP/1.1 200 " + b"x" * 100_000 + b"\r\n\r\n", "headers .* are too long"),
    "HTTP/0.9": (b"<html>hello</html>", NO_HTTP),
    "HTTP/2": (b"\0\0\6\4\0\0\0\0\0\0\5\0\x10\0\0", NO_HTTP),
    "encryption": (b"\x15\3\1\0\2\2\x46", NO_HTTP),
    "noise": (bytes(range(256)) * 100, NO_HTTP),
    "nothing": (b"", "hung up without an answer"),
    "half a header": (b"HTTP/1.1 200 OK\r\nContent-Le", "hung up without an answer"),
    "half a body": (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx", "hung up in the middle"),
}


@pytest.mark.parametrize(("answer", "words"), BROKEN.values(), ids=list(BROKEN))
async def test_a_broken_answer_is_no_delivery(answer, words):
    async with receive(say(answer)) as (post, _):
        answered = await post()
        assert (answered.status, answered.excerpt) == (None, None)
        with pytest.raises(ValueError, match=words):
            raise ValueError(answered.error)
        await check_next(post)


ODD = {
    "a redirect of 10 kB": (b"HTTP/1.1 302 X\r\nLocation: http://x/" + b"a" * 10_000 + b"\r\n" + EMPTY, 302),
    "a redirect of all": (b"HTTP/1.1 308 X\r\nLocation: https://x/?token=SECRET\r\n" + EMPTY, 308),
    "a redirect inside": (b"HTTP/1.1 307 X\r\nLocation: http://169.254.169.254/latest\r\n" + EMPTY, 307),
    "a redirect in bytes": (b"HTTP/1.1 302 X\r\nLocation: \xff\xfe\x1b[31m\r\n" + EMPTY, 302),
    "a header in two lines": (b"HTTP/1.1 500 X\r\nX: a\r\n b\r\n" + EMPTY, 500),
    "an unknown status": (b"HTTP/1.1 999 X\r\n" + EMPTY, 999),
    "no status": (b"HTTP/1.1 000 X\r\n" + EMPTY, 0),
    "another protocol": (b"HTTP/1.1 101 X\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n\0\1\2", 101),
    "a thousand hints first": (b"HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n" * 1000 + OK, 200),
    "two answers": (OK + b"HTTP/1.1 500 X\r\n" + EMPTY, 200),
    "a body where none belongs": (b"HTTP/1.1 204 X\r\nContent-Length: 2\r\n\r\nok", 204),
    "a body without a word": (b"HTTP/1.1 204 X\r\n\r\n<p>ok</p>", 204),
    "a body beyond its length": (OK + b", and more", 200),
    "a refusal beyond its length": (b"HTTP/1.1 503 X\r\nContent-Length: 2\r\n\r\nno, and more", 503),
    "chunks beyond their end": (CHUNKED + b"2\r\nok\r\n0\r\n\r\nand more", 200),
    "no packed body": (b"HTTP/1.1 500 X\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc", 500),
}


@pytest.mark.parametrize(("answer", "status"), ODD.values(), ids=list(ODD))
async def test_an_odd_answer_is_taken_as_it_is(answer, status):
    async with receive(say(answer)) as (post, receiver):
        answered = await post()
        assert answered.status == status
        assert (answered.error is None) is (200 <= status <= 299)
        if 300 <= status <= 399:
            assert "redirects are not followed" in answered.error
            assert len(answered.error) < 700
        assert receiver.connections == 1
        await check_next(post)


@pytest.mark.parametrize(
    ("head", "piece"),
    [
        (b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 65536),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 10000000000\r\n\r\n", b"x" * 65536),
        (CHUNKED, b"10000\r\n" + b"x" * 65536 + b"\r\n"),
        (CHUNKED, b"1\r\nx\r\n" * 10_000),
        (b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\n", gzip.compress(bytes(65536 * 100))),
        (b"HTTP/1.1 200 OK\r\n\r\n", bytes(range(256)) * 256),
    ],
)
async def test_of_an_endless_answer_the_beginning_is_read_and_the_connection_closed(head, piece):
    async def act(receiver, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(head.replace(b"200 OK", b"500 X"))
        await receiver.pour(writer, piece)

    async with receive(act) as (post, receiver):
        answered = await post()
        assert answered.status == 500
        assert answered.excerpt
        await asyncio.wait_for(receiver.closed.wait(), PATIENCE_SECONDS)
        assert receiver.written < MOST_WRITTEN_BYTES
        await check_next(post)


def test_what_is_read_and_kept_is_little():
    assert (READ_BYTES, KEPT_CHARACTERS) == (64 * 1024, 1024)


async def drip(receiver, reader, writer):
    await dawdle(receiver, writer, b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")


async def drip_headers(receiver, reader, writer):
    await dawdle(receiver, writer, b"HTTP/1.1 200 OK\r\nX: ")


async def dawdle(receiver, writer, beginning):
    writer.write(beginning)
    while not receiver.over.is_set():
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def flood(receiver, reader, writer):
    await receiver.pour(writer, b"HTTP/1.1 100 Continue\r\n\r\n" * 100)


async def lengthen(receiver, reader, writer):
    writer.write(CHUNKED + b"1;")
    await receiver.pour(writer, b"x" * 65536)


async def hold(receiver, reader, writer):
    await receiver.over.wait()


@pytest.mark.parametrize("body", [b"body", LARGE_BODY], ids=["short", "long"])
@pytest.mark.parametrize("act", [drip, drip_headers, flood, lengthen, hold])
async def test_one_that_takes_for_ever_is_left_after_the_total_time(act, body):
    async with receive(act, total_timeout_seconds=0.3) as (post, _):
        answered = await post(body)
        assert (answered.status, answered.error) == (None, "no whole answer from 127.0.0.1 within 0.3 s")
        await wait_for_next(post)


async def stay(receiver, reader, writer):
    writer.write(OK)
    await receiver.over.wait()


async def leave(receiver, reader, writer):
    writer.write(OK)
    await writer.drain()


@pytest.mark.parametrize("act", [stay, leave])
async def test_an_answer_before_the_body_was_read_counts_and_the_rest_is_not_sent_into_the_next(
    act, monkeypatch
):
    monkeypatch.setattr("signalpost.outbound.exchange.REST_SECONDS", 0.2)
    async with receive(act) as (post, receiver):
        answered = await post(LARGE_BODY)
        assert answered.status == 200 or "hung up" in answered.error
        await check_next(post)
        assert receiver.connections == 2


@pytest.mark.parametrize("more", [b"", b"Connection: close\r\n"])
async def test_who_takes_a_body_before_it_was_read_and_reads_on_has_it_whole(more):
    read = []

    async def act(receiver, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(OK.replace(b"Content", more + b"Content"))
        await writer.drain()
        while sum(read) < len(LARGE_BODY) and (piece := await reader.read(65536)):
            read.append(len(piece))
        receiver.closed.set()

    async with receive(act) as (post, receiver):
        assert (await post(LARGE_BODY)).status == 200
        await receiver.closed.wait()
        assert sum(read) == len(LARGE_BODY)
        await check_next(post)


@pytest.mark.parametrize("act", [stay, hold])
async def test_one_that_never_reads_keeps_no_connection(act, monkeypatch):
    opened = []

    def note(found):
        opened.append(open_socket(found))
        return opened[-1]

    monkeypatch.setattr("signalpost.outbound.client.open_socket", note)
    async with receive(act, total_timeout_seconds=0.3) as (post, _):
        await post(LARGE_BODY)
        await until(lambda: opened[0].fileno() == -1)


async def test_a_reset_in_the_middle():
    async def act(receiver, reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nx")
        await writer.drain()
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)

    async with receive(act) as (post, _):
        answered = await post()
        assert "hung up" in answered.error
        await check_next(post)


async def test_bytes_are_shown_escaped():
    body = b"\x1f\x8b\x08\0\0\xff\xfe\x1b[31m\r\n\xe2\x80\xae" * 100
    answer = b"HTTP/1.1 500 X\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body) + body
    async with receive(say(answer)) as (post, _):
        answered = await post()
    assert answered.excerpt.startswith("\\x1f\\x8b\\x08\\x00\\x00\\xff\\xfe\\x1b[31m\\r\\n\\u202e")


async def test_a_host_of_fifty_addresses_that_do_not_answer_takes_no_longer_than_others():
    names = name_hosts({"many.example": ["127.0.0.1"] * 50})
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        callers = [socket.socket() for _ in range(4)]
        for caller in callers:
            caller.setblocking(False)
            caller.connect_ex(server.getsockname())
        url = f"http://many.example:{server.getsockname()[1]}/"
        given = {"look_up": names, "connect_timeout_seconds": 0.1, "total_timeout_seconds": 0.5}
        async with receive(say(OK), **given) as (post, _):
            answered = await post(url=url)
            assert answered.error == "no whole answer from many.example within 0.5 s"
            await wait_for_next(post)
        for caller in callers:
            caller.close()
