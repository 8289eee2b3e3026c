"""No way round the judgement of addresses."""

from __future__ import annotations

import asyncio
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from aiohttp import web

from signalpost.model.addresses import judge_address
from signalpost.model.errors import AddressRefusedError
from signalpost.outbound import OutboundError
from signalpost.outbound.client import LOOK_UP_THREADS
from signalpost.outbound.gate import RefusedSocketError, Resolver, open_judged_socket
from tests.unit.outbound.servers import name_hosts, open_outbound, serve


async def answer_ok(request: web.Request) -> web.Response:
    return web.Response(text="ok")


SPELLINGS = [
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "0x7f.1",
    "0x7f000001",
    "0177.0.0.1",
    "017700000001",
    "2130706433",
    "\uff11\uff12\uff17.0.0.1",
    "127.0.0.1\u3002",
    "0",
    "0.0.0.0",
    "localhost",
    "LOCALHOST",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[64:ff9b::7f00:1]",
    "[2002:7f00:1::]",
    "169.254.169.254",
    "10.0.0.1",
    "[fe80::1]",
    "[fd00:ec2::254]",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
async def test_refuses_each_spelling_of_an_inner_address(spelling: str) -> None:
    async with serve(answer_ok) as site, open_outbound(allow_private=False) as outbound:
        url = site.url.replace("127.0.0.1", spelling) + "/?token=SECRET"
        with pytest.raises(AddressRefusedError) as caught:
            await outbound.request("POST", url, headers={}, body=b"x", max_bytes=10)
        with pytest.raises(AddressRefusedError):
            await outbound.vet(url)
    assert "is not a public address" in str(caught.value)
    assert "SECRET" not in str(caught.value)
    assert site.requests == []


@pytest.mark.parametrize(
    "addresses", [["127.0.0.1"], ["127.0.0.1", "10.0.0.1"], ["::1", "127.0.0.1", "fd00::1"]]
)
@pytest.mark.parametrize("dot", ["", "."])
async def test_refuses_a_name_with_inner_addresses_only(addresses: list[str], dot: str) -> None:
    look_up = name_hosts({"inside.example": addresses, "inside.example.": addresses})
    async with serve(answer_ok) as site, open_outbound(allow_private=False, look_up=look_up) as outbound:
        url = site.url.replace("127.0.0.1", "inside.example" + dot)
        with pytest.raises(AddressRefusedError, match=r"^inside\.example\.? is not a public address \("):
            await outbound.request("GET", url, headers={}, max_bytes=10)
        with pytest.raises(AddressRefusedError, match=r"inside\.example"):
            await outbound.vet(url)
    assert site.requests == []


async def test_uses_only_the_public_addresses_of_a_name() -> None:
    mixed = ["127.0.0.1", "8.8.8.8", "fd00::1", "2606:4700::1111", "10.0.0.1"]
    with ThreadPoolExecutor(1) as threads:
        resolver = Resolver(name_hosts({"mixed.example": mixed}), threads, judge_address)
        found = await resolver.resolve("mixed.example", 443)
        assert [(row["host"], row["port"], row["family"]) for row in found] == [
            ("8.8.8.8", 443, socket.AF_INET),
            ("2606:4700::1111", 443, socket.AF_INET6),
        ]
        all_found = await Resolver(name_hosts({"mixed.example": mixed}), threads).resolve("mixed.example")
        assert [row["host"] for row in all_found] == mixed


async def test_lets_public_and_unknown_hosts_pass_the_vetting() -> None:
    look_up = name_hosts({"mixed.example": ["10.0.0.1", "8.8.8.8"]})
    async with open_outbound(allow_private=False, look_up=look_up) as outbound:
        await outbound.vet("https://mixed.example/")
        await outbound.vet("https://unknown.example/")


def test_opens_no_socket_to_an_inner_address() -> None:
    with pytest.raises(RefusedSocketError) as caught:
        open_judged_socket(judge_address, (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", 80)))
    assert caught.value.reason == "loopback"
    open_judged_socket(judge_address, (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("8.8.8.8", 80))).close()


async def test_a_name_is_judged_anew_when_its_address_has_changed() -> None:
    hosts = {"moving.example": ["8.8.8.8"]}
    async with (
        serve(answer_ok) as site,
        open_outbound(allow_private=False, look_up=name_hosts(hosts)) as outbound,
    ):
        url = site.url.replace("127.0.0.1", "moving.example")
        await outbound.vet(url)
        hosts["moving.example"] = ["127.0.0.1"]
        with pytest.raises(AddressRefusedError):
            await outbound.request("GET", url, headers={}, max_bytes=10)
    assert site.requests == []


async def test_private_addresses_can_be_allowed_altogether() -> None:
    async with serve(answer_ok) as site, open_outbound(allow_private=True) as outbound:
        for host in ("127.0.0.1", "localhost"):
            url = site.url.replace("127.0.0.1", host)
            await outbound.vet(url)
            assert (await outbound.request("GET", url, headers={}, max_bytes=10)).body == b"ok"


async def test_a_domain_whose_name_server_is_silent_delays_nobody_else() -> None:
    found, silent = name_hosts({"good.example": ["127.0.0.1"]}), threading.Event()

    def look_up(host: str, *given: Any, **named: Any) -> list[Any]:
        if host.endswith(".silent.example"):
            silent.wait(30)
        return found(host, *given, **named)

    async with (
        serve(answer_ok) as site,
        open_outbound(allow_private=True, look_up=look_up, connections=500) as outbound,
    ):
        names = [f"http://{number}.silent.example/" for number in range(3 * LOOK_UP_THREADS)]
        asked = [asyncio.create_task(outbound.request("GET", url, headers={}, max_bytes=10)) for url in names]
        try:
            await asyncio.sleep(0.1)
            url = site.url.replace("127.0.0.1", "good.example")
            assert (await outbound.request("GET", url, headers={}, max_bytes=10)).body == b"ok"
            asked[0].cancel()  # who gives up lets nobody else in while the thread is at work
        finally:
            silent.set()
        answers = await asyncio.gather(*asked, return_exceptions=True)
    assert {type(each) for each in answers} == {asyncio.CancelledError, OutboundError}
    assert all(each.kind == "dns" for each in answers if isinstance(each, OutboundError))
