"""Whether services go round: what is failing, what hangs, and that the two are told apart."""

from __future__ import annotations

import pytest

from signalpost.observe import Vitals
from signalpost.observe.vitals import STUCK_SECONDS


class Watched:
    def __init__(self):
        self.now = 1000.0
        self.vitals = Vitals(lambda: self.now)
        self.vitals.expect("scheduler", within_seconds=30)

    def turn(self, error=None):
        self.vitals.note("scheduler", error)


@pytest.fixture
def watched():
    return Watched()


def test_nothing_is_asked_of_a_process_without_services():
    vitals = Vitals(lambda: 0.0)
    vitals.note("scheduler")
    assert vitals.find_stuck() == vitals.find_failing() == {}


def test_a_service_has_its_time_from_when_it_is_expected(watched):
    watched.now += 29
    assert watched.vitals.find_failing() == {"scheduler": None}
    watched.now += 1
    assert "no turn has succeeded for 30 s (it is in one)" in watched.vitals.find_failing()["scheduler"]


def test_failing_is_not_hanging(watched):
    """A restart does not mend the database: /healthz must stay well while turns fail."""
    for _ in range(int(STUCK_SECONDS)):
        watched.now += 2
        watched.turn("ConnectionRefusedError")
    assert watched.vitals.find_stuck() == {"scheduler": None}
    assert "(ConnectionRefusedError)" in watched.vitals.find_failing()["scheduler"]
    watched.turn()
    assert watched.vitals.find_failing() == {"scheduler": None}


def test_a_turn_without_an_end_hangs(watched):
    watched.turn()
    watched.now += STUCK_SECONDS - 1
    assert watched.vitals.find_stuck() == {"scheduler": None}
    watched.now += 1
    assert watched.vitals.find_stuck() == {"scheduler": "its last turn ended 90 s ago"}
