"""``python -m bench.costs``: what an idle poll, a page of 100 events and a notification cost.

A real worker does many of each: how many share a statement depends on how many are in flight. The benchmark's own
statements, rows and bytes are left out. ``full_page_writes`` is off: how often a page of a table is written whole
to the write-ahead log depends on how long ago the last checkpoint was, not on the work. All is counted but PostgreSQL's
time for its statements, which comes and goes with what else the machine does.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import parse_qsl, urlencode

import asyncpg
import uvloop
from rich.console import Console
from rich.table import Table

from bench.crowd import pick_instances, write_crowd
from bench.ground import LANES, Ground
from bench.growth import open_counted
from bench.instances import make_due, set_watermark
from bench.lanes import NOTIFICATIONS_A_PAGE, PAGE, drain_lanes, fill_lanes, until_drained
from bench.machine import describe_machine
from bench.measures import Measure, print_results, write_results
from bench.polls import FEW, time_polls
from bench.sizes import measure_instance, measure_log, measure_memory
from bench.statements import forget_statements
from bench.wire import Wire, open_wire
from signalpost.model.ids import InstanceId

RESULTS = Path(__file__).parent / "results" / "costs.json"
POLLED = 1000
PAGES = 10
"""Full pages that one poll of each lane reads."""

FINDS = 5
"""Polls of each lane that find a few events."""

CONNECTING = re.compile(
    "WITH RECURSIVE typeinfo_tree|SELECT current_setting.*set_config|SELECT EXISTS|LISTEN|SELECT$"
)
"""Statements of connections that are made, and looked at, not of work."""

QUEUE = "pgqueuer"

STATEMENTS = """
SELECT calls, wal_bytes::bigint AS wal, total_exec_time AS milliseconds,
       left(regexp_replace(query, '\\s+', ' ', 'g'), 90) AS text
FROM pg_stat_statements ORDER BY calls DESC
"""

ROWS = """
SELECT regexp_replace(relname, '_(rest|before|[0-9]{8}_[0-9]{6})$', '') AS name,
       sum(n_tup_ins + n_tup_upd + n_tup_del)::bigint AS written
FROM pg_stat_user_tables WHERE relname <> 'worker' GROUP BY 1
"""


@dataclass(frozen=True, slots=True)
class Cost:
    """What ``count`` times the same cost. ``rows``, by table, are those of ``counted``: of the warm-up too."""

    name: str
    count: int
    counted: int
    statements: Mapping[str, int]
    rows: Mapping[str, int]
    log_bytes: int
    milliseconds: Mapping[str, float]
    sent: int
    received: int

    def list_measures(self) -> list[Measure]:
        """Give each figure, for one."""
        queued = sum(number for table, number in self.rows.items() if table.startswith(QUEUE))
        rows = sum(self.rows.values()) - queued
        return [
            Measure(f"{what} for {self.name}", round(number, 2), unit)
            for what, number, unit in (
                ("statements", sum(self.statements.values()) / self.count, "1"),
                ("rows written", rows / self.counted, "1"),
                ("rows written in the queue, which is not logged,", queued / self.counted, "1"),
                ("write-ahead log", self.log_bytes / self.count, "bytes"),
                ("PostgreSQL's time", 1000 * sum(self.milliseconds.values()) / self.count, "us"),
                ("sent to PostgreSQL", self.sent / self.count, "bytes"),
                ("received from PostgreSQL", self.received / self.count, "bytes"),
            )
        ]

    def show(self, console: Console) -> None:
        """Print which statements these were, and rows of which tables."""
        table = Table("statement", title=self.name)
        table.add_column("for each", justify="right")
        table.add_column("us", justify="right")
        for text, calls in self.statements.items():
            microseconds = 1000 * self.milliseconds[text] / self.count
            table.add_row(text, f"{calls / self.count:.3f}", f"{microseconds:.1f}")
        for name, number in sorted(self.rows.items()):
            if number:
                table.add_row(f"rows of {name}", f"{number / self.counted:.3f}", style="dim")
        console.print(table)


@asynccontextmanager
async def open_measured() -> AsyncIterator[tuple[Ground, Wire]]:
    """Open a ground whose workers' statements and bytes are counted."""
    async with open_counted(idle=1) as ground:
        await ground.pool.execute("ALTER SYSTEM SET full_page_writes = off")
        await ground.pool.execute("SELECT pg_reload_conf()")
        address, _, given = ground.environment["SIGNALPOST_DATABASE_URL"].partition("?")
        options = dict(parse_qsl(given))
        name = f".s.PGSQL.{options['port']}"
        with tempfile.TemporaryDirectory() as directory:
            async with open_wire(Path(options["host"]) / name, Path(directory) / name) as wire:
                url = f"{address}?{urlencode({**options, 'host': directory})}"
                yield (
                    replace(ground, environment={**ground.environment, "SIGNALPOST_DATABASE_URL": url}),
                    wire,
                )


async def settle(ground: Ground, ids: Sequence[InstanceId]) -> None:
    """Have everybody polled once: the first poll of an instance writes more, and makes what the next ones update."""
    await set_watermark(ground.pool, ids, await ground.make_changes(1))
    async with ground.work():
        await time_polls(ground, ids)
        await fill_lanes(ground, 1, append=Ground.make_changes)


