"""Instances: connected, shown, changed and deleted, by id and by token."""

from __future__ import annotations

import asyncio

import pytest

from tests.api.answers import accepted, refused, with_token

pytestmark = pytest.mark.asyncio(loop_scope="session")

MASK = "********"
SECRET_KEYS = ("oauth.api.key", "oauth.api.secret", "event.notification.signature.key")


async def test_an_instance_is_shown_as_the_original_shows_it(still):
    instance = await still.connect()
    expected = {
        "name": "API_Polling",
        "tags": ["Test"],
        "elementId": 4016,
        "provisionInteractions": [],
        "valid": True,
        "disabled": False,
        "maxCacheSize": 0,
        "cacheTimeToLive": 0,
        "eventsEnabled": True,
        "eventsNotificationCallbackUrl": still.listener.url,
        "traceLoggingEnabled": False,
        "cachingEnabled": False,
        "externalAuthentication": "none",
    }
    assert {key: instance[key] for key in expected} == expected
    assert set(instance) == {*expected, "id", "createdDate", "token", "element", "configuration", "user"}
    assert isinstance(instance["id"], int)
    assert isinstance(instance["user"]["id"], int)
    assert instance["element"]["key"] == "egnyte"
    assert len(instance["token"]) >= 40


async def test_configuration_is_shown_as_text_and_secrets_are_masked_everywhere(still):
    given = {
        "event.notification.basic.username": "ada",
        "event.notification.basic.password": "open sesame",
        "a": 1,
    }
    instance = await still.connect(**given, b=[1, None], c=True, d=None, e="")
    configuration = instance["configuration"]
    assert all(isinstance(value, str) for value in configuration.values())
    for key in (*SECRET_KEYS, "event.notification.basic.password"):
        assert configuration[key] == MASK
    assert configuration["event.notification.basic.username"] == "ada"
    assert [configuration.get(key) for key in "abcde"] == ["1", "[1,null]", "true", None, None]
    path = f"/instances/{instance['id']}"
    by_token = with_token(still, instance["token"])
    assert accepted(await still.client.get(path)) == instance
    assert accepted(await still.client.get("/instances", headers=by_token)) == instance
    assert accepted(await still.client.get("/instances")) == [instance]
    for answer in [await still.client.get(f"{path}/configuration"), await still.client.patch(path, json={})]:
        accepted(answer)
        assert "open sesame" not in answer.text
        assert "a signature key" not in answer.text


async def test_the_code_and_the_providers_tokens_are_never_shown(still):
    body = await still.body()
    answer = await still.client.post("/instances", json=body)
    accepted(answer)
    assert "providerData" not in answer.json()
    assert body["providerData"]["code"] not in answer.text
    for token in still.sandbox.state.tokens._tokens.values():
        assert token.access_token not in answer.text
        assert token.refresh_token not in answer.text


async def test_markup_is_stripped_from_names_and_tags(still):
    body = {**await still.body(), "name": " <b>Bold</b> & <i>italic ", "tags": ["<u>one</u>", "", " two ", 3]}
    instance = accepted(await still.client.post("/instances", json=body))
    assert instance["name"] == "Bold & italic"
    assert instance["tags"] == ["one", "two", "3"]


@pytest.mark.parametrize("name", ["株式会社\u3000山田", "Acme\u00a0Corp", "می\u200cشود", "👩\u200d👧"])
async def test_names_and_tags_are_of_any_script(still, name):
    made = accepted(
        await still.client.post("/instances", json={**await still.body(), "name": name, "tags": [name]})
    )
    assert (made["name"], made["tags"]) == (name, [name])
    [found] = accepted(await still.client.get("/instances", params={"searchText": name, "tags[]": name}))
    assert found == made


@pytest.mark.parametrize("way", ["id", "token"])
async def test_patch_changes_what_is_named_alone(still, way):
    instance = await still.connect()
    path, headers = ways(still, instance)[way]
    change = {"name": "New", "configuration": {"event.poller.refresh_interval": 30}}
    changed = accepted(await still.client.patch(path, json=change, headers=headers))
    expected = {**instance["configuration"], "event.poller.refresh_interval": "30"}
    assert changed == {**instance, "name": "New", "configuration": expected}
    assert accepted(await still.client.patch(path, json={"tags": []}, headers=headers)) == {
        **changed,
        "tags": [],
    }
    assert accepted(await still.client.get(f"/instances/{instance['id']}")) == {**changed, "tags": []}


def ways(still, instance):
    return {
        "id": (f"/instances/{instance['id']}", None),
        "token": ("/instances", with_token(still, instance["token"])),
    }


@pytest.mark.parametrize("way", ["id", "token"])
async def test_put_of_what_was_read_changes_nothing_and_keeps_what_is_masked(still, way):
    instance = await still.connect()
    path, headers = ways(still, instance)[way]
    assert accepted(await still.client.put(path, json=instance, headers=headers)) == instance
    kept = await still.pool.fetchval("SELECT secrets FROM instance WHERE id = $1", instance["id"])
    found = unseal(kept)["configuration"]
    assert found == {
        "oauth.api.key": "key",
        "oauth.api.secret": "secret",
        "event.notification.signature.key": "a signature key",
    }


def unseal(sealed):
    from signalpost.store.vault import Vault

    return Vault(["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="]).unseal(sealed)


