"""``python -m bench [--quick]``: measures, prints a table, writes bench/results/latest.json."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from dataclasses import dataclass
from pathlib import Path

import uvloop
from rich.console import Console

from bench.deliveries import measure_deliveries
from bench.fairness import measure_fairness
from bench.ground import open_ground
from bench.machine import describe_machine
from bench.measures import Measure, print_results, take_value, write_results
from bench.polls import measure_polls

RESULTS = Path(__file__).parent / "results" / "latest.json"


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    rounds: int
    instances: int
    pages: int
    healthy: int


WHOLE = Size(rounds=5, instances=4000, pages=8, healthy=1000)
QUICK = Size(rounds=3, instances=1000, pages=3, healthy=1000)
TINY = Size(rounds=1, instances=100, pages=1, healthy=20)
"""For the test that the results have the right form; its figures mean nothing."""


async def measure(size: Size, results: Path, console: Console) -> None:
    """Run all benchmarks."""
    with tempfile.TemporaryDirectory() as directory:
        async with open_ground(Path(directory), idle=size.instances, healthy=size.healthy) as ground:
            measures = await measure_deliveries(ground, pages=size.pages, rounds=size.rounds)
            measures += await measure_polls(ground, rounds=size.rounds)
            measures += await measure_fairness(ground, rounds=size.rounds)
            measures += _read_memory(ground.worker.read_peak_megabytes())
            async with ground.pool.acquire() as connection:
                machine = await describe_machine(connection)
    write_results(results, machine, measures)
    print_results(console, measures)


def _read_memory(megabytes: float | None) -> list[Measure]:
    return (
        []
        if megabytes is None
        else [take_value("peak memory of the worker over all of it", [megabytes], "MB")]
    )


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="bench", description="Measure each figure beside its limit.")
    parser.add_argument(
        "--quick", action="store_true", help="three rounds and fewer rows: a first impression"
    )
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    given = parser.parse_args()
    size = QUICK if given.quick else WHOLE
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(size, given.output, Console()))


if __name__ == "__main__":
    main()
