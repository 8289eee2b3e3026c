"""``python -m bench.growth [--quick]``: what a poll costs with more instances, a notification with more events kept.

Instances and events are written by SQL (events with records of a few bytes: a row's size is not what is measured),
while PostgreSQL need not keep them safe; then everything is as a user has it. Each figure stands beside that of the
smallest size. Statements and the server's time are those of the worker alone.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

import uvloop
from rich.console import Console

from bench.crowd import pick_instances, write_crowd
from bench.ground import LANES, Ground, open_ground
from bench.instances import set_watermark
from bench.lanes import drain_lanes, fill_lanes
from bench.machine import describe_machine
from bench.measures import Measure, hold, print_results, write_results
from bench.polls import time_polls
from bench.seeding import seed_events
from bench.statements import COUNTED, SETTINGS, forget_statements, read_statements

RESULTS = Path(__file__).parent / "results" / "growth.json"
AIM = 1.15
POLLED = 900
"""How many instances are polled at each size: as many as the smallest has."""


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    rounds: int
    instances: Sequence[int]
    events: Sequence[int]
    pages: int


WHOLE = Size(rounds=5, instances=(1_000, 100_000, 1_000_000), events=(100_000, 10_000_000), pages=3)
QUICK = Size(rounds=2, instances=(1_000, 20_000), events=(10_000, 100_000), pages=1)


@dataclass(slots=True)
class Costs:
    """What one poll or notification cost, round by round: statements, and microseconds."""

    statements: list[float] = field(default_factory=list)
    server: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)

    def compare(self, what: str, at: str, smallest: Costs) -> list[Measure]:
        """Give the measures of this size beside the smallest."""
        return [
            hold(f"statements for each {what}, {at}", self.statements, smallest.statements, "1", aim=AIM),
            hold(f"PostgreSQL's time for each {what}, {at}", self.server, smallest.server, "us", aim=AIM),
            hold(f"time for each {what}, {at}", self.whole, smallest.whole, "us", aim=AIM),
        ]


@asynccontextmanager
async def open_counted(*, idle: int) -> AsyncIterator[Ground]:
    """Open a ground whose workers' statements are counted."""
    with tempfile.TemporaryDirectory() as directory:
        async with open_ground(Path(directory), idle=idle, healthy=0, settings=SETTINGS) as ground:
            url = ground.environment["SIGNALPOST_DATABASE_URL"] + COUNTED
            yield replace(ground, environment={**ground.environment, "SIGNALPOST_DATABASE_URL": url})


@asynccontextmanager
async def filling(ground: Ground) -> AsyncIterator[None]:
    """Have PostgreSQL take rows without keeping them safe; afterwards all of it is safe and vacuumed."""
    careless = {
        "fsync": "off",
        "max_wal_size": "'16GB'",
        "maintenance_work_mem": "'1GB'",
        "work_mem": "'256MB'",
    }
    for name, value in careless.items():
        await ground.pool.execute(f"ALTER SYSTEM SET {name} = {value}")
    await ground.pool.execute("SELECT pg_reload_conf()")
    yield
    await ground.pool.execute("VACUUM ANALYZE", timeout=1800)
    for name in careless:
        await ground.pool.execute(f"ALTER SYSTEM RESET {name}")
    await ground.pool.execute("SELECT pg_reload_conf()")
    await ground.pool.execute("CHECKPOINT", timeout=600)


async def measure_polls(size: Size, console: Console) -> list[Measure]:
    """Poll the same number of instances, nothing new, among ever more of them."""
    costs: dict[int, Costs] = {}
    async with open_counted(idle=1) as ground:
        await set_watermark(ground.pool, ground.idle, await ground.make_changes(1))
        for total in size.instances:
            began = time.monotonic()
            async with filling(ground):
                await write_crowd(ground.pool, ground.idle[0], total)
            console.print(f"{total:,} instances after {time.monotonic() - began:,.0f} s", style="dim")
            ids = await pick_instances(ground.pool, POLLED)
            costs[total] = Costs()
            async with ground.work():
                for number in range(size.rounds + 1):
                    await forget_statements(ground.pool)
                    rate = await time_polls(ground, ids)
                    if number:  # the first round opens connections and fills caches
                        await _note(ground, costs[total], rate, len(ids))
    smallest = costs[size.instances[0]]
    return [
        each
        for total, cost in costs.items()
        for each in cost.compare("idle poll", f"{total:,} instances", smallest)
    ]


async def measure_notifications(size: Size, console: Console) -> list[Measure]:
    """Deliver the same load on top of ever more events kept."""
    costs: dict[int, Costs] = {}
    async with open_counted(idle=1000) as ground:
        parts = iter((ground.idle[:100], ground.idle[100:]))
        kept = 0
        for total in size.events:
            began = time.monotonic()
            async with filling(ground):
                await seed_events(ground.pool, next(parts), total - kept, short=True)
            kept = total
            console.print(f"{total:,} events after {time.monotonic() - began:,.0f} s", style="dim")
            costs[total] = Costs()
            async with ground.work():
                for number in range(size.rounds + 1):
                    filled = await fill_lanes(ground, size.pages)
                    await forget_statements(ground.pool)
                    rate = await drain_lanes(ground, filled.notifications)
                    if number:  # the first round opens connections and fills caches
                        await _note(ground, costs[total], rate, filled.notifications)
    smallest = costs[size.events[0]]
    return [
        each
        for total, cost in costs.items()
        for each in cost.compare(f"notification of {LANES} lanes", f"{total:,} events kept", smallest)
    ]


async def _note(ground: Ground, costs: Costs, rate: float, count: int) -> None:
    asked = await read_statements(ground.pool)
    costs.statements.append(asked.statements / count)
    costs.server.append(1000 * asked.milliseconds / count)
    costs.whole.append(1e6 / rate)


async def measure(size: Size, results: Path, console: Console) -> None:
    """Measure both, and write the results."""
    measures = [*await measure_polls(size, console), *await measure_notifications(size, console)]
    async with open_counted(idle=0) as ground, ground.pool.acquire() as connection:
        machine = await describe_machine(connection)
    write_results(results, machine, measures)
    print_results(console, measures)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(
        prog="bench.growth", description="Measure what grows with what is stored."
    )
    parser.add_argument("--quick", action="store_true", help="fewer rows: a first impression")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(QUICK if given.quick else WHOLE, given.output, Console()))


if __name__ == "__main__":
    main()
