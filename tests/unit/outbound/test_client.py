"""Requests that are answered: what is sent, what is read, and what is never done."""

from __future__ import annotations

import asyncio
import gzip

import pytest
from aiohttp import web

from signalpost import __version__
from signalpost.outbound import OutboundError
from signalpost.outbound.exchange import Link
from tests.support import PATIENCE_SECONDS
from tests.unit.outbound.servers import RawSite, open_outbound, serve, serve_raw

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


async def answer_ok(request: web.Request) -> web.Response:
    return web.Response(text="ok")


async def test_sends_the_bytes_given_and_gives_the_answer_back() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=503, text="later", headers={"Retry-After": "7"})

    now = iter([10.0, 12.5])
    async with serve(answer) as site, open_outbound(monotonic=lambda: next(now)) as outbound:
        got = await outbound.request(
            "POST", site.url + "/a%2Fb?c=d", headers={"X-One": "1"}, body=b"\x00bytes\n", max_bytes=100
        )
    assert (got.status, got.body, got.truncated, got.seconds) == (503, b"later", False, 2.5)
    assert got.headers["retry-after"] == got.headers["RETRY-AFTER"] == "7"
    request, body = site.requests[0]
    assert (request.method, request.raw_path, body) == ("POST", "/a%2Fb?c=d", b"\x00bytes\n")
    assert request.headers["X-One"] == "1"
    assert request.headers["User-Agent"] == f"signalpost/{__version__}"
    assert request.headers["Accept-Encoding"] == "identity"


async def test_sends_large_bodies() -> None:
    body = bytes(range(256)) * 5 * 4096
    async with serve(answer_ok) as site, open_outbound() as outbound:
        await outbound.request("POST", site.url, headers={}, body=body, max_bytes=100)
    request, received = site.requests[0]
    assert received == body
    assert request.headers["Content-Length"] == str(len(body))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_follows_no_redirect(status: int) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": "/elsewhere"})

    async with serve(answer) as site, open_outbound() as outbound:
        got = await outbound.request("POST", site.url, headers={}, body=b"x", max_bytes=100)
    assert got.status == status
    assert len(site.requests) == 1


async def test_keeps_no_cookies() -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.Response(headers={"Set-Cookie": "a=b; Path=/"})

    async with serve(answer) as site, open_outbound() as outbound:
        for _ in range(2):
            await outbound.request("GET", site.url, headers={}, max_bytes=100)
    assert "Cookie" not in site.requests[1][0].headers


async def test_uses_no_proxy_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name)  # by which the tests' own clients pass such a proxy
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with serve(answer_ok) as site, open_outbound() as outbound:
        assert (await outbound.request("GET", site.url, headers={}, max_bytes=100)).status == 200


async def test_unpacks_nothing() -> None:
    packed = gzip.compress(bytes(1_000_000))

    async def answer(request: web.Request) -> web.Response:
        return web.Response(body=packed, headers={"Content-Encoding": "gzip"})

    async with serve(answer) as site, open_outbound() as outbound:
        got = await outbound.request("GET", site.url, headers={}, max_bytes=100_000)
    assert got.body == packed


