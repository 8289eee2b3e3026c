"""What authorises a declared connector's calls: refused before anything is stored, changed later, renewed by itself."""

from __future__ import annotations

import pytest

from signalpost.model.ids import InstanceId
from tests.support import until


async def is_valid(desk, instance_id: InstanceId):
    return (await desk.world.client.get(f"/instances/{instance_id}")).json()["valid"]


@pytest.mark.parametrize("auth", ["header", "oauth2_client"])
async def test_a_wrong_key_is_refused_and_nothing_is_stored(open_desk, auth):
    async with open_desk(auth=auth) as desk:
        field = "api.key" if auth == "header" else "oauth.api.secret"
        answer = await desk.post(**{field: "a-wrong-key-of-mine"})
        assert answer.status_code == 400
        assert "Desk" in answer.text
        assert "a-wrong-key-of-mine" not in answer.text
        answer = await desk.post(**{field: ""})
        assert answer.status_code == 400
        assert f"configuration.{field}: it is missing" in answer.text
        assert await desk.world.pool.fetchval("SELECT count(*) FROM instance") == 0


@pytest.mark.parametrize("auth", ["header", "basic"])
async def test_the_providers_own_words_say_why_a_key_is_not_taken(open_desk, auth):
    async with open_desk(auth=auth) as desk:
        field = "api.key" if auth == "header" else "password"
        answer = await desk.post(**{field: "a-wrong-key-of-mine"})
        assert "not authorised" in answer.json()["providerMessage"]
        instance = await desk.connect(**{"event.notification.operations.url": desk.world.listener.url})
        desk.api.state.settings.api_key = desk.api.state.settings.password = "another-one"
        await until(lambda: desk.world.pool.fetchval("SELECT count(*) FROM instance WHERE NOT valid"))
        told = (await until(lambda: desk.world.pool.fetchval("SELECT body FROM operation_notice")))["message"]
        assert f"not authorised by {auth}" in told
        shown = (await desk.world.client.get(f"/instances/{instance['id']}/polling")).text
        for each in (told, shown):
            assert f"send PATCH /instances/{instance['id']} with other credentials" in each


async def test_a_key_that_is_no_longer_taken_is_changed_by_patch_and_polling_goes_on(open_desk):
    async with open_desk(auth="header") as desk:
        instance = await desk.connect()
        desk.api.state.settings.api_key = "another-key-of-the-sandbox"
        await until(lambda: desk.world.pool.fetchval("SELECT count(*) FROM instance WHERE NOT valid"))
        made = await desk.change(subject="meanwhile")
        path = f"/instances/{instance['id']}"
        refused = await desk.world.client.patch(path, json={"configuration": {"api.key": "wrong"}})
        assert refused.status_code == 400
        renamed = await desk.world.client.patch(path, json={"name": "Renamed"})
        assert renamed.status_code == 200, renamed.text
        assert not await is_valid(desk, instance["id"])
        answer = await desk.world.client.patch(
            path, json={"configuration": {"api.key": "another-key-of-the-sandbox"}}
        )
        assert answer.status_code == 200, answer.text
        assert await is_valid(desk, instance["id"])
        await desk.wait_for(made["id"])


async def test_a_token_of_the_application_is_renewed_when_it_ends_and_when_it_is_revoked(open_desk, api):
    api.state.settings.token_seconds = 1
    async with open_desk(auth="oauth2_client") as desk:
        instance = await desk.connect()
        given = api.state.tokens_given
        await until(lambda: api.state.tokens_given > given)
        api.state.settings.token_seconds = 3600
        given = api.state.tokens_given
        await until(lambda: api.state.tokens_given > given)
        await desk.world.outside.post(f"{api.url}/_sandbox/revoke")
        made = await desk.change(subject="after the revocation")
        await desk.wait_for(made["id"])
        assert await is_valid(desk, instance["id"])


async def test_a_connector_without_a_consent_page_says_so(open_desk):
    async with open_desk(auth="basic") as desk:
        answer = await desk.world.client.get(
            "/elements/desk/oauth/url", params={"apiKey": "k", "callbackUrl": "https://a.example.com"}
        )
        assert answer.status_code == 400
        assert "POST /instances" in answer.text
        shown = (await desk.world.client.get("/elements/desk")).json()
        assert shown["authentication"] == {"type": "custom"}
        assert {"username", "password"} <= {each["key"] for each in shown["configuration"]}
