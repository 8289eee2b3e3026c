"""The pace of one token, and the memory of many."""

from __future__ import annotations

import pytest

from signalpost.connectors import session
from signalpost.connectors.session import Paces


@pytest.fixture
def clock(monkeypatch):
    """A clock that sleeping moves on."""
    now = [100.0]

    async def sleep(seconds):
        now[0] += seconds

    monkeypatch.setattr(session.asyncio, "sleep", sleep)
    return now


async def test_calls_are_spread_by_the_rate(clock):
    pace = Paces(lambda: clock[0]).find("a", 2.0)
    times = []
    for _ in range(5):
        await pace.wait()
        times.append(clock[0])
    assert times == [100.0, 100.5, 101.0, 101.5, 102.0]


async def test_idle_time_is_not_saved_up(clock):
    pace = Paces(lambda: clock[0]).find("a", 2.0)
    await pace.wait()
    clock[0] = 200.0
    await pace.wait()
    await pace.wait()
    assert clock[0] == 200.5


async def test_a_pace_is_kept_per_key_and_the_oldest_is_forgotten(clock, monkeypatch):
    monkeypatch.setattr(session, "PACES_KEPT", 2)
    paces = Paces(lambda: clock[0])
    first = paces.find("a", 2.0)
    paces.find("b", 2.0)
    assert paces.find("a", 2.0) is first
    paces.find("c", 2.0)
    assert paces.find("a", 2.0) is first
    assert paces.find("b", 5.0).calls_per_second == 5.0