@pytest.mark.parametrize("way", ["id", "token"])
async def test_put_replaces_the_configuration_but_for_what_the_connection_needs(still, way):
    instance = await still.connect(extra="value")
    path, headers = ways(still, instance)[way]
    body = {"name": "New", "tags": ["a", "b"], "configuration": {"event.poller.refresh_interval": 7}}
    changed = accepted(await still.client.put(path, json=body, headers=headers))
    assert (changed["name"], changed["tags"]) == ("New", ["a", "b"])
    assert changed["eventsEnabled"] is False
    assert changed["eventsNotificationCallbackUrl"] is None
    assert set(changed["configuration"]) == {
        "oauth.api.key",
        "oauth.api.secret",
        "oauth.callback.url",
        "oauth.scope",
        "subdomain",
        "event.notification.enabled",
        "event.vendor.type",
        "event.poller.refresh_interval",
    }


@pytest.mark.parametrize("way", ["id", "token"])
async def test_delete_leaves_nothing(still, way):
    instance = await still.connect()
    path, headers = ways(still, instance)[way]
    answer = await still.client.delete(path, headers=headers)
    accepted(answer)
    refused(await still.client.get(f"/instances/{instance['id']}"), 404, str(instance["id"]))
    refused(await still.client.delete(f"/instances/{instance['id']}"), 404, str(instance["id"]))
    for table in ("endpoint", "credential", "resource_poll"):
        query = f"SELECT count(*) FROM {table} WHERE instance_id = $1"
        assert await still.pool.fetchval(query, instance["id"]) == 0


async def test_of_many_who_delete_at_once_one_has_done_it(still):
    instance = await still.connect()
    answers = await asyncio.gather(*(still.client.delete(f"/instances/{instance['id']}") for _ in range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] + [404] * 7


@pytest.mark.parametrize("text", ["999999999", "0", str(2**63 - 1)])
async def test_an_instance_that_is_not_there_is_not_found(still, text):
    refused(await still.client.get(f"/instances/{text}"), 404, text)


@pytest.mark.parametrize("text", ["abc", "-1", "1.5", "1e3", "%D9%A1", "%00", str(2**63), "9" * 400, "null"])
async def test_an_id_that_is_no_number_is_refused(still, text):
    refused(await still.client.get(f"/instances/{text}"), 400, "id: ", "whole number from 0 to")


async def test_tokens_that_were_granted_elsewhere_are_taken(still):
    body = await still.body()
    exchanged = await still.exchange(body["providerData"]["code"])
    tokens = exchanged
    given = {"oauth.user.token": tokens["access_token"], "oauth.user.refresh_token": tokens["refresh_token"]}
    body = {**body, "externalAuthentication": "initial", "configuration": {**body["configuration"], **given}}
    del body["providerData"]
    answer = await still.client.post("/instances", json=body)
    assert not set(accepted(answer)["configuration"]) & set(given)
    assert tokens["access_token"] not in answer.text
    assert tokens["refresh_token"] not in answer.text
    for key in given:
        del body["configuration"][key]
    refused(await still.client.post("/instances", json=body), 400, *given)


@pytest.mark.parametrize(("method", "spelling"), [("POST", "initial"), ("PATCH", "INITIAL")])
async def test_a_refresh_token_that_was_granted_elsewhere_gets_a_token(still, method, spelling):
    body = await still.body()
    path = "/instances"
    if method == "PATCH":
        path = f"/instances/{accepted(await still.client.post(path, json=body))['id']}"
    exchanged = await still.exchange(await still.authorize())
    token = exchanged["refresh_token"]
    body["configuration"]["oauth.user.refresh_token"] = token
    body = {**body, "externalAuthentication": spelling, "providerData": None}
    made = accepted(await still.client.request(method, path, json=body))
    own = with_token(still, made["token"])
    assert accepted(await still.client.get("/hubs/documents/users", headers=own))
    # It is spent by now.
    answer = await still.client.request(method, path, json={**body, "name": "Again"})
    told = refused(answer, 400, "configuration.oauth.user.refresh_token", "did not accept it")
    assert "invalid_grant" in told["providerMessage"]
    assert token not in answer.text
    assert [each["name"] for each in accepted(await still.client.get("/instances"))] == [made["name"]]


async def test_who_brings_tokens_needs_no_redirect_address_until_a_code_is_exchanged(still):
    body = await still.body()
    redirect = body["configuration"].pop("oauth.callback.url")
    refused(await still.client.post("/instances", json=body), 400, "oauth.callback.url", "missing")
    exchanged = await still.exchange(body.pop("providerData")["code"])
    body["externalAuthentication"] = "initial"
    body["configuration"]["oauth.user.token"] = exchanged["access_token"]
    made = accepted(await still.client.post("/instances", json=body))
    path = f"/instances/{made['id']}"
    accepted(await still.client.patch(path, json={"name": "Renamed"}))
    accepted(await still.client.put(path, json=made))
    code = {"providerData": {"code": await still.authorize()}}
    refused(await still.client.patch(path, json=code), 400, "oauth.callback.url", "missing")
    accepted(await still.client.patch(path, json={**code, "configuration": {"oauth.callback.url": redirect}}))
    removed = {"configuration": {"oauth.callback.url": None}}
    refused(await still.client.patch(path, json=removed), 400, "oauth.callback.url", "missing")


async def test_two_instances_of_one_account_are_two(still):
    first, second = await still.connect(), await still.connect()
    assert first["id"] != second["id"]
    assert first["token"] != second["token"]


async def test_a_configuration_does_not_grow_without_end_change_by_change(still):
    path = f"/instances/{(await still.connect())['id']}"

    async def set_value(key, value):
        return await still.client.patch(path, json={"configuration": {key: value}})

    large = "x" * 600_000
    accepted(await set_value("first", large))
    refused(await set_value("second", large), 400, "configuration: ", "1,000,000 are kept")
    accepted(await set_value("first", None))
    accepted(await set_value("second", large))
