"""Which proxies are believed about who asks: those of SIGNALPOST_TRUSTED_PROXIES, and nobody else."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from signalpost.api.server import bind, serve_app
from signalpost.model.errors import ConfigurationError
from signalpost.settings import load_settings

FORWARDED = {"X-Forwarded-For": "203.0.113.9", "X-Forwarded-Proto": "https"}


async def show_client(scope, receive, send):
    request = Request(scope)
    await JSONResponse([request.client.host, request.url.scheme])(scope, receive, send)


async def ask(host, headers, **given):
    """Give what the application is told of a client at ``host`` that sends these headers."""
    trusted = load_settings(**given).read_trusted_proxies()
    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(serve_app(show_client, bind(host, 0), stop, ready.set_result, trusted))
    try:
        async with httpx.AsyncClient() as client:
            url = (await ready).replace("[::]", "127.0.0.1")
            return (await client.get(url, headers=headers)).json()
    finally:
        stop.set()
        await serving


@pytest.mark.parametrize(
    ("host", "given", "seen"),
    [
        ("127.0.0.1", {}, ["203.0.113.9", "https"]),
        ("127.0.0.1", {"trusted_proxies": "127.0.0.0/8"}, ["203.0.113.9", "https"]),
        ("127.0.0.1", {"trusted_proxies": "10.1.0.0/16, 127.0.0.1"}, ["203.0.113.9", "https"]),
        ("127.0.0.1", {"trusted_proxies": "10.1.0.0/16"}, ["127.0.0.1", "http"]),
        ("127.0.0.1", {"trusted_proxies": ""}, ["127.0.0.1", "http"]),
        # A socket that takes IPv6 and IPv4 shows the latter in the form of the former.
        ("::", {"trusted_proxies": "127.0.0.0/8"}, ["203.0.113.9", "https"]),
        ("::", {"trusted_proxies": "10.1.0.0/16"}, ["::ffff:127.0.0.1", "http"]),
    ],
)
async def test_forwarded_headers_are_believed_of_the_proxies_that_are_named(monkeypatch, host, given, seen):
    monkeypatch.setenv("FORWARDED_ALLOW_IPS", "*")  # the web server's own variable decides nothing
    assert await ask(host, FORWARDED, **given) == seen


async def test_what_a_client_claims_before_its_proxy_speaks_is_not_believed():
    claimed = {"X-Forwarded-For": "127.0.0.1, 203.0.113.9"}
    assert await ask("127.0.0.1", claimed) == ["203.0.113.9", "http"]
    chained = {"X-Forwarded-For": "127.0.0.1, 203.0.113.9, 10.1.2.3"}
    trusted = "127.0.0.1,10.1.0.0/16"
    assert await ask("127.0.0.1", chained, trusted_proxies=trusted) == ["203.0.113.9", "http"]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("*", "'\\*' is none"),
        ("proxy.internal", "'proxy.internal' is none"),
        ("127.0.0.1,10.1.0.0/33", "'10.1.0.0/33' is none"),
        ("10.1.2.3/16", "'10.1.2.3/16' has bits set"),
        ("0.0.0.0/0", "'0.0.0.0/0' is everybody"),
        ("::/0", "'::/0' is everybody"),
    ],
)
def test_what_is_no_proxy_is_refused_by_its_name(text, fault):
    with pytest.raises(ConfigurationError, match=f"SIGNALPOST_TRUSTED_PROXIES: .*{fault}.* 10.1.0.0/16"):
        load_settings(trusted_proxies=text).read_trusted_proxies()


async def test_metrics_are_open_to_nobody_who_came_through_a_proxy(make_world):
    async with make_world(roles=frozenset(), metrics_token="a token") as world:
        url = f"{world.url}/metrics"
        assert (await world.outside.get(url)).status_code == 200
        # Believed or not, a forwarded address is not one of this machine.
        for claimed in ("203.0.113.9", "127.0.0.1", "::1", ""):
            near = {"X-Forwarded-For": claimed}
            assert (await world.outside.get(url, headers=near)).status_code == 403, claimed
            near["Authorization"] = "Bearer a token"
            assert (await world.outside.get(url, headers=near)).status_code == 200
        for name in ("Forwarded", "Via", "X-Real-IP", "X-Forwarded-Host", "X-Forwarded-Proto"):
            assert (await world.outside.get(url, headers={name: "x"})).status_code == 403, name