async def count_cost(
    ground: Ground,
    wire: Wire,
    name: str,
    act: Callable[[], Awaitable[object]],
    *,
    count: int,
    ours: Mapping[str, int],
    warm: Callable[[], Awaitable[object]] | None = None,
    warmed: int = 0,
) -> Cost:
    """Count what a worker does while ``act`` lasts, which has it do ``count`` of them; ``warm`` before, ``warmed``.

    ``ours`` are the rows, by table, that the two write themselves.
    """
    before = await _read_rows(ground.pool)
    async with ground.work():
        if warm is not None:
            await warm()
        await forget_statements(ground.pool)
        wire.clear()
        await act()
        statements = await ground.pool.fetch(STATEMENTS)
        sent, received = wire.sent, wire.received
    after = await _read_rows(ground.pool)
    after.subtract(before)
    after.subtract(ours)
    calls: Counter[str] = Counter()
    milliseconds: Counter[str] = Counter()
    for row in statements:
        if not CONNECTING.match(row["text"]):
            calls[row["text"]] += row["calls"]
            milliseconds[row["text"]] += row["milliseconds"]
    return Cost(
        name,
        count,
        count + warmed,
        dict(calls.most_common()),
        after,
        sum(row["wal"] for row in statements),
        milliseconds,
        sent,
        received,
    )


async def _read_rows(pool: asyncpg.Pool) -> Counter[str]:
    await asyncio.sleep(0.5)  # the sessions of the worker end, and tell what they wrote
    await pool.execute("SELECT pg_stat_force_next_flush()")
    return Counter({row["name"]: row["written"] for row in await pool.fetch(ROWS)})


async def count_polls(ground: Ground, wire: Wire, ids: Sequence[InstanceId]) -> Cost:
    """Have instances polled for which the provider has nothing new, all due at once."""
    await set_watermark(ground.pool, ids, await ground.make_changes(1))

    async def poll() -> None:
        await time_polls(ground, ids)

    return await count_cost(
        ground,
        wire,
        "an idle poll",
        poll,
        count=POLLED,
        warm=poll,
        warmed=POLLED,
        ours={"instance": 2 * POLLED},
    )


async def count_pages(ground: Ground, wire: Wire) -> Cost:
    """Have pages read that are as a provider gives them, ten in each poll; the lanes stay closed meanwhile."""
    return await count_cost(
        ground,
        wire,
        f"a page of {PAGE} events",
        lambda: fill_lanes(ground, PAGES, append=Ground.make_changes),
        count=PAGES * LANES,
        warm=lambda: fill_lanes(ground, 1, append=Ground.make_changes),
        warmed=LANES,
        ours=dict.fromkeys(("instance", "endpoint", "resource_poll"), 2 * LANES),
    )


async def count_small_pages(ground: Ground, wire: Wire) -> Cost:
    """Have polls made that find a few changes each, and these told."""

    async def find() -> None:
        for _ in range(FINDS):
            await ground.read_sink("reset")
            newest = await ground.make_changes(FEW)
            await set_watermark(ground.pool, ground.lanes, newest - FEW)
            await make_due(ground.pool, ground.lanes)
            await until_drained(ground, LANES)

    return await count_cost(
        ground,
        wire,
        f"a poll that finds {FEW} events, with their notification",
        find,
        count=FINDS * LANES,
        ours=dict.fromkeys(("instance", "resource_poll"), FINDS * LANES),
    )


async def count_notifications(ground: Ground, wire: Wire, count: int) -> Cost:
    """Have all delivered that waits."""
    return await count_cost(
        ground,
        wire,
        f"a notification of {PAGE // NOTIFICATIONS_A_PAGE} events",
        lambda: drain_lanes(ground, count),
        count=count,
        ours={"endpoint": LANES, QUEUE: LANES, f"{QUEUE}_log": LANES},
    )


async def measure(results: Path, console: Console) -> None:
    """Count everything, print it, and write the results."""
    async with open_measured() as (ground, wire):
        await write_crowd(ground.pool, ground.idle[0], POLLED + LANES + 3)
        ids = await pick_instances(ground.pool, POLLED)
        await settle(ground, ids)
        costs = [await count_polls(ground, wire, ids)]
        sizes = [await measure_instance(ground.pool)]
        costs.append(await count_pages(ground, wire))
        sizes += await measure_log(ground.pool, "waiting")
        waiting = await ground.pool.fetchval("SELECT count(*) FROM notification WHERE state = 'pending'")
        costs.append(await count_notifications(ground, wire, waiting))
        sizes += await measure_log(ground.pool, "delivered")
        costs.append(await count_small_pages(ground, wire))
        sizes.append(await measure_memory(ground.pool))
        for cost in costs:
            cost.show(console)
        measures = [*(each for cost in costs for each in cost.list_measures()), *sizes]
        async with ground.pool.acquire() as connection:
            machine = await describe_machine(connection)
    write_results(results, machine, measures)
    print_results(console, measures)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="bench.costs", description="Count what the hot paths cost.")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(given.output, Console(width=140)))


if __name__ == "__main__":
    main()
