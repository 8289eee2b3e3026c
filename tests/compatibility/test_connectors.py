"""Programs written for the original find connectors and read their resources here. See compatibility.md."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

from tests.compatibility.client import Program

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_connectors_are_listed_and_shown(program):
    listed = await program.done("GET", "/elements", "pageSize=200")
    assert "egnyte" in [each["key"] for each in listed]
    for name in ("egnyte", "4016"):
        shown = await program.done("GET", f"/elements/{name}")
        assert (shown["id"], shown["key"], shown["hub"]) == (4016, "egnyte", "documents")
        assert shown["authentication"] == {"type": "oauth2"}


async def test_connectors_are_looked_for_by_where(program):
    for where, found in {
        "key = 'egnyte'": ["egnyte"],
        "key='jira'": [],
        "key IN ('jira', 'egnyte') AND private='false'": ["egnyte"],
        "extended='true'": [],
    }.items():
        listed = await program.done("GET", "/elements", f"where={quote(where)}")
        assert [each["key"] for each in listed] == found, where


async def test_what_is_polled_by_default_is_read_from_the_connector_and_given_back(program):
    declared = (await program.done("GET", "/elements/egnyte"))["configuration"]
    defaults = {each["key"]: each["defaultValue"] for each in declared}
    assert (defaults["event.poller.refresh_interval"], defaults["event.notification.enabled"]) == (
        "15",
        "false",
    )
    polled = defaults["event.poller.configuration"]
    assert json.loads(polled)["events"]["url"] == "/hubs/documents/events"
    made = await program.connect(
        **{
            "event.poller.configuration": polled,
            "event.poller.urls": "|".join(json.loads(polled)),
            "event.vendor.type": "polling",
            "event.notification.signature.key": "",
        }
    )
    assert json.loads(made["configuration"]["event.poller.configuration"]) == json.loads(polled)


async def test_what_can_be_polled_is_told_at_a_place_of_its_own(program):
    shown = await program.done("GET", "/elements/4016/metadata")
    assert (shown["id"], shown["key"], shown["name"]) == (4016, "egnyte", "Egnyte")
    assert set(shown) == {"id", "key", "name", "description", "events"}
    events = shown["events"]
    assert (events["supported"], events["methods"]) == (True, ["polling"])
    assert events["polling"]["events"]["pollUrl"] == "/hubs/documents/events"
    types = {name: each["eventTypes"] for name, each in events["polling"].items()}
    assert types["events"] == ["CREATED", "UPDATED", "DELETED", "MOVED", "UNKNOWN"]
    assert types["groups"] == ["CREATED", "UPDATED", "DELETED"]
    assert types["ping"] == ["CREATED", "UPDATED"]
    assert types["trash"] == ["UPDATED", "DELETED"]
    assert events == (await program.done("GET", "/elements/egnyte"))["events"]


async def test_resources_are_read_at_any_hub_or_none(program):
    made = await program.connect()
    own = Program(program.world, made["token"])
    for path in ("/hubs/documents/ping", "/users"):
        answer = await own.call("GET", path)
        assert answer.headers["elements-element-instance-id"] == str(made["id"])
    assert {"dateTime", "endpoint"} <= set(await own.done("GET", "/hubs/documents/ping"))
    users = await own.done("GET", "/hubs/documents/users", "pageSize=2&fields=id")
    for path in ("/hubs/anything/users", "/users"):
        assert await own.done("GET", path, "pageSize=2&fields=id") == users
    assert {"dateTime", "endpoint"} <= set(await own.done("GET", "/ping"))
