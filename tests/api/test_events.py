"""The event log over the API: listed, paged, read one by one, by all of an organization or by one instance."""

from __future__ import annotations

import json

import pytest

from tests.api.answers import accepted, refused, with_token
from tests.support import until


async def polled(world, count):
    """Connect an instance, have ``count`` changes polled and delivered; give it and the provider's rows."""
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    made = await world.change(count)

    async def notified():
        events = accepted(await world.client.get(f"/instances/{instance['id']}/events"))
        return len(events) == count and all(event["status"] == "NOTIFIED" for event in events)

    await until(notified)
    return instance, made


async def read_all(world, path, headers=None, **parameters):
    events = []
    while parameters is not None:
        answer = await world.client.get(path, params=parameters, headers=headers)
        events += accepted(answer)
        token = answer.headers.get("Elements-Next-Page-Token")
        parameters = {"nextPage": token} if token else None
    return events


async def test_events_are_listed_in_order_and_read_one_by_one(world):
    instance, made = await polled(world, 12)
    path = f"/instances/{instance['id']}/events"
    events = accepted(await world.client.get(path))
    assert [json.loads(event["providerData"])["id"] for event in events] == [row["id"] for row in made]
    assert [event["sequence"] for event in events] == list(range(1, 13))
    for event in events:
        assert event["instanceId"] == instance["id"]
        assert event["resource"] == "events"
        [told] = event["notifiedData"]
        assert {key: event[key] for key in told} == told
        [notified] = event["eventElementInstances"]
        assert notified["elementInstanceId"] == instance["id"]
        assert notified["eventId"] == event["id"]
        for place in [f"{path}/{event['id']}", f"/instances/events/{event['id']}"]:
            assert accepted(await world.client.get(place)) == event
    delivered = [(each["eventType"], each["objectId"]) for each in world.events()]
    assert [(event["eventType"], event["objectId"]) for event in events] == delivered

    for size in [1, 5, 12]:
        assert await read_all(world, path, pageSize=size) == events
        assert await read_all(world, "/instances/events", pageSize=size) == events
    assert accepted(await world.client.get(path, params={"pageSize": 5, "page": 3})) == events[10:]
    assert accepted(await world.client.get(path, params={"page": 2})) == []


async def test_a_token_narrows_the_log_to_its_instance(world):
    first, _ = await polled(world, 3)
    second, _ = await polled(world, 2)

    async def all_is_delivered():
        return (
            await world.pool.fetchval(
                "SELECT count(*) FROM event JOIN notification ON notification.id = event.notification_id"
                " WHERE notification.state = 'delivered'"
            )
            == 7
        )

    await until(all_is_delivered)
    everything = await read_all(world, "/instances/events", pageSize=2)
    first_events, second_events = [
        [event for event in everything if event["instanceId"] == each["id"]] for each in (first, second)
    ]
    assert (len(first_events), len(second_events)) == (5, 2)
    for instance, own, others in [
        (first, first_events, second_events),
        (second, second_events, first_events),
    ]:
        headers = with_token(world, instance["token"])
        assert await read_all(world, "/instances/events", headers, pageSize=2) == own
        assert (
            accepted(await world.client.get(f"/instances/events/{own[0]['id']}", headers=headers)) == own[0]
        )
        refused(await world.client.get(f"/instances/events/{others[0]['id']}", headers=headers), 404)
        refused(await world.client.get(f"/instances/{instance['id']}/events/{others[0]['id']}"), 404)


async def test_what_is_not_notified_is_logged_as_received(world):
    instance = await world.connect(**{"event.notification.callback.url": None})
    await world.wait_for_watermark(instance["id"])
    await world.change(1)

    async def logged():
        return accepted(await world.client.get(f"/instances/{instance['id']}/events"))

    [event] = await until(logged)
    assert event["status"] == "RECEIVED"
    assert event["eventElementInstances"] == []
    assert accepted(await world.client.get(f"/instances/{instance['id']}/gaps")) == []


@pytest.mark.asyncio(loop_scope="session")
@pytest.mark.parametrize(
    "event_id", ["8ff41fbd-8789-4fcf-9412-2a2545daf0d0", "5", "x", "%00", "z" * 500, "{}", "null"]
)
async def test_an_event_that_is_not_there_is_not_found(still, event_id):
    refused(await still.client.get(f"/instances/events/{event_id}"), 404, "there is no event")
    instance = await still.connect()
    refused(
        await still.client.get(f"/instances/{instance['id']}/events/{event_id}"), 404, "there is no event"
    )


async def test_the_log_and_the_notification_say_the_same_time_in_every_year(world):
    """Years before 1000 are real: software that writes a date where it has none writes the first of the year 1."""
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    dates = ["0001-01-01T00:00:00Z", "0987-06-05T04:03:02Z", "1899-12-30T00:00:00Z", "9999-12-31T23:59:59Z"]
    [row] = await world.change(1)
    for place, date in enumerate(dates, 1):
        await world.control("POST", "events", [{**row, "id": row["id"] + place, "timestamp": date}])
    await until(lambda: len(world.events()) == 1 + len(dates))
    assert [each["date"] for each in world.events()[1:]] == dates
    events = accepted(await world.client.get(f"/instances/{instance['id']}/events"))[1:]
    assert [each["date"] for each in events] == dates
    assert [told["date"] for each in events for told in each["notifiedData"]] == dates


@pytest.mark.asyncio(loop_scope="session")
async def test_of_very_many_gaps_the_newest_are_told_oldest_first(still):
    instance = await still.connect()
    await still.pool.execute(
        "INSERT INTO gap (instance_id, resource, sequence, reason, detected_at)"
        " SELECT $1, 'events', number, 'lost', now() FROM generate_series(1, 1001) AS number ORDER BY number",
        instance["id"],
    )
    told = accepted(await still.client.get(f"/instances/{instance['id']}/gaps"))
    assert [gap["sequence"] for gap in told] == [*range(2, 1002)]
