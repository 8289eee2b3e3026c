"""How polling stands, told in one word with what to do; resumed, asked for at once, listed."""

from __future__ import annotations

import pytest
import pytest_asyncio

from signalpost.store.counts import Counts
from tests.api.answers import accepted, refused, with_token

pytestmark = pytest.mark.asyncio(loop_scope="session")

TWO = {
    "event.poller.configuration": {
        "events": {"url": "/hubs/documents/events"},
        "groups": {"url": "/hubs/documents/groups"},
    }
}
OPERATIONS = "event.notification.operations.url"
DISABLE = "UPDATE resource_poll SET disabled_at = now(), failures = 100, last_error = 'Egnyte failed (500)'"


class Polled:
    """An instance that nobody polls, and its rows."""

    def __init__(self, world, instance):
        self.world, self.instance, self.id = world, instance, instance["id"]
        self.path = f"/instances/{instance['id']}"

    async def set_instance(self, assignments):
        await self.world.pool.execute(f"UPDATE instance SET {assignments} WHERE id = $1", self.id)

    async def set_poll(self, statement, *resources):
        await self.world.pool.execute(
            f"{statement} WHERE instance_id = $1 AND resource = ANY($2)", self.id, resources
        )

    async def status(self):
        return accepted(await self.world.client.get(f"{self.path}/polling"))

    async def row(self, columns):
        return tuple(await self.world.pool.fetchrow(f"SELECT {columns} FROM instance WHERE id = $1", self.id))


@pytest_asyncio.fixture(loop_scope="session")
async def polled(still):
    made = Polled(still, await still.connect(**TWO, **{OPERATIONS: still.listener.url}))
    await made.set_instance("last_success_at = now(), last_poll_at = now()")
    return made


STATES = [
    ("active", [], [], ["goes on"]),
    ("disabled", ["disabled = true"], [], ["PUT /instances/", "/enabled"]),
    ("needsAuthorisation", ["valid = false"], [], ["providerData.code"]),
    ("disabled", [], [(DISABLE, "events", "groups")], ["events, groups", "Egnyte failed (500)", "/polling"]),
    ("throttled", ["throttled_until = now() + interval '1 hour'"], [], ["further apart"]),
    (
        "stale",
        ["last_success_at = now() - interval '2 minutes', next_poll_at = now() - interval '2 minutes'"],
        [],
        ["no poll has succeeded", "worker"],
    ),
    (
        "stale",
        ["last_success_at = NULL, created_at = now() - interval '2 minutes'"],
        [("UPDATE resource_poll SET failures = 3, last_error = 'no answer'", "events")],
        ["yet", "no answer"],
    ),
    (
        "active",
        ["last_success_at = now() - interval '1 day', throttled_until = now() - interval '5 seconds'"],
        [],
        [],
    ),
    ("active", ["last_success_at = now() - interval '40 minutes', interval_seconds = 900"], [], []),
    (
        "stale",
        [
            "last_success_at = now() - interval '46 minutes', interval_seconds = 900, next_poll_at = now() - interval '31 minutes'"
        ],
        [],
        [],
    ),
    (
        "failing",
        [],
        [("UPDATE resource_poll SET failures = 2, last_error = 'no answer'", "events")],
        ["events", "no answer", "by itself"],
    ),
    ("failing", [], [(DISABLE, "groups")], ["groups", "not polled any more", "/polling"]),
]


@pytest.mark.parametrize(("state", "instance", "polls", "words"), STATES)
async def test_the_state_is_told_with_what_to_do(polled, state, instance, polls, words):
    for assignments in instance:
        await polled.set_instance(assignments)
    for statement, *resources in polls:
        await polled.set_poll(statement, *resources)
    status = await polled.status()
    assert status["state"] == state, status
    for word in words:
        assert word in status["message"]
    disabled = sum(len(resources) for statement, *resources in polls if statement == DISABLE)
    assert await counted_with_and_without(polled) == (disabled, int(state == "stale"))


