"""The two requests of Open Connectors' documentation of Egnyte's events, as printed, and the forms values come in."""

from __future__ import annotations

import json

import pytest

from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.polling.configuration import match_resource
from signalpost.sandbox.egnyte.tokens import Code, Grant
from tests.api.answers import accepted

pytestmark = pytest.mark.asyncio(loop_scope="session")

TEMPLATE = r"""
{
  "element":{
    "key":"egnyte"
  },
  "providerData":{
    "code": "%(code)s"
  },
  "configuration":{
    "oauth.callback.url": "%(redirect)s",
    "oauth.api.key": "%(key)s",
    "oauth.api.secret": "%(secret)s",
    "subdomain": "acme",
    "event.notification.enabled": true,
    "event.notification.callback.url": "http://mycoolapp.com",
    "event.poller.refresh_interval": "%(interval)s",
    "event.poller.configuration":{
      "events":{
        "url":"/hubs/documents/events",
        "idField":"event_object_id",
        "datesConfiguration":{
          "updatedAtField":"event_date",
          "updatedAtFormat":"yyyy-MM-dd'T'HH:mm:ss.SSSX",
          "updatedAtTimezone":"GMT",
          "createdAtField":"event_date",
          "createdAtFormat":"yyyy-MM-dd'T'HH:mm:ss.SSSX'",
          "createdAtTimezone":"GMT"
        }
      }
    }
  },
  "tags":[
    "%(tag)s"
  ],
  "name":"%(name)s"
}
"""
EXAMPLE = {
    "code": "1c6ff4089d58d80e86482ab7d5b97f15dd7b041d",
    "redirect": "https://mycoolapp.com",
    "key": "xxxxxxxxxxxxxxxxxxxxxxxxxxxx",
    "secret": "xxxxxxxxxxxxxxxxxxxxxxxx",
    "interval": "15",
    "tag": "Test",
    "name": "API_Polling",
}


async def send(still, filled):
    """Let the provider know the application and the code, and send the request as text."""
    key = {"client_id": filled["key"], "secret": filled["secret"], "redirect_uris": [filled["redirect"]]}
    await still.control("PATCH", "settings", {"strict_keys": True, "keys": [key]})
    code = Code(Grant(filled["key"], 1), filled["redirect"], expires_at=2**40)
    still.sandbox.state.tokens._codes[filled["code"]] = code
    try:
        headers = {"Content-Type": "application/json"}
        return accepted(await still.client.post("/instances", content=TEMPLATE % filled, headers=headers))
    finally:
        await still.control("PATCH", "settings", {"strict_keys": False, "keys": []})


async def polls_of(still, instance):
    rows = await still.pool.fetch(
        "SELECT resource, configuration FROM resource_poll WHERE instance_id = $1", instance["id"]
    )
    return {row["resource"]: row["configuration"] for row in rows}


async def interval_of(still, instance):
    return await still.pool.fetchval("SELECT interval_seconds FROM instance WHERE id = $1", instance["id"])


async def test_the_example_works_as_printed(still):
    instance = await send(still, EXAMPLE)
    assert instance["name"] == "API_Polling"
    assert instance["tags"] == ["Test"]
    assert instance["eventsEnabled"] is True
    assert instance["eventsNotificationCallbackUrl"] == "http://mycoolapp.com"
    assert instance["configuration"]["event.poller.refresh_interval"] == "15"
    assert await interval_of(still, instance) == 900
    sent = json.loads(TEMPLATE % EXAMPLE)["configuration"]["event.poller.configuration"]
    assert await polls_of(still, instance) == sent
    assert json.loads(instance["configuration"]["event.poller.configuration"]) == sent


async def test_the_template_works_with_its_blanks_filled_or_left_where_they_may_be(still):
    blanks = {"interval": "", "tag": "", "name": "", "key": "key", "secret": "secret", "code": "a-code"}
    instance = await send(still, {**EXAMPLE, **blanks})
    assert instance["name"] == "Egnyte"
    assert instance["tags"] == []
    assert await interval_of(still, instance) == 900
    filled = await send(
        still, {**EXAMPLE, "interval": "5", "tag": "A tag", "name": "A name", "code": "another"}
    )
    assert (filled["name"], filled["tags"]) == ("A name", ["A tag"])
    assert await interval_of(still, filled) == 300


