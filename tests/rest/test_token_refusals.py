"""What token endpoints say where they give no token, with any status: of what was given, of now, or of themselves."""

from __future__ import annotations

import json

import httpx
import pytest
from aiohttp import web

from tests.apps import run_app
from tests.rest.conftest import Desk
from tests.rest.desk import write_desk
from tests.support import until

DEAD = [  # as GitHub, Slack, and RFC 6749 have it
    (
        200,
        {
            "error": "bad_refresh_token",
            "error_description": "The refresh token passed is incorrect or expired.",
        },
    ),
    (200, {"ok": False, "error": "token_revoked"}),
    (400, {"error": "invalid_grant"}),
]
PASSING = [
    (400, {"error": "temporarily_unavailable"}, "cannot answer now: temporarily_unavailable"),
    (401, {"error": "unknown_error", "error_description": "retry your request"}, "now: unknown_error: retry"),
    (200, {"ok": False, "error": "internal_error"}, "cannot answer now: internal_error"),
    (200, {"error": "of their own", "error_description": "no idea"}, "gives no token: of their own: no idea"),
    *((status, {"message": "no"}, f"({status})") for status in (403, 404, 503)),
    (200, {"padding": "x" * 70_000}, "answered with more than 65,536 bytes"),
]


class Endpoint:
    """The sandbox's token endpoint, unless it is to give a ``reply``: a status, and JSON to give."""

    def __init__(self, api):
        self.api, self.reply, self.asked = api, None, 0

    async def answer(self, request):
        form = await request.post()
        self.asked += 1
        if self.reply is None:
            async with httpx.AsyncClient() as client:
                given = await client.post(f"{self.api.url}/oauth/token", data=dict(form))
            return web.json_response(given.json(), status=given.status_code)
        status, value = self.reply
        text = json.dumps(value)
        for name in ("code", "client_secret"):
            text = text.replace(f"<{name}>", str(form.get(name, "")))
        return web.Response(status=status, text=text)

    def end_tokens(self, reply):
        self.reply = reply
        self.api.state.access_tokens.clear()


@pytest.fixture
async def endpoint(api):
    return Endpoint(api)


@pytest.fixture
async def desk(make_world, api, endpoint, tmp_path):
    app = web.Application()
    app.router.add_post("/token", endpoint.answer)
    async with run_app(app) as url:
        path = tmp_path / "desk.toml"
        text = write_desk(api.url, auth="oauth2_code").replace(f"{api.url}/oauth/token", f"{url}/token")
        path.write_text(text)
        async with make_world(connector_files=str(path)) as world:
            yield Desk(world, api, "oauth2_code")


async def test_a_refusal_of_the_refresh_token_stops_polling_until_it_is_authorised_again(desk, endpoint):
    instance = await desk.connect(**{"event.notification.operations.url": desk.api.url})
    for status, value in DEAD:
        endpoint.end_tokens((status, value))
        made = await desk.change(subject=value["error"])
        await until(lambda: desk.world.pool.fetchval("SELECT count(*) FROM instance WHERE NOT valid"))
        told = await until(
            lambda word=value["error"]: desk.world.pool.fetchval(
                "SELECT body FROM operation_notice WHERE body::text LIKE $1", f"%{word}%"
            )
        )
        assert "authorise the instance again" in told["message"]
        endpoint.reply = None
        again = {"providerData": {"code": await desk.consent()}}
        answer = await desk.world.client.patch(f"/instances/{instance['id']}", json=again)
        assert answer.status_code == 200, answer.text
        await desk.wait_for(made["id"])


async def test_what_says_nothing_of_the_refresh_token_is_tried_again_by_itself(desk, endpoint):
    instance = await desk.connect()
    for status, value, words in PASSING:
        endpoint.end_tokens((status, value))
        made = await desk.change(subject=words)

        async def is_told(words=words):
            return words in (await desk.wait_for_error(instance["id"]))

        await until(is_told)
        told = await desk.wait_for_error(instance["id"])
        assert "Desk's token endpoint" in told
        endpoint.reply = None
        await desk.wait_for(made["id"])
    assert await desk.world.pool.fetchval("SELECT valid FROM instance")
    assert await desk.world.pool.fetchval("SELECT count(*) FROM gap") == 0


async def test_an_exchange_that_is_refused_with_a_good_status_is_told_in_the_providers_words(desk, endpoint):
    endpoint.reply = (
        200,
        {"error": "bad_code", "error_description": "<code> is not good with <client_secret>"},
    )
    answer = await desk.post(**{"oauth.api.secret": "a-secret-of-mine"})
    assert answer.status_code == 400
    assert answer.json()["providerMessage"] == "bad_code: ******** is not good with ********"


async def test_a_good_answer_that_gives_the_same_refresh_token_is_taken_as_it_is(desk, endpoint):
    instance = await desk.connect()
    for number in range(3):
        token = f"the same access token{number}".replace(" ", "-")
        endpoint.api.state.access_tokens.clear()
        endpoint.api.state.access_tokens[token] = float("inf")
        endpoint.reply = (200, {"access_token": token, "refresh_token": "the same for ever", "error": "none"})
        made = await desk.change(subject=token)
        await desk.wait_for(made["id"])
    assert (await desk.world.client.get(f"/instances/{instance['id']}")).json()["valid"]
