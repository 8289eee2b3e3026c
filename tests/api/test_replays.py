"""Replays asked for, listed, cancelled; wrong ones named; addresses judged before anything is stored."""

from __future__ import annotations

from dataclasses import replace

import pytest

from signalpost.model.errors import AddressRefusedError
from signalpost.settings import Settings
from signalpost.wiring.plan import PlanReader
from tests.api.answers import accepted, refused
from tests.store.notified import add_notifications

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def prepare(still, states=("delivered", "delivered")):
    instance = await still.connect()
    ids = await add_notifications(still.pool, instance["id"], states)
    return f"/instances/{instance['id']}/replays", ids


async def ask(still, place, **body):
    answer = await still.client.post(place, json=body)
    assert answer.status_code == 202, answer.text
    return answer.json()


async def test_a_replay_is_asked_for_shown_and_cancelled(still):
    place, [first, second] = await prepare(still)
    by_number = await ask(still, place, sequence=2)
    assert by_number == {
        "id": by_number["id"],
        "instanceId": int(place.split("/")[2]),
        "kind": "range",
        "state": "running",
        "url": None,
        "since": None,
        "sent": 0,
        "dead": 0,
        "failures": 0,
        "position": second - 1,
        "last": second,
        "createdDate": by_number["createdDate"],
        "nextAttemptDate": by_number["createdDate"],
        "endedDate": None,
        "lastError": None,
    }
    by_instant = await ask(
        still, place, **{"from": "2026-03-01T00:00:00Z"}, url="https://192.0.2.1/?token=secret"
    )
    assert (by_instant["position"], by_instant["url"]) == (first - 1, "https://192.0.2.1/?***")
    assert accepted(await still.client.get(place)) == [by_number, by_instant]
    one = f"{place}/{by_number['id']}"
    assert accepted(await still.client.get(one)) == by_number
    cancelled = accepted(await still.client.delete(one))
    assert (cancelled["state"], cancelled["nextAttemptDate"]) == ("cancelled", None)
    assert cancelled["endedDate"] is not None
    assert accepted(await still.client.delete(one)) == cancelled
    page = await still.client.get(place, params={"pageSize": 1})
    token = page.headers["Elements-Next-Page-Token"]
    rest = accepted(await still.client.get(place, params={"nextPage": token}))
    assert accepted(page) + rest == [cancelled, by_instant]


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({}, ["from", "sequence", "one of the two"]),
        ({"from": "2026-03-01T00:00:00Z", "sequence": 1}, ["one of the two"]),
        ({"from": "now"}, ["from", "'now'", "Z"]),
        ({"from": 1700000000}, ["from", "1700000000"]),
        ({"from": {"a": 1}}, ["from"]),
        ({"sequence": "1"}, ["sequence", "'1'", "whole number"]),
        ({"sequence": 0}, ["sequence", "'0'"]),
        ({"sequence": True}, ["sequence", "'True'"]),
        ({"sequence": 2**80}, ["sequence"]),
        ({"sequence": 1.5}, ["sequence", "1.5"]),
        ({"sequence": 1, "url": "ftp://example.com"}, ["url", "ftp://example.com", "https://"]),
        ({"sequence": 1, "url": "https://user:secret@example.com/"}, ["url", "user name"]),
        ({"sequence": 1, "url": 5}, ["url", "int"]),
        ({"sequence": 1, "url": ""}, ["url"]),
    ],
)
async def test_what_is_wrong_is_named_and_nothing_is_stored(still, body, words):
    place, _ = await prepare(still, ())
    message = refused(await still.client.post(place, json=body), 400, *words)["message"]
    assert "secret" not in message
    assert accepted(await still.client.get(place)) == []


async def test_an_address_that_is_not_allowed_is_refused(still, monkeypatch):
    place, _ = await prepare(still, ())

    class Strict:
        async def vet(self, url):
            raise AddressRefusedError("10.0.0.1 is private")

    state = still.service.app.api.state
    vet = PlanReader(Settings(), Strict()).vet
    monkeypatch.setitem(state._state, "parts", replace(state.parts, vet=vet))
    body = {"sequence": 1, "url": "http://10.0.0.1/"}
    refused(await still.client.post(place, json=body), 400, "url", "private")
    assert accepted(await still.client.get(place)) == []


async def test_ten_may_run_at_a_time(still):
    place, _ = await prepare(still)
    asked = [await ask(still, place, sequence=1) for _ in range(10)]
    refused(await still.client.post(place, json={"sequence": 1}), 409, "10", "DELETE")
    accepted(await still.client.delete(f"{place}/{asked[0]['id']}"))
    await ask(still, place, sequence=1)


async def test_without_a_callback_url_it_must_be_given(still):
    instance = await still.connect(**{"event.notification.callback.url": ""})
    place = f"/instances/{instance['id']}/replays"
    refused(await still.client.post(place, json={"sequence": 1}), 409, "event.notification.callback.url")
    await ask(still, place, sequence=1, url="https://192.0.2.1/")


async def test_what_is_anothers_or_nobodys_is_not_found(still):
    place, _ = await prepare(still)
    other, _ = await prepare(still)
    replay = await ask(still, place, sequence=1)
    for method in ["GET", "DELETE"]:
        refused(await still.client.request(method, f"{other}/{replay['id']}"), 404, str(replay["id"]))
        refused(await still.client.request(method, f"{place}/x"), 400, "replayId", "'x'")
    assert accepted(await still.client.get(f"{place}/{replay['id']}"))["state"] == "running"