async def test_defaults_are_those_of_the_parameter_table(still):
    body = await still.body()
    kept = ("oauth.callback.url", "oauth.api.key", "oauth.api.secret", "subdomain")
    body = {
        "element": {"key": "egnyte"},
        "providerData": body["providerData"],
        "configuration": {key: body["configuration"][key] for key in kept},
    }
    instance = accepted(await still.client.post("/instances", json=body))
    assert instance["eventsEnabled"] is False
    assert instance["eventsNotificationCallbackUrl"] is None
    assert instance["configuration"]["event.notification.enabled"] == "false"
    assert instance["configuration"]["event.poller.refresh_interval"] == "15"
    assert instance["configuration"]["event.vendor.type"] == "polling"
    assert await polls_of(still, instance) == {}
    enabled = await still.connect(**{"event.poller.configuration": None})
    [(resource, configuration)] = (await polls_of(still, enabled)).items()
    assert resource == "events"
    assert configuration["url"] == "/hubs/documents/events"
    assert match_resource(resource, configuration, EgnyteConnector()).id_field == "event_object_id"


DATES = json.loads(TEMPLATE % EXAMPLE)["configuration"]["event.poller.configuration"]["events"][
    "datesConfiguration"
]
DATES_LATER = {field.replace("At", "Date"): value for field, value in DATES.items()}


@pytest.mark.parametrize("dates", [DATES, DATES_LATER, {}, None], ids=["At", "Date", "empty", "null"])
@pytest.mark.parametrize("form", ["object", "text", "text of text"])
async def test_dates_in_both_spellings_and_the_configuration_as_object_or_text(still, dates, form):
    sent = {
        "events": {
            "url": "/hubs/documents/events",
            "idField": "event_object_id",
            "datesConfiguration": dates,
        },
        "copy of events": {"url": "/hubs/any/events"},
    }
    value = {
        "object": sent,
        "text": json.dumps(sent, indent=2),
        "text of text": json.dumps(json.dumps(sent)),
    }[form]
    instance = await still.connect(**{"event.poller.configuration": value})
    assert await polls_of(still, instance) == sent
    shown = instance["configuration"]["event.poller.configuration"]
    assert isinstance(shown, str)
    assert shown == value or json.loads(shown) == sent


@pytest.mark.parametrize(
    ("given", "shown", "seconds"),
    [
        ("15", "15", 900),
        (15, "15", 900),
        (" 5 ", " 5 ", 300),
        (0.5, "0.5", 30),
        ("0.5", "0.5", 30),
        ("2.50", "2.50", 150),
        ("1e1", "1e1", 600),
        (44640, "44640", 44640 * 60),
        ("", "15", 900),
        (None, "15", 900),
    ],
)
async def test_the_interval_is_text_or_number_whole_or_fraction(still, given, shown, seconds):
    instance = await still.connect(**{"event.poller.refresh_interval": given})
    assert instance["configuration"]["event.poller.refresh_interval"] == shown
    assert await interval_of(still, instance) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("given", "enabled"),
    [
        (True, True),
        ("true", True),
        ("True", True),
        (" TRUE ", True),
        (False, False),
        ("false", False),
        ("FALSE", False),
        ("", False),
        (None, False),
    ],
)
async def test_events_are_enabled_by_boolean_or_text(still, given, enabled):
    instance = await still.connect(**{"event.notification.enabled": given})
    assert instance["eventsEnabled"] is enabled
    assert bool(await polls_of(still, instance)) is enabled


@pytest.mark.parametrize(
    "element", [{"key": "egnyte"}, {"key": "EGNYTE"}, {"id": 4016}, {"id": "4016", "name": "Egnyte"}]
)
async def test_the_connector_is_named_by_key_or_id(still, element):
    body = {**await still.body(), "element": element, "unknown": {"left": "alone"}}
    assert accepted(await still.client.post("/instances", json=body))["element"]["key"] == "egnyte"
