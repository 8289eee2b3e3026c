"""What is allowed by setting may be inside; nothing else comes in with it."""

from __future__ import annotations

import asyncio

import pytest
from aiohttp import web

from signalpost.model.allowance import Allowance, parse_allowance
from signalpost.model.errors import AddressRefusedError
from tests.unit.outbound.servers import RawSite, name_hosts, open_outbound, serve, serve_raw


async def answer_ok(request: web.Request) -> web.Response:
    return web.Response(text="ok")


def allow(text: str) -> Allowance:
    return parse_allowance(text, "ALLOWED")


@pytest.mark.parametrize(
    ("allowed", "host"),
    [
        ("friend.example", "friend.example"),
        ("Friend.Example.", "FRIEND.example"),
        ("friend.example", "friend.example."),
        ("*.friend.example", "a.friend.example"),
        ("*.friend.example", "A.b.friend.example."),
        ("localhost", "localhost"),
        ("xn--bcher-kva.example", "b\u00fccher.example"),
        ("127.0.0.1", "127.0.0.1"),
        ("127.0.0.1", "anybody.example"),
        ("10.0.0.0/8, 127.0.0.0/8", "anybody.example"),
        ("::1", "[::1]"),
        ("::1/128", "six.example"),
    ],
)
async def test_what_is_allowed_is_vetted_and_called_and_nothing_else(allowed: str, host: str) -> None:
    names = ["friend.example", "a.friend.example", "a.b.friend.example", "xn--bcher-kva.example", "localhost"]
    look_up = name_hosts(
        {name: ["127.0.0.1"] for name in [*names, "anybody.example"]} | {"six.example": ["::1"]}
    )
    six = ":" in allowed
    async with (
        serve(answer_ok, host="::1" if six else "127.0.0.1") as site,
        open_outbound(allow_private=False, allowance=allow(allowed), look_up=look_up) as outbound,
    ):
        url = site.url.replace("[::1]" if six else "127.0.0.1", host)
        await outbound.vet(url)
        assert (await outbound.request("GET", url, headers={}, max_bytes=10)).status == 200
        for other in ("10.0.0.1", "[fd00::1]", "169.254.169.254", "192.168.0.1", "[::ffff:127.0.0.1]"):
            if allow(allowed).has_address(other):
                continue
            with pytest.raises(AddressRefusedError):
                await outbound.request(
                    "GET",
                    site.url.replace("127.0.0.1", other).replace("[::1]", other),
                    headers={},
                    max_bytes=9,
                )
    assert len(site.requests) == 1


@pytest.mark.parametrize(
    ("allowed", "host"),
    [
        ("friend.example", "friend.example.other.example"),
        ("friend.example", "a.friend.example"),
        ("friend.example", "otherfriend.example"),
        ("*.friend.example", "friend.example"),
        ("*.friend.example", "otherfriend.example"),
        ("127.0.0.2", "127.0.0.1"),
        ("10.0.0.0/8", "127.0.0.1"),
        ("127.0.0.1", "localhost6.example"),
        ("127.0.0.0/8", "[::ffff:127.0.0.1]"),
        ("127.0.0.1", "127.1"),
        ("127.0.0.1", "127.0.0.1."),
        ("0.0.0.0/0", "[::1]"),
        ("0.0.0.0/0", "mapped.example"),
        ("::/0", "127.0.0.1"),
        ("::/0", "mapped.example"),
    ],
)
async def test_what_only_looks_allowed_is_not(allowed: str, host: str) -> None:
    names = ["friend.example.other.example", "a.friend.example", "otherfriend.example", "friend.example"]
    look_up = name_hosts(
        {name: ["127.0.0.1"] for name in names}
        | {"localhost6.example": ["::1"], "mapped.example": ["::ffff:127.0.0.1"]}
    )
    async with (
        serve(answer_ok) as site,
        open_outbound(allow_private=False, allowance=allow(allowed), look_up=look_up) as outbound,
    ):
        url = site.url.replace("127.0.0.1", host)
        with pytest.raises(AddressRefusedError):
            await outbound.vet(url)
        with pytest.raises(AddressRefusedError):
            await outbound.request("GET", url, headers={}, max_bytes=10)
    assert site.requests == []


async def test_a_connection_kept_for_one_name_serves_no_other() -> None:
    """Both stand for the same address: the first may be called, and its connection is open."""
    look_up = name_hosts({"friend.example": ["127.0.0.1"], "other.example": ["127.0.0.1"]})
    async with (
        serve(answer_ok) as site,
        open_outbound(allow_private=False, allowance=allow("friend.example"), look_up=look_up) as outbound,
    ):
        friend, other = (site.url.replace("127.0.0.1", name) for name in ("friend.example", "other.example"))
        await outbound.request("GET", friend, headers={}, max_bytes=10)
        with pytest.raises(AddressRefusedError):
            await outbound.request("GET", other, headers={"Host": "friend.example"}, max_bytes=10)
    assert len(site.requests) == 1


async def test_a_kept_connection_stays_where_it_was_made_to_when_the_name_moves() -> None:
    """It was judged when it was made. Once it is closed, the new address is judged."""
    hosts = {"moving.example": ["127.0.0.1"]}

    async def answer(site: RawSite, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        if len(site.connections[0]) == 2:
            writer.close()

    async with (
        serve_raw(answer) as site,
        open_outbound(
            allow_private=False, allowance=allow("127.0.0.1"), look_up=name_hosts(hosts)
        ) as outbound,
    ):
        url = f"http://moving.example:{site.port}/"
        await outbound.request("GET", url, headers={}, max_bytes=10)
        hosts["moving.example"] = ["10.0.0.1"]
        outbound._pool.clear_dns_cache()
        await outbound.request("GET", url, headers={}, max_bytes=10)
        with pytest.raises(AddressRefusedError):
            await outbound.request("GET", url, headers={}, max_bytes=10)
    assert [len(requests) for requests in site.connections] == [2]
