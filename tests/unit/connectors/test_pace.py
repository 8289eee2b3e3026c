"""The pace of one token: who is next, and when; and the memory of many paces."""

from __future__ import annotations

import asyncio
import contextlib
import tracemalloc
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.connectors import pacing
from signalpost.connectors.pacing import Pace, Paces
from tests.unit.connectors.fake_time import FakeTime


class Callers:
    """Starts calls and notes when each got its turn."""

    def __init__(self, calls_per_second=2.0):
        self.time = FakeTime()
        self.pace = Pace(calls_per_second, self.time.monotonic, self.time.later)
        self.turns = []

    def call(self, name, *, for_user=False):
        async def wait():
            await self.pace.wait(for_user=for_user)
            self.turns.append((name, self.time.now))

        return asyncio.create_task(wait())

    @property
    def order(self):
        return [name for name, _ in self.turns]


@pytest.fixture
async def callers():
    return Callers()


async def test_calls_are_spread_by_the_rate(callers):
    for name in "abcde":
        callers.call(name)
    await callers.time.advance(10)
    assert callers.turns == [("a", 100.0), ("b", 100.5), ("c", 101.0), ("d", 101.5), ("e", 102.0)]
    assert callers.time.fired == 4  # nobody looks at the clock in between


async def test_idle_time_is_not_saved_up(callers):
    callers.call("a")
    await callers.time.advance(100)
    callers.call("b")
    callers.call("c")
    await callers.time.advance(10)
    assert callers.turns == [("a", 100.0), ("b", 200.0), ("c", 200.5)]


async def test_a_users_call_goes_before_all_background_calls_that_wait(callers):
    for name in "abc":
        callers.call(name)
    await callers.time.advance(0.6)  # a and b had their turns
    callers.call("d")
    callers.call("first user", for_user=True)
    callers.call("second user", for_user=True)
    await callers.time.advance(10)
    assert callers.order == ["a", "b", "first user", "second user", "c", "d"]


@pytest.mark.parametrize(("calls_per_second", "turn"), [(10.0, 100.1), (0.1, 110.0)])
async def test_a_change_of_the_rate_holds_for_those_who_wait(callers, calls_per_second, turn):
    callers.call("a")
    callers.call("b")
    await callers.time.advance(0.05)
    callers.pace.change_rate(calls_per_second)
    await callers.time.advance(20)
    assert callers.turns == [("a", 100.0), ("b", pytest.approx(turn))]


@pytest.mark.parametrize("calls_per_second", [0.0, -1.0, float("nan")])
async def test_a_rate_that_is_none_is_not_taken(callers, calls_per_second):
    callers.pace.change_rate(calls_per_second)
    assert callers.pace.calls_per_second == 2.0


async def test_nobody_calls_while_the_pace_is_held(callers):
    callers.call("a")
    callers.call("b")
    await callers.time.advance(0.2)
    callers.pace.hold(5)
    callers.pace.hold(1)  # a shorter hold does not shorten a longer one
    callers.call("user", for_user=True)
    await callers.time.advance(4.9)
    assert callers.order == ["a"]
    await callers.time.advance(10)
    assert callers.turns[1:] == [("user", pytest.approx(105.2)), ("b", pytest.approx(105.7))]


async def test_a_caller_that_is_cancelled_costs_the_others_nothing(callers):
    waiting = [callers.call(name) for name in "abcd"]
    user = callers.call("user", for_user=True)
    await callers.time.advance(0.1)
    user.cancel()
    waiting[1].cancel()
    waiting[2].cancel()
    await callers.time.advance(10)
    assert callers.turns == [("a", 100.0), ("d", 100.5)]


async def test_a_pace_is_free_after_all_its_callers_were_cancelled(callers):
    waiting = [callers.call(name) for name in "abc"]
    await callers.time.advance(0)
    for task in waiting[1:]:
        task.cancel()
    await callers.time.advance(10)
    callers.call("d")
    await callers.time.advance(0)
    assert callers.turns == [("a", 100.0), ("d", 110.0)]


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("call"), st.booleans()),
        st.tuples(st.just("cancel"), st.integers(0, 30)),
        st.tuples(st.just("advance"), st.floats(0, 3)),
        st.tuples(st.just("hold"), st.floats(0, 3)),
        st.tuples(st.just("rate"), st.sampled_from([1.0, 2.0, 7.0])),
    ),
    max_size=40,
)


@given(STEPS)
def test_everybody_who_stays_gets_a_turn_and_never_too_early(steps):
    async def run():
        callers = Callers()
        tasks = []
        for step, value in steps:
            match step:
                case "call":
                    tasks.append(callers.call(len(tasks), for_user=value))
                case "cancel" if value < len(tasks):
                    tasks[value].cancel()
                case "advance":
                    await callers.time.advance(value)
                case "hold":
                    callers.pace.hold(value)
                case "rate":
                    callers.pace.change_rate(value)
        await callers.time.advance(200)
        for name, task in enumerate(tasks):
            with contextlib.suppress(asyncio.CancelledError):
                await task
            assert task.cancelled() != (name in callers.order)
        assert all(later - earlier >= 1 / 7 - 1e-9 for (_, earlier), (_, later) in pairwise(callers.turns))
        assert callers.time.fired <= 2 * len(steps) + 1

    asyncio.run(run())


async def test_a_pace_is_kept_per_token_and_the_oldest_is_forgotten(monkeypatch):
    monkeypatch.setattr(pacing, "PACES_KEPT", 2)
    paces = Paces(lambda: 0.0)
    first = paces.find("a", 2.0)
    paces.find("b", 2.0)
    assert paces.find("a", 2.0) is first
    paces.find("c", 2.0)
    assert paces.find("a", 2.0) is first
    assert paces.find("b", 5.0).calls_per_second == 5.0


async def test_the_pace_goes_on_under_the_next_token():
    paces = Paces(lambda: 0.0)
    pace = paces.find("old", 2.0)
    paces.carry_on("old", "new")
    assert paces.find("new", 9.0) is pace
    other = paces.find("other", 2.0)
    paces.carry_on("old", "other")  # others call with it already
    paces.carry_on("unknown", "next")
    assert paces.find("other", 2.0) is other
    assert paces.find("next", 3.0).calls_per_second == 3.0


def test_a_pace_that_nobody_waits_for_takes_little_memory():
    """A hundred thousand are kept: with two kilobytes each they would be most of a worker's memory."""
    number = 1000
    tracemalloc.start()
    kept = [Pace(1.0, lambda: 0.0) for _ in range(number)]
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken / len(kept) < 700
