"""What the installation's settings forbid, and what the provider cannot do just now: refused with nothing half-done."""

from __future__ import annotations

import pytest

from tests.api.answers import accepted, refused

CALLBACK = "event.notification.callback.url"
INTERVAL = "event.poller.refresh_interval"


async def check_nothing_was_made(world):
    assert accepted(await world.client.get("/instances")) == []
    for table in ("instance", "endpoint", "credential", "resource_poll"):
        assert await world.pool.fetchval(f"SELECT count(*) FROM {table}") == 0


async def test_callbacks_to_private_addresses_are_refused_in_every_spelling(make_world):
    async with make_world(allow_private_networks=False, roles=frozenset()) as world:
        await world.control("DELETE", "calls")
        for host in [
            "127.0.0.1",
            "localhost",
            "127.1",
            "0x7f.1",
            "2130706433",
            "017700000001",
            "0.0.0.0",
            "10.0.0.1",
            "172.16.0.1",
            "192.168.1.1",
            "100.64.0.1",
            "169.254.169.254",
            "[::1]",
            "[::]",
            "[fe80::1]",
            "[fc00::1]",
            "[::ffff:127.0.0.1]",
            "[64:ff9b::7f00:1]",
        ]:
            for url in [f"http://{host}/events", f"https://{host}:8443/events"]:
                answer = await world.client.post("/instances", json=await world.body(**{CALLBACK: url}))
                refused(answer, 400, CALLBACK, "is not a public address")
                tried = accepted(await world.client.post("/instances/test-callback", json={"url": url}))
                assert tried["status"] is None
                assert "not a public address" in tried["error"]
        await check_nothing_was_made(world)
        assert (await world.control("GET", "calls"))["total"] == 0
        assert world.listener.received == []


async def test_the_provider_is_held_to_the_same_rule(make_world):
    async with make_world(allow_private_networks=False, roles=frozenset()) as world:
        body = await world.body(**{CALLBACK: None})
        await world.control("DELETE", "calls")
        answer = refused(await world.client.post("/instances", json=body), 400, "providerData.code")
        assert "must not be called" in answer["providerMessage"]
        assert (await world.control("GET", "calls"))["total"] == 0
        await check_nothing_was_made(world)


async def test_an_interval_below_the_least_is_refused_and_the_least_is_taken(make_world):
    async with make_world(min_poll_interval_seconds=90, roles=frozenset()) as world:
        for interval in [1, "1", 1.49, "0.5", 0]:
            answer = await world.client.post("/instances", json=await world.body(**{INTERVAL: interval}))
            refused(answer, 400, INTERVAL, repr(str(interval)), "between 1.5 and")
        await check_nothing_was_made(world)
        instance = await world.connect(**{INTERVAL: 1.5})
        body = {"configuration": {INTERVAL: 1}}
        refused(await world.client.patch(f"/instances/{instance['id']}", json=body), 400, INTERVAL)
        assert accepted(await world.client.get(f"/instances/{instance['id']}")) == instance


TOKEN, USER = "/puboauth/token", "/pubapi/v1/userinfo"


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    ("fault", "status", "words"),
    [
        ({"path": TOKEN, "kind": "status", "status": 500}, 500, "500"),
        ({"path": TOKEN, "kind": "status", "status": 409}, 500, "slow down"),
        ({"path": TOKEN, "kind": "status", "status": 429}, 500, "slow down"),
        ({"path": TOKEN, "kind": "status", "status": 401, "body": "not you"}, 400, "not you"),
        ({"path": TOKEN, "kind": "status", "status": 200, "body": "<html>"}, 400, "JSON"),
        ({"path": TOKEN, "kind": "status", "status": 200, "body": "[]"}, 400, "no object"),
        ({"path": TOKEN, "kind": "status", "status": 200, "body": "{}"}, 400, "access_token"),
        ({"path": TOKEN, "kind": "reset"}, 500, "did not answer"),
        ({"path": USER, "kind": "status", "status": 503}, 500, "503"),
        ({"path": USER, "kind": "status", "status": 200, "body": "{}"}, 400, "no id"),
        ({"path": USER, "kind": "over_rate"}, 500, ""),
        ({"path": USER, "kind": "revoked_token"}, 400, ""),
        ({"path": USER, "kind": "reset"}, 500, "did not answer"),
        ({"path": USER, "kind": "truncate"}, 400, "no valid JSON"),
    ],
)
async def test_a_provider_in_trouble(still, fault, status, words):
    await still.control("POST", "faults", {"times": 5, **fault})
    body = await still.body()
    answer = refused(await still.client.post("/instances", json=body), status, "Egnyte")
    assert words in answer["providerMessage"]
    assert accepted(await still.client.get("/instances")) == []
    await still.control("DELETE", "faults")
    if status == 500:  # it says whether the same may be sent again
        spent = "a code, or a refresh token given alone, is spent" in answer["message"]
        again = await still.client.post("/instances", json=body)
        assert (again.status_code == 400) is spent
    await still.connect()


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    "fault",
    [{"kind": "status", "status": 503, "times": 2}, {"kind": "reset", "times": 1}, {"kind": "over_qps"}],
)
async def test_a_code_is_not_lost_to_a_provider_that_fails_for_a_moment(still, fault):
    await still.control("POST", "faults", {"path": USER, **fault})
    try:
        assert accepted(await still.client.post("/instances", json=await still.body()))["valid"]
    finally:
        await still.control("DELETE", "faults")


@pytest.mark.asyncio(loop_scope="session")
async def test_a_callback_is_tried_by_one_sample(still):
    received = len(still.listener.received)
    key = {"event.notification.signature.key": "a signature key"}
    body = {"url": still.listener.url, "configuration": key}
    shown = accepted(await still.client.post("/instances/test-callback", json=body))
    assert set(shown) == {"status", "durationMilliseconds", "error"}
    assert (shown["status"], shown["error"]) == (200, None)
    assert len(still.listener.received) == received + 1
    assert still.listener.received[-1]["valid"] is True
    gone = accepted(await still.client.post("/instances/test-callback", json={"url": "http://127.0.0.1:1/"}))
    assert gone["status"] is None
    assert gone["error"]
    for wrong in [
        {},
        {"url": ""},
        {"url": "ftp://example.com"},
        {"url": "foo"},
        {"url": 5},
        {"url": None},
        {"url": still.listener.url, "configuration": []},
    ]:
        answer = await still.client.post("/instances/test-callback", json=wrong)
        named = "configuration" if "configuration" in wrong else "url"
        assert refused(answer, 400)["message"].startswith(named)
    # What an instance is shown with is no key to sign with; what does not concern delivery is not looked at.
    shown = (await still.connect())["configuration"]
    masked = {"url": still.listener.url, "configuration": shown}
    answer = await still.client.post("/instances/test-callback", json=masked)
    refused(answer, 400, "configuration.event.notification.signature.key", "********")
    assert len(still.listener.received) == received + 1
    again = {"url": still.listener.url, "configuration": {**shown, **key}}
    assert accepted(await still.client.post("/instances/test-callback", json=again))["status"] == 200
