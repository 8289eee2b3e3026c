"""A turn: how far a lane may be ahead of its records."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

from signalpost.delivery.attempts import Tried
from signalpost.delivery.configuration import read_delivery_settings
from signalpost.delivery.rate import Rates
from signalpost.delivery.turn import UNRECORDED_MOST, Turn, TurnParts
from signalpost.model.delivery import Attempt, Outcome
from signalpost.store.deliveries import Lane

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DELIVERED = Tried(Attempt(1, 1, NOW, 12, 200, None, None), Outcome.DELIVERED, refused=False, next_at=None)


class Records:
    """Records that are on their way for as long as the test wants."""

    def __init__(self):
        self.futures = []

    def record(self, _):
        self.futures.append(asyncio.get_running_loop().create_future())
        return self.futures[-1]


def make_turn(records):
    unused: Any = None
    sender: Any = SimpleNamespace(tell=lambda *_: None)
    parts = TurnParts(records, unused, sender, Rates(lambda: 0.0), lambda: NOW, lambda: 0.0)
    lane = Lane(1, "https://example.com/", dict, generation=0, seen_order=9, failing=False)
    return Turn(parts, lane, read_delivery_settings({}), lambda: True)


async def go_ahead(records):
    """Note deliveries until the turn waits for their records; give how it goes on."""
    turn, notification = make_turn(records), SimpleNamespace(id=1, created_at=NOW, failures=0)
    for _ in range(UNRECORDED_MOST - 1):
        assert await turn.note(notification, DELIVERED)
    waits = asyncio.create_task(turn.note(notification, DELIVERED))
    await asyncio.sleep(0)
    assert len(records.futures) == UNRECORDED_MOST == 20
    return waits


async def test_a_lane_is_twenty_records_ahead_of_the_database_at_most():
    records = Records()
    waits = await go_ahead(records)
    for future in records.futures[1:]:
        future.set_result(True)
    for _ in range(20):
        await asyncio.sleep(0)
    assert not waits.done()
    records.futures[0].set_result(True)
    assert await waits


async def test_a_lane_of_which_one_record_was_refused_does_not_go_on():
    records = Records()
    waits = await go_ahead(records)
    for place, future in enumerate(records.futures):
        future.set_result(place != 7)
    assert not await waits
