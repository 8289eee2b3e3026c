"""What a process takes into its hands: as much as there is room for, each by itself, and nothing once it stops."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from structlog.testing import capture_logs

from signalpost.polling.hands import Hands

DUE_AT = datetime(2026, 1, 1, tzinfo=UTC)
GOOD_SECONDS = 12
TURNS = 100
"""Of the event loop: more than anything here takes. A time would tell nothing: a busy machine does nothing in it."""


async def let_run():
    for _ in range(TURNS):
        await asyncio.sleep(0)


class Polled:
    """Stands for a poller: a poll lasts until it is let go, and fails if it is to."""

    def __init__(self):
        self.active = set()
        self.failing = {}
        self.ended = []
        self.go_on = asyncio.Event()

    async def poll(self, instance_id, due_at):
        assert due_at == DUE_AT
        if instance_id in self.failing:
            raise self.failing[instance_id]
        self.active.add(instance_id)
        await self.go_on.wait()
        self.active.discard(instance_id)
        self.ended.append(instance_id)


@pytest.fixture
async def polled():
    polled = Polled()
    yield polled
    polled.go_on.set()


def due(*ids):
    return dict.fromkeys(ids, DUE_AT)


class Others:
    """Takes what is handed back."""

    def __init__(self):
        self.got = {}

    async def take(self, due):
        self.got |= due


def open_hands(polled, *, is_known=lambda _: True, clock=lambda: DUE_AT, most=10):
    others = Others()
    return Hands(polled, others.take, is_known, clock, most=most), others


async def take(hands, *ids):
    """Have hands take polls; gives the task that does, which has had a moment to."""
    task = asyncio.create_task(hands.take(due(*ids), DUE_AT, GOOD_SECONDS))
    await let_run()
    return task


async def test_a_job_ends_when_its_polls_have_begun_and_begins_as_many_as_there_are_places_for(polled):
    hands, others = open_hands(polled, most=3)
    first = await take(hands, 1, 2)
    assert first.done()
    second = await take(hands, 3, 4, 5)
    assert not second.done()
    assert polled.active == {1, 2, 3}
    polled.go_on.set()
    await second
    await asyncio.wait(hands.started)
    assert polled.ended == [1, 2, 3, 4, 5]
    assert hands.started == set()
    assert others.got == {}


async def test_who_stops_begins_nothing_and_hands_it_back(polled):
    hands, others = open_hands(polled, most=2)
    waiting = await take(hands, 1, 2, 3, 4)
    hands.close()
    polled.go_on.set()
    await waiting
    assert others.got == due(3, 4)
    await take(hands, 5)
    assert others.got == due(3, 4, 5)
    assert 5 not in polled.ended


async def test_what_waited_for_longer_than_its_claim_is_good_for_is_left_to_the_next_tick(polled):
    now = [DUE_AT]
    hands, others = open_hands(polled, clock=lambda: now[0], most=1)
    waiting = await take(hands, 1, 2, 3)
    now[0] += timedelta(seconds=GOOD_SECONDS + 0.001)
    polled.go_on.set()
    await waiting
    assert polled.ended == [1]
    assert others.got == {}
    now[0] = DUE_AT + timedelta(seconds=GOOD_SECONDS)
    await take(hands, 4)
    assert polled.ended == [1, 4]


async def test_one_that_breaks_is_told_its_place_is_free_and_the_others_go_on(polled):
    polled.failing = {1: ValueError("ours"), 2: OSError("the database is gone")}
    hands, _ = open_hands(polled, is_known=lambda error: isinstance(error, OSError), most=1)
    with capture_logs() as lines:
        await take(hands, 1, 2, 3)
        await let_run()
    assert polled.active == {3}
    assert [(line["event"], line["instance"]) for line in lines] == [("poll.lost", 1)]


async def test_those_last_that_were_in_hand_the_time_before(polled):
    hands, _ = open_hands(polled)
    polled.active = {1, 2}
    assert hands.list_lasting() == []
    polled.active = {2, 3}
    assert hands.list_lasting() == [2]
    assert sorted(hands.list_lasting()) == [2, 3]
    polled.active = set()
    assert hands.list_lasting() == []
