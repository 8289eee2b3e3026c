"""What an imported instance still needs is given: values one by one, the consent by link; then it goes on as it was."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from signalpost.connectors.base import EVENT_FIELDS
from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.instances.imports import Result
from signalpost.model.errors import InvalidRequestError
from tests.importing.originals import VALUES, write_original
from tests.rest.desk import CONFIGURATIONS, write_desk
from tests.support import until
from tests.web.conftest import sign_in
from tests.web.consent import consent


async def follow(link, world, username=None):
    """Consent by a connect link, as a customer's admin does; give the page that it ends on."""
    async with httpx.AsyncClient() as admin:
        go = await admin.get(f"{link}/go")
        back = await consent(admin, go.headers["location"], username=username)
        return (await admin.get(world.url + back.headers["location"])).text


async def show(world, outcome):
    return (await world.client.get(f"/instances/{outcome.instance_id}")).json()


@pytest.fixture
def given(world):
    return write_original(**{"event.notification.callback.url": world.listener.url})


async def test_by_its_link_it_is_authorised_enabled_polled_and_delivered(world, run_import, given):
    (outcome,) = await run_import(given, public_url=world.url)
    page = await follow(outcome.link, world)
    assert "You can close this page" in page
    shown = await show(world, outcome)
    assert (shown["disabled"], shown["valid"]) == (False, True)
    assert shown["configuration"]["oauth.callback.url"] == f"{world.url}/oauth/callback"
    account = await world.pool.fetchrow("SELECT account_id, account_label FROM instance")
    assert account["account_id"].startswith(world.sandbox.url)
    assert account["account_label"]
    await world.wait_for_watermark(outcome.instance_id)
    await world.change(3)
    await until(lambda: len(world.events()) >= 3)
    assert {each["valid"] for each in world.listener.received} == {True}
    (again,) = await run_import(given, public_url=world.url)
    assert (again.result, again.link, again.by_consent) == (Result.THERE, None, False)


async def test_consent_enables_none_that_somebody_disabled(world, run_import, given):
    there, here = await run_import(
        {**given, "id": 1, "disabled": True}, {**given, "id": 2}, public_url=world.url
    )
    assert (there.by_hand, here.by_hand) == (True, False)
    assert (await world.client.delete(f"/instances/{here.instance_id}/enabled")).status_code == 200
    for each in (there, here):
        assert "You can close this page" in await follow(each.link, world)
        shown = await show(world, each)
        assert (shown["disabled"], shown["valid"]) == (True, True)
    assert await world.pool.fetchval("SELECT count(*) FROM instance WHERE next_poll_at IS NOT NULL") == 0
    assert (await world.client.put(f"/instances/{there.instance_id}/enabled")).json()["disabled"] is False
    await world.wait_for_watermark(there.instance_id)


async def test_the_first_consent_says_which_account_it_is_and_another_one_is_refused(
    world, run_import, given
):
    (outcome,) = await run_import(given)
    path = f"/instances/{outcome.instance_id}"
    codes = []
    for username in ("admin", "power"):
        asked = {
            "client_id": "key",
            "redirect_uri": "https://app.example.com/connected",
            "username": username,
        }
        answer = await world.outside.post(f"{world.sandbox.url}/_sandbox/authorize", json=asked)
        codes.append(answer.json()["code"])
    answers = await asyncio.gather(
        *(world.client.put(path, json={"providerData": {"code": code}}) for code in codes)
    )
    assert sorted(each.status_code for each in answers) == [200, 409]
    assert await world.pool.fetchval("SELECT version FROM credential") == 1


async def test_missing_values_are_given_one_by_one_and_then_there_is_a_link(world, run_import, given):
    given["configuration"]["event.notification.basic.password"] = "********"
    given["configuration"]["event.notification.basic.username"] = "acme"
    (outcome,) = await run_import(given, values={}, public_url=world.url)
    assert outcome.missing == ("oauth.api.key", "oauth.api.secret", "event.notification.basic.password")
    assert outcome.link is None
    path = f"/instances/{outcome.instance_id}"
    early = await world.client.put(path, json={"providerData": {"code": await world.authorize()}})
    assert early.status_code == 400
    assert "configuration.oauth.api.key: it is missing" in early.text
    listed = (await world.client.get(f"{path}/configuration")).json()
    numbers = {each["key"]: each["id"] for each in listed}
    for key, value in (("oauth.api.key", "key"), ("oauth.api.secret", "secret")):
        answer = await world.client.patch(
            f"{path}/configuration/{numbers[key]}", json={"propertyValue": value}
        )
        assert answer.status_code == 200, answer.text
    (again,) = await run_import(given, values={}, public_url=world.url)
    assert (again.missing, again.link) == (("event.notification.basic.password",), None)
    given_now = {"configuration": {"event.notification.basic.password": "a password"}}
    assert (await world.client.patch(path, json=given_now)).status_code == 200
    (ready,) = await run_import(given, values={}, public_url=world.url)
    assert ready.missing == ()
    assert "You can close this page" in await follow(ready.link, world)


@pytest.mark.parametrize("shown", [{}, {"event.notification.basic.username": ""}])
async def test_a_password_that_the_original_masks_though_there_is_none_is_not_missing(
    world, run_import, given, shown
):
    given["configuration"] |= {
        "event.notification.basic.password": "********",
        "event.notification.callback.headers": "",
        **shown,
    }
    (outcome,) = await run_import(given, public_url=world.url)
    assert outcome.missing == ()
    assert "You can close this page" in await follow(outcome.link, world)


