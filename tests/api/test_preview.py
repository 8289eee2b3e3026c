"""A poller configuration tried: one page of each resource, judged as a poll would, nothing stored."""

from __future__ import annotations

import pytest
import pytest_asyncio

from tests.api.answers import accepted, refused

pytestmark = pytest.mark.asyncio(loop_scope="session")

POLLER = "event.poller.configuration"
USERS = {
    "url": "/hubs/documents/users",
    "idField": "id",
    "strategy": "timestamp",
    "datesConfiguration": {
        "updatedDateField": "lastModificationDate",
        "updatedDateFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSX",
        "createdDateField": "createdDate",
        "createdDateFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSX",
    },
}
TABLES = ("instance", "resource_poll", "object_memory", "event", "page", "operation_notice")


@pytest_asyncio.fixture(loop_scope="session")
async def preview(still):
    """Give a function that asks for a preview, and checks that nothing came of it but calls that were counted."""
    instance = await still.connect()
    query = "SELECT " + ", ".join(f"(SELECT count(*) FROM {table})" for table in TABLES)

    async def ask(body=None):
        before = await still.pool.fetchrow(query)
        watermarks = await still.pool.fetch("SELECT * FROM resource_poll ORDER BY id")
        answer = await still.client.post(f"/instances/{instance['id']}/polls/preview", json=body)
        assert await still.pool.fetchrow(query) == before
        assert await still.pool.fetch("SELECT * FROM resource_poll ORDER BY id") == watermarks
        return answer

    ask.instance = instance
    return ask


async def look(preview, body=None):
    return accepted(await preview(body))["resources"]


@pytest.mark.parametrize("body", [None, {}, {"pageSize": 20}])
async def test_without_a_configuration_the_instances_own_is_tried(still, preview, body):
    made = await still.change(3)
    [events] = await look(preview, body)
    assert (events["resource"], events["strategy"], events["error"]) == ("events", "feed", None)
    assert events["url"] == "/hubs/documents/events"
    assert [record["id"] for record in events["records"]] == [row["id"] for row in made]
    assert len(events["events"]) == 3
    assert set(events["events"][0]) == {"objectId", "objectType", "eventType", "date"}
    assert [each["record"] for each in events["diagnosis"]] == [0, 1, 2]
    assert events["diagnosis"][0]["id"]["objectId"] == events["events"][0]["objectId"]
    assert events["diagnosis"][0]["updated"]["problem"] is None


async def test_of_a_feed_the_newest_are_shown(still, preview):
    made = await still.change(8)
    [events] = await look(preview, {"pageSize": 3})
    assert [record["id"] for record in events["records"]] == [row["id"] for row in made[-3:]]


async def test_of_a_feed_that_keeps_less_than_asked_all_is_shown(still, preview):
    made = await still.change(30)
    await still.control("PATCH", "settings", {"retention": 5})
    [events] = await look(preview, {"pageSize": 20})
    assert [record["id"] for record in events["records"]] == [row["id"] for row in made[-5:]]


async def test_of_a_feed_without_numbers_the_last_hour_is_shown(still, preview):
    await still.control("POST", "records/audit", {"create": [{}, {}]})
    [audit] = await look(preview, {"audit": {"url": "/hubs/documents/audit"}})
    assert audit["error"] is None
    assert len(audit["records"]) == len(audit["events"]) == 2


@pytest.mark.parametrize(
    "wrap", [lambda users: {"configuration": {"users": users}}, lambda users: {"users": users}]
)
async def test_a_list_shows_what_its_records_would_be_told_as_and_why(still, preview, wrap):
    fresh, changed = "2026-05-28T10:00:00Z", "2030-05-28T10:00:00Z"
    dates = [(changed, changed), (fresh, changed)]
    await still.control(
        "POST",
        "records/users",
        {
            "create": [
                {"createdDate": created, "lastModificationDate": updated, "userName": f"user{number}"}
                for number, (created, updated) in enumerate(dates)
            ]
        },
    )
    where = {**USERS, "url": "/hubs/documents/users?where=userName LIKE 'user_'"}
    where["url"] = "/hubs/documents/users?where=userName LIKE 'user%25'"
    [users] = await look(preview, wrap(where))
    assert users["error"] is None, users
    assert [record["userName"] for record in users["records"]] == ["user0", "user1"]
    assert [event["eventType"] for event in users["events"]] == ["CREATED", "UPDATED"]
    assert users["diagnosis"][1]["updated"]["instant"] == changed
    assert users["diagnosis"][1]["created"]["instant"] == fresh
    assert any("do not meet the where" in remark for remark in users["remarks"])


async def test_dates_that_cannot_be_read_as_configured_are_explained(preview):
    dates = {"updatedDateField": "userName", "updatedDateFormat": "yyyy", "updatedDateTimezone": "GMT"}
    [users] = await look(preview, {"users": {**USERS, "datesConfiguration": dates, "idField": "nothing"}})
    first = users["diagnosis"][0]
    assert first["updated"]["problem"]
    assert first["updated"]["format"] == "yyyy"
    assert first["id"]["byContent"]
    assert users["remarks"]


async def test_one_resource_that_fails_does_not_stop_the_others(still, preview):
    await still.control(
        "POST", "faults", {"kind": "status", "status": 500, "times": 1, "path": "/pubapi/v2/users"}
    )
    wish = {"users": USERS, "groups": {"url": "/hubs/documents/groups"}}
    users, groups = await look(preview, wish)
    assert "500" in users["error"]
    assert (users["records"], users["events"]) == ([], [])
    assert groups["error"] is None
    assert len(groups["records"]) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"pageSize": 0}, ["pageSize", "'0'"]),
        ({"pageSize": "5"}, ["pageSize", "'5'"]),
        ({"pageSize": True}, ["pageSize", "'True'"]),
        ({"configuration": "{"}, [POLLER, "not JSON"]),
        ({"users": {}}, [f"{POLLER}.users.url", "missing"]),
        ({"users": {"url": "/hubs/documents/planets"}}, [f"{POLLER}.users.url", "planets"]),
        (
            {"users": {**USERS, "datesConfiguration": {"updatedDateField": "x", "updatedDateFormat": "Q"}}},
            ["Q"],
        ),
        ({f"users{number}": USERS for number in range(51)}, [POLLER, "51", "50"]),
        ([], ["body"]),
    ],
)
async def test_what_a_real_one_would_be_refused_for_is_refused(preview, body, words):
    refused(await preview(body), 400, *words)


async def test_an_instance_that_must_be_authorised_again_says_so(still, preview):
    await still.pool.execute("UPDATE instance SET valid = false WHERE id = $1", preview.instance["id"])
    refused(await preview(), 403, "authorise it again")
