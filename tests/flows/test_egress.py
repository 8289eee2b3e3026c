"""Each way out of the service is judged when it connects: callbacks, provider, token and operations addresses."""

from __future__ import annotations

import pytest

from signalpost.cli.listen import run_listener
from signalpost.model.errors import ConfigurationError
from tests.api.answers import accepted, refused
from tests.support import until
from tests.unit.outbound.proxies import run_proxy

LOOPBACK = "127.0.0.1 is not a public address (loopback), and others are not allowed here"
CALLBACK, OPERATIONS = "event.notification.callback.url", "event.notification.operations.url"
QUICK = {"retry_schedule_seconds": ",".join(["0.2"] * 500)}
"""Never spent while a test is under way."""


@pytest.fixture
async def callback():
    async with run_listener() as listener:
        yield listener


@pytest.fixture
async def operations():
    async with run_listener() as listener:
        yield listener


async def connect_with_something_waiting(world, callback, operations):
    """Connect an instance where inner addresses are allowed still; its callback has not taken what it was sent."""
    instance = await world.connect(**{CALLBACK: callback.url, OPERATIONS: operations.url})
    await world.wait_for_watermark(instance["id"])
    callback.status = 503
    await world.change(1)
    await until(lambda: callback.received)
    return instance


@pytest.mark.parametrize(
    ("lifetime_seconds", "failures", "words"),
    [(86400, 1, LOOPBACK), (1, 4, f"token endpoint must not be called: {LOOPBACK}")],
)
async def test_nothing_leaves_for_inner_addresses_once_they_are_forbidden(
    make_world, callback, operations, lifetime_seconds, failures, words
):
    async with make_world(**QUICK) as world:
        await world.control("PATCH", "settings", {"expires_in": lifetime_seconds})
        instance = await connect_with_something_waiting(world, callback, operations)
    received = len(callback.received)
    async with make_world(allow_private_networks=False, failures_before_disabling=failures, **QUICK) as world:
        await world.control("DELETE", "calls")

        async def is_refused():
            rows = await world.pool.fetch("SELECT error FROM attempt WHERE status IS NULL")
            return rows and all(row["error"] == LOOPBACK for row in rows)

        async def is_given_up():
            return await world.pool.fetchval("SELECT last_error FROM operation_notice")

        await until(is_refused)
        assert await until(is_given_up) == LOOPBACK
        status = accepted(await world.client.get(f"/instances/{instance['id']}/polling"))
        assert status["resources"][0]["lastError"].endswith(words)
        assert (await world.control("GET", "calls"))["total"] == 0
    assert len(callback.received) == received
    assert operations.received == []


async def test_addresses_are_refused_when_they_are_given_and_what_the_setting_allows_is_taken(
    make_world, callback, operations
):
    given = {CALLBACK: callback.url, OPERATIONS: operations.url}
    forbidding = {"allow_private_networks": False}
    async with make_world(
        roles=frozenset(), allowed_networks="10.0.0.0/8,hooks.example", **forbidding
    ) as world:
        await world.control("DELETE", "calls")
        for key, url in given.items():
            answer = await world.client.post(
                "/instances", json=await world.body(**{CALLBACK: None, key: url})
            )
            refused(answer, 400, key, LOOPBACK)
        answer = await world.client.post("/instances", json=await world.body(**{CALLBACK: None}))
        assert LOOPBACK in refused(answer, 400, "providerData.code")["providerMessage"]
        assert (await world.control("GET", "calls"))["total"] == 0
    async with make_world(allowed_networks="127.0.0.1", **forbidding, **QUICK) as world:
        callback.received.clear()
        await connect_with_something_waiting(world, callback, operations)
    assert callback.received


async def test_all_goes_through_the_proxy_and_nothing_through_that_of_the_environment(
    make_world, callback, operations, monkeypatch
):
    async with run_proxy() as proxy, run_proxy() as other:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{other.port}")
        monkeypatch.setenv("NO_PROXY", "*")
        proxy_url = f"http://me:open-sesame@127.0.0.1:{proxy.port}"
        async with make_world(proxy_url=proxy_url, failures_before_disabling=1, **QUICK) as world:
            await connect_with_something_waiting(world, callback, operations)
            await world.control("POST", "faults", {"kind": "status", "status": 500, "times": 1000})
            await until(lambda: operations.received)
            asked = {line.split()[1].split("?")[0] for line, _ in proxy.asked}
            assert asked >= {f"{world.sandbox.url}/puboauth/token", callback.url, operations.url}
            assert all(headers["proxy-authorization"] for _, headers in proxy.asked)
            assert any("/pubapi/" in url for url in asked)
    assert other.asked == []


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"allowed_networks": "10.0.0.0/8,10.1.2.3/8"}, "SIGNALPOST_ALLOWED_NETWORKS: '10.1.2.3/8'"),
        (
            {"proxy_url": "socks5://me:open-sesame@127.0.0.1:1"},
            "SIGNALPOST_PROXY_URL: 'socks5://\\*\\*\\*@127.0.0.1:1'",
        ),
    ],
)
async def test_wrong_settings_are_named_at_the_start(make_world, settings, words):
    with pytest.raises(ConfigurationError, match=words) as caught:
        async with make_world(**settings):
            pass
    assert "open-sesame" not in str(caught.value)
