"""Polls that a process has in its hands: each is its own, nobody else has it meanwhile, and others get it when it dies."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from tests.support import authorize, open_world, until


class Held:
    """Has polls of some instances hang, in the worker that it is put into, until they are let go."""

    def __init__(self, world):
        self._poller = world.service.runtime._parts.poller
        self._poll = self._poller._poll
        self._poller._poll = self._hold
        self.ids = set()
        self.reached = []
        self.go_on = asyncio.Event()

    async def _hold(self, state, *rest):
        if state.instance_id in self.ids:
            self.reached.append(state.instance_id)
            await self.go_on.wait()
        await self._poll(state, *rest)


@pytest.fixture
def short_claims(monkeypatch):
    monkeypatch.setattr("signalpost.polling.scheduler.POLL_GRACE_SECONDS", 6.0)
    monkeypatch.setattr("signalpost.runtime.RENEWAL_SECONDS", 0.2)


def delivered(world, instance_id):
    messages = [received["body"]["message"] for received in world.listener.received]
    return [
        event["id"]
        for message in messages
        if message["instanceId"] == instance_id
        for event in message["events"]
    ]


async def test_one_that_hangs_holds_up_neither_its_own_organization_nor_another(world):
    held = Held(world)
    mine = [(await world.connect())["id"] for _ in range(4)]
    stranger = await world.service.organizations.create_credentials("Other", "bob@example.com")
    world.client.headers["Authorization"] = authorize(stranger)
    theirs = [(await world.connect())["id"] for _ in range(3)]
    for each in mine + theirs:
        await world.wait_for_watermark(each)
    hanging, deleted = mine[0], theirs[0]
    held.ids = {hanging, deleted}
    await until(lambda: held.ids <= set(held.reached))
    await world.change(20)
    for each in mine[1:] + theirs[1:]:
        await until(lambda each=each: len(delivered(world, each)) == 20)
    assert delivered(world, hanging) == delivered(world, deleted) == []
    answer = await world.client.delete(f"/instances/{deleted}")
    assert answer.status_code == 200, answer.text
    held.go_on.set()
    await until(lambda: len(delivered(world, hanging)) == 20)
    assert await world.pool.fetchval("SELECT count(*) FROM page WHERE instance_id = $1", deleted) == 0


async def test_what_lasts_stays_with_who_polls_it_until_he_dies(database, sandbox, short_claims):
    async with open_world(database, sandbox) as first:
        instance_id = (await first.connect())["id"]
        await first.wait_for_watermark(instance_id)
        held = Held(first)
        held.ids = {instance_id}
        await until(lambda: held.reached)
        async with open_world(database, sandbox, roles=frozenset({"poll"})) as second:
            watched = Held(second)
            watched.ids, _ = {instance_id}, watched.go_on.set()
            await first.change(30)
            await asyncio.sleep(7.0)  # longer than a claim is good for
            assert watched.reached == []
            # From here on the first is as if it were dead, but for what it still has in hand.
            for task in first.service.runtime._tasks:
                if task.get_name() in {"claims", "scheduler", "poll"}:
                    task.cancel()
            await until(lambda: watched.reached)
            await until(lambda: len(delivered(first, instance_id)) == 30)
            held.go_on.set()  # it comes back, and reads what it finds there
            await until(lambda: not first.service.runtime._parts.hands.started)
        assert await first.pool.fetchval("SELECT count(*) FROM event") == 30
        assert len(delivered(first, instance_id)) == 30


async def test_a_claim_is_renewed_only_where_it_still_is_one(make_world):
    async with make_world(roles=frozenset()) as world:
        polls = world.service.runtime._parts.scheduler._polls
        instance_id = (await world.connect())["id"]
        now = await world.pool.fetchval("SELECT now()")
        until = now + timedelta(seconds=30)

        async def renew(due):
            """Set when it is due, in seconds from now, have it renewed for 30 s, and say when it is due then."""
            await world.pool.execute(
                "UPDATE instance SET next_poll_at = $1::timestamptz + make_interval(secs => $2)", now, due
            )
            await polls.keep_claims([instance_id], now=now, until=until)
            return await world.pool.fetchval(
                "SELECT extract(epoch FROM next_poll_at - $1)::float8 FROM instance", now
            )

        assert [await renew(due) for due in (10.0, 29.0)] == [30.0, 30.0]
        assert [await renew(due) for due in (-1.0, 0.0, 40.0, None)] == [-1.0, 0.0, 40.0, None]
