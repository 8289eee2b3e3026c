"""Connectors, and the address of the consent page."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import pytest

from signalpost.api.elements import FIELDS
from signalpost.api.shapes import find_default
from signalpost.connectors.base import Field
from signalpost.connectors.egnyte import EgnyteConnector
from tests.api.answers import accepted, refused
from tests.support import REDIRECT

pytestmark = pytest.mark.asyncio(loop_scope="session")

APPLICATION = {"apiKey": "key", "apiSecret": "secret", "callbackUrl": REDIRECT}


async def test_the_connectors_are_listed(still):
    answer = await still.client.get("/elements")
    [egnyte] = accepted(answer)
    assert answer.headers["Elements-Returned-Count"] == "1"
    assert "Elements-Next-Page-Token" not in answer.headers
    expected = {
        "id": 4016,
        "key": "egnyte",
        "name": "Egnyte",
        "hub": "documents",
        "active": True,
        "typeOauth": True,
    }
    assert {key: egnyte[key] for key in expected} == expected
    assert egnyte["authentication"] == {"type": "oauth2"}


@pytest.mark.parametrize(
    ("where", "words"),
    [("abridged='true'", "connectors have no field 'abridged'"), ("key", "where: "), ("key = '\0'", "NUL")],
)
async def test_a_where_that_cannot_be_met_by_any_connector_is_refused(still, where, words):
    refused(await still.client.get("/elements", params={"where": where}), 400, words)


async def test_each_field_that_a_where_may_ask_for_is_shown(still):
    [shown] = accepted(await still.client.get("/elements"))
    for field in FIELDS:
        found = accepted(await still.client.get("/elements", params={"where": f"{field} = '{shown[field]}'"}))
        assert found == [shown], field


@pytest.mark.parametrize("name", ["egnyte", "Egnyte", "4016"])
async def test_a_connector_is_shown_by_key_or_id_with_its_fields(still, name):
    shown = accepted(await still.client.get(f"/elements/{name}"))
    assert shown["key"] == "egnyte"
    fields = {each["key"]: each for each in shown["configuration"]}
    for key in ["oauth.api.key", "oauth.api.secret", "oauth.callback.url", "subdomain"]:
        assert fields[key]["required"] is True
    assert fields["event.notification.enabled"]["required"] is False
    assert fields["event.poller.refresh_interval"]["propertyValue"] is None
    polling = shown["events"]["polling"]
    assert next(iter(polling)) == "events"
    assert polling["events"]["pollUrl"] == "/hubs/documents/events"
    assert polling["events"]["strategies"] == ["feed"]
    assert all(each["description"] for each in polling.values())


async def test_the_defaults_of_a_connector_are_those_that_hold_where_nothing_is_given(still):
    shown = accepted(await still.client.get("/elements/egnyte"))["configuration"]
    defaults = {each["key"]: each["defaultValue"] for each in shown if each["defaultValue"] is not None}
    assert not any(key in defaults for key in ("oauth.api.secret", "event.notification.signature.key"))
    polls = []
    for values in (dict.fromkeys(defaults), defaults):
        made = await still.connect(**values | {"event.notification.enabled": "true"})
        polling = accepted(await still.client.get(f"/instances/{made['id']}/polling"))
        resources = [(each["resource"], each["strategy"]) for each in polling["resources"]]
        polls.append((polling["intervalSeconds"], resources))
    assert polls[0] == polls[1] == (900.0, [("events", "feed")])


async def test_a_default_is_one_that_may_be_sent_and_told():
    slow = type("Slow", (EgnyteConnector,), {"least_interval_seconds": 1200.0})()
    assert find_default(Field("event.poller.refresh_interval", "Interval", default="15"), slow) == "20"
    assert find_default(Field("key", "Key", secret=True, default="s3cret"), slow) is None


@pytest.mark.parametrize(
    "path", ["/elements/dropbox", "/elements/4017", "/elements/%00", "/elements/dropbox/oauth/url"]
)
async def test_an_unknown_connector_is_not_found_and_those_known_are_named(still, path):
    refused(await still.client.get(path), 404, "known: egnyte")


async def ask_for_url(still, way, **given):
    """Ask in one of two ways; give the address and its query."""
    if way == "GET":
        answer = await still.client.get("/elements/egnyte/oauth/url", params=given)
    else:
        answer = await still.client.post("/elements/egnyte/oauth/url", json=given)
    shown = accepted(answer)
    assert shown["element"] == "egnyte"
    return shown["oauthUrl"], {
        key: values[0] for key, values in parse_qs(urlsplit(shown["oauthUrl"]).query).items()
    }


@pytest.mark.parametrize("way", ["GET", "POST"])
async def test_the_consent_page_is_the_providers(still, way):
    url, query = await ask_for_url(still, way, **APPLICATION, subdomain="acme")
    assert url.startswith(f"{still.sandbox.url}/puboauth/token?")
    assert query == {
        "client_id": "key",
        "redirect_uri": REDIRECT,
        "response_type": "code",
        "scope": "Egnyte.filesystem Egnyte.link",
        "state": "egnyte",
    }
    page = await still.outside.get(url)
    assert page.status_code == 200
    assert "Allow" in page.text


@pytest.mark.parametrize("way", ["GET", "POST"])
async def test_scope_and_state_go_along_whatever_they_hold(still, way):
    state = "a b&c=d#e%f/é漢"
    _, query = await ask_for_url(still, way, **APPLICATION, scope="Egnyte.filesystem", state=state)
    assert query["scope"] == "Egnyte.filesystem"
    assert query["state"] == state


@pytest.mark.asyncio(loop_scope="function")
async def test_the_domain_is_named_by_subdomain_or_by_site_address_or_left_to_the_client(make_world):
    async with make_world(egnyte_url="https://{subdomain}.egnyte.com", roles=frozenset()) as world:
        for way in ["GET", "POST"]:
            for given, host in [
                ({"subdomain": "acme"}, "acme.egnyte.com"),
                ({"siteAddress": "acme"}, "acme.egnyte.com"),
                ({"subdomain": "Acme", "siteAddress": "other"}, "acme.egnyte.com"),
                # As the original wrote it where no domain was given; the client fills it in.
                ({}, ".egnyte.com"),
            ]:
                url, _ = await ask_for_url(world, way, **APPLICATION, **given)
                assert urlsplit(url).netloc == host
                assert urlsplit(url).scheme == "https"


@pytest.mark.parametrize("way", ["GET", "POST"])
@pytest.mark.parametrize("missing", ["apiKey", "callbackUrl"])
@pytest.mark.parametrize("empty", [True, False])
async def test_what_the_page_cannot_do_without_is_asked_for(still, way, missing, empty):
    given = {key: value for key, value in APPLICATION.items() if key != missing} | (
        {missing: ""} if empty else {}
    )
    if way == "GET":
        answer = await still.client.get("/elements/egnyte/oauth/url", params=given)
    else:
        answer = await still.client.post("/elements/egnyte/oauth/url", json=given)
    body = refused(answer, 400, missing, "missing")
    assert "secret" not in body["message"].replace("apiSecret", "")


@pytest.mark.parametrize("subdomain", ["acme.evil", "acme/evil", "evil@acme", "acme#", "acmé", "-acme"])
@pytest.mark.parametrize("name", ["subdomain", "siteAddress"])
async def test_a_domain_that_is_none_is_refused(still, name, subdomain):
    answer = await still.client.get("/elements/egnyte/oauth/url", params={**APPLICATION, name: subdomain})
    refused(answer, 400, f"{name}: ", repr(subdomain))


async def test_what_the_body_does_not_name_may_stand_in_the_query(still):
    path = "/elements/egnyte/oauth/url"
    wanted = accepted(await still.client.get(path, params={**APPLICATION, "subdomain": "acme", "state": "s"}))
    for query, body in [
        ({**APPLICATION, "state": "s"}, {"subdomain": "acme"}),
        ({**APPLICATION, "subdomain": "other", "state": "other"}, {"subdomain": "acme", "state": "s"}),
        ({**APPLICATION, "subdomain": "acme", "state": "s"}, None),
        ({}, {**APPLICATION, "subdomain": "acme", "state": "s"}),
    ]:
        assert accepted(await still.client.post(path, params=query, json=body)) == wanted


async def test_the_consent_page_is_told_to_anybody_and_what_there_is_besides_to_nobody(still):
    base = f"{still.url}/elements/api-v2/elements"
    given = {**APPLICATION, "subdomain": "acme", "state": "s"}
    known = accepted(await still.client.get("/elements/egnyte/oauth/url", params=given))
    assert accepted(await still.outside.get(f"{base}/egnyte/oauth/url", params=given)) == known
    refused(await still.outside.get(f"{base}/egnyte/oauth/url", params=APPLICATION | {"apiKey": ""}), 400)
    for path in ("dropbox/oauth/url", "4017/oauth/url", "egnyte", "egnyte/metadata"):
        body = refused(await still.outside.get(f"{base}/{path}", params=given), 401, "header is missing")
        assert "egnyte" not in body["message"]
    refused(await still.outside.post(f"{base}/egnyte/oauth/url", json=given), 401)
    for header in ("", "Basic dXNlcjpwYXNz", "User a, Organization b", "User a, Element b"):
        headers = {"Authorization": header}
        refused(await still.outside.get(f"{base}/egnyte/oauth/url", params=given, headers=headers), 401)
