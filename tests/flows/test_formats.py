"""Each form from the change at the provider to the callback: signed, valid, complete, and what is too large by link."""

from __future__ import annotations

import json

import pytest

from signalpost.delivery.formats import records
from signalpost.model.delivery import Format
from tests.schemas import check_body
from tests.support import until


def list_events(body):
    """Give the events of a body, whatever its form."""
    if isinstance(body, list):
        return body
    return body["message"]["events"] if "message" in body else body["data"]["events"]


def list_records(body):
    """Give the records of a body, whatever its form."""
    if isinstance(body, list):
        return [event["data"] for event in body]
    if "message" in body:
        raw = body["message"]["raw"]
        return raw[raw["objectType"]]
    return [event["record"] for event in body["data"]["events"]]


def list_links(body):
    """Give the links of a body, whatever its form."""
    if isinstance(body, list):
        return [event["dataref"] for event in body]
    if "message" in body:
        return body["message"]["raw"]["omitted"]["links"]
    return [event["link"] for event in body["data"]["events"]]


async def deliver(world, form, count):
    """Have so many changes delivered in a form; give them and the bodies that arrived."""
    instance = await world.connect(**{"event.notification.format": form.value})
    await world.wait_for_watermark(instance["id"])
    made = await world.change(count)

    def bodies():
        return [received["body"] for received in world.listener.received]

    await until(lambda: sum(len(list_events(body)) for body in bodies()) >= count)
    for received in world.listener.received:
        assert received["valid"] is True
        assert check_body(received["headers"], received["body"]) is form
    return made, bodies()


@pytest.mark.parametrize("form", Format)
async def test_changes_arrive_in_the_form_that_is_configured(world, form):
    made, bodies = await deliver(world, form, 25)
    assert [record["id"] for body in bodies for record in list_records(body)] == [row["id"] for row in made]
    assert all(len(list_events(body)) <= 10 for body in bodies)
    logged = (await world.client.get("/instances/events")).json()
    assert [event["id"] for body in bodies for event in list_events(body)] == [each["id"] for each in logged]


@pytest.mark.parametrize("form", Format)
async def test_what_is_too_large_is_linked_and_found_there(world, monkeypatch, form):
    monkeypatch.setattr(records, "MOST_RECORD_BYTES", 100)
    made, bodies = await deliver(world, form, 3)
    links = [link for body in bodies for link in list_links(body)]
    for link, row in zip(links, made, strict=True):
        answer = await world.client.get(f"{world.url}{link}")
        assert answer.status_code == 200, answer.text
        found = answer.json()
        record = found if form is Format.CLOUDEVENTS else json.loads(found["providerData"])
        assert record["id"] == row["id"]
        assert (await world.outside.get(f"{world.url}{link}")).status_code == 401


async def test_links_stand_below_the_public_address(make_world, monkeypatch):
    monkeypatch.setattr(records, "MOST_RECORD_BYTES", 100)
    async with make_world(public_url="https://signalpost.example.com/") as world:
        _, [body] = await deliver(world, Format.CLOUDEVENTS, 1)
        [link] = list_links(body)
        assert link.startswith("https://signalpost.example.com/elements/api-v2/instances/")
