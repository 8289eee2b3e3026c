"""An instance of a connector that is not installed any more: listed, all of it masked, not polled; the others go on."""

from __future__ import annotations

from signalpost.model.configuration import MASK
from tests.support import until
from tests.web.conftest import sign_in

SHOWN = {"event.notification.enabled": "true", "event.vendor.type": "polling"}


async def lose_connector(world, instance):
    """Have the instance be one of a connector that nobody has."""
    await world.pool.execute("UPDATE instance SET connector = 'gone' WHERE id = $1", instance["id"])


async def connect_two(world):
    lost, other = await world.connect(), await world.connect()
    for each in (lost, other):
        await world.wait_for_watermark(each["id"])
    await lose_connector(world, lost)
    return lost, other


async def test_it_is_listed_with_all_values_masked_and_told_in_words(world):
    lost, other = await connect_two(world)
    listed = (await world.client.get("/instances")).json()
    assert [each["id"] for each in listed] == [lost["id"], other["id"]]
    shown = listed[0]["configuration"]
    assert {key: shown[key] for key in SHOWN} == SHOWN
    own = {key: value for key, value in shown.items() if not key.startswith("event.")}
    assert {"oauth.api.key", "subdomain", "oauth.callback.url"} <= set(own)
    assert set(own.values()) == {MASK}
    assert listed[1]["configuration"]["subdomain"] == "acme"
    place = f"/instances/{lost['id']}"
    values = {
        each["key"]: each["propertyValue"]
        for each in (await world.client.get(f"{place}/configuration")).json()
    }
    assert values["subdomain"] == values["oauth.api.secret"] == MASK
    polling = (await world.client.get(f"{place}/polling")).json()
    assert polling["state"] == "notInstalled"
    assert "the connector gone is not installed" in polling["message"]
    browser = await sign_in(world)
    async with browser.client:
        page = await browser.read("/instances")
        assert "Not installed" in page
        assert "gone (not installed)" in page
        for tail in ("", "/events", "/deliveries", "/configuration", "/history", "/delete"):
            assert "https://app.example.com/connected" not in await browser.read(place + tail)
        assert "The connector gone is not installed" in await browser.read(place)
        assert "Not installed" not in await browser.read(f"/instances/{other['id']}")


async def test_it_is_not_polled_and_the_other_is(world):
    lost, other = await connect_two(world)
    rows = "SELECT watermark, failures, last_error FROM resource_poll WHERE instance_id = $1"
    before = await world.pool.fetch(rows, lost["id"])
    asked_at = await world.pool.fetchval("SELECT now()")
    await world.change(3)
    await until(lambda: len(world.events()) >= 3)
    passed = "SELECT last_poll_at > $2 FROM instance WHERE id = $1"
    assert await until(lambda: world.pool.fetchval(passed, lost["id"], asked_at))
    assert await world.pool.fetch(rows, lost["id"]) == before
    assert {each["body"]["message"]["instance_id"] for each in world.listener.received} == {other["id"]}
    await world.pool.execute("UPDATE instance SET connector = 'egnyte' WHERE id = $1", lost["id"])
    await until(lambda: len(world.events()) >= 6)  # from the watermark


async def test_what_waits_is_delivered_and_it_can_be_deleted_but_not_changed(world):
    lost = await world.connect()
    await world.wait_for_watermark(lost["id"])
    place = f"/instances/{lost['id']}"
    await world.pool.execute("UPDATE endpoint SET due_at = NULL, state = 'deactivated'")
    await world.change(2)
    await until(lambda: world.pool.fetchval("SELECT count(*) = 2 FROM event"))
    await lose_connector(world, lost)
    assert world.events() == []
    assert (await world.client.put(f"{place}/endpoint", json={"state": "active"})).status_code < 300
    await until(lambda: len(world.events()) == 2)

    sealed = "SELECT configuration::text FROM instance WHERE id = $1"
    answer = await world.client.put(f"{place}/signature-keys")
    assert answer.status_code == 200, answer.text
    assert "subdomain" not in await world.pool.fetchval(sealed, lost["id"])
    for method, path, body in (
        ("PATCH", place, {"name": "Another"}),
        ("PUT", place, {"configuration": {}}),
    ):
        answer = await world.client.request(method, path, json=body)
        assert answer.status_code == 409, answer.text
        assert "the connector 'gone' is not installed" in answer.json()["message"]
    answer = await world.client.get(
        "/hubs/documents/users",
        headers={"Authorization": f"{world.client.headers['authorization']}, Element {lost['token']}"},
    )
    assert answer.status_code == 404
    assert "known: egnyte" in answer.json()["message"]
    assert (await world.client.delete(place)).status_code == 200
    assert (await world.client.get("/instances")).json() == []
