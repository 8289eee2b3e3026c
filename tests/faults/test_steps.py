"""A short set of the fault harness (``make faults`` runs all of it), and that its registry is that of the code."""

from __future__ import annotations

import inspect

import pytest

from tests.faults.ground import Ground
from tests.faults.scenarios import run_step
from tests.faults.steps import STEPS, Kind, Step
from tests.faults.troubles import TROUBLES, run_trouble

SHORT = (
    ("commit-sent", Kind.KILL),
    ("gap-written", Kind.CUT),
    ("record-done", Kind.CUT),
    ("replay-post-done", Kind.ERROR),
    ("retention-batch", Kind.CUT),
)
SHORT_TROUBLES = ("worker-killed",)


@pytest.mark.parametrize("step", STEPS.values(), ids=STEPS)
def test_every_step_exists(step: Step) -> None:
    assert inspect.iscoroutinefunction(step.find_method())


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize(("name", "kind"), SHORT)
async def test_a_fault_at_a_step_loses_and_invents_nothing(ground: Ground, name: str, kind: Kind) -> None:
    result = await run_step(ground, STEPS[name], kind)
    assert result.is_good, result


@pytest.mark.asyncio(loop_scope="module")
@pytest.mark.parametrize("name", SHORT_TROUBLES)
async def test_a_trouble_loses_and_invents_nothing(ground: Ground, name: str) -> None:
    assert name in TROUBLES
    result = await run_trouble(ground, name)
    assert result.is_good, result
