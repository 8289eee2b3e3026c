"""A resource that fails too often is given up, told once and resumed without loss, and stops no other."""

from __future__ import annotations

import pytest

from signalpost.cli.listen import run_listener
from tests.flows.domain import Domain
from tests.support import REDIRECT, until

BOTH = {name: {"url": f"/hubs/documents/{name}"} for name in ("events", "groups")}
PATHS = {"events": "/pubapi/v2/events", "groups": "/pubapi/v2/groups"}


@pytest.fixture
async def operations():
    """Where operational notices go."""
    async with run_listener(key="a signature key") as listener:
        yield listener


@pytest.fixture
async def domain(make_world, operations):
    async with make_world(failures_before_disabling=3) as world:
        instance = await world.connect(
            **{"event.poller.configuration": BOTH, "event.notification.operations.url": operations.url}
        )
        domain = Domain(world, instance)
        await domain.settle()
        yield domain


async def fail(domain, *resources):
    for resource in resources:
        fault = {"kind": "status", "status": 500, "times": 1000, "path": PATHS[resource]}
        await domain.world.control("POST", "faults", fault)


async def make(domain, resource, number):
    """Change a resource; give the ids of the records that are to be told."""
    if resource == "events":
        return [row["id"] for row in await domain.world.change(number)]
    body = {"create": [{}] * number}
    return [row["id"] for row in (await domain.world.control("POST", "records/groups", body))["records"]]


async def check_told(domain, made):
    """Wait for records, by resource; nothing but these must have been told of it."""

    def told(resource):
        raws = [received["body"]["message"]["raw"] for received in domain.world.listener.received]
        return [record["id"] for raw in raws for record in raw.get(resource, [])]

    await until(lambda: all(len(told(resource)) >= len(ids) for resource, ids in made.items()))
    await domain.settle()
    for resource, ids in made.items():
        assert told(resource) == ids


async def ask(domain, method, path, status=200):
    answer = await domain.world.client.request(method, path)
    assert answer.status_code == status, answer.text
    return answer.json()


async def wait_until_stopped(domain, *resources):
    async def is_stopped():
        stopped = await ask(domain, "GET", "/instances/polling-disabled")
        return stopped and stopped[0]["resources"] == sorted(resources) and stopped

    return await until(is_stopped)


def told_kinds(operations):
    return [received["body"]["kind"] for received in operations.received]


@pytest.mark.parametrize(("broken", "other"), [("events", "groups"), ("groups", "events")])
async def test_one_is_given_up_and_resumed_without_loss_while_the_other_goes_on(
    domain, operations, broken, other
):
    place = f"/instances/{domain.instance['id']}"
    made = {name: await make(domain, name, 3) for name in BOTH}
    await check_told(domain, made)
    await fail(domain, broken)
    [stopped] = await wait_until_stopped(domain, broken)
    assert stopped["instanceId"] == domain.instance["id"]
    assert "Egnyte failed (500)" in stopped["lastError"]
    for name in BOTH:
        made[name] += await make(domain, name, 4)
    await check_told(domain, {other: made[other]})
    status = await ask(domain, "GET", f"{place}/polling")
    assert (status["state"], f"PUT {place}/polling" in status["message"]) == ("failing", True)
    shown = {each["resource"]: (each["state"], each["failures"]) for each in status["resources"]}
    assert shown == {broken: ("disabled", 3), other: ("active", 0)}

    # Nobody calls for it any more, also when all is polled at once.
    await domain.world.control("DELETE", "calls")
    await ask(domain, "POST", f"{place}/polls", 202)
    await domain.settle()
    calls = (await domain.world.control("GET", "calls"))["paths"]
    assert PATHS[other] in calls
    assert PATHS[broken] not in calls

    await domain.world.control("DELETE", "faults")
    await ask(domain, "PUT", f"{place}/polling")
    await check_told(domain, made)
    assert (await ask(domain, "GET", f"{place}/polling"))["state"] == "active"
    assert await ask(domain, "GET", "/instances/polling-disabled") == []
    await until(lambda: len(operations.received) >= 2)
    assert told_kinds(operations) == ["polling.disabled", "polling.resumed"]
    disabled, resumed = (received["body"] for received in operations.received)
    assert (disabled["resource"], resumed["resources"]) == (broken, [broken])
    assert f"{broken} could not be read 3 times in a row" in disabled["message"]
    assert f"PUT {place}/polling" in disabled["message"]
    assert all(received["valid"] for received in operations.received)


