"""Secrets stay secret: through connecting and failing in many ways, none of them is answered, logged or printed."""

from __future__ import annotations

import html
import json
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import pytest
from aiohttp import web

from tests.api.answers import accepted, refused, with_token
from tests.apps import run_app
from tests.support import REDIRECT, until

KEY = "application-key-4f1d2a"
GIVEN = {
    "oauth.api.secret": "application-secret-93be07",
    "event.notification.signature.key": "signature-key-c25e18",
    "event.notification.basic.password": "callback-password-77d0aa",
}
CALLBACK_PASSWORD = "password-in-a-url-58ac"


def record_answers(world):
    """Give a list that grows by all that the service answers to the world's client."""
    texts = []

    async def keep(answer):
        texts.append(f"{answer.headers} {(await answer.aread()).decode()}")

    world.client.event_hooks = {"response": [keep]}
    return texts


async def allow_application(world):
    """Let the provider know our application, and that of the tests' usual requests."""
    keys = [(KEY, GIVEN["oauth.api.secret"]), ("key", "secret")]
    keys = [{"client_id": key, "secret": secret, "redirect_uris": [REDIRECT]} for key, secret in keys]
    await world.control("PATCH", "settings", {"strict_keys": True, "keys": keys})


async def write_body(world, **change):
    body = await world.body(
        **{**GIVEN, "oauth.api.key": KEY, "event.notification.basic.username": "ada", **change}
    )
    return {**body, "providerData": {"code": await world.authorize(KEY)}}


async def fail_to_connect(world):
    """Have connecting refused for many reasons; give the codes sent along."""
    codes = ["no-such-code-2c9e41"]
    body = await write_body(world)
    refused(await world.client.post("/instances", json={**body, "providerData": {"code": codes[0]}}), 400)
    for change in [
        {"subdomain": "acme/evil"},
        {"event.notification.callback.url": f"http://ada:{CALLBACK_PASSWORD}@example.com/"},
        {"event.notification.callback.url": f"ftp://ada:{CALLBACK_PASSWORD}@example.com/"},
        {"event.notification.callback.url": f"http://ada:{CALLBACK_PASSWORD}/@exa mple.com"},
        {"event.poller.refresh_interval": "never"},
        {"event.poller.configuration": "{"},
        {"oauth.callback.url": "https://other.example.com"},
        {"oauth.api.secret": GIVEN["oauth.api.secret"] + "-wrong"},
        {"oauth.api.key": None},
        {"event.notification.signature.key": GIVEN["event.notification.signature.key"] + "\0"},
    ]:
        body = await write_body(world, **change)
        codes.append(body["providerData"]["code"])
        refused(await world.client.post("/instances", json=body), 400)
    malformed = json.dumps(await write_body(world))[:-2].encode()
    refused(await world.client.post("/instances", content=malformed), 400)
    for kind in [{"kind": "status", "status": 500}, {"kind": "reset"}, {"kind": "truncate"}]:
        for path in ["/puboauth/token", "/pubapi/v1/userinfo"]:
            await world.control("POST", "faults", {"times": 5, "path": path, **kind})
            answer = await world.client.post("/instances", json=await write_body(world))
            assert answer.status_code in {400, 500}, answer.text
            await world.control("DELETE", "faults")
    return codes


async def connect_and_fail(world):
    """Connect, and have polling, delivery, the tokens and the database fail; give the instance and its code."""
    body = await write_body(world)
    instance = accepted(await world.client.post("/instances", json=body))
    await world.wait_for_watermark(instance["id"])
    world.listener.status = 500
    await world.change(3)
    await until(lambda: world.listener.received)
    world.listener.status = 200
    path = f"/instances/{instance['id']}"
    for place in [
        path,
        f"{path}/configuration",
        f"{path}/events",
        f"{path}/polling",
        f"{path}/event-poller-records",
        "/instances",
        "/instances/events",
        "/instances/polling-disabled",
    ]:
        accepted(await world.client.get(place))
        refused(await world.client.get(place, headers=with_token(world, "no-such-token")), 401)
    refused(await world.client.patch(path, json={"configuration": {"subdomain": "acme/other"}}), 400)
    token = with_token(world, instance["token"])
    accepted(await world.client.get("/hubs/documents/events", headers=token))
    for fault in [{"kind": "status", "status": 500}, {"kind": "truncate"}, {"kind": "reset"}]:
        await world.control("POST", "faults", {"times": 2, "path": "/pubapi/v2/users", **fault})
        await world.client.get("/hubs/documents/users", headers=token)
        await world.client.post(f"{path}/polls/preview", json={"users": {"url": "/hubs/documents/users"}})
        await world.control("DELETE", "faults")
    accepted(await world.client.put(path, json=instance))
    await world.control("POST", "revoke", {})

    async def invalid():
        return not accepted(await world.client.get(path))["valid"]

    await until(invalid)
    await world.pool.execute("ALTER TABLE resource_poll RENAME TO mislaid")
    try:
        refused(await world.client.put(path, json=instance), 500)
    finally:
        await world.pool.execute("ALTER TABLE mislaid RENAME TO resource_poll")
    return instance, body["providerData"]["code"]


