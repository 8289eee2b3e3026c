"""The day's calls: polls slow down and say so, the user's own calls still work, nothing is lost or counted as failing."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest

from signalpost.sandbox.egnyte import run_sandbox
from tests.flows.domain import Domain
from tests.support import until

A_DAY_SECONDS = 86_400


@pytest.fixture
async def sandbox():
    """A provider where it is six in the morning tomorrow: whenever the test runs, no day ends meanwhile."""
    ahead_seconds = (30 * 3600) - time.time() % A_DAY_SECONDS
    async with run_sandbox(clock=lambda: time.time() + ahead_seconds) as running:
        yield running


class Account(Domain):
    """An instance whose account has few calls a day."""

    @property
    def place(self):
        return f"/instances/{self.instance['id']}"

    async def status(self):
        return (await self.world.client.get(f"{self.place}/polling")).json()

    async def poll(self):
        """Have it polled now, and wait for the end."""
        before = await self.find_last_poll()
        answer = await self.world.client.post(f"{self.place}/polls")
        assert answer.status_code == 202, answer.text

        async def was_polled():
            return await self.find_last_poll() > before

        await until(was_polled)

    async def find_last_poll(self):
        """Give when the last poll began, once it has ended: then the next one's time is set."""
        query = "SELECT last_poll_at FROM instance WHERE id = $1"
        return await self.world.pool.fetchval(query, self.instance["id"])

    async def count_calls(self):
        return (await self.world.control("GET", "calls"))["total"]

    async def call(self):
        """Make one call of the user."""
        return await self.world.client.get("/hubs/documents/ping", headers=self.headers)


async def connect(world, calls_a_day, **configuration):
    await world.control("PATCH", "settings", {"quota_per_day": calls_a_day})
    account = Account(world, await world.connect(**configuration))
    await until(account.find_last_poll)
    return account


async def check_throttled(account, *, hours):
    """Check it, and give the status, once no poll is in hand: till then the next is due when that were lost."""

    async def is_at_rest():
        status = await account.status()
        return status["nextPollDate"] == status["throttledUntil"] and status

    status = await until(is_at_rest)
    assert status["state"] == "throttled", status
    assert "polls are further apart until" in status["message"]
    until_at = datetime.fromisoformat(status["throttledUntil"])
    assert until_at - datetime.now(UTC) > timedelta(hours=hours)
    assert {(each["state"], each["failures"], each["lastError"]) for each in status["resources"]} == {
        ("active", 0, None)
    }
    return status


@pytest.mark.parametrize("status", [403, 429])
async def test_polls_leave_calls_to_the_user_and_go_on_when_there_are_more(world, status):
    await world.control("PATCH", "settings", {"throttle_status": status})
    account = await connect(world, 12)
    await check_throttled(account, hours=1)
    first = await world.change(3)
    while (await account.status())["quota"]["leftToPolls"]:
        await account.poll()
    await until(lambda: len(world.delivered()) >= 3)
    second = await world.change(3)
    calls = await account.count_calls()
    await account.poll()
    assert await account.count_calls() == calls
    status = await check_throttled(account, hours=20)
    await account.poll()  # who asks again and again is told the same
    assert await account.count_calls() == calls
    await check_throttled(account, hours=20)
    assert status["throttledUntil"] == status["quota"]["resetsDate"]
    assert (status["quota"]["callsADay"], status["quota"]["used"]) == (12, 11)

    # The last call is the user's; then the provider itself refuses, and says when to come again.
    assert (await account.call()).status_code == 200
    answer = await account.call()
    assert answer.status_code == 429
    assert int(answer.headers["Retry-After"]) > 3600
    assert "used up" in answer.json()["providerMessage"]

    await world.control("PATCH", "settings", {"quota_per_day": 100_000_000})
    assert (await account.call()).status_code == 200
    await account.poll()
    await until(lambda: len(world.delivered()) >= 6)
    assert [record["id"] for record in world.delivered()] == [row["id"] for row in first + second]
    third = await world.change(2)
    await until(lambda: len(world.delivered()) >= 8)
    assert [record["id"] for record in world.delivered()][6:] == [row["id"] for row in third]
    status = await account.status()
    assert (status["state"], status["throttledUntil"]) == ("active", None)


async def test_a_poll_asked_for_while_one_runs_is_made_after_it(world):
    resources = {name: {"url": f"/hubs/documents/{name}"} for name in ("events", "groups")}
    account = await connect(world, 100, **{"event.poller.configuration": resources})
    await check_throttled(account, hours=0)
    await world.control("POST", "faults", {"kind": "latency", "seconds": 3, "path": "/pubapi/v2/groups"})
    assert (await world.client.post(f"{account.place}/polls")).status_code == 202

    async def has_passed_the_events():
        return not (await world.control("GET", "faults"))["faults"]

    await until(has_passed_the_events)
    made = await world.change(3)
    assert (await world.client.post(f"{account.place}/polls")).status_code == 202
    await until(lambda: len(world.delivered()) >= 3)
    assert [record["id"] for record in world.delivered()] == [row["id"] for row in made]


async def test_events_switched_off_while_a_poll_runs_leave_nothing_due(world):
    account = await connect(world, 100_000)
    await world.control("POST", "faults", {"kind": "latency", "seconds": 3, "path": "/pubapi/v2/events"})
    assert (await world.client.post(f"{account.place}/polls")).status_code == 202

    async def is_running():
        return not (await world.control("GET", "faults"))["faults"]

    await until(is_running)
    polls = await account.find_last_poll()
    off = {"configuration": {"event.notification.enabled": False}}
    assert (await world.client.patch(account.place, json=off)).status_code == 200

    async def has_ended():
        return await account.find_last_poll() > polls

    await until(has_ended)
    status = await account.status()
    assert (status["state"], status["nextPollDate"]) == ("off", None)


async def test_a_provider_that_says_used_up_is_no_failure_and_nothing_is_lost(world):
    account = await connect(world, 100_000_000)
    await world.control("POST", "faults", {"kind": "over_rate", "path": "/pubapi/v2/events"})

    async def is_throttled():
        status = await account.status()
        return status["state"] == "throttled" and status

    await until(is_throttled)
    await check_throttled(account, hours=1)
    made = await world.change(5)
    calls = await account.count_calls()
    await account.poll()
    await check_throttled(account, hours=1)
    assert await account.count_calls() == calls
    assert world.delivered() == []
    # It was wrong, or gave more: a call of the user shows it.
    assert (await account.call()).status_code == 200
    await account.poll()
    await until(lambda: len(world.delivered()) >= 5)
    assert [record["id"] for record in world.delivered()] == [row["id"] for row in made]
    assert (await account.status())["state"] == "active"
