"""Consent of a declared connector: parameters of its own on the consent page, and a code whose exchange is proved."""

from __future__ import annotations

import re

import httpx
import pytest

from tests.rest.desk import write_desk, write_request
from tests.web.conftest import sign_in
from tests.web.consent import fields_of, read_url

BACK = "https://app.example.com/connected"


async def ask_url(desk, **given):
    """Ask the API for the consent page; give its address."""
    asked = {"apiKey": "key", "callbackUrl": BACK, **given}
    answer = await desk.world.client.get("/elements/desk/oauth/url", params=asked)
    assert answer.status_code == 200, answer.text
    return httpx.URL(answer.json()["oauthUrl"])


async def take_code(desk, url):
    answer = await desk.world.outside.get(url)
    assert answer.status_code == 302, answer.text
    return httpx.URL(answer.headers["location"]).params["code"]


async def connect(desk, **returned):
    body = write_request(desk.world.listener.url, "oauth2_code") | {"providerData": returned}
    return await desk.world.client.post("/instances", json=body)


async def test_the_consent_page_is_asked_with_the_parameters_of_the_file_and_a_challenge(open_desk):
    async with open_desk(auth="oauth2_code") as desk:
        url = await ask_url(desk, state="one of mine")
        challenge = url.params["code_challenge"]
        assert re.fullmatch(r"[\w-]{43}", challenge, re.ASCII)
        assert dict(url.params) == {
            "access_type": "offline",
            "prompt": "consent",
            "client_id": "key",
            "redirect_uri": BACK,
            "scope": "tickets.read",
            "state": "one of mine",
            "response_type": "code",
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        others = [await ask_url(desk), await ask_url(desk, state="two"), await ask_url(desk, apiKey="other")]
        assert len({challenge, *(each.params["code_challenge"] for each in others)}) == 4


@pytest.mark.parametrize("state", [None, "one of mine"])
async def test_a_code_is_exchanged_with_the_state_that_its_page_was_asked_with(open_desk, state):
    given = {} if state is None else {"state": state}
    async with open_desk(auth="oauth2_code") as desk:
        url = await ask_url(desk, **given)
        refused = await connect(desk, code=await take_code(desk, url), state="another")
        assert refused.status_code == 400
        assert "providerData.code: Desk did not accept it" in refused.text
        made = await connect(desk, code=await take_code(desk, url), **given)
        assert made.status_code == 200, made.text
        await desk.world.wait_for_watermark(made.json()["id"])
        # Authorised again, by another consent.
        again = {"providerData": {"code": await take_code(desk, await ask_url(desk, **given)), **given}}
        changed = await desk.world.client.patch(f"/instances/{made.json()['id']}", json=again)
        assert changed.status_code == 200, changed.text


@pytest.mark.parametrize("way", ["query", "body"])
async def test_the_consent_page_of_a_tenant_is_asked_for_by_the_fields_of_the_file(make_world, tmp_path, way):
    path = tmp_path / "desk.toml"
    text = write_desk("https://desk.example.com", auth="oauth2_code").replace(
        "https://desk.example.com/oauth/authorize", "https://{tenant}.example.com/{region}/authorize"
    )
    fields = '[[fields]]\nkey = "tenant"\nlabel = "Tenant"\n[[fields]]\nkey = "region"\nlabel = "Region"\ndefault = "eu"\n'
    path.write_text(text.replace("[account]", f"{fields}[account]"))
    async with make_world(connector_files=str(path)) as world:

        async def ask(**more):
            given = {"apiKey": "key", "callbackUrl": BACK, **more}
            sent = {"params": given} if way == "query" else {"json": given}
            return await world.client.request(
                "GET" if way == "query" else "POST", "/elements/desk/oauth/url", **sent
            )

        answer = await ask(tenant="acme")
        assert answer.json()["oauthUrl"].startswith("https://acme.example.com/eu/authorize?")
        answer = await ask(tenant="acme", region="us")
        assert answer.json()["oauthUrl"].startswith("https://acme.example.com/us/authorize?")
        for wrong in ({}, {"tenant": ""}, {"tenant": "evil.example.org/"}):
            refused = await ask(**wrong)
            assert refused.status_code == 400
            assert "tenant: " in refused.json()["message"]


async def test_the_console_connects_by_a_code_that_is_proved_with_another_challenge_each_time(open_desk):
    async with open_desk(auth="oauth2_code") as desk:
        browser = await sign_in(desk.world)
        challenges = set()
        for name in ("One desk", "Another desk"):
            given = fields_of(await browser.read("/instances/new?connector=desk")) | {
                "name": name,
                "configuration.oauth.api.key": "key",
                "configuration.oauth.api.secret": "secret",
                "configuration.event.notification.callback.url": desk.world.listener.url,
                "configuration.event.notification.signature.key": "a signature key",
                "do": "create",
            }
            answer = await browser.client.post("/instances/new?connector=desk", data=given)
            assert answer.status_code == 303, re.findall(r'<p class="error".*', answer.text)
            url = httpx.URL(read_url(await browser.read(answer.headers["location"])))
            challenges.add(url.params["code_challenge"])
            back = await desk.world.outside.get(url)
            shown = await browser.client.get(back.headers["location"])
            assert re.fullmatch(r"/instances/\d+", shown.headers["location"]), shown.text
        assert len(challenges) == 2
        await browser.client.aclose()