async def test_when_all_are_given_up_nothing_is_called_until_they_are_resumed(domain, operations):
    place = f"/instances/{domain.instance['id']}"
    await fail(domain, *BOTH)
    await wait_until_stopped(domain, *BOTH)

    async def is_stopped():
        status = await ask(domain, "GET", f"{place}/polling")
        return (status["state"], status["nextPollDate"]) == ("disabled", None)

    await until(is_stopped)
    refused = await ask(domain, "POST", f"{place}/polls", 409)
    assert f"PUT {place}/polling" in refused["message"]
    made = {name: await make(domain, name, 3) for name in BOTH}
    await domain.world.control("DELETE", "faults")
    await ask(domain, "PUT", f"{place}/polling")
    await check_told(domain, made)
    await until(lambda: len(operations.received) >= 3)
    assert sorted(told_kinds(operations)) == ["polling.disabled", "polling.disabled", "polling.resumed"]


async def test_a_resource_that_recovers_in_time_begins_to_count_anew(domain, operations):
    for _ in range(2):
        await domain.world.control(
            "POST", "faults", {"kind": "status", "status": 500, "times": 2, "path": PATHS["groups"]}
        )

        async def recovered():
            waiting = (await domain.world.control("GET", "faults"))["faults"]
            query = "SELECT sum(failures) FROM resource_poll"
            return not waiting and await domain.world.pool.fetchval(query) == 0

        await until(recovered)
    await check_told(domain, {"groups": await make(domain, "groups", 1)})
    assert told_kinds(operations) == []


async def test_a_revoked_token_is_one_notice_and_a_new_authorisation_goes_on_without_loss(domain, operations):
    world, place = domain.world, f"/instances/{domain.instance['id']}"
    await world.control("POST", "revoke", {})

    async def is_told():
        status = await ask(domain, "GET", f"{place}/polling")
        return status["state"] == "needsAuthorisation" and status

    status = await until(is_told)
    assert f"PUT {place} with a new providerData.code" in status["message"]
    assert status["nextPollDate"] is None
    made = {name: await make(domain, name, 3) for name in BOTH}
    await until(lambda: operations.received)
    code = await world.control("POST", "authorize", {"client_id": "key", "redirect_uri": REDIRECT})
    answer = await world.client.put(place, json={"providerData": code})
    assert answer.status_code == 200, answer.text
    await check_told(domain, made)
    assert (await ask(domain, "GET", f"{place}/polling"))["state"] == "active"
    assert told_kinds(operations) == ["authorisation.needed"]


async def test_when_a_resource_was_read_last_is_told_while_it_fails_and_when_it_was_resumed(domain):
    world, place = domain.world, f"/instances/{domain.instance['id']}"
    dates = "SELECT last_success_at, last_error_at FROM resource_poll WHERE resource = 'events'"
    good = "SELECT last_success_at FROM instance"

    async def wait_until_given_up():
        await wait_until_stopped(domain, "events")
        shown = (await ask(domain, "GET", f"{place}/polling"))["resources"]
        [told] = [each["lastSuccessDate"] for each in shown if each["resource"] == "events"]
        assert told, "it is told as never read"
        return await world.pool.fetchrow(dates)

    read_at = await world.pool.fetchval(good)
    await fail(domain, "events")
    first = await wait_until_given_up()
    assert read_at <= first["last_success_at"] < first["last_error_at"]

    # What is resumed and fails as before was not read meanwhile.
    await ask(domain, "PUT", f"{place}/polling")
    second = await wait_until_given_up()
    assert second["last_success_at"] == first["last_success_at"]

    await world.control("DELETE", "faults")
    await ask(domain, "PUT", f"{place}/polling")
    await until(lambda: world.pool.fetchval(f"SELECT ({good}) > $1", second["last_error_at"]))
    await fail(domain, "events")
    third = await wait_until_given_up()
    assert second["last_error_at"] < third["last_success_at"] < third["last_error_at"]