async def counted_with_and_without(polled):
    """What the gauges, which count by the same rule, count of this instance.

    Other tests' organizations are in the database too and grow stale meanwhile: one snapshot at one time
    sees both numbers.
    """
    async with polled.world.pool.acquire() as connection:
        snapshot = connection.transaction(isolation="repeatable_read")
        await snapshot.start()
        try:
            counting = Counts(connection, lease_seconds=10)
            counted = await counting.count()
            await connection.execute("DELETE FROM resource_poll WHERE instance_id = $1", polled.id)
            await connection.execute("UPDATE instance SET next_poll_at = NULL WHERE id = $1", polled.id)
            without = await counting.count()
        finally:
            await snapshot.rollback()
    return tuple(counted[name] - without[name] for name in ("pollers_disabled", "pollers_stale"))


async def test_events_switched_off_are_told(still):
    instance = await still.connect(**{"event.notification.enabled": False})
    status = accepted(await still.client.get(f"/instances/{instance['id']}/polling"))
    assert (status["state"], status["resources"]) == ("off", [])
    refused(await still.client.post(f"/instances/{instance['id']}/polls"), 409, "event.notification.enabled")


async def test_everything_known_of_a_resource_is_shown(polled):
    await polled.set_poll(
        "UPDATE resource_poll SET watermark = '{\"id\": 7}', failures = 2, last_error = 'no answer',"
        " last_error_at = '2026-05-28T11:41:12Z', retry_at = '2026-05-28T11:42:12Z', remark = 'odd',"
        " remembered = 5, last_success_at = '2026-05-28T11:40:12Z'",
        "events",
    )
    status = await polled.status()
    events, groups = status["resources"]
    assert events == {
        "resource": "events",
        "strategy": "feed",
        "watermark": {"id": 7},
        "state": "failing",
        "failures": 2,
        "lastError": "no answer",
        "lastErrorDate": "2026-05-28T11:41:12Z",
        "lastSuccessDate": "2026-05-28T11:40:12Z",
        "retryDate": "2026-05-28T11:42:12Z",
        "disabledDate": None,
        "remark": "odd",
        "remembered": 5,
    }
    assert (groups["resource"], groups["strategy"], groups["state"]) == ("groups", "snapshot", "active")
    assert status["intervalSeconds"] == pytest.approx(0.2)
    assert status["quota"]["callsADay"] == 1000
    assert status["quota"]["leftToPolls"] <= 900
    token = with_token(polled.world, polled.instance["token"])
    again = accepted(await polled.world.client.get("/instances/polling", headers=token))
    assert again == status


async def test_resuming_goes_on_from_the_watermark_with_one_notice(polled):
    world = polled.world
    await polled.set_poll(DISABLE + ", watermark = '{\"id\": 7}', retry_at = now()", "events", "groups")
    await polled.set_instance("next_poll_at = NULL")
    status = accepted(await world.client.put(f"{polled.path}/polling"))
    assert status["state"] == "active"
    for resource in status["resources"]:
        shown = {name: resource[name] for name in ("watermark", "failures", "retryDate", "disabledDate")}
        assert shown == {"watermark": {"id": 7}, "failures": 0, "retryDate": None, "disabledDate": None}
    assert await polled.row("next_poll_at <= now()") == (True,)
    token = with_token(world, polled.instance["token"])
    assert accepted(await world.client.put("/instances/polling", headers=token)) == status
    notices = await world.pool.fetch(
        "SELECT kind, body FROM operation_notice WHERE instance_id = $1", polled.id
    )
    [(kind, body)] = [tuple(notice) for notice in notices]
    assert (kind, body["resources"]) == ("polling.resumed", ["events", "groups"])