async def test_what_the_original_masks_and_nothing_here_reads_is_told_and_holds_nothing_back(
    world, run_import, given
):
    given["configuration"] |= {"user.password": "********", "password": "********"}
    (outcome,) = await run_import(given, public_url=world.url)
    (again,) = await run_import(given, public_url=world.url)
    for each in (outcome, again):
        assert each.missing == ()
        assert each.remarks == ("masked there, and read by nothing here: user.password, password",)
    assert "You can close this page" in await follow(again.link, world)
    (with_it,) = await run_import(
        {**given, "id": 2}, values={"2": {"password": "theirs"}, **VALUES}, public_url=world.url
    )
    assert with_it.remarks == ("masked there, and read by nothing here: user.password",)


async def test_until_it_is_authorised_nothing_is_polled_though_it_is_enabled(world, run_import, given):
    (outcome,) = await run_import(given)
    path = f"/instances/{outcome.instance_id}"
    assert (await world.client.put(f"{path}/enabled")).status_code == 200
    browser = await sign_in(world)
    page = await browser.read(path)
    await browser.client.aclose()
    assert "It was imported, and was never authorised." in page
    assert "no longer accepts" not in page
    told = (await world.client.get(f"{path}/polling")).json()
    assert told["state"] == "needsAuthorisation"
    assert "was never authorised" in told["message"]
    # Another domain may be given: there is no account yet that it could part from.
    assert (await world.client.patch(path, json={"configuration": {"subdomain": "other"}})).status_code == 200
    assert (await world.client.patch(path, json={"configuration": {"subdomain": "acme"}})).status_code == 200
    answer = await world.client.put(path, json={"providerData": {"code": await world.authorize()}})
    assert answer.status_code == 200, answer.text
    await world.wait_for_watermark(outcome.instance_id)


@pytest.mark.parametrize("auth", ["header", "oauth2_client"])
async def test_of_connectors_without_consent_the_secret_alone_is_missing(
    make_world, run_import, rest_api, tmp_path, auth
):
    files = tmp_path / "desk.toml"
    files.write_text(write_desk(rest_api.url, auth=auth))
    async with make_world(connector_files=str(files)) as world:
        own = {**CONFIGURATIONS[auth], "event.notification.callback.url": world.listener.url}
        events = {each.key for each in EVENT_FIELDS}
        rest = {key: None for key in write_original()["configuration"] if key not in events}
        rest["event.poller.configuration"] = None
        masked = dict.fromkeys(CONFIGURATIONS[auth], "********")
        hidden = write_original(1, key="desk", **{**rest, **own, **masked})
        shown = write_original(2, key="desk", **{**rest, **own})
        first, second = await run_import(hidden, shown, values={}, connector_files=str(files))
        assert (set(first.missing), first.by_consent) == (set(masked), False)
        assert (second.missing, second.by_consent, second.by_hand) == ((), False, True)

        path = f"/instances/{first.instance_id}"
        wrong = await world.client.patch(path, json={"configuration": dict.fromkeys(masked, "wrong")})
        assert wrong.status_code == 400
        right = await world.client.patch(path, json={"configuration": CONFIGURATIONS[auth]})
        assert (right.json()["disabled"], right.json()["valid"]) == (False, True), right.text
        await world.wait_for_watermark(first.instance_id)

        enabled = await world.client.put(f"/instances/{second.instance_id}/enabled")
        assert enabled.status_code == 200
        await world.wait_for_watermark(second.instance_id)


async def test_one_that_needs_no_authorisation_begins_as_it_is_enabled(
    make_world, run_import, rest_api, tmp_path
):
    """What happens from that answer on is told, whenever its first poll comes (tests/polling/test_told_first)."""
    files = tmp_path / "desk.toml"
    files.write_text(write_desk(rest_api.url, auth="header"))
    async with make_world(connector_files=str(files), roles=frozenset()) as world:
        original = write_original(
            key="desk", **CONFIGURATIONS["header"], **{"event.poller.configuration": None}
        )
        (outcome,) = await run_import(original, values={}, connector_files=str(files))
        statement = "SELECT starts_at FROM resource_poll WHERE instance_id = $1"
        assert await world.pool.fetchval(statement, outcome.instance_id) is None
        enabled = await world.client.put(f"/instances/{outcome.instance_id}/enabled")
        assert enabled.status_code == 200
        starts_at = await world.pool.fetchval(statement, outcome.instance_id)
        assert starts_at is not None
        await world.client.put(f"/instances/{outcome.instance_id}/enabled")
        assert await world.pool.fetchval(statement, outcome.instance_id) == starts_at


async def test_what_a_connector_has_come_to_ask_for_is_given_before_the_consent(
    world, run_import, given, monkeypatch
):
    """Its host is not known from what was imported; that is no matter, as no account there was ever connected."""
    (outcome,) = await run_import(given)
    find_host = EgnyteConnector.find_host

    def find_host_by_region(connector, configuration):
        if "region" not in configuration:
            raise InvalidRequestError("configuration.region: it is missing")
        return find_host(connector, configuration)

    monkeypatch.setattr(EgnyteConnector, "find_host", find_host_by_region)
    answer = await world.client.patch(
        f"/instances/{outcome.instance_id}", json={"configuration": {"region": "eu"}}
    )
    assert answer.status_code == 200, answer.text
