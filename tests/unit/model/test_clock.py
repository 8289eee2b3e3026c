"""The shared clock: the database's once it is known, moved by nothing that happens to the machine's."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from signalpost.model.clock import SharedClock

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
seconds = st.floats(0, 1e6)
jumps = st.floats(-1e6, 1e6)


def test_until_the_database_was_asked_it_is_the_machines():
    assert SharedClock(lambda: START, lambda: 5.0)() == START


@given(st.lists(st.tuples(seconds, jumps, st.booleans()), max_size=20), jumps)
def test_then_it_is_the_databases_whatever_the_machines_does(turns, skew):
    """The database's clock and the monotonic one go at the same pace; the machine's jumps about."""
    true, own, ticks = START, START + timedelta(seconds=skew), 0.0
    clock = SharedClock(lambda: own, lambda: ticks)
    clock.set(true)
    for passed, jump, looks in turns:
        true += timedelta(seconds=passed)
        own += timedelta(seconds=passed + jump)
        ticks += passed
        assert abs(clock() - true) < timedelta(milliseconds=1)
        if looks:
            clock.set(true)
            assert clock() == true
