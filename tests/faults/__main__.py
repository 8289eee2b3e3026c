"""``python -m tests.faults [--only NAME ...] [--events N] [--seed N]``: every step, every trouble, and the storm.

Writes tests/faults/results.json and the tables of docs/reliability.md; ends with 1 if a promise was broken.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import time
import traceback
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from functools import partial

from tests.faults.ground import Ground, open_ground
from tests.faults.results import Result, write_results
from tests.faults.scenarios import run_step
from tests.faults.steps import KINDS, STEPS
from tests.faults.storm import STORM, run_storm
from tests.faults.troubles import TROUBLES, run_trouble

AT_ONCE = 2
EVENTS = 300_000
SEED = 20261125

Scenario = Callable[[Ground], Awaitable[Result]]


def list_scenarios(only: list[str]) -> list[tuple[str, str, str, str, Scenario]]:
    """List what is to be run two at a time: group, name, kind, what it is, and how."""
    steps = [
        ("steps", step.name, str(kind), step.what, partial(run_step, step=step, kind=kind))
        for step in STEPS.values()
        for kind in KINDS
    ]
    troubles = [
        ("troubles", name, "", title.what, partial(run_trouble, name=name))
        for name, (title, _) in TROUBLES.items()
    ]
    # The longest first.
    return [each for each in [*troubles, *steps] if not only or each[1] in only]


async def run_all(only: list[str], *, events: int, seed: int) -> list[Result]:
    """Run it; a scenario that fails does not stop the others."""
    slots = asyncio.Semaphore(AT_ONCE)
    found: list[Result] = []

    async def run(ground: Ground, group: str, name: str, kind: str, what: str, scenario: Scenario) -> None:
        async with slots:
            began = time.monotonic()
            try:
                result = await scenario(ground)
            except Exception as error:
                traceback.print_exc()
                reason = f"{type(error).__name__}: {error}"[:500]
                result = Result(group, name, kind, what, 0, 0, 0, 0, 0, None, failure=reason)
            found.append(result)
            mark = "ok" if result.is_good else f"FAILED {result}"
            print(f"{time.monotonic() - began:6.1f} s  {name} {kind}  {mark}", flush=True)

    async with open_ground() as ground:
        await asyncio.gather(*(run(ground, *each) for each in list_scenarios(only)))
        if not only or STORM in only:
            await run(ground, "storm", STORM, "", "", partial(run_storm, events=events, seed=seed))
    return found


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument(
        "--only", action="append", default=[], metavar="NAME", help="a step, a trouble, or storm"
    )
    parser.add_argument("--events", type=int, default=EVENTS, help="events that the storm delivers at least")
    parser.add_argument("--seed", type=int, default=SEED, help="of the storm")
    given = parser.parse_args()
    names = [*STEPS, *TROUBLES, STORM]
    for name in given.only:
        if name not in names:
            parser.error(f"--only: {name!r} is none of {', '.join(names)}")
    found = asyncio.run(run_all(given.only, events=given.events, seed=given.seed))
    write_results(found, names, today=datetime.now(UTC).date())
    sys.exit(0 if all(each.is_good for each in found) else 1)


if __name__ == "__main__":
    main()
