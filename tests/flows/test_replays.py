"""Replays to a real receiver: order, ids, marks and secrets; held by the schedule, given up, cut off, rested."""

from __future__ import annotations

import asyncio
import time
from datetime import timedelta
from uuid import uuid4

import pytest

from signalpost.cli.listen import run_listener
from signalpost.delivery.attempts import Sender
from signalpost.delivery.egress import Egress
from signalpost.delivery.replays import Replayer
from signalpost.model.configuration import BASIC_PASSWORD, BASIC_USERNAME, SIGNATURE_KEY
from signalpost.observe import Metrics
from signalpost.outbound import Outbound
from signalpost.store.replay_orders import ReplayOrders
from signalpost.store.replays import Replays
from tests.store.notified import (
    NOW,
    VAULT,
    add_instance,
    add_notifications,
    add_worker,
    read_states,
)
from tests.support import until

KEY = "a signature key"
SCHEDULE_SECONDS = (8.0, 64.0)


class Stage:
    """One worker's replays, on a clock that the test moves."""

    def __init__(self, pool, outbound, listener, instance_id):
        self.pool, self.listener, self.instance_id = pool, listener, instance_id
        self.outbound = outbound
        self.now = NOW
        self.elapsed_seconds = 0.0
        self.orders = ReplayOrders(pool, lambda: self.now)

    async def make_replayer(self, monotonic=time.monotonic):
        sender = Sender(
            Egress(self.outbound),
            Metrics(),
            clock=lambda: self.now,
            monotonic=monotonic,
            chance=lambda: 0.5,
            schedule_seconds=SCHEDULE_SECONDS,
        )
        worker_id = await add_worker(self.pool, uuid4())
        return Replayer(
            Replays(self.pool, VAULT, worker_id, lease_seconds=30),
            sender,
            clock=lambda: self.now,
            monotonic=monotonic,
            chance=lambda: 0.5,
            watch=lambda: lambda: True,
        )

    async def work(self, replay):
        """Work one turn, and give the replay as it is then."""
        await (await self.make_replayer()).work(replay.id)
        return await self.find(replay)

    async def find(self, replay):
        return await self.orders.find(self.instance_id, replay.id)

    def ids(self):
        return [int(received["headers"]["webhook-id"]) for received in self.listener.received]


@pytest.fixture
async def stage(pool):
    async with (
        Outbound(allow_private=True, connections=5) as outbound,
        run_listener(key=KEY, clock=NOW.timestamp) as listener,
    ):
        configuration = {SIGNATURE_KEY: KEY, BASIC_USERNAME: "ada", BASIC_PASSWORD: "secret"}
        instance_id = await add_instance(
            pool, url=listener.url, configuration=configuration, secret_keys=(SIGNATURE_KEY, BASIC_PASSWORD)
        )
        yield Stage(pool, outbound, listener, instance_id)


async def test_a_range_goes_out_in_order_marked_and_with_the_same_ids(stage):
    ids = await add_notifications(
        stage.pool, stage.instance_id, ["unsent", "dead", "pending", "cancelled", *["delivered"] * 30]
    )
    replay = await stage.orders.ask_range(stage.instance_id, 1, None)
    done = await stage.work(replay)
    sent = [each for each in ids if each != ids[2]]
    assert (done.state, done.sent, done.position, done.ended_at) == ("done", len(sent), ids[-1], NOW)
    assert stage.ids() == sent
    for received in stage.listener.received:
        assert received["valid"]
        assert received["headers"]["Signalpost-Replay"] == str(replay.id)
        assert received["headers"]["Authorization"].startswith("Basic ")
        assert received["body"]["id"] == received["headers"]["webhook-id"]
    states = await read_states(stage.pool, ids)  # whatever reached the callback is delivered
    assert (states[2], {*states[:2], *states[3:]}) == ("pending", {"delivered"})


