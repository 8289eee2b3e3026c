"""``python -m bench.readers DIRECTORY``: the same events read by Signalpost and by others, round by round.

``python -m bench.readers --prepare DIRECTORY`` makes the environments of the others there, once.
"""

from __future__ import annotations

import argparse
import asyncio
import shutil
import statistics
import tempfile
from collections import defaultdict
from collections.abc import Mapping, Sequence
from functools import partial
from pathlib import Path

import uvloop
from rich.console import Console

from bench.ground import Ground, open_ground
from bench.machine import describe_machine
from bench.measures import Measure, compare, print_results, take_value, write_results
from bench.readers.environments import prepare, read_versions
from bench.readers.rivals import RIVALS, Run
from bench.readers.timing import Reading, read_bare, read_by_signalpost, take_time

RESULTS = Path(__file__).parents[1] / "results" / "readers.json"
EVENTS = 100_000
ROUNDS = 3
TIMES_THE_MEDIAN = 5.0
SIGNALPOST = "Signalpost, into PostgreSQL"
BARE = "the bare client, keeping nothing"

Readings = Mapping[str, Sequence[Reading]]
Rates = Mapping[str, Sequence[float]]


async def measure(environments: Path, events: int, rounds: int, results: Path, console: Console) -> None:
    """Let everybody read all events in each round, one after the other."""
    versions = read_versions(environments)
    with tempfile.TemporaryDirectory() as folder:
        directory = Path(folder)
        async with open_ground(directory, idle=rounds, healthy=0) as ground:
            readings = await _read_all(ground, environments, directory, events, rounds)
            async with ground.pool.acquire() as connection:
                machine = await describe_machine(connection)
                durable = {
                    name: await connection.fetchval(f"SHOW {name}")
                    for name in ("fsync", "synchronous_commit")
                }
    libraries = {**machine["libraries"], **versions}  # type: ignore[dict-item]
    measures = _compare(readings, events)
    write_results(results, {**machine, "libraries": libraries, **durable, "events": events}, measures)
    print_results(console, measures)


async def _read_all(
    ground: Ground, environments: Path, directory: Path, events: int, rounds: int
) -> Readings:
    newest = await ground.make_changes(events)
    readings: dict[str, list[Reading]] = defaultdict(list)
    for instance_id in ground.idle[:rounds]:
        readings[BARE].append(await take_time(ground, partial(read_bare, ground, newest)))
        ours = partial(read_by_signalpost, ground, instance_id, newest)
        readings[SIGNALPOST].append(await take_time(ground, ours))
        for rival in RIVALS:
            folder = directory / "rival"
            run = Run(rival, environments, folder, url=ground.sandbox.url, token=ground.access_token)
            readings[rival.name].append(await take_time(ground, run.read))
            await run.check(events)
            shutil.rmtree(folder)
    return readings


def _compare(readings: Readings, events: int) -> list[Measure]:
    rates = {name: [events / taken.whole_seconds for taken in each] for name, each in readings.items()}
    later = {name: [events / taken.reading_seconds for taken in each] for name, each in readings.items()}
    ours = rates[SIGNALPOST]
    reads = f"{events:,} events, by Signalpost"
    usual = "limit: the median of the three others, each by its usual way"
    fastest = "limit: the median of the three others, each by its fastest way"
    measures = [
        compare(f"{reads} (limit: {rival.name})", ours, rates[rival.name], "1/s", aim=1.0) for rival in RIVALS
    ]
    measures += [
        compare(f"{reads} ({usual})", ours, _find_usual(rates), "1/s", aim=TIMES_THE_MEDIAN),
        compare(f"{reads} ({fastest})", ours, _find_fastest(rates), "1/s", aim=TIMES_THE_MEDIAN),
        compare(f"{reads}, from the first page on ({usual})", later[SIGNALPOST], _find_usual(later), "1/s"),
        compare(
            f"{reads}, from the first page on ({fastest})", later[SIGNALPOST], _find_fastest(later), "1/s"
        ),
        compare(f"{reads}, from the first page on (limit: {BARE})", later[SIGNALPOST], later[BARE], "1/s"),
    ]
    for name, each in readings.items():
        measures += [
            take_value(f"{name}: whole", [taken.whole_seconds for taken in each], "s"),
            take_value(f"{name}: from the first page on", [taken.reading_seconds for taken in each], "s"),
        ]
        if name != BARE:
            spent = [taken.processor_seconds for taken in each]
            measures.append(take_value(f"{name}: processor time", spent, "s"))
    return measures


def _find_usual(rates: Rates) -> list[float]:
    """Give, of each round, the median of the libraries' rates, each by its usual way."""
    chosen = [rates[rival.name] for rival in RIVALS if rival.usual]
    return [statistics.median(row) for row in zip(*chosen, strict=True)]


def _find_fastest(rates: Rates) -> list[float]:
    """Give, of each round, the median of the libraries' rates, each by the way with the best median."""
    ways: dict[str, list[Sequence[float]]] = defaultdict(list)
    for rival in RIVALS:
        ways[rival.library].append(rates[rival.name])
    chosen = [max(each, key=statistics.median) for each in ways.values()]
    return [statistics.median(row) for row in zip(*chosen, strict=True)]


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="bench.readers", description="The same events, read by others.")
    parser.add_argument("directory", type=Path, help="where the environments of the others are, or will be")
    parser.add_argument("--prepare", action="store_true", help="make the environments there, and end")
    parser.add_argument("--events", type=int, default=EVENTS, help="how many events")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often")
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    given = parser.parse_args()
    if given.prepare:
        prepare(given.directory)
        return
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(measure(given.directory.resolve(), given.events, given.rounds, given.output, Console()))


if __name__ == "__main__":
    main()
