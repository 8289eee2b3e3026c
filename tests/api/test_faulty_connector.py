"""A connector that fails while a user asks: that request says so, without its words, and others are answered."""

from __future__ import annotations

import pytest
from structlog.testing import capture_logs

from signalpost.connectors import authorising
from signalpost.connectors.authorising import Grant

SECRET = "hunter2"


def fail(*_, **__):
    raise KeyError(SECRET)


async def fail_later(*_, **__):
    raise KeyError(SECRET)


@pytest.mark.parametrize(
    ("method", "behaviour"), [("find_host", fail), ("open_listing", fail), ("open_listing", lambda *_: None)]
)
async def test_a_read_of_it_is_refused_and_told(world, monkeypatch, method, behaviour):
    instance = await world.connect()
    headers = {"Authorization": f"{world.client.headers['authorization']}, Element {instance['token']}"}
    connector = world.service.app.api.state.parts.registry.find("egnyte")
    monkeypatch.setattr(connector, method, behaviour, raising=False)
    answer = await world.client.get("/hubs/documents/users", headers=headers)
    assert answer.status_code == 502, answer.text
    assert "raised" in answer.json()["providerMessage"]
    assert SECRET not in answer.text
    monkeypatch.undo()
    assert (await world.client.get("/hubs/documents/users", headers=headers)).status_code != 502


async def test_an_instance_that_cannot_be_identified_is_not_stored(world, monkeypatch):
    connector = world.service.app.api.state.parts.registry.find("egnyte")
    monkeypatch.setattr(connector, "identify", fail_later, raising=False)
    answer = await world.client.post("/instances", json=await world.body())
    assert answer.status_code == 400, answer.text
    assert "identify raised KeyError" in answer.text
    assert SECRET not in answer.text
    assert (await world.client.get("/instances")).json() == []


class Faulty:
    """How calls of a connector are authorised, which fails (``OwnAuthorisation``)."""

    grant = Grant.CONFIGURATION
    write_headers = staticmethod(fail)


@pytest.mark.parametrize("step", ["classify", "write_headers"])
async def test_a_connector_that_fails_on_the_way_to_its_account_is_told_without_its_words(
    world, monkeypatch, step
):
    body = await world.body()
    if step == "classify":  # the first answer that it judges has the tokens in it
        connector = world.service.app.api.state.parts.registry.find("egnyte")
        monkeypatch.setattr(connector, "classify", fail, raising=False)
    else:
        monkeypatch.setattr(authorising, "_recall_own", lambda _: Faulty())
    with capture_logs() as told:
        answer = await world.client.post("/instances", json=body)
    assert answer.status_code == 400, answer.text
    assert f"the connector failed: {step} raised KeyError" in answer.text
    assert SECRET not in answer.text
    assert SECRET not in str([{**each, "exception": ""} for each in told])
    assert [each["event"] for each in told if each["log_level"] == "error"] == ["connector.failed"]


@pytest.mark.parametrize("method", ["find_host", "find_authorization"])
async def test_a_connector_that_fails_at_a_configuration_has_nothing_stored_and_says_so(
    world, monkeypatch, method
):
    instance = await world.connect()
    body = await world.body()
    before = (await world.client.get(f"/instances/{instance['id']}")).json()
    query = {"apiKey": "key", "callbackUrl": "https://example.com/back", "siteAddress": "acme"}
    monkeypatch.setattr(
        world.service.app.api.state.parts.registry.find("egnyte"), method, fail, raising=False
    )
    answers = [
        await world.client.post("/instances", json=body),
        await world.client.put(f"/instances/{instance['id']}", json=body),
        await world.client.get("/elements/egnyte/oauth/url", params=query),
    ]
    told = [answer for answer in answers if "raised" in answer.text]
    assert len(told) >= 2, [answer.text for answer in answers]
    for answer in told:
        assert answer.status_code == 400, answer.text
        assert "the connector failed: find_" in answer.json()["message"]
        assert SECRET not in answer.text
    monkeypatch.undo()
    assert (await world.client.get(f"/instances/{instance['id']}")).json() == before
    assert len((await world.client.get("/instances")).json()) == 1
