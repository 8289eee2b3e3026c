"""Two organizations in one service: neither sees, changes or counts what is the other's, on any route there is."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import pytest
import pytest_asyncio

from signalpost.api.app import BASE_PATH, build_routes
from signalpost.sandbox.egnyte import run_sandbox
from tests.api.answers import accepted, refused, with_token
from tests.api.conftest import enter_organization
from tests.support import World, open_world, until

pytestmark = pytest.mark.asyncio(loop_scope="session")

# From the OpenAPI document, so that a new route is covered without a word here.
ROUTES = [
    (method.upper(), path.removeprefix(BASE_PATH))
    for path, methods in build_routes().openapi()["paths"].items()
    for method in methods
    if path.startswith(BASE_PATH) and not path.startswith(f"{BASE_PATH}/schemas")
]
OWNED = {"instance_id", "event_id", "notification_id", "subscription_id", "replay_id"}
"""Parameters of paths that name what an organization owns."""


def parameters_of(path):
    return set(re.findall(r"\{(\w+)\}", path))


OWNED_ROUTES = [(method, path) for method, path in ROUTES if OWNED & parameters_of(path)]
BODIES = {"/instances/test-callback": {"url": "https://example.com"}}


@dataclass(frozen=True)
class Neighbours:
    """An organization with an instance and events, and a stranger to it in the same service."""

    owner: World
    stranger: World
    instance: dict[str, Any]
    values: dict[str, Any]
    seen: list[Any] = field(default_factory=list)

    async def look(self) -> list[Any]:
        """Give all that the owner sees."""
        path = f"/instances/{self.instance['id']}"
        return [
            accepted(await self.owner.client.get(place))
            for place in (path, f"{path}/configuration", f"{path}/events", "/instances", "/instances/events")
        ]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def neighbours(postgres):
    async with (
        postgres.open_database() as database,
        run_sandbox() as sandbox,
        open_world(database, sandbox) as owner,
        enter_organization(owner) as stranger,
    ):
        instance = await owner.connect()
        await owner.wait_for_watermark(instance["id"])
        await owner.change(1)

        async def notified():
            events = accepted(await owner.client.get("/instances/events"))
            return [event for event in events if event["status"] == "NOTIFIED"]

        [event] = await until(notified)
        [value, *_] = accepted(await owner.client.get(f"/instances/{instance['id']}/configuration"))
        asked = await owner.client.post(f"/instances/{instance['id']}/replays", json={"sequence": 1})
        assert asked.status_code == 202, asked.text
        values = {
            "instance_id": instance["id"],
            "notification_id": event["eventElementInstances"][0]["notificationId"],
            "subscription_id": instance["id"],
            "replay_id": asked.json()["id"],
            "event_id": event["id"],
            "config_id": value["id"],
            "key_or_id": "egnyte",
            "hub": "documents",
            "resource_path": "events",
        }
        made = Neighbours(owner, stranger, instance, values)
        made.seen.extend(await made.look())
        yield made


async def ask(world, method, path, values, headers=None):
    assert parameters_of(path) <= set(values), f"say in the fixture what stands for the parameters of {path}"
    body = BODIES.get(path, {}) if method in {"POST", "PUT", "PATCH"} else None
    return await world.client.request(method, path.format(**values), json=body, headers=headers)


async def test_the_routes_are_found():
    assert ("DELETE", "/instances/{instance_id}") in OWNED_ROUTES
    assert len(OWNED_ROUTES) >= 13


@pytest.mark.parametrize(("method", "path"), OWNED_ROUTES)
async def test_what_is_anothers_is_not_found(neighbours, method, path):
    answer = await ask(neighbours.stranger, method, path, neighbours.values)
    refused(answer, 404)
    # The answer for what is another's is the answer for what is nobody's.
    absent = {**neighbours.values, "instance_id": 999_999_999}
    if "{instance_id}" in path:
        message = refused(await ask(neighbours.stranger, method, path, absent), 404)["message"]
        assert answer.json()["message"].replace(str(neighbours.instance["id"]), "999999999") == message
    assert await neighbours.look() == neighbours.seen


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_anothers_token_opens_nothing(neighbours, method, path):
    token, stranger = neighbours.instance["token"], neighbours.stranger
    own = stranger.client.headers["Authorization"]
    for headers in [with_token(stranger, token), {"Authorization": f"{own}, Element {token}"}]:
        refused(await ask(stranger, method, path, neighbours.values, headers), 401)
    assert await neighbours.look() == neighbours.seen


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_nothing_is_open_without_secrets(neighbours, method, path):
    for header in ["", "User a, Organization b", "User a, Element b"]:
        answer = await ask(neighbours.stranger, method, path, neighbours.values, {"Authorization": header})
        refused(answer, 401)


@pytest.mark.parametrize(("method", "path"), [(method, path) for method, path in ROUTES if method == "GET"])
async def test_no_list_shows_what_is_anothers(neighbours, method, path):
    if OWNED & parameters_of(path):
        return
    for query in [{}, {"searchText": neighbours.instance["name"]}, {"tags[]": "Test"}, {"pageSize": 1}]:
        place = path.format(**neighbours.values)
        answer = await neighbours.stranger.client.get(place, params=query)
        for trace in [
            neighbours.instance["token"],
            neighbours.instance["name"],
            neighbours.values["event_id"],
        ]:
            assert str(trace) not in answer.text


async def test_pages_do_not_lead_into_anothers_lists(neighbours):
    for path in ["/instances", "/instances/events"]:
        answer = await neighbours.owner.client.get(path, params={"pageSize": 1})
        accepted(answer)
        token = answer.headers["Elements-Next-Page-Token"]
        for query in [{"nextPage": token}, {"pageSize": 1}, {"page": 1}]:
            assert accepted(await neighbours.stranger.client.get(path, params=query)) == []


async def test_configuration_ids_are_no_way_to_anothers_values(neighbours):
    """The same value has the same id everywhere: what is shown is the asker's own."""
    own = await neighbours.stranger.connect(subdomain="other")
    place = f"/instances/{own['id']}/configuration"
    values = accepted(await neighbours.stranger.client.get(place))
    assert {value["key"] for value in values} >= set(own["configuration"])
    for value in values:
        shown = accepted(await neighbours.stranger.client.get(f"{place}/{value['id']}"))
        assert shown["propertyValue"] == own["configuration"].get(value["key"])
    accepted(await neighbours.stranger.client.delete(f"/instances/{own['id']}"))
