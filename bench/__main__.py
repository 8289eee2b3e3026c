"""``python -m bench [--quick] [--only NAME]``: measures, prints a table, writes bench/results/latest.json."""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import uvloop
from rich.console import Console

from bench.commits import measure_commits
from bench.deliveries import measure_deliveries
from bench.fairness import measure_fairness
from bench.ground import Ground, open_ground
from bench.latency import measure_latency
from bench.machine import describe_machine
from bench.measures import Measure, print_results, take_value, write_results
from bench.memory import measure_memory
from bench.polls import measure_finds, measure_polls
from bench.starting import measure_start
from bench.workers import measure_workers

TRACKED = {"track_commit_timestamp": "on"}
"""For the latency to be counted from the commit itself."""

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
"""For a look at the form of the results; its figures mean nothing."""

SIZES = {"whole": WHOLE, "quick": QUICK, "tiny": TINY}

MEASURES: dict[str, Callable[[Ground, Size], Awaitable[list[Measure]]]] = {
    "deliveries": lambda ground, size: measure_deliveries(ground, pages=size.pages, rounds=size.rounds),
    "workers": lambda ground, size: measure_workers(ground, pages=size.pages, rounds=size.rounds),
    "polls": lambda ground, size: measure_polls(ground, rounds=size.rounds),
    "finds": lambda ground, size: measure_finds(ground, rounds=size.rounds),
    "commits": lambda ground, size: measure_commits(ground, pages=size.pages, rounds=size.rounds),
    "latency": lambda ground, size: measure_latency(ground, rounds=size.rounds),
    "fairness": lambda ground, size: measure_fairness(ground, rounds=size.rounds),
    "memory": lambda ground, size: measure_memory(ground, pages=size.pages, rounds=size.rounds),
    "start": lambda ground, size: measure_start(ground.directory, rounds=size.rounds),
}


async def measure(size: Size, names: list[str], results: Path, console: Console) -> None:
    """Run the named benchmarks one after the other, each on a ground of its own: none finds what others left behind."""
    measures: list[Measure] = []
    worker_peaks: list[float] = []
    for name in names:
        console.print(f"{name} ...", style="dim")
        with tempfile.TemporaryDirectory() as directory:
            async with open_ground(
                Path(directory), idle=size.instances, healthy=size.healthy, settings=TRACKED
            ) as ground:
                async with ground.pool.acquire() as connection:
                    machine = await describe_machine(connection)
                measures += await MEASURES[name](ground, size)
                worker_peaks += ground.peaks.get("worker", [])
        write_results(results, machine, measures)  # what a later one may break is kept
    if worker_peaks:
        measures.append(take_value("peak memory of a worker", [max(worker_peaks)], "MB"))
        write_results(results, machine, measures)
    print_results(console, measures)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="bench", description="Measure each figure beside its limit.")
    parser.add_argument("--size", choices=SIZES, default="whole", help="how much is measured")
    parser.add_argument(
        "--quick",
        action="store_const",
        dest="size",
        const="quick",
        help="three rounds and fewer rows: a first impression",
    )
    parser.add_argument(
        "--only", action="append", choices=MEASURES, help="this measure alone; may be repeated"
    )
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(SIZES[given.size], given.only or list(MEASURES), given.output, Console()))


if __name__ == "__main__":
    main()
