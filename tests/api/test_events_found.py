"""Events are searched over the API, and what became of them is told in words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from signalpost.model.event import EventType
from tests.api.answers import accepted, refused, with_token
from tests.store.history import Past

pytestmark = pytest.mark.asyncio(loop_scope="session")

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)
STATES = ("pending", "delivered", "dead", "cancelled", "unsent")
PLACES = ["/instances/events", "/instances/{id}/events"]


async def connect_past(world):
    """Connect an instance that nothing polls, to write its past."""
    instance = await world.connect()
    row = await world.pool.fetchrow(
        "SELECT organization_id, resource_poll.id, version FROM resource_poll JOIN instance ON instance.id = instance_id"
        " WHERE instance_id = $1",
        instance["id"],
    )
    return Past(world.pool, row[0], instance["id"], row[1], row[2]), instance


@pytest_asyncio.fixture(loop_scope="session")
async def past(still):
    """Pages of two events, a minute apart, one in each of the states."""
    made, instance = await connect_past(still)
    for minute, state in enumerate(STATES):
        page_id = await made.commit(
            NOON + timedelta(minutes=minute),
            [f"{state}/1", "every/2"],
            event_type=EventType.UPDATED if minute % 2 else EventType.CREATED,
        )
        if state in {"delivered", "dead"}:
            await made.end(page_id, state, attempts=2)
        elif state != "pending":
            await made.end(page_id, state, attempts=0)
    made.token = instance["token"]
    return made


async def find(world, past, **query):
    """Give the sequence numbers found, the same in each of the lists that there are."""
    found = []
    for place in PLACES:
        answer = await world.client.get(place.format(id=past.instance_id), params=query)
        found.append([event["sequence"] for event in accepted(answer)])
    headers = with_token(world, past.token)
    answer = await world.client.get("/instances/events", params=query, headers=headers)
    found.append([event["sequence"] for event in accepted(answer)])
    assert found[0] == found[1] == found[2]
    return found[0]


@pytest.mark.parametrize(
    ("query", "sequences"),
    [
        ({}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ({"objectId": "dead/1"}, [5]),
        ({"objectId": "every/2"}, [2, 4, 6, 8, 10]),
        ({"objectId": "nowhere"}, []),
        ({"objectId": "every/2", "eventType": "UPDATED"}, [4, 8]),
        ({"eventType": "MOVED"}, []),
        ({"objectType": "file", "resource": "events"}, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]),
        ({"objectType": "folder"}, []),
        ({"resource": "users"}, []),
        ({"from": "2026-03-10T12:01:00Z", "to": "2026-03-10T12:03:00Z"}, [3, 4, 5, 6]),
        ({"from": "2026-03-10T13:04:00+01:00"}, [9, 10]),
        ({"from": "2026-03-10t12:04:00z"}, [9, 10]),
        ({"to": "2026-03-10T12:00:00.5Z"}, [1, 2]),
        ({"state": "pending"}, [1, 2]),
        ({"state": "unsent"}, [9, 10]),
        ({"status": "CONSUMED"}, [5, 6, 7, 8]),
        ({"status": "NOTIFIED", "state": "delivered"}, [3, 4]),
        ({"status": "NOTIFIED", "state": "dead"}, []),
        ({"status": "NEW"}, []),
        ({"objectId": "", "eventType": "", "state": "", "from": "", "status": ""}, list(range(1, 11))),
    ],
)
async def test_events_are_found_by_what_is_asked(still, past, query, sequences):
    assert await find(still, past, **query) == sequences


@pytest.mark.parametrize("place", [*PLACES, "/instances/events/dispositions", "/instances/events/analytics"])
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"from": "yesterday"}, ["from: 'yesterday'", "2026-05-28T11:41:12Z"]),
        ({"to": "2026-03-10T12:00:00"}, ["to: ", "with its zone"]),
        ({"to": "2026-03-10"}, ["to: ", "with its zone"]),
        ({"from": "0001-01-01T00:00:00+14:00"}, ["from: ", "is not an instant"]),
        ({"to": "9999-12-31T23:59:59-14:00"}, ["to: ", "is not an instant"]),
        ({"from": "2026-03-10T12:00:00Z\0"}, ["from: ", "is not an instant"]),
        ({"from": "2026-03-11T12:00:00Z", "to": "2026-03-10T12:00:00Z"}, ["from: ", "is not before to"]),
        ({"from": "2026-03-10T12:00:00Z", "to": "2026-03-10T12:00:00Z"}, ["from: ", "is not before to"]),
    ],
)
async def test_a_span_that_cannot_be_is_refused(still, past, place, query, words):
    refused(await still.client.get(place.format(id=past.instance_id), params=query), 400, *words)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("query", "words"),
    [
        ({"state": "queued"}, ["state: 'queued'", "pending, delivered, dead, cancelled, unsent"]),
        ({"state": "PENDING"}, ["state: 'PENDING'"]),
        ({"status": "notified"}, ["status: 'notified'", "NEW, RECEIVED, DISPATCHED, CONSUMED, NOTIFIED"]),
        ({"eventType": "created"}, ["eventType: 'created'", "CREATED, UPDATED, DELETED, MOVED"]),
        ({"objectId": "a\0"}, ["objectId: ", "NUL"]),
        ({"objectType": "\0"}, ["objectType: ", "NUL"]),
        ({"resource": "\0"}, ["resource: ", "NUL"]),
    ],
)
async def test_a_value_that_cannot_be_is_refused(still, past, place, query, words):
    refused(await still.client.get(place.format(id=past.instance_id), params=query), 400, *words)


async def test_each_state_is_shown_with_the_originals_word(still, past):
    events = accepted(await still.client.get("/instances/events"))
    assert {event["state"]: event["status"] for event in events} == {
        "pending": "DISPATCHED",
        "delivered": "NOTIFIED",
        "dead": "CONSUMED",
        "cancelled": "CONSUMED",
        "unsent": "RECEIVED",
    }
    assert [bool(event["eventElementInstances"]) for event in events] == [True] * 8 + [False] * 2


async def test_a_search_is_paged(still, past):
    query, found = {"objectId": "every/2", "pageSize": 2}, []
    while True:
        answer = await still.client.get("/instances/events", params=query)
        found += [event["sequence"] for event in accepted(answer)]
        token = answer.headers.get("Elements-Next-Page-Token")
        if token is None:
            break
        query = {"objectId": "every/2", "nextPage": token}
    assert found == [2, 4, 6, 8, 10]


async def test_what_became_of_each_event_is_told_in_words(still, past):
    told = accepted(await still.client.get("/instances/events/dispositions"))
    events = accepted(await still.client.get("/instances/events"))
    assert [(each["eventId"], each["elementInstanceId"]) for each in told] == [
        (event["id"], event["instanceId"]) for event in events
    ]
    expected = {
        "pending": ["Event {} waits for delivery"],
        "delivered": ["Error delivering event {}: the callback answered 500", "Delivered event {}"],
        "dead": ["Error delivering event {}: the callback answered 500"] * 2
        + ["Event {} is a dead letter, and not tried again by itself"],
        "cancelled": ["Event {} was given up, as too many waited"],
        "unsent": ["Event {} was for nobody: the instance had no callback URL"],
    }
    for each, event in zip(told, events, strict=True):
        assert [data["message"] for data in each["notificationData"]] == [
            message.format(event["id"]) for message in expected[event["state"]]
        ]
    place = f"/instances/{past.instance_id}/events/dispositions"
    assert accepted(await still.client.get(place)) == told
    spanned = await still.client.get(
        place, params={"from": "2026-03-10T12:01:00Z", "to": "2026-03-10T12:02:00Z", "pageSize": 1}
    )
    assert accepted(spanned) == told[2:3]
    token = spanned.headers["Elements-Next-Page-Token"]
    following = {"from": "2026-03-10T12:01:00Z", "to": "2026-03-10T12:02:00Z", "nextPage": token}
    assert accepted(await still.client.get(place, params=following)) == told[3:4]


async def test_a_replay_is_told_as_one(still, past):
    await still.pool.execute(
        "INSERT INTO attempt (notification_id, replay_id, number, started_at, duration_milliseconds, status)"
        " SELECT notification_id, 7, 1, now(), 5, 200 FROM event WHERE object_id = 'dead/1' AND instance_id = $1",
        past.instance_id,
    )
    [_, _, told, _] = accepted(
        await still.client.get(
            f"/instances/{past.instance_id}/events/dispositions",
            params={"from": "2026-03-10T12:02:00Z", "to": "2026-03-10T12:03:00Z"},
        )
    )[0]["notificationData"]
    assert told["message"].endswith(" (replay 7)")
