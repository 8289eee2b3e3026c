"""A turn without order: when it goes on, when it ends, and when the lane is due again."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from signalpost.delivery.attempts import Tried
from signalpost.delivery.configuration import read_delivery_settings
from signalpost.delivery.rate import Rates
from signalpost.delivery.relaxed import send_relaxed
from signalpost.delivery.turn import Turn, TurnParts
from signalpost.model.delivery import Attempt, Outcome
from signalpost.store.deliveries import Lane

NOW = datetime(2026, 3, 1, tzinfo=UTC)
LATER = NOW + timedelta(seconds=8)


@dataclass(frozen=True)
class Waits:
    id: int
    lane_order: int
    created_at: datetime = NOW
    failures: int = 0


class Stage:
    """A lane in which ``count`` wait, and what comes of each attempt."""

    def __init__(self, count, outcome, **configuration):
        self.waiting = [Waits(number, number) for number in range(1, count + 1)]
        self.outcome = outcome
        self.sent = []
        self.goes_on = True
        self.first, self.rest = asyncio.Event(), asyncio.Event()
        self.configuration = {"event.notification.ordering": "relaxed", **configuration}

    def answer_all(self):
        self.first.set()
        self.rest.set()

    async def load_due(self, _instance_id, *, after_order, limit, now):
        assert now == NOW
        return [each for each in self.waiting if each.lane_order > after_order][:limit]

    async def find_next_attempt(self, _instance_id):
        return None

    def record(self, _):
        future = asyncio.get_running_loop().create_future()
        future.set_result(True)
        return future

    def tell(self, *_):
        pass

    async def send(self, notification, _url, _settings):
        self.sent.append(notification.id)
        await (self.first if notification.id == 1 else self.rest).wait()
        outcome = self.outcome(notification.id)
        status = 200 if outcome is Outcome.DELIVERED else 500
        attempt = Attempt(notification.id, 1, NOW, 1, status, "it failed", None)
        return Tried(attempt, outcome, refused=False, next_at=LATER if outcome is Outcome.RETRY else None)

    def make_turn(self, *, failing=False):
        this: Any = self
        parts = TurnParts(
            deliveries=this,
            waiting=this,
            sender=this,
            rates=Rates(time.monotonic),
            clock=lambda: NOW,
            monotonic=time.monotonic,
        )
        lane = Lane(1, "https://example.com/", dict, generation=0, seen_order=99, failing=failing)
        return Turn(parts, lane, read_delivery_settings(self.configuration), lambda: self.goes_on)


async def test_failures_between_deliveries_stop_nothing():
    stage = Stage(60, lambda number: Outcome.RETRY if number % 2 else Outcome.DELIVERED)
    turn = stage.make_turn()
    stage.answer_all()
    await send_relaxed(turn)
    assert stage.sent == list(range(1, 61))
    assert (turn.next_at, turn.held) == (None, False)


async def test_five_failures_in_a_row_end_the_turn_and_the_lane_waits_for_the_last():
    stage = Stage(60, lambda number: Outcome.RETRY if number > 10 else Outcome.DELIVERED)
    turn = stage.make_turn()
    stage.answer_all()
    await send_relaxed(turn)
    assert stage.sent == list(range(1, 16))
    assert (turn.next_at, turn.held) == (LATER, True)


async def test_a_turn_that_gives_way_comes_back_at_once_whatever_fails_after():
    stage = Stage(60, lambda _: Outcome.RETRY, **{"event.notification.concurrency": "3"})
    turn = stage.make_turn()
    sending = asyncio.create_task(send_relaxed(turn))
    while len(stage.sent) < 3:
        await asyncio.sleep(0)
    stage.goes_on = False
    stage.first.set()
    while turn.next_at != NOW:
        await asyncio.sleep(0)
    stage.rest.set()
    await sending
    assert stage.sent == [1, 2, 3]
    assert turn.next_at == NOW


async def test_many_that_wait_for_the_rate_are_sent_one_by_one_as_it_allows(monkeypatch):
    """The slice is shorter than their slots together: what fits into it is sent all the same."""
    monkeypatch.setattr("signalpost.delivery.turn.RELAXED_SLICE_SECONDS", 0.2)
    limits = {"event.notification.concurrency": "50", "event.notification.rate": "50"}
    stage = Stage(50, lambda _: Outcome.DELIVERED, **limits)
    turn = stage.make_turn()
    stage.answer_all()
    await send_relaxed(turn)
    assert 1 < len(stage.sent) < 50
    assert turn.next_at is not None


async def test_nothing_is_sent_after_the_endpoint_is_given_up():
    limits = {"event.notification.concurrency": "50", "event.notification.rate": "2"}
    stage = Stage(50, lambda _: Outcome.GONE, **limits)
    turn = stage.make_turn()
    stage.answer_all()
    await send_relaxed(turn)
    assert stage.sent == [1]
    assert (turn.deactivate, turn.held, turn.error) == (True, True, "it failed")


async def test_an_endpoint_for_which_nothing_waits_any_more_is_not_held():
    turn = Stage(0, lambda _: Outcome.DELIVERED).make_turn(failing=True)
    assert turn.held
    await send_relaxed(turn)
    assert (turn.next_at, turn.held) == (None, False)


async def test_nothing_is_sent_after_a_stop_while_it_waits_for_its_slot():
    limits = {"event.notification.concurrency": "2", "event.notification.rate": "5"}
    stage = Stage(5, lambda _: Outcome.DELIVERED, **limits)
    turn = stage.make_turn()
    stage.answer_all()
    sending = asyncio.create_task(send_relaxed(turn))
    while not stage.sent:
        await asyncio.sleep(0)
    for _ in range(5):  # the second has taken its slot, and waits for it
        await asyncio.sleep(0)
    stage.goes_on = False
    await sending
    assert stage.sent == [1]
    assert turn.next_at == NOW