@pytest.mark.parametrize("chunked", [True, False])
@pytest.mark.parametrize(
    ("size", "limit", "truncated"),
    [(9, 10, False), (10, 10, False), (11, 10, True), (900_000, 10, True), (0, 0, False)],
)
async def test_reads_no_more_than_the_limit(chunked: bool, size: int, limit: int, truncated: bool) -> None:
    async def answer(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        if chunked:
            response.enable_chunked_encoding()
        else:
            response.content_length = size
        await response.prepare(request)
        await response.write(b"x" * size)
        return response

    async with serve(answer) as site, open_outbound() as outbound:
        got = await outbound.request("GET", site.url, headers={}, max_bytes=limit)
    assert got.body == b"x" * min(size, limit)
    assert got.truncated is truncated


async def test_closes_the_connection_of_an_endless_answer() -> None:
    closed = asyncio.Event()

    async def pour(site: RawSite, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
        try:
            while True:
                writer.write(b"x" * 10_000)
                await writer.drain()
        except ConnectionError:
            closed.set()
            raise

    async with serve_raw(pour) as site, open_outbound() as outbound:
        got = await outbound.request("GET", f"http://127.0.0.1:{site.port}/", headers={}, max_bytes=1000)
        assert (got.body, got.truncated) == (b"x" * 1000, True)
        await asyncio.wait_for(closed.wait(), PATIENCE_SECONDS)


@pytest.mark.parametrize("method", ["GET", "POST"])
@pytest.mark.parametrize("reset", [True, False])
async def test_sends_again_when_a_used_connection_breaks_unanswered(method: str, reset: bool) -> None:
    async def break_second(site: RawSite, writer: asyncio.StreamWriter) -> None:
        if len(site.connections) == 1 and len(site.connections[0]) == 2:
            if reset:
                writer.transport.abort()
            writer.close()
        else:
            writer.write(OK)

    async with serve_raw(break_second) as site, open_outbound() as outbound:
        for _ in range(2):
            got = await outbound.request(
                method, f"http://127.0.0.1:{site.port}/", headers={}, body=b"body", max_bytes=100
            )
            assert got.body == b"ok"
    first, second = site.connections
    assert [len(first), len(second)] == [2, 1]
    assert first[1] == second[0]
    assert second[0].endswith(b"body")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_sends_only_once_on_a_new_connection(method: str) -> None:
    async def hang_up(site: RawSite, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with serve_raw(hang_up) as site, open_outbound() as outbound:
        with pytest.raises(OutboundError) as caught:
            await outbound.request(
                method, f"http://127.0.0.1:{site.port}/", headers={}, body=b"body", max_bytes=100
            )
    assert caught.value.kind == "reset"
    assert [len(requests) for requests in site.connections] == [1]


async def test_sends_only_once_when_an_answer_had_begun() -> None:
    async def break_off_second(site: RawSite, writer: asyncio.StreamWriter) -> None:
        if len(site.connections[0]) == 1:
            writer.write(OK)
        else:
            writer.write(b"HTTP/1.1 200 OK\r\nContent-Le")
            writer.close()

    async with serve_raw(break_off_second) as site, open_outbound() as outbound:
        url = f"http://127.0.0.1:{site.port}/"
        await outbound.request("POST", url, headers={}, body=b"body", max_bytes=100)
        with pytest.raises(OutboundError, match="hung up"):
            await outbound.request("POST", url, headers={}, body=b"body", max_bytes=100)
    assert [len(requests) for requests in site.connections] == [2]


async def test_uses_connections_again_and_at_most_as_many_as_allowed() -> None:
    async def answer(site: RawSite, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)

    async with serve_raw(answer) as site, open_outbound(connections=2) as outbound:
        url = f"http://127.0.0.1:{site.port}/"
        await asyncio.gather(*(outbound.request("GET", url, headers={}, max_bytes=9) for _ in range(20)))
    assert len(site.connections) <= 2
    assert sum(len(requests) for requests in site.connections) == 20


async def test_an_answer_before_the_end_of_a_long_body_is_taken_and_the_connection_dropped() -> None:
    """Nobody reads the rest: what is still to be written must not keep the answer waiting."""
    over = asyncio.Event()
    talks: list[asyncio.Task[None] | None] = []

    async def refuse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        talks.append(asyncio.current_task())
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\n\r\nno")
        await over.wait()
        writer.transport.abort()

    server = await asyncio.start_server(refuse, "127.0.0.1", 0)
    async with server, open_outbound() as outbound:
        url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        for _ in range(2):
            got = await outbound.request("POST", url, headers={}, body=bytes(16 << 20), max_bytes=10)
            assert (got.status, got.body) == (413, b"no")
        over.set()
        assert len(talks) == 2
        await asyncio.gather(*(talk for talk in talks if talk is not None))
        await asyncio.sleep(0)


async def test_the_pool_makes_connections_of_our_kind() -> None:
    """They know whether they have served; the client has no public way to give its own to the pool."""

    async def answer(site: RawSite, writer: asyncio.StreamWriter) -> None:
        writer.write(OK)

    async with serve_raw(answer) as site, open_outbound() as outbound:
        url = f"http://127.0.0.1:{site.port}/"
        await outbound.request("GET", url, headers={}, max_bytes=9)
        ((kept, _),) = next(iter(outbound._pool._conns.values()))
    assert isinstance(kept, Link)
    assert kept.has_served


async def test_what_is_given_goes_over_what_is_ours_in_any_letter_case() -> None:
    async with serve(answer_ok) as site, open_outbound() as outbound:
        for headers in ({"user-agent": "other"}, {}):
            await outbound.request("POST", site.url, headers=headers, max_bytes=100)
    (first, _), (second, _) = site.requests
    assert first.headers.getall("User-Agent") == ["other"]
    assert second.headers.getall("User-Agent") == [f"signalpost/{__version__}"]
    assert second.headers["Content-Length"] == "0"
    assert second.headers["Accept"] == "*/*"


async def test_a_header_that_cannot_be_written_sends_nothing() -> None:
    async with serve(answer_ok) as site, open_outbound() as outbound:
        with pytest.raises(OutboundError, match="cannot be written"):
            await outbound.request(
                "POST", site.url, headers={"X-One": "a\r\nX-Two: b"}, body=b"x", max_bytes=9
            )
        assert (await outbound.request("GET", site.url, headers={}, max_bytes=9)).status == 200
    assert len(site.requests) == 1