async def test_another_url_gets_all_signed_and_none_of_the_callbacks_secrets(stage):
    ids = await add_notifications(
        stage.pool, stage.instance_id, ["pending", "unsent", "cancelled", "dead", "delivered"]
    )
    async with run_listener(key=KEY, clock=NOW.timestamp) as other:
        replay = await stage.orders.ask_range(stage.instance_id, 1, other.url)
        assert (await stage.work(replay)).state == "done"
        assert [int(each["headers"]["webhook-id"]) for each in other.received] == ids
        for received in other.received:
            assert received["valid"]
            assert "Authorization" not in received["headers"]
    assert not stage.listener.received
    assert await read_states(stage.pool, ids) == ["pending", "unsent", "cancelled", "dead", "delivered"]


async def test_a_configuration_that_cannot_be_read_any_more_holds_it_and_says_why(stage):
    """As one that an earlier release took."""
    await add_notifications(stage.pool, stage.instance_id, ["delivered"])
    replay = await stage.orders.ask_range(stage.instance_id, 1, None)
    change = "UPDATE instance SET configuration = configuration || $1::jsonb"
    await stage.pool.execute(change, {"event.notification.format": "old"})
    held = await stage.work(replay)
    assert (held.state, held.next_attempt_at - stage.now) == ("running", timedelta(minutes=1))
    assert "event.notification.format: 'old'" in held.last_error
    await stage.pool.execute(change, {"event.notification.format": "cloudevents"})
    stage.now = held.next_attempt_at
    assert (await stage.work(replay)).state == "done"


async def test_a_failed_attempt_holds_it_by_the_schedule_and_then_it_fails(stage):
    ids = await add_notifications(stage.pool, stage.instance_id, ["delivered"] * 3)
    replay = await stage.orders.ask_range(stage.instance_id, 1, None)
    stage.listener.status = 503
    for waits, failures in [(8, 1), (64, 2)]:
        held = await stage.work(replay)
        assert (held.state, held.failures, held.position) == ("running", failures, ids[0] - 1)
        assert held.next_attempt_at - stage.now == timedelta(seconds=waits)
        await stage.work(replay)  # handed out early: nothing is sent
        assert len(stage.listener.received) == failures
        stage.now = held.next_attempt_at
    failed = await stage.work(replay)
    assert (failed.state, failed.position) == ("failed", ids[0] - 1)
    assert failed.last_error == "the callback answered 503"
    stage.listener.status = 200
    await stage.work(replay)
    assert stage.ids() == [ids[0]] * 3
    numbers = await stage.pool.fetch("SELECT number FROM attempt ORDER BY number")
    assert [row["number"] for row in numbers] == [1, 2, 3]


async def test_it_goes_on_where_it_was_held(stage):
    ids = await add_notifications(stage.pool, stage.instance_id, ["delivered"] * 3)
    replay = await stage.orders.ask_range(stage.instance_id, 1, None)
    stage.listener.status = 500
    stage.now = (await stage.work(replay)).next_attempt_at
    stage.listener.status = 200
    done = await stage.work(replay)
    assert (done.state, done.sent, done.last_error) == ("done", 3, None)
    assert stage.ids() == [ids[0], *ids]


async def test_a_receiver_that_is_gone_ends_it_at_once(stage):
    await add_notifications(stage.pool, stage.instance_id, ["delivered"] * 3)
    replay = await stage.orders.ask_range(stage.instance_id, 1, None)
    stage.listener.status = 410
    assert (await stage.work(replay)).state == "failed"
    assert len(stage.listener.received) == 1


async def test_one_that_is_refused_three_times_is_passed_over(stage):
    [first, second] = await add_notifications(stage.pool, stage.instance_id, ["dead", "dead"])
    replay = await stage.orders.ask_failed(stage.instance_id, None)
    stage.listener.status = 422
    for _ in range(2):
        stage.now = (await stage.work(replay)).next_attempt_at
    passed = await stage.work(replay)
    assert (passed.dead, passed.position, passed.failures) == (1, first, 1)
    stage.now, stage.listener.status = passed.next_attempt_at, 200
    done = await stage.work(replay)
    assert (done.state, done.sent, done.dead) == ("done", 1, 1)
    assert stage.ids() == [first] * 3 + [second] * 2
    assert await read_states(stage.pool, [first, second]) == ["dead", "delivered"]