async def test_no_secret_is_answered_logged_or_printed(make_world, log_lines, capfd):
    async with make_world(retry_schedule_seconds="0.1,0.1") as world:
        await allow_application(world)
        answers = record_answers(world)
        codes = await fail_to_connect(world)
        instance, code = await connect_and_fail(world)
        tokens = world.sandbox.state.tokens._tokens.values()
        secrets = [
            *GIVEN.values(),
            KEY,
            CALLBACK_PASSWORD,
            *codes,
            code,
            *(token.access_token for token in tokens),
            *(token.refresh_token for token in tokens),
            *world.secrets.values(),
        ]
    lines = log_lines()
    logged = json.dumps(lines) + "".join(capfd.readouterr())
    assert {"instance.created", "poll.needs_authorisation", "request.failed"} <= {
        line["event"] for line in lines
    }
    assert len(answers) > 30
    assert len(secrets) > 25
    for secret in secrets:
        assert secret not in logged
        assert not [answer for answer in answers if secret in answer]
    assert instance["token"] not in logged


ECHOES = {
    "text": str,
    "json": lambda given: json.dumps({"error": "invalid_grant", "error_description": str(given)}),
    "json of PHP": lambda given: json.dumps({"error": "x", "error_description": str(given)}).replace(
        "/", "\\/"
    ),
    "address": urlencode,
    "html": lambda given: html.escape(str(given)),
}


@asynccontextmanager
async def run_echo(writes, status=400):
    """Run a provider that answers everything by repeating what it was sent, as the last of ``writes`` does."""

    async def echo(request):
        sent = {**await request.post(), "authorization": request.headers.get("authorization")}
        return web.Response(status=status, text=writes[-1](sent))

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", echo)
    async with run_app(app) as url:
        yield url


async def test_a_provider_that_repeats_what_it_was_sent_gives_nothing_away(make_world):
    secret, code, writes = "application/secret&<93be07> ü", "4/0Acode+58ac/77d0==", []
    async with run_echo(writes) as url, make_world(egnyte_url=url, roles=frozenset()) as world:
        for name, write in ECHOES.items():
            writes.append(write)
            body = await world.body(**{**GIVEN, "oauth.api.secret": secret})
            body["providerData"]["code"] = code
            answer = refused(await world.client.post("/instances", json=body), 400, "providerData.code")
            assert "authorization_code" in answer["providerMessage"], name
            for part in ["93be07", "58ac"]:
                assert part not in answer["providerMessage"], name


@pytest.mark.parametrize("status", [200, 302, 400, 500])
async def test_whatever_the_status_a_token_that_is_repeated_is_masked(make_world, status):
    """A page for signing in, say, in place of an answer: it is quoted, as it is no JSON."""
    page = "<html>{}</html>".format
    async with run_echo([page], status) as url, make_world(egnyte_url=url, roles=frozenset()) as world:
        body = await world.body(**{**GIVEN, "oauth.user.token": "a-token-of-the-provider"})
        del body["providerData"]
        body["externalAuthentication"] = "initial"
        answer = await world.client.post("/instances", json=body)
        assert answer.status_code in {400, 500}, answer.text
        assert "Bearer" in answer.text or "********" in answer.text
        assert "a-token-of-the-provider" not in answer.text
        given = await world.body(**{**GIVEN, "oauth.api.secret": "a-secret-of-the-application"})
        answer = await world.client.post("/instances", json=given)
        assert answer.status_code in {400, 500}
        assert "a-secret-of-the-application" not in answer.text
