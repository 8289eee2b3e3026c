"""A provider that answers nothing takes not all places: the instances of other connectors are polled meanwhile."""

from __future__ import annotations

from datetime import timedelta

import pytest

from signalpost import runtime
from signalpost.polling import admission, starts
from signalpost.polling.hands import Hands
from tests.support import until

PLACES = 6
LATENCY = {"kind": "latency", "seconds": 300, "path": "/pubapi/v2/events", "times": 1000}


@pytest.fixture(autouse=True)
def few_places(monkeypatch):
    monkeypatch.setitem(Hands.__init__.__kwdefaults__, "most", PLACES)
    monkeypatch.setattr(admission, "MANY_HANGING", 2)
    monkeypatch.setattr(admission, "MOST_OF_HANGING", PLACES // 2)
    monkeypatch.setattr(runtime, "CROWDS_SECONDS", 0.1)
    monkeypatch.setattr(starts, "START_SECONDS", 0.1)  # who connects meanwhile waits no longer


async def test_others_are_polled_while_one_provider_hangs_and_its_own_come_again_later(open_desk):
    async with open_desk() as desk:
        world = desk.world
        await desk.connect()
        await world.control("POST", "faults", LATENCY)
        crowds = world.service.runtime._parts.poller.admission.crowds
        hanging = [await world.connect() for _ in range(3)]
        await until(lambda: not crowds.has_room("egnyte"))
        hanging += [await world.connect() for _ in range(PLACES * 2)]
        ids = [each["id"] for each in hanging]
        put_off = "SELECT count(*) FROM instance WHERE id = ANY($1) AND next_poll_at > now() + $2::interval"
        assert await until(
            lambda: world.pool.fetchval(put_off + " HAVING count(*) >= 12", ids, timedelta(seconds=30))
        )
        made = await desk.change(subject="It is polled")
        await desk.wait_for(made["id"])
        assert {each["body"]["message"]["elementKey"] for each in world.listener.received} == {"desk"}