async def test_resuming_what_is_disabled_for_another_reason_does_not_poll(polled):
    await polled.set_poll(DISABLE, "events")
    await polled.set_instance("valid = false, next_poll_at = NULL")
    status = accepted(await polled.world.client.put(f"{polled.path}/polling"))
    assert status["state"] == "needsAuthorisation"
    assert await polled.row("next_poll_at") == (None,)


async def test_a_poll_asked_for_is_due_at_once_and_has_a_job(polled):
    world = polled.world
    await polled.set_instance("next_poll_at = now() + interval '1 hour'")
    await polled.set_poll("UPDATE resource_poll SET retry_at = now() + interval '1 hour'", "events")
    answer = await world.client.post(f"{polled.path}/polls")
    assert answer.status_code == 202
    assert answer.json()["instanceId"] == polled.id
    assert answer.json()["requestedDate"].endswith("Z")
    assert await polled.row("next_poll_at <= now()") == (True,)
    assert (await polled.status())["resources"][0]["retryDate"] is None
    payloads = await world.pool.fetch("SELECT payload FROM pgqueuer WHERE entrypoint = 'poll'")
    assert str(polled.id).encode() in [row["payload"] for row in payloads]


@pytest.mark.parametrize(
    ("instance", "disabled", "words"),
    [
        ("disabled = true", [], ["/enabled"]),
        ("valid = false", [], ["providerData.code"]),
        ("valid = true", ["events", "groups"], ["/polling"]),
    ],
)
async def test_a_poll_that_cannot_be_is_a_conflict_that_says_what_to_do(polled, instance, disabled, words):
    await polled.set_instance(f"{instance}, next_poll_at = NULL")
    await polled.set_poll(DISABLE, *disabled)
    refused(await polled.world.client.post(f"{polled.path}/polls"), 409, f"instance {polled.id}", *words)
    assert await polled.row("next_poll_at") == (None,)


async def test_instances_with_resources_given_up_are_listed_page_by_page(polled):
    world, path = polled.world, "/instances/polling-disabled"
    assert accepted(await world.client.get(path)) == []
    second = Polled(world, await world.connect(**TWO))
    for each in (polled, second):
        await each.set_poll(DISABLE, "groups")
    first = await world.client.get(path, params={"pageSize": 1})
    [shown] = accepted(first)
    assert shown.pop("since").endswith("Z")
    assert shown == {
        "instanceId": polled.id,
        "instanceName": "API_Polling",
        "resources": ["groups"],
        "lastError": "Egnyte failed (500)",
    }
    following = {"nextPage": first.headers["Elements-Next-Page-Token"]}
    [shown] = accepted(await world.client.get(path, params=following))
    assert shown["instanceId"] == second.id
    token = with_token(world, second.instance["token"])
    [shown] = accepted(await world.client.get(path, headers=token))
    assert shown["instanceId"] == second.id


async def test_records_of_the_poller_are_listed_per_resource(polled):
    world = polled.world
    await polled.set_poll(DISABLE + ", watermark = '{\"id\": 7}'", "events")
    [events, groups] = accepted(await world.client.get(f"{polled.path}/event-poller-records"))
    assert events.pop("lastPollDate").endswith("Z")
    assert events == {
        "objectName": "events",
        "lastSuccessDate": None,
        "failures": 100,
        "disabled": True,
        "watermark": {"id": 7},
    }
    assert (groups["objectName"], groups["disabled"]) == ("groups", False)
    token = with_token(world, polled.instance["token"])
    own = accepted(await world.client.get("/instances/event-poller-records", headers=token))
    assert [record["objectName"] for record in own] == ["events", "groups"]
    refused(await world.client.get("/instances/event-poller-records"), 401, "instance token")
    # What is no longer polled has no record.
    change = {"configuration": {"event.poller.configuration": {"events": {"url": "/hubs/documents/events"}}}}
    accepted(await world.client.patch(polled.path, json=change))
    [record] = accepted(await world.client.get(f"{polled.path}/event-poller-records"))
    assert record["objectName"] == "events"