async def test_one_that_was_cut_off_before_its_record_is_sent_again_with_the_same_ids(stage):
    ids = await add_notifications(stage.pool, stage.instance_id, ["delivered"] * 2)
    replay = await stage.orders.ask_range(stage.instance_id, 1, None)
    killed = await stage.make_replayer()

    async def die(*_, **__):
        raise ConnectionResetError("killed")

    killed._replays.record = die
    with pytest.raises(ConnectionResetError):
        await killed.work(replay.id)
    held = await stage.find(replay)
    assert (held.state, held.failures) == ("running", 0)
    stage.now = held.next_attempt_at
    assert (await stage.work(replay)).state == "done"
    assert stage.ids() == [ids[0], *ids]
    assert stage.listener.received[0]["body"] == stage.listener.received[1]["body"]


async def test_a_turn_gives_way_and_the_next_goes_on(stage):
    ids = await add_notifications(stage.pool, stage.instance_id, ["delivered"] * 5)
    replay = await stage.orders.ask_range(stage.instance_id, 1, None)

    def pass_time():
        stage.elapsed_seconds += 0.5  # it is read several times for each notification
        return stage.elapsed_seconds

    turns = 0
    while (await stage.find(replay)).state == "running":
        await (await stage.make_replayer(pass_time)).work(replay.id)
        turns += 1
    assert turns > 1
    assert stage.ids() == ids


async def test_the_rate_of_the_instance_is_kept_over_turns(stage):
    ids = await add_notifications(stage.pool, stage.instance_id, ["delivered"] * 3)
    replay = await stage.orders.ask_range(stage.instance_id, 1, None)
    await stage.pool.execute(
        'UPDATE instance SET configuration = configuration || \'{"event.notification.rate": "0.1"}\''
    )
    replayer = await stage.make_replayer(lambda: stage.elapsed_seconds)
    for number in range(1, 4):
        await replayer.work(replay.id)
        assert stage.ids() == ids[:number]
        held = await stage.find(replay)
        stage.elapsed_seconds += 10
        stage.now = held.next_attempt_at
        if number < 3:
            assert held.failures == 0
    assert (await stage.find(replay)).state == "done"


async def test_a_cancelled_replay_stops_after_the_attempt_that_it_is_in(stage):
    await add_notifications(stage.pool, stage.instance_id, ["delivered"] * 50)
    replay = await stage.orders.ask_range(stage.instance_id, 1, None)
    stage.listener.delay_seconds = 0.3
    working = asyncio.create_task((await stage.make_replayer()).work(replay.id))
    await until(lambda: stage.listener.received)
    await stage.orders.cancel(stage.instance_id, replay.id)
    sent = len(stage.listener.received)
    await working
    assert sent <= len(stage.listener.received) <= sent + 1 < 50
    found = await stage.find(replay)
    assert (found.state, found.sent) == ("cancelled", len(stage.listener.received))


async def test_one_that_is_asked_to_stop_or_has_no_url_any_more_sends_nothing(stage):
    await add_notifications(stage.pool, stage.instance_id, ["delivered"])
    replay = await stage.orders.ask_range(stage.instance_id, 1, None)
    stopped = await stage.make_replayer()
    stopped.close()
    await stopped.work(replay.id)
    await stage.pool.execute("UPDATE endpoint SET url = NULL")
    failed = await stage.work(replay)
    assert (failed.state, failed.last_error) == ("failed", "the instance has no callback URL any more")
    assert not stage.listener.received


async def test_the_service_replays_while_the_lane_goes_on(world):
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    await world.change(12)
    await until(lambda: len(world.delivered()) >= 12)
    first = [received["headers"]["webhook-id"] for received in world.listener.received]
    place = f"/instances/{instance['id']}/replays"
    answer = await world.client.post(place, json={"sequence": 1})
    assert answer.status_code == 202, answer.text

    async def done():
        return (await world.client.get(f"{place}/{answer.json()['id']}")).json()["state"] == "done"

    await world.change(1)
    await until(done)
    await until(lambda: len(world.delivered()) >= 25)
    again = [each for each in world.listener.received if "Signalpost-Replay" in each["headers"]]
    assert [each["headers"]["webhook-id"] for each in again] == first
    assert all(each["valid"] for each in again)
    told = [
        event["sequence"]
        for each in world.listener.received
        if each not in again
        for event in read_events(each)
    ]
    assert told == list(range(1, 14))


def read_events(received):
    return received["body"]["message"]["events"]
