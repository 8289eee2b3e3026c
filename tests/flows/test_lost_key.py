"""An instance whose secrets no key opens is held and says why; lanes, replays and notices of others go on beside it."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from uuid import uuid4

from signalpost.delivery.egress import Egress
from signalpost.delivery.notices import Announcer
from signalpost.model.configuration import OPERATIONS_URL
from signalpost.store.deliveries import Deliveries
from signalpost.store.notices import Notices, add_notice
from signalpost.store.vault import Vault
from tests.flows.test_replays import stage  # noqa: F401 - a fixture
from tests.store.notified import NOW, VAULT, add_instance, add_notifications, add_worker
from tests.support import until

LOST = Vault(["YWJjZGVmZ2hpamtsbW5vcHFyc3R1dnd4eXphYmNkZWY="])
REASON = "stored secrets cannot be decrypted: SIGNALPOST_ENCRYPTION_KEYS lacks the key"


async def lose(pool, instance_id):
    sealed = LOST.seal({"configuration": {}, "token": "t"})
    await pool.execute("UPDATE instance SET secrets = $2 WHERE id = $1", instance_id, sealed)


async def test_a_lane_that_is_claimed_together_with_it_is_worked(pool):
    lost, well = [await add_instance(pool, organization=each) for each in ("Lost", "Well")]
    await lose(pool, lost)
    deliveries = Deliveries(pool, VAULT, await add_worker(pool, uuid4()), lease_seconds=30)
    _, lane = await asyncio.gather(deliveries.claim(lost), deliveries.claim(well))
    assert lane.instance_id == well
    assert lane.read_configuration() == {"subdomain": "acme"}


async def test_its_lane_is_held_and_says_why_and_goes_on_once_the_key_is_back(make_world):
    async with make_world(retry_schedule_seconds="0.2,0.2,0.2") as world:
        lost, well = [await world.connect() for _ in range(2)]
        for each in (lost, well):
            await world.wait_for_watermark(each["id"])
        secrets = await world.pool.fetchval("SELECT secrets FROM instance WHERE id = $1", lost["id"])
        await lose(world.pool, lost["id"])
        await world.pool.execute("UPDATE endpoint SET due_at = now() WHERE instance_id = $1", lost["id"])

        async def read_error():
            return await world.pool.fetchval(
                "SELECT last_error FROM endpoint WHERE instance_id = $1 AND leased_by IS NULL"
                " AND due_at > now() + interval '30 seconds'",
                lost["id"],
            )

        assert REASON in await until(read_error)
        made = await world.change(3)
        await until(lambda: len(world.delivered()) >= 3)
        await world.pool.execute("UPDATE instance SET secrets = $2 WHERE id = $1", lost["id"], secrets)
        await world.client.put(f"/instances/{lost['id']}/endpoint")
        await world.client.put(f"/instances/{lost['id']}/polling")
        await until(lambda: len(world.delivered()) >= 6)
        assert sorted(each["id"] for each in world.delivered()) == sorted([each["id"] for each in made] * 2)


async def test_a_replay_is_held_and_says_why(stage):  # noqa: F811
    await add_notifications(stage.pool, stage.instance_id, ["delivered"])
    replay = await stage.orders.ask_range(stage.instance_id, 1, None)
    await lose(stage.pool, stage.instance_id)
    held = await stage.work(replay)
    assert (held.state, held.next_attempt_at - stage.now) == ("running", timedelta(minutes=1))
    assert REASON in held.last_error


async def test_a_notice_of_another_that_is_taken_together_with_its_own_is_told(stage):  # noqa: F811
    pool, url = stage.pool, stage.listener.url
    operations = {OPERATIONS_URL: url}
    lost, well = [
        await add_instance(pool, organization=each, configuration=operations) for each in ("Lost", "Well")
    ]
    await lose(pool, lost)
    for each in (lost, well):
        async with pool.acquire() as connection:
            await add_notice(connection, each, "gap.recorded", {"of": each}, NOW)
    announcer = Announcer(Notices(pool, VAULT), Egress(stage.outbound), clock=lambda: NOW, chance=lambda: 0.5)
    await announcer.send_due()
    assert [received["body"]["of"] for received in stage.listener.received] == [well]
    [left] = await pool.fetch("SELECT instance_id, attempts, last_error FROM operation_notice")
    assert (left["instance_id"], left["attempts"]) == (lost, 1)
    assert REASON in left["last_error"]
