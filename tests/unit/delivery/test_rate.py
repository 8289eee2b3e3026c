"""Rates: slots are never nearer than the rate allows, whoever asks when."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.delivery import rate
from signalpost.delivery.rate import Rates


class Time:
    def __init__(self):
        self.now = 1000.0

    def __call__(self):
        return self.now


@given(
    st.floats(0.01, 1000),
    st.lists(st.tuples(st.floats(0, 5), st.floats(0, 5)), min_size=2, max_size=50),
)
def test_slots_that_are_taken_keep_their_distance(per_second, asked):
    time = Time()
    rates = Rates(time)
    taken = []
    for pause, most in asked:
        time.now += pause
        wait = rates.take(1, per_second, most_seconds=most)
        assert wait >= 0
        if wait <= most:
            taken.append(time.now + wait)
    assert all(later - earlier >= 1 / per_second - 1e-6 for earlier, later in pairwise(taken))


def test_a_slot_that_comes_too_late_is_not_taken():
    time = Time()
    rates = Rates(time)
    assert rates.take(1, 0.1, most_seconds=1) == 0
    assert rates.take(1, 0.1, most_seconds=1) == 10
    time.now += 10
    assert rates.take(1, 0.1, most_seconds=1) == 0


@given(
    st.floats(0.001, 10_000), st.floats(0.001, 10_000), st.integers(1, 20), st.floats(0, 2), st.floats(0, 10)
)
def test_another_rate_counts_from_the_last_slot_on(before, after, calls, pause, most):
    time = Time()
    rates = Rates(time)
    last = time.now
    for _ in range(calls):
        wait = rates.take(1, before, most_seconds=most)
        last = time.now + wait if wait <= most else last
    time.now += pause
    due_at = max(time.now, last + 1 / after)
    assert rates.take(1, after, most_seconds=most) == pytest.approx(due_at - time.now, abs=1e-6)


def test_endpoints_do_not_wait_for_each_other():
    rates = Rates(Time())
    assert rates.take(1, 0.1, most_seconds=1) == 0
    assert rates.take(2, 0.1, most_seconds=1) == 0


def test_what_has_passed_is_forgotten(monkeypatch):
    monkeypatch.setattr(rate, "SWEEP_OVER", 10)
    time = Time()
    rates = Rates(time)
    for key in range(100):
        rates.take(key, 1, most_seconds=1)
        time.now += 0.5
    assert len(rates._slots) <= 11


def test_a_slot_to_come_outlives_the_sweep():
    rates = Rates(lambda: 0.0)
    rates.take(0, 0.1, most_seconds=1)
    for key in range(1, rate.SWEEP_OVER + 10):
        rates.take(key, 1, most_seconds=1)
    assert rates.take(0, 0.1, most_seconds=1) == 10
