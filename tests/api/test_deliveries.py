"""Deliveries read back: found, paged, shown with their attempts; sent again; the endpoint shown and released."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.api.answers import accepted, refused
from tests.store.notified import NOW, add_notifications

pytestmark = pytest.mark.asyncio(loop_scope="session")

ALL = ["delivered", "dead", "cancelled", "unsent", "pending"]


async def prepare(still, states=ALL):
    """Connect an instance with notifications; give its place and their ids."""
    instance = await still.connect()
    ids = await add_notifications(still.pool, instance["id"], states)
    return f"/instances/{instance['id']}", ids


async def add_attempt(still, notification_id, number, *, replay_id=0, status=500, after=0):
    error = None if status == 200 else f"the callback answered {status}"
    await still.pool.execute(
        "INSERT INTO attempt (notification_id, replay_id, number, started_at, duration_milliseconds, status, error,"
        " excerpt) VALUES ($1, $2, $3, $4, 12, $5, $6, 'words')",
        notification_id,
        replay_id,
        number,
        NOW + timedelta(seconds=after),
        status,
        error,
    )


async def list_ids(still, place, **query):
    return [each["id"] for each in accepted(await still.client.get(f"{place}/deliveries", params=query))]


async def test_a_delivery_says_what_became_of_it(still):
    place, ids = await prepare(still)
    await add_attempt(still, ids[1], 1, status=422)
    shown = accepted(await still.client.get(f"{place}/deliveries"))
    assert [each["id"] for each in shown] == ids
    assert [each["state"] for each in shown] == ALL
    assert [each["status"] for each in shown] == ["delivered", "dead", "cancelled", "unsent", "created"]
    dead = shown[1]
    assert dead["deadDate"] == dead["createdDate"] == "2026-03-01T00:00:00Z"
    assert (dead["attempts"], dead["failures"]) == (3, 3)
    assert (dead["lastStatus"], dead["lastError"]) == (422, "the callback answered 422")
    assert (dead["deliveredDate"], dead["nextAttemptDate"]) == (None, None)
    [event] = dead["events"]
    assert (event["sequence"], event["objectType"], event["eventType"]) == (2, "file", "CREATED")
    assert shown[-1]["nextAttemptDate"] == "2026-03-01T00:00:00Z"
    whole = accepted(await still.client.get(f"{place}/deliveries/{ids[1]}"))
    assert whole.pop("attemptList") == accepted(
        await still.client.get(f"{place}/deliveries/{ids[1]}/attempts")
    )
    assert whole == dead


async def test_attempts_are_those_of_the_lane_and_then_of_replays(still):
    place, [first] = await prepare(still, ["dead"])
    elsewhere = await still.client.post(f"{place}/replays", json={"sequence": 1, "url": "https://192.0.2.1/"})
    await add_attempt(still, first, 1)
    await add_attempt(still, first, 2, after=8)
    await add_attempt(still, first, 1, replay_id=elsewhere.json()["id"], status=200, after=99)
    path = f"{place}/deliveries/{first}/attempts"
    attempts = accepted(await still.client.get(path))
    assert [(each["number"], each["replayId"] is None) for each in attempts] == [
        (1, True),
        (2, True),
        (1, False),
    ]
    assert attempts[0] == {
        "number": 1,
        "replayId": None,
        "startedDate": "2026-03-01T00:00:00Z",
        "durationMilliseconds": 12,
        "status": 500,
        "error": "the callback answered 500",
        "excerpt": "words",
    }
    # What was answered elsewhere says nothing of the endpoint.
    assert accepted(await still.client.get(f"{place}/deliveries/{first}"))["lastStatus"] == 500
    page = await still.client.get(path, params={"pageSize": 2})
    token = page.headers["Elements-Next-Page-Token"]
    assert accepted(page) + accepted(await still.client.get(path, params={"nextPage": token})) == attempts


async def test_deliveries_are_found(still):
    place, ids = await prepare(still)
    number = int(place.rpartition("/")[2])
    late = await add_notifications(still.pool, number, ["delivered"], made_at=NOW + timedelta(hours=1))
    shown = accepted(await still.client.get(f"{place}/deliveries"))
    object_id = shown[2]["events"][0]["objectId"]
    for query, found in [
        ({"state": "dead"}, ids[1:2]),
        ({"state": "delivered"}, ids[:1] + late),
        ({"objectId": object_id}, ids[2:3]),
        ({"objectId": object_id, "state": "dead"}, []),
        ({"objectId": object_id, "eventType": "CREATED"}, ids[2:3]),
        ({"objectId": object_id, "eventType": "DELETED"}, []),
        ({"eventType": "CREATED"}, ids + late),
        ({"eventType": "DELETED"}, []),
        ({"objectId": "' OR true --"}, []),
        ({"from": "2026-03-01T00:30:00Z"}, late),
        ({"to": "2026-03-01T00:30:00Z"}, ids),
        ({"from": "2026-03-01T01:00:00+01:00", "to": "2026-03-01T01:00:00Z"}, ids),
        ({"page": 2, "pageSize": 2}, ids[2:4]),
    ]:
        assert await list_ids(still, place, **query) == found, query


async def test_pages_stay_good_while_rows_arrive(still):
    place, ids = await prepare(still, ["delivered"] * 5)
    number, seen, query = int(place.rpartition("/")[2]), [], {"pageSize": 2}
    while query:
        page = await still.client.get(f"{place}/deliveries", params=query)
        seen += [each["id"] for each in accepted(page)]
        token = page.headers.get("Elements-Next-Page-Token")
        if token and len(seen) < 10:
            ids += await add_notifications(still.pool, number, ["delivered"])
        query = token and {"nextPage": token}
    assert seen == ids


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"state": "lost"}, ["state", "'lost'", "pending", "dead"]),
        ({"eventType": "BORN"}, ["eventType", "'BORN'", "CREATED"]),
        ({"objectId": "a\0b"}, ["objectId"]),
        ({"from": "yesterday"}, ["from", "'yesterday'", "Z"]),
        ({"to": "2026-03-01T00:00:00"}, ["to", "2026-03-01T00:00:00", "zone"]),
        ({"from": "2026-03-02T00:00:00Z", "to": "2026-03-01T00:00:00Z"}, ["from", "before"]),
        ({"pageSize": "0"}, ["pageSize"]),
        ({"nextPage": "x"}, ["nextPage"]),
    ],
)
async def test_wrong_filters_are_named(still, query, words):
    place, _ = await prepare(still, [])
    refused(await still.client.get(f"{place}/deliveries", params=query), 400, *words)


async def test_what_is_anothers_or_nobodys_is_not_found(still):
    place, [first] = await prepare(still, ["dead"])
    other, _ = await prepare(still, [])
    for path in [f"{other}/deliveries/{first}", f"{other}/deliveries/{first}/attempts"]:
        refused(await still.client.get(path), 404, str(first))
    refused(await still.client.post(f"{other}/deliveries/{first}/send"), 404, str(first))
    assert await list_ids(still, other) == []
    for wrong in ["x", "-1", "99999999999999999999"]:
        refused(await still.client.get(f"{place}/deliveries/{wrong}"), 400, "notificationId", wrong)


async def test_one_is_sent_again_and_one_that_waits_is_not(still):
    place, ids = await prepare(still)
    answer = await still.client.post(f"{place}/deliveries/{ids[0]}/send")
    assert answer.status_code == 202, answer.text
    assert (answer.json()["kind"], answer.json()["state"], answer.json()["last"]) == (
        "one",
        "running",
        ids[0],
    )
    refused(
        await still.client.post(f"{place}/deliveries/{ids[-1]}/send"), 409, "waits", f"PUT {place}/endpoint"
    )


async def test_those_that_failed_are_sent_again(still):
    place, [*_, last] = await prepare(still, ["dead", "delivered", "dead"])
    path = f"{place}/deliveries/send-failed"
    for body, found in [
        (None, last),
        ({}, last),
        ({"since": "2026-02-28T00:00:00Z"}, last),
        ({"since": "2026-03-02T00:00:00Z"}, 0),
    ]:
        answer = await still.client.post(path, json=body)
        assert answer.status_code == 202, answer.text
        assert (answer.json()["kind"], answer.json()["last"]) == ("failed", found)
    assert answer.json()["since"] == "2026-03-02T00:00:00Z"
    for since in ["soon", 5, "2026-03-02", ["x"]]:
        refused(await still.client.post(path, json={"since": since}), 400, "since")


async def test_the_endpoint_says_how_it_stands_and_is_released(still):
    secret = f"{still.listener.url}?token=secret"
    instance = await still.connect(**{"event.notification.callback.url": secret})
    place = f"/instances/{instance['id']}/endpoint"
    empty = accepted(await still.client.get(place))
    assert (empty["state"], empty["waiting"], empty["nextAttemptDate"]) == ("active", 0, None)
    assert empty["url"] == f"{still.listener.url}?***"
    await add_notifications(still.pool, instance["id"], ["pending"] * 3)
    await still.pool.execute(
        "UPDATE notification SET failures = 6, refusals = 2, next_attempt_at = now() + interval '1 day'"
        " WHERE instance_id = $1",
        instance["id"],
    )
    await still.pool.execute(
        "UPDATE endpoint SET state = 'deactivated', failing_since = $2, deactivated_at = $2, last_error = 'bad'"
        " WHERE instance_id = $1",
        instance["id"],
        NOW,
    )
    assert accepted(await still.client.get(place)) == {
        "instanceId": instance["id"],
        "url": f"{still.listener.url}?***",
        "state": "deactivated",
        "failingSince": "2026-03-01T00:00:00Z",
        "deactivatedDate": "2026-03-01T00:00:00Z",
        "lastError": "bad",
        "waiting": 3,
        "oldestWaitingDate": "2026-03-01T00:00:00Z",
        "nextAttemptDate": None,
    }
    deliveries = accepted(await still.client.get(f"/instances/{instance['id']}/deliveries"))
    assert {(each["status"], each["nextAttemptDate"]) for each in deliveries} == {("queued", None)}
    released = accepted(await still.client.put(place))
    assert (released["state"], released["failingSince"], released["lastError"]) == ("active", None, None)
    assert released["nextAttemptDate"] is not None
    rows = await still.pool.fetch(
        "SELECT failures, refusals, next_attempt_at <= now() FROM notification WHERE instance_id = $1",
        instance["id"],
    )
    assert {tuple(row) for row in rows} == {(0, 0, True)}


async def test_the_endpoint_of_a_disabled_instance_is_not_released(still):
    place, _ = await prepare(still, ["pending"])
    await still.client.delete(f"{place}/enabled")
    refused(await still.client.put(f"{place}/endpoint"), 409, "disabled", f"PUT {place}/enabled")
    assert accepted(await still.client.get(f"{place}/endpoint"))["nextAttemptDate"] is None
