"""The instances of one connector: as ``/instances``, but of no other connector."""

from __future__ import annotations

import pytest

from tests.api.answers import accepted, refused, with_token

pytestmark = pytest.mark.asyncio(loop_scope="session")

PLACE = "/elements/egnyte/instances"


@pytest.mark.parametrize("element", ["egnyte", "4016"])
async def test_an_instance_lives_there_as_it_does_among_all(still, element):
    place = f"/elements/{element}/instances"
    body = await still.body()
    del body["element"]
    made = accepted(await still.client.post(place, json={**body, "tags": ["there"]}))
    path = f"{place}/{made['id']}"
    shown = await still.client.get(path)
    assert accepted(shown) == accepted(await still.client.get(f"/instances/{made['id']}"))
    assert accepted(await still.client.get(place, params={"tags[]": "there"})) == [accepted(shown)]
    unchanged = await still.client.get(path, headers={"If-None-Match": shown.headers["ETag"]})
    assert unchanged.status_code == 304
    changed = accepted(await still.client.put(path, json={**made, "name": "Renamed"}))
    assert changed["name"] == "Renamed"
    stale = {"If-Match": shown.headers["ETag"]}
    refused(await still.client.delete(path, headers=stale), 412)
    accepted(await still.client.delete(path))
    refused(await still.client.get(path), 404)
    assert accepted(await still.client.get(place)) == []


async def test_those_of_another_connector_are_none_of_it(still):
    own, other = await still.connect(), await still.connect()
    await still.pool.execute("UPDATE instance SET connector = 'gone' WHERE id = $1", other["id"])
    assert [each["id"] for each in accepted(await still.client.get(PLACE))] == [own["id"]]
    refused(await still.client.get(PLACE, params={"searchText": "nowhere"}), 404)
    path = f"{PLACE}/{other['id']}"
    for method in ("GET", "PUT", "DELETE"):
        answer = await still.client.request(method, path, json={"name": "x"} if method == "PUT" else None)
        refused(answer, 404, "gone", "egnyte")
    assert len(accepted(await still.client.get("/instances"))) == 2


async def test_lists_of_it_are_read_page_by_page(still):
    made = [(await still.connect())["id"] for _ in range(3)]
    first = await still.client.get(PLACE, params={"pageSize": 2})
    token = first.headers["Elements-Next-Page-Token"]
    second = await still.client.get(PLACE, params={"nextPage": token})
    assert [each["id"] for each in (*accepted(first), *accepted(second))] == made
    refused(await still.client.get("/instances", params={"nextPage": token}), 400, "nextPage")


async def test_what_does_not_belong_together_is_refused(still):
    body = await still.body()
    refused(await still.client.post("/elements/dropbox/instances", json=body), 404, "dropbox", "egnyte")
    refused(await still.client.post(PLACE, json={**body, "element": {"key": "dropbox"}}), 404, "dropbox")
    refused(await still.client.patch(f"{PLACE}/1", json={}), 405, "GET, PUT, DELETE")
    made = accepted(await still.client.post(PLACE, json=body))
    own = with_token(still, made["token"])
    refused(await still.client.post(PLACE, json=await still.body(), headers=own), 403)
    refused(await still.client.get(PLACE, headers=own), 403)


async def test_a_key_has_it_made_once(still):
    body = await still.body()
    headers = {"Idempotency-Key": "there"}
    made = [accepted(await still.client.post(PLACE, json=body, headers=headers)) for _ in range(2)]
    assert made[0] == made[1]
