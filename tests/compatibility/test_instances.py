"""Programs written for the original connect, list, change, disable and delete instances here. See compatibility.md."""

from __future__ import annotations

import json

import pytest

from tests.compatibility.client import Program
from tests.support import EVENTS_CONFIGURATION, REDIRECT

pytestmark = pytest.mark.asyncio(loop_scope="session")

INSTANCE = {
    "id": int,
    "name": str,
    "createdDate": str,
    "token": str,
    "element": dict,
    "elementId": int,
    "tags": list,
    "provisionInteractions": list,
    "valid": bool,
    "disabled": bool,
    "maxCacheSize": int,
    "cacheTimeToLive": int,
    "configuration": dict,
    "eventsEnabled": bool,
    "eventsNotificationCallbackUrl": str,
    "traceLoggingEnabled": bool,
    "cachingEnabled": bool,
    "externalAuthentication": str,
    "user": dict,
}
"""The fields of the original's answer (open-connectors.md 3.2)."""
CONFIGURATION = {
    "id": int,
    "name": str,
    "key": str,
    "description": str,
    "active": bool,
    "hideFromConsole": bool,
    "required": bool,
    "type": str,
}


async def test_secrets_stand_in_the_header_in_any_order(program):
    user, organization = program.world.secrets["userSecret"], program.world.secrets["organizationSecret"]
    token = (await program.connect())["token"]
    parts = [f"User {user}", f"Organization {organization}", f"Element {token}"]
    for order in ([0, 1], [1, 0], [0, 2], [2, 0], [0, 1, 2], [2, 1, 0], [1, 2, 0]):
        header = ", ".join(parts[each] for each in order)
        assert (await program.call("GET", "/instances", authorization=header)).status_code == 200, order
    assert (await program.call("GET", "/instances", authorization=",".join(parts))).status_code == 200


async def test_the_consent_page_is_asked_for(program):
    query = f"apiKey=key&apiSecret=secret&callbackUrl={REDIRECT}&siteAddress=acme&callbackProxy=&isOauthProxy=false"
    got = await program.done("GET", "/elements/egnyte/oauth/url", query)
    assert set(got) == {"element", "oauthUrl"}
    assert got["element"] == "egnyte"
    assert "state=egnyte" in got["oauthUrl"]
    body = {"apiKey": "key", "apiSecret": "secret", "callbackUrl": REDIRECT, "siteAddress": "acme"}
    assert await program.done("POST", "/elements/egnyte/oauth/url", body=body) == got


