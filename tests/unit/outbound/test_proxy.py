"""Through a forward proxy: everything, judged before, with its failures told as its own, and its password never."""

from __future__ import annotations

import asyncio
import socket
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest
from aiohttp import web

from signalpost.model.allowance import parse_allowance
from signalpost.model.errors import AddressRefusedError
from signalpost.outbound import OutboundError
from tests.unit.outbound.proxies import run_proxy
from tests.unit.outbound.servers import Authority, RawSite, name_hosts, open_outbound, serve, serve_raw
from tests.unit.outbound.test_ways_round import NAMES, PUBLIC, REFUSALS

PASSWORD = "p%40ss:SECRET"
LOOK_UP = name_hosts(NAMES)


async def answer_ok(request: web.Request) -> web.Response:
    return web.Response(text="ok")


async def answer_204(site: RawSite, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")


@pytest.fixture
def free_port() -> Iterator[int]:
    """Hold a port on which nobody listens."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield held.getsockname()[1]


async def fail(proxy_url: str, url: str, **given: object) -> OutboundError:
    async with open_outbound(
        **{"allow_private": False, "proxy_url": proxy_url, "look_up": LOOK_UP, **given}
    ) as outbound:
        with pytest.raises(OutboundError) as caught:
            await outbound.request("POST", url, headers={}, body=b"body", max_bytes=100)
    shown = "".join(traceback.format_exception(caught.value))
    assert "SECRET" not in shown
    assert "p@ss" not in shown
    return caught.value


async def test_plain_requests_go_to_the_proxy_in_absolute_form() -> None:
    async with (
        serve(answer_ok) as site,
        run_proxy() as proxy,
        open_outbound(
            allow_private=False, look_up=LOOK_UP, proxy_url=f"http://me:{PASSWORD}@127.0.0.1:{proxy.port}"
        ) as outbound,
    ):
        url = site.url.replace("127.0.0.1", "public.example") + "/a?b=c"
        for _ in range(2):
            got = await outbound.request("POST", url, headers={}, body=b"body", max_bytes=100)
            assert (got.status, got.body) == (200, b"ok")
    assert [line for line, _ in proxy.asked] == [f"POST {url} HTTP/1.1"] * 2
    # "me:p@ss:SECRET"
    assert {headers["proxy-authorization"] for _, headers in proxy.asked} == {"Basic bWU6cEBzczpTRUNSRVQ="}
    request, body = site.requests[0]
    assert (body, request.headers["Host"]) == (b"body", url.split("/")[2])
    assert "Proxy-Authorization" not in request.headers


@pytest.mark.parametrize("encrypted", [False, True])
async def test_encrypted_requests_go_through_a_tunnel(encrypted: bool, tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    async with (
        serve_raw(answer_204, tls=authority.serve_as("public.example")) as site,
        run_proxy(tls=authority.serve_as("localhost") if encrypted else None) as proxy,
        open_outbound(
            allow_private=False,
            tls=authority.trust(),
            look_up=name_hosts({**NAMES, "localhost": ["127.0.0.1"]}),
            proxy_url=f"http{'s' if encrypted else ''}://me:{PASSWORD}@localhost:{proxy.port}",
        ) as outbound,
    ):
        for _ in range(2):
            got = await outbound.request(
                "GET", f"https://public.example:{site.port}/x?token=SECRET", headers={}, max_bytes=9
            )
            assert got.status == 204
    [(line, headers)] = proxy.asked
    assert line == f"CONNECT public.example:{site.port} HTTP/1.1"
    assert headers["proxy-authorization"].startswith("Basic ")
    [requests] = site.connections
    assert b"roxy" not in b"".join(requests)


@pytest.mark.parametrize(("host", "reason"), REFUSALS[::3])
async def test_what_leads_inside_is_not_handed_to_the_proxy(host: str, reason: str) -> None:
    async with (
        run_proxy() as proxy,
        open_outbound(
            allow_private=False, look_up=LOOK_UP, proxy_url=f"http://127.0.0.1:{proxy.port}"
        ) as outbound,
    ):
        for scheme in ("http", "https"):
            with pytest.raises(AddressRefusedError, match="is not a public address"):
                await outbound.request("GET", f"{scheme}://{host}/", headers={}, max_bytes=9)
    assert proxy.asked == []


async def test_a_name_that_leads_partly_inside_is_not_handed_to_the_proxy() -> None:
    async with (
        run_proxy() as proxy,
        open_outbound(
            allow_private=False, look_up=LOOK_UP, proxy_url=f"http://127.0.0.1:{proxy.port}"
        ) as outbound,
    ):
        with pytest.raises(AddressRefusedError, match="private"):
            await outbound.vet("http://mixed.example/")
        with pytest.raises(AddressRefusedError, match="private"):
            await outbound.request("GET", "http://mixed.example/", headers={}, max_bytes=9)
    assert proxy.asked == []


async def test_hosts_outside_and_those_that_only_the_proxy_knows_go_through() -> None:
    hosts = [host for host in PUBLIC if host != "mixed.example"]
    async with (
        run_proxy("503 Busy") as proxy,
        open_outbound(
            allow_private=False, look_up=LOOK_UP, proxy_url=f"http://127.0.0.1:{proxy.port}"
        ) as outbound,
    ):
        for host in hosts:
            await outbound.vet(f"http://{host}/")
            got = await outbound.request("GET", f"http://{host}/", headers={}, max_bytes=9)
            assert got.status == 503
    assert len(proxy.asked) == len(hosts)


@pytest.mark.parametrize(
    ("given", "host"),
    [
        ({"allowance": parse_allowance("inside.example", "X")}, "inside.example"),
        ({"allowance": parse_allowance("10.0.0.0/8", "X")}, "mixed.example"),
        ({"allowance": parse_allowance("10.0.0.0/8", "X")}, "10.1.1.1"),
        ({"allow_private": True}, "inside.example"),
    ],
)
async def test_what_is_allowed_goes_through(given: dict[str, object], host: str) -> None:
    async with serve(answer_ok) as site, run_proxy() as proxy:
        url = site.url.replace("127.0.0.1", host)
        proxy_url = f"http://127.0.0.1:{proxy.port}"
        async with open_outbound(
            **{"allow_private": False, "look_up": LOOK_UP, "proxy_url": proxy_url, **given}
        ) as outbound:
            assert (await outbound.request("GET", url, headers={}, max_bytes=9)).body == b"ok"
    assert len(proxy.asked) == 1


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_down(scheme: str, free_port: int) -> None:
    error = await fail(
        f"http://me:{PASSWORD}@127.0.0.1:{free_port}", f"{scheme}://public.example/?token=SECRET"
    )
    assert error.kind == "refused"
    assert str(error) == f"nobody listens at the proxy 127.0.0.1:{free_port} on port {free_port}"


async def test_a_proxy_that_has_no_address() -> None:
    error = await fail(f"http://me:{PASSWORD}@proxy.example:3128", "http://public.example/?token=SECRET")
    assert error.kind == "dns"
    assert "no address found for the proxy proxy.example:3128" in str(error)


@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_wants_a_password(scheme: str) -> None:
    async with run_proxy("407 Proxy Authentication Required") as proxy:
        error = await fail(
            f"http://me:{PASSWORD}@127.0.0.1:{proxy.port}", f"{scheme}://public.example/?token=SECRET"
        )
    assert error.kind == "proxy"
    assert str(error) == (
        f"the proxy 127.0.0.1:{proxy.port} does not let us through to public.example: it answered 407;"
        " it wants a user name and password"
    )


async def test_a_proxy_that_refuses() -> None:
    async with run_proxy("403 No SECRET") as proxy:
        error = await fail(f"http://127.0.0.1:{proxy.port}", "https://public.example/")
    assert error.kind == "proxy"
    assert str(error).endswith("does not let us through to public.example: it answered 403")


@pytest.mark.parametrize("noise", [b"", b"SSH-2.0-x\r\n\r\n"])
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_none(noise: bytes, scheme: str) -> None:
    async def turn(site: RawSite, writer: asyncio.StreamWriter) -> None:
        writer.write(noise)
        writer.close()

    async with serve_raw(turn) as site:
        error = await fail(f"http://me:{PASSWORD}@127.0.0.1:{site.port}", f"{scheme}://public.example/")
    assert error.kind == ("protocol" if noise else "reset")
    assert str(error).endswith(f"(through the proxy 127.0.0.1:{site.port})")


async def test_a_proxy_that_never_answers() -> None:
    over = asyncio.Event()

    async def turn(site: RawSite, writer: asyncio.StreamWriter) -> None:
        await over.wait()

    async with serve_raw(turn) as site:
        error = await fail(
            f"http://127.0.0.1:{site.port}", "https://public.example/", total_timeout_seconds=0.2
        )
        over.set()
    assert error.kind == "timeout"
    assert f"through the proxy 127.0.0.1:{site.port}" in str(error)


async def test_a_certificate_is_judged_behind_the_proxy_and_at_it(tmp_path: Path) -> None:
    authority = Authority(tmp_path)
    trust = authority.trust()
    async with serve_raw(answer_204, tls=authority.serve_as("other.example")) as site, run_proxy() as proxy:
        url = f"https://public.example:{site.port}/"
        error = await fail(f"http://127.0.0.1:{proxy.port}", url, tls=trust)
        assert "the certificate of public.example is not accepted" in str(error)
    async with run_proxy(tls=authority.serve_as("other.example")) as proxy:
        error = await fail(f"https://127.0.0.1:{proxy.port}", url, tls=trust)
    assert error.kind == "tls"
    assert f"the certificate of the proxy 127.0.0.1:{proxy.port} is not accepted" in str(error)


async def test_the_environment_sets_no_proxy_and_makes_no_exceptions(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    netrc = tmp_path / "netrc"
    netrc.write_text("default login me password SECRET\n")
    monkeypatch.setenv("NETRC", str(netrc))
    for name in ("NO_PROXY", "no_proxy"):
        monkeypatch.delenv(name)  # by which the tests' own clients pass such a proxy
    async with serve(answer_ok) as site, run_proxy() as proxy, run_proxy() as other:
        for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{other.port}")
            monkeypatch.setenv(name.lower(), f"http://127.0.0.1:{other.port}")
        async with open_outbound() as outbound:
            await outbound.request("GET", site.url, headers={}, max_bytes=9)
        for name in ("NO_PROXY", "no_proxy"):
            monkeypatch.setenv(name, "*")
        async with open_outbound(proxy_url=f"http://127.0.0.1:{proxy.port}") as outbound:
            await outbound.request("GET", site.url, headers={}, max_bytes=9)
    assert (len(proxy.asked), len(other.asked)) == (1, 0)
    assert all("Authorization" not in request.headers for request, _ in site.requests)
