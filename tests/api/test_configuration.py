"""The configuration of an instance, value by value."""

from __future__ import annotations

import pytest

from signalpost.sandbox.egnyte import run_sandbox
from tests.api.answers import accepted, refused, with_token
from tests.support import open_world

pytestmark = pytest.mark.asyncio(loop_scope="session")

MASK = "********"
FIELDS = {
    "id",
    "name",
    "key",
    "description",
    "propertyValue",
    "active",
    "hideFromConsole",
    "required",
    "type",
}


@pytest.fixture(params=["id", "token"])
def open_configuration(request, still):
    """Give a function that opens an instance's configuration in one of two ways: path and headers."""

    def open_it(instance):
        if request.param == "id":
            return f"/instances/{instance['id']}/configuration", None
        return "/instances/configuration", with_token(still, instance["token"])

    return open_it


async def list_values(still, path, headers):
    return {each["key"]: each for each in accepted(await still.client.get(path, headers=headers))}


async def test_values_are_listed_with_ids_and_can_be_read_alone(still, open_configuration):
    instance = await still.connect(other="value")
    path, headers = open_configuration(instance)
    values = await list_values(still, path, headers)
    assert set(instance["configuration"]) <= set(values)
    assert len({each["id"] for each in values.values()}) == len(values)
    for key, each in values.items():
        assert set(each) == FIELDS
        assert each["propertyValue"] == instance["configuration"].get(key)
        assert accepted(await still.client.get(f"{path}/{each['id']}", headers=headers)) == each
    for key in ("oauth.api.key", "oauth.api.secret", "event.notification.signature.key"):
        assert values[key]["propertyValue"] == MASK


async def test_one_value_is_changed_and_the_others_stay(still, open_configuration):
    instance = await still.connect()
    path, headers = open_configuration(instance)
    values = await list_values(still, path, headers)
    place = f"{path}/{values['event.poller.refresh_interval']['id']}"
    changed = accepted(await still.client.patch(place, json={"propertyValue": 20}, headers=headers))
    assert changed == {**values["event.poller.refresh_interval"], "propertyValue": "20"}
    now = accepted(await still.client.get(f"/instances/{instance['id']}"))
    expected = {**instance["configuration"], "event.poller.refresh_interval": "20"}
    assert now == {**instance, "configuration": expected}


async def test_a_value_is_checked_with_the_others(still, open_configuration):
    instance = await still.connect()
    path, headers = open_configuration(instance)
    values = await list_values(still, path, headers)
    for key, value, *words in [
        ("event.poller.refresh_interval", "never", "event.poller.refresh_interval", "'never'"),
        ("event.notification.enabled", "perhaps", "event.notification.enabled", "'perhaps'"),
        ("event.notification.callback.url", "ftp://example.com", "event.notification.callback.url", "ftp://"),
        ("event.poller.configuration", {"events": {}}, "event.poller.configuration.events.url"),
        ("oauth.api.key", "", "oauth.api.key", "missing"),
        ("subdomain", "other/path", "subdomain", "'other/path'"),
        ("event.notification.basic.password", MASK, "event.notification.basic.password", MASK),
    ]:
        answer = await still.client.patch(
            f"{path}/{values[key]['id']}", json={"propertyValue": value}, headers=headers
        )
        refused(answer, 400, *words)
    assert accepted(await still.client.get(f"/instances/{instance['id']}")) == instance


async def test_null_or_empty_takes_a_value_back_to_its_default(still):
    instance = await still.connect(other="value")
    path = f"/instances/{instance['id']}/configuration"
    values = await list_values(still, path, None)
    for key, value, shown in [
        ("other", None, None),
        ("event.poller.refresh_interval", None, "15"),
        ("event.notification.enabled", "", "false"),
        ("event.notification.callback.url", None, None),
    ]:
        await still.client.patch(f"{path}/{values[key]['id']}", json={"propertyValue": value})
        now = accepted(await still.client.get(f"/instances/{instance['id']}"))
        assert now["configuration"].get(key) == shown


@pytest.mark.parametrize("body", [{}, {"value": "30"}, {"propertyvalue": "30"}])
async def test_a_body_that_does_not_name_the_value_takes_nothing_away(still, open_configuration, body):
    instance = await still.connect()
    path, headers = open_configuration(instance)
    for each in (await list_values(still, path, headers)).values():
        answer = await still.client.patch(f"{path}/{each['id']}", json=body, headers=headers)
        refused(answer, 400, "propertyValue: it is missing")
    assert accepted(await still.client.get(f"/instances/{instance['id']}")) == instance


@pytest.mark.parametrize(("text", "status"), [("5", 404), ("abc", 400), ("-1", 400), ("9" * 30, 400)])
async def test_a_value_that_is_not_there(still, text, status):
    instance = await still.connect()
    for answer in [
        await still.client.get(f"/instances/{instance['id']}/configuration/{text}"),
        await still.client.patch(
            f"/instances/{instance['id']}/configuration/{text}", json={"propertyValue": "x"}
        ),
    ]:
        refused(answer, status, text)


async def test_an_interval_that_is_not_named_is_the_least_allowed_if_that_is_more(postgres):
    async with (
        postgres.open_database() as database,
        run_sandbox() as sandbox,
        open_world(database, sandbox, roles=frozenset(), min_poll_interval_seconds=1800) as world,
    ):
        instance = await world.connect(**{"event.poller.refresh_interval": None})
        assert instance["configuration"]["event.poller.refresh_interval"] == "30"
        changed = accepted(await world.client.patch(f"/instances/{instance['id']}", json={"name": "Other"}))
        assert changed["configuration"] == instance["configuration"]
        body = await world.body(**{"event.poller.refresh_interval": 15})
        refused(
            await world.client.post("/instances", json=body), 400, "event.poller.refresh_interval", "'15'"
        )