async def test_the_consent_page_is_asked_for_without_secrets(program):
    world = program.world
    url = f"{world.url}/elements/api-v2/elements/egnyte/oauth/url"
    query = {"apiKey": "key", "apiSecret": "secret", "callbackUrl": REDIRECT, "state": "egnyte"}
    answer = await world.outside.get(url, params=query, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    assert set(answer.json()) == {"element", "oauthUrl"}


@pytest.mark.asyncio(loop_scope="function")
async def test_the_consent_page_of_a_domain_that_is_not_said_is_filled_in_by_the_caller(make_world):
    async with make_world(egnyte_url="https://{subdomain}.egnyte.com", roles=frozenset()) as world:
        query = f"apiKey=key&apiSecret=secret&callbackUrl={REDIRECT}"
        got = await Program(world).done("GET", "/elements/egnyte/oauth/url", query)
    assert got["oauthUrl"].startswith("https://.egnyte.com/puboauth/token?")


async def test_an_instance_is_connected_by_the_code_and_shown_with_its_fields(program):
    made = await program.connect()
    for shown in (made, await program.done("GET", f"/instances/{made['id']}")):
        assert {key: kind for key, kind in INSTANCE.items() if not isinstance(shown.get(key), kind)} == {}
        assert shown["element"]["key"] == "egnyte"
        assert shown["elementId"] == shown["element"]["id"] == 4016
        assert shown["element"]["hub"] == "documents"
        assert "providerData" not in shown


async def test_tokens_that_were_had_before_are_taken(program):
    body = await program.world.body()
    answer = await program.world.outside.post(
        f"{program.world.sandbox.url}/puboauth/token",
        data={
            "client_id": "key",
            "client_secret": "secret",
            "redirect_uri": REDIRECT,
            "code": body.pop("providerData")["code"],
            "grant_type": "authorization_code",
        },
    )
    body["externalAuthentication"] = "initial"
    body["configuration"]["oauth.user.token"] = answer.json()["access_token"]
    del body["configuration"]["oauth.callback.url"]  # there was no code to be sent there
    made = await program.done("POST", "/instances", body=body)
    assert made["valid"]
    assert "oauth.user.token" not in made["configuration"]


async def test_values_are_text_and_secrets_are_masked(program):
    made = await program.connect(**{"event.poller.refresh_interval": 15, "event.notification.enabled": True})
    configuration = made["configuration"]
    assert all(isinstance(value, str) for value in configuration.values())
    assert configuration["event.notification.enabled"] == "true"
    assert configuration["event.poller.refresh_interval"] == "15"
    assert json.loads(configuration["event.poller.configuration"]) == EVENTS_CONFIGURATION
    for key in ("oauth.api.key", "oauth.api.secret", "event.notification.signature.key"):
        assert configuration[key] == "********"


async def test_the_poller_configuration_is_taken_as_text_too(program):
    for text in (json.dumps(EVENTS_CONFIGURATION), json.dumps(json.dumps(EVENTS_CONFIGURATION))):
        made = await program.connect(**{"event.poller.configuration": text})
        assert made["configuration"]["event.poller.configuration"] == text
        records = await program.done("GET", f"/instances/{made['id']}/event-poller-records")
        assert [each["objectName"] for each in records] == ["events"]


async def test_values_of_an_instance_without_events_are_put_as_the_original_showed_them(program):
    shown = {"event.poller.configuration": "{}", "event.vendor.type": "webhooks"}
    off = {"event.notification.enabled": "false", "event.notification.instance.finder": None}
    made = await program.connect(**shown, **off, **{"event.notification.callback.url": None})
    assert made["configuration"]["event.poller.configuration"] == "{}"
    on = {"event.notification.enabled": "true", "event.vendor.type": "polling"}
    answer = await program.call("PATCH", f"/instances/{made['id']}", body={"configuration": on})
    assert answer.status_code == 400
    assert "event.poller.configuration" in answer.json()["message"]


async def test_the_instances_of_a_connector_have_a_place_of_their_own(program):
    place = "/elements/egnyte/instances"
    made = await program.done("POST", place, body=await program.world.body())
    assert [each["id"] for each in await program.done("GET", place)] == [made["id"]]
    path = f"{place}/{made['id']}"
    assert (await program.done("PUT", path, body=await program.done("GET", path)))["name"] == made["name"]
    assert (await program.call("DELETE", path)).status_code == 200
    assert await program.done("GET", "/instances") == []


async def test_markup_is_stripped_from_names_and_tags(program):
    body = {**await program.world.body(), "name": "<b>Acme</b>", "tags": ["<i>legal</i>", ""]}
    made = await program.done("POST", "/instances", body=body)
    assert (made["name"], made["tags"]) == ("Acme", ["legal"])


async def test_an_instance_without_tags_has_its_name_as_its_tag(program):
    body = {**await program.world.body(), "name": "<b>Acme</b> Legal"}
    del body["tags"]
    made = await program.done("POST", "/instances", body=body)
    assert (made["name"], made["tags"]) == ("Acme Legal", ["Acme Legal"])
    renamed = await program.done("PATCH", f"/instances/{made['id']}", body={"name": "Renamed"})
    assert renamed["tags"] == ["Acme Legal"]
    [found] = await program.done("GET", "/instances", "tags[]=Acme%20Legal")
    assert found["id"] == made["id"]


async def test_hydrate_is_taken(program):
    made = await program.connect()
    for word in ("true", "false"):
        [shown] = await program.done("GET", "/instances", f"hydrate={word}")
        assert shown["id"] == made["id"]
        assert shown["element"]["key"] == "egnyte"


async def test_instances_are_searched_by_text_and_by_tags(program):
    made = await program.connect()
    for query in ("searchText=api_poll", "tags[]=Test", "tags%5B%5D=Test&searchText=API&hydrate=false"):
        assert [each["id"] for each in await program.done("GET", "/instances", query)] == [made["id"]]
        # Programs that send all their secrets with each call ask so as well.
        every = f"{program.write_authorization()}, Element {made['token']}"
        answer = await program.call("GET", "/instances", query, authorization=every)
        assert [each["id"] for each in answer.json()] == [made["id"]]


async def test_a_search_that_finds_nothing_is_404(program):
    assert await program.done("GET", "/instances") == []
    await program.connect()
    for query in ("searchText=nobody-has-this-name", "tags[]=none", "searchText=API&tags[]=none"):
        answer = await program.call("GET", "/instances", query)
        assert answer.status_code == 404
        assert set(answer.json()) >= {"requestId", "message"}


async def test_lists_are_followed_by_the_token_of_the_page(program):
    made = [(await program.connect())["id"] for _ in range(3)]
    found, query = [], "pageSize=2"
    while query:
        answer = await program.call("GET", "/instances", query)
        page = [each["id"] for each in answer.json()]
        assert answer.headers["elements-returned-count"] == str(len(page))
        found += page
        token = answer.headers.get("elements-next-page-token")
        query = f"nextPage={token}" if token else ""
    assert found == made
    second = await program.done("GET", "/instances", "pageSize=2&page=2")
    assert [each["id"] for each in second] == made[2:]


async def test_one_value_is_changed_by_the_id_that_the_list_gives_it(program):
    """As it was done by hand: list, look for the key, PATCH that id."""
    made = await program.connect()
    path = f"/instances/{made['id']}/configuration"
    listed = await program.done("GET", path)
    for each in listed:
        assert {key: kind for key, kind in CONFIGURATION.items() if not isinstance(each.get(key), kind)} == {}
    [interval] = [each for each in listed if each["key"] == "event.poller.refresh_interval"]
    changed = await program.done("PATCH", f"{path}/{interval['id']}", body={"propertyValue": "30"})
    assert changed == {**interval, "propertyValue": "30"}
    shown = await program.done("GET", f"/instances/{made['id']}")
    assert shown["configuration"] == {**made["configuration"], "event.poller.refresh_interval": "30"}


async def test_events_are_changed_later_by_patch(program):
    made = await program.connect(**{"event.notification.enabled": "false"})
    assert made["eventsEnabled"] is False
    body = {"configuration": {"event.notification.enabled": "true", "event.vendor.type": "polling"}}
    changed = await program.done("PATCH", f"/instances/{made['id']}", body=body)
    assert changed["eventsEnabled"] is True
    assert changed["token"] == made["token"]


async def test_what_was_read_is_put_back_unchanged(program):
    made = await program.connect()
    again = await program.done("PUT", f"/instances/{made['id']}", body=made)
    assert again == made


async def test_a_new_code_authorises_again(program):
    made = await program.connect()
    body = {**made, "providerData": {"code": await program.world.authorize()}}
    again = await program.done("PUT", f"/instances/{made['id']}", body=body)
    assert (again["id"], again["token"], again["valid"]) == (made["id"], made["token"], True)


async def test_with_the_instances_token_calls_need_no_id(program):
    made = await program.connect()
    own = Program(program.world, made["token"])
    assert (await own.done("GET", "/instances"))["id"] == made["id"]
    assert (await own.done("PATCH", "/instances", body={"name": "Mine"}))["name"] == "Mine"
    assert (await own.done("PUT", "/instances", body=made))["name"] == made["name"]
    assert (await own.call("DELETE", "/instances")).status_code == 200
    assert (await program.call("GET", f"/instances/{made['id']}")).status_code == 404


async def test_a_disabled_instances_token_is_403_and_a_deleted_ones_401(program):
    made = await program.connect()
    own = Program(program.world, made["token"])
    assert (await program.call("DELETE", f"/instances/{made['id']}/enabled")).status_code == 200
    assert (await own.call("GET", "/instances")).status_code == 403
    assert (await program.done("GET", f"/instances/{made['id']}"))["disabled"] is True
    assert (await program.call("PUT", f"/instances/{made['id']}/enabled")).status_code == 200
    assert (await own.call("GET", "/instances")).status_code == 200
    assert (await program.call("DELETE", f"/instances/{made['id']}")).status_code == 200
    assert (await own.call("GET", "/instances")).status_code == 401


async def test_a_disabled_instance_is_enabled_again_by_its_token(program):
    made = await program.connect()
    every = f"{program.write_authorization()}, Element {made['token']}"
    assert (await program.call("DELETE", "/instances/enabled", authorization=every)).status_code == 200
    assert (await program.call("GET", "/ping", authorization=every)).status_code == 403
    assert (await program.call("PUT", "/instances/enabled", authorization=every)).status_code == 200
    assert (await program.call("GET", "/ping", authorization=every)).status_code == 200


async def test_errors_have_a_request_id_and_a_message(program):
    for status, method, path, body in (
        (404, "GET", "/instances/999999999", None),
        (404, "GET", "/elements/none", None),
        (400, "POST", "/instances", {"element": {"key": "egnyte"}}),
        (405, "POST", "/instances/1/enabled", {}),
    ):
        answer = await program.call(method, path, body=body)
        assert answer.status_code == status, answer.text
        assert {"requestId", "message"} <= set(answer.json())
        assert answer.headers["elements-request-id"] == answer.json()["requestId"]
    assert (
        await program.call("GET", "/instances", authorization="User x, Organization y")
    ).status_code == 401
