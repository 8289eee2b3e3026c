"""The page on reliability shows what the fault harness found, and it found that every promise holds."""

from __future__ import annotations

from tests.faults.results import BEGIN, END, PAGE, read_results, render
from tests.faults.steps import KINDS, STEPS
from tests.faults.storm import STORM
from tests.faults.troubles import TROUBLES


def test_the_page_shows_what_was_found():
    """Written anew by: make faults"""
    shown = PAGE.read_text().partition(BEGIN)[2].partition(END)[0]
    assert shown.strip() == render(*read_results()).strip()


def test_every_step_and_every_trouble_was_tried():
    _, results = read_results()
    wanted = {(name, str(kind)) for name in STEPS for kind in KINDS}
    wanted |= {(name, "") for name in (*TROUBLES, STORM)}
    assert {(each.name, each.kind) for each in results} == wanted


def test_every_promise_held():
    _, results = read_results()
    assert [each for each in results if not each.is_good] == []
    storm = next(each for each in results if each.name == STORM)
    assert storm.events >= 100_000
