"""``python -m bench.schedule``: the scheduler with a million instances, by a simulated clock on real rows.

What is simulated is the time and the polls themselves: each begins when it is handed out and ends at once, with the
statement that ends real ones. Half of all instances belong to one organization.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import tempfile
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path

import uvloop
from cryptography.fernet import Fernet
from rich.console import Console

from bench.machine import describe_machine
from bench.measures import Measure, bound, print_results, take_value, write_results
from bench.simulation import BIG, Simulation, seed
from signalpost.model.ids import InstanceId
from signalpost.store.database import migrate, open_pool
from signalpost.store.embedded import EmbeddedPostgres
from signalpost.store.polls import Polls
from signalpost.store.queue import Queue
from signalpost.store.vault import Vault

RESULTS = Path(__file__).parent / "results" / "schedule.json"
DOWN_SECONDS = 600
WINDOW_SECONDS = 10
MOST_TICK_MILLISECONDS = 200.0
MOST_OF_MEAN = 1.3
MOST_SMALL_WAIT_SECONDS = 10.0
POLLS_A_SECOND = 1500
LANES_A_SECOND = 2000
FRESH_LANES_A_SECOND = 100


def show_ticks(name: str, ticks: Sequence[float]) -> list[Measure]:
    """Give how long ticks took, the longest beside its limit."""
    return [
        take_value(f"{name}: tick, median of {len(ticks):,}", [1000 * statistics.median(ticks)], "ms"),
        take_value(f"{name}: tick, 99th of a hundred", [1000 * cut(ticks)], "ms"),
        bound(f"{name}: tick, longest", [1000 * max(ticks)], MOST_TICK_MILLISECONDS, "ms"),
    ]


def show_rates(name: str, simulation: Simulation) -> list[Measure]:
    """Give the polls a second over windows of ten seconds, as a tick takes what came due in somewhat over one."""
    mean = simulation.rate()
    first, last = min(simulation.begun), max(simulation.begun)
    rates = [
        sum(simulation.begun[second + each] for each in range(WINDOW_SECONDS)) / WINDOW_SECONDS
        for second in range(first, last - WINDOW_SECONDS)
    ]
    return [
        take_value(f"{name}: polls a second that the intervals ask for", [mean], "1/s"),
        take_value(f"{name}: polls a second, median", [statistics.median(rates)], "1/s"),
        bound(f"{name}: polls a second, the most over ten seconds", [max(rates)], MOST_OF_MEAN * mean, "1/s"),
    ]


async def measure_restart(simulation: Simulation, seconds: float) -> list[Measure]:
    """Stop for ten minutes, and go on."""
    simulation.now += timedelta(seconds=DOWN_SECONDS)
    simulation.restart()
    restarted_at = simulation.now
    missed = await simulation.pool.fetchval(
        "SELECT count(*) FROM instance WHERE next_poll_at <= $1", restarted_at
    )
    await simulation.run(seconds)
    name = f"after {DOWN_SECONDS} s without a worker"
    longest = await simulation.pool.fetchval(
        "SELECT max(extract(epoch FROM next_poll_at - $1)::float8 / interval_seconds) FROM instance"
        " WHERE last_poll_at IS NULL OR last_poll_at < $1",
        restarted_at,
    )
    return [
        take_value(f"{name}: polls missed", [missed], "polls"),
        *show_ticks(name, simulation.ticks),
        *show_rates(name, simulation),
        bound(f"{name}: longest wait for a poll, in intervals", [longest or 0.0], 1.0, "intervals"),
    ]


async def measure_fairness(simulation: Simulation, seconds: float) -> list[Measure]:
    """Have all instances of the big organization due at once; workers do 1,500 polls a second, as one does."""
    simulation.restart()
    await simulation.run(seconds, most_a_second=POLLS_A_SECOND)
    alone = simulation.list_small_waits()
    backlog = await simulation.pool.fetch(
        "UPDATE instance SET next_poll_at = $1 WHERE organization_id = $2 RETURNING id",
        simulation.now,
        BIG,
        timeout=600,
    )
    simulation.ticks, simulation.waits = [], {}
    await simulation.run(seconds, most_a_second=POLLS_A_SECOND)
    beside = simulation.list_small_waits()
    name = f"polls of small organizations, beside {len(backlog):,} of a big one due at once"
    return [
        take_value("polls of small organizations, alone: wait, 99th of a hundred", [cut(alone)], "s"),
        bound(f"{name}: wait, 99th of a hundred", [cut(beside)], MOST_SMALL_WAIT_SECONDS, "s"),
        *show_ticks(name, simulation.ticks),
    ]


async def measure_lanes(simulation: Simulation, seconds: float) -> list[Measure]:
    """Have all lanes of the big organization overdue, and each second some of others due; workers do 2,000 a second."""
    pool = simulation.pool
    backlog = await pool.fetchval(
        "WITH due AS (UPDATE endpoint SET due_at = $1 FROM instance WHERE instance.id = instance_id"
        " AND organization_id = $2 RETURNING 1) SELECT count(*) FROM due",
        simulation.now - timedelta(seconds=60),
        BIG,
        timeout=600,
    )
    small = [each for each, owner in simulation.organizations.items() if owner != BIG]
    simulation.restart()
    waits: list[float] = []
    waiting: dict[InstanceId, datetime] = {}
    for second in range(int(seconds)):
        fresh = small[second * FRESH_LANES_A_SECOND : (second + 1) * FRESH_LANES_A_SECOND]
        await pool.execute(
            "UPDATE endpoint SET due_at = $2 WHERE instance_id = ANY($1)", fresh, simulation.now
        )
        waiting |= dict.fromkeys(fresh, simulation.now)
        await simulation.run(1, most_a_second=LANES_A_SECOND)
        left = await pool.fetch(
            "SELECT instance_id FROM endpoint WHERE due_at IS NOT NULL AND instance_id = ANY($1)",
            list(waiting),
        )
        for each in waiting.keys() - {row["instance_id"] for row in left}:
            waits.append((simulation.now - waiting.pop(each)).total_seconds())
    waits += [(simulation.now - due_at).total_seconds() for due_at in waiting.values()]
    name = f"lanes of small organizations, beside {backlog:,} of a big one overdue"
    return [
        bound(f"{name}: wait, 99th of a hundred", [cut(waits)], MOST_SMALL_WAIT_SECONDS, "s"),
        *show_ticks(name, simulation.ticks),
    ]


def cut(waits: Sequence[float]) -> float:
    """Give the 99th of a hundred."""
    return sorted(waits)[len(waits) * 99 // 100]


async def measure(results: Path, console: Console, *, instances: int, seconds: float) -> None:
    """Seed, simulate, and write the results."""
    with tempfile.TemporaryDirectory() as directory:
        async with AsyncExitStack() as stack:
            postgres = await EmbeddedPostgres.start(Path(directory))
            stack.push_async_callback(postgres.stop)
            await migrate(postgres.connect_arguments)
            pool = await stack.enter_async_context(await open_pool(postgres.connect_arguments, size=8))
            intervals, organizations = await seed(pool, instances)
            polls = Polls(pool, Vault([Fernet.generate_key().decode()]))
            simulation = Simulation(pool, polls, Queue(pool), intervals, organizations)
            await simulation.run(seconds)
            name = "every day"
            measures = show_ticks(name, simulation.ticks) + show_rates(name, simulation)
            measures += await measure_restart(simulation, 5 * seconds)
            measures += await measure_fairness(simulation, seconds / 4)
            measures += await measure_lanes(simulation, seconds / 4)
            async with pool.acquire() as connection:
                machine = await describe_machine(connection)
    write_results(results, {**machine, "instances": instances}, measures)
    print_results(console, measures)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="bench.schedule", description="Simulate the scheduler.")
    parser.add_argument("--instances", type=int, default=1_000_000)
    parser.add_argument("--seconds", type=float, default=120.0, help="of simulated time, of an ordinary day")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(given.output, Console(), instances=given.instances, seconds=given.seconds))


if __name__ == "__main__":
    main()
