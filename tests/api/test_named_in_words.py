"""What is wrong is named by the field that was given, in words, of every way to give it."""

from __future__ import annotations

import pytest

from tests.api.answers import accepted, refused
from tests.api.test_changes_of_instances import authorize_as

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest.mark.parametrize("given", ["null", "true", "7", '"text"', '[{"name": "x"}]', ""])
async def test_a_body_that_is_no_object_is_told_in_words_on_every_route_that_takes_one(still, given):
    instance = (await still.connect())["id"]
    signature_keys = f"/instances/{instance}/signature-keys"
    for method, path in [
        ("POST", "/instances"),
        ("PUT", f"/instances/{instance}"),
        ("PATCH", f"/instances/{instance}"),
        ("POST", "/instances/test-callback"),
        ("POST", f"/instances/{instance}/polls/preview"),
        ("PUT", signature_keys),
    ]:
        headers = {"Content-Type": "application/json"}
        answer = await still.client.request(method, path, content=given, headers=headers)
        if answer.status_code in {200, 202} and given in {"", "null"}:
            continue  # nothing need be said
        said = refused(answer, 400)["message"]
        assert said.startswith("body: ") or "missing" in said, (method, path, said)
        assert "dictionary" not in said
        assert "extract" not in said


@pytest.mark.parametrize("method", ["POST", "PATCH"])
async def test_a_token_that_was_brought_and_is_refused_is_named(still, method):
    body = await still.body()
    path = "/instances"
    if method == "PATCH":
        path = f"/instances/{accepted(await still.client.post(path, json=body))['id']}"
    body["configuration"]["oauth.user.token"] = "of-nobody"
    body = {**body, "externalAuthentication": "initial", "providerData": None}
    told = refused(
        await still.client.request(method, path, json=body), 400, "configuration.oauth.user.token: Egnyte"
    )
    assert "just given" not in told["providerMessage"]


async def test_a_token_of_another_account_that_was_brought_is_named(still):
    instance = await still.connect()
    exchanged = await still.exchange(await authorize_as(still, "power"))
    body = {
        "externalAuthentication": "initial",
        "configuration": {"oauth.user.token": exchanged["access_token"]},
    }
    answer = await still.client.patch(f"/instances/{instance['id']}", json=body)
    refused(answer, 409, "configuration.oauth.user.token: it authorises")


@pytest.mark.parametrize("token", ["of\nnobody", "of\r\nX-Other: nobody", "of\x7fnobody", "of\x85nobody"])
async def test_a_token_that_was_brought_and_no_header_can_hold_is_named(still, token):
    body = {**await still.body(), "externalAuthentication": "initial", "providerData": None}
    body["configuration"]["oauth.user.token"] = token
    await still.control("DELETE", "calls")
    told = refused(await still.client.post("/instances", json=body), 400, "configuration.oauth.user.token")
    assert "control character" in told["message"]
    assert "nobody" not in told["message"]
    assert not (await still.control("GET", "calls"))["paths"]


async def test_a_line_break_around_a_token_that_was_brought_is_left_out(still):
    exchanged = await still.exchange(await still.authorize())
    body = {**await still.body(), "externalAuthentication": "initial", "providerData": None}
    body["configuration"]["oauth.user.token"] = f" {exchanged['access_token']}\r\n"
    accepted(await still.client.post("/instances", json=body))
