"""What a benchmark gives: figures with the limit beside them, as a table and as JSON (interfaces.md, Bench results)."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson
from rich.console import Console
from rich.table import Table


@dataclass(frozen=True, slots=True)
class Measure:
    """One figure. ``ratio`` is ``value`` over ``limit``; ``reached`` says whether it is at least ``aim``.

    Of what must stay below its limit there is no aim, and ``reached`` says whether it does. Of what must not grow, the
    limit is the figure at the smallest size, and the aim is the largest ratio allowed.
    """

    name: str
    value: float
    unit: str
    limit: float | None = None
    ratio: float | None = None
    aim: float | None = None
    reached: bool | None = None


def take_value(name: str, values: Sequence[float], unit: str) -> Measure:
    """Give the median of some rounds, with no limit beside it."""
    return Measure(name, round(statistics.median(values), 1), unit)


def compare(
    name: str, values: Sequence[float], limits: Sequence[float], unit: str, *, aim: float | None = None
) -> Measure:
    """Give the median of the rounds beside that of their limits.

    The ratio is the median of the rounds' own ratios: the two sides of a round stood next to each other in time, so
    what else the machine was doing weighs on both.
    """
    ratio = statistics.median(value / limit for value, limit in zip(values, limits, strict=True))
    return Measure(
        name=name,
        value=round(statistics.median(values), 1),
        unit=unit,
        limit=round(statistics.median(limits), 1),
        ratio=round(ratio, 3),
        aim=aim,
        reached=None if aim is None else ratio >= aim,
    )


def bound(name: str, values: Sequence[float], limit: float, unit: str) -> Measure:
    """Give the median of some rounds beside a limit that it must not exceed."""
    value = statistics.median(values)
    return Measure(name, round(value, 1), unit, limit, round(value / limit, 3), reached=value <= limit)


def hold(name: str, values: Sequence[float], smallest: Sequence[float], unit: str, *, aim: float) -> Measure:
    """Give the median of some rounds beside that at the smallest size, of which it may be ``aim`` times at most."""
    value, limit = statistics.median(values), statistics.median(smallest)
    ratio = value / limit
    return Measure(name, round(value, 3), unit, round(limit, 3), round(ratio, 3), aim, reached=ratio <= aim)


def write_results(path: Path, machine: Mapping[str, object], measures: Sequence[Measure]) -> None:
    """Write the JSON file."""
    results = {"machine": machine, "measures": [asdict(measure) for measure in measures]}
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(orjson.dumps(results, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE))


def print_results(console: Console, measures: Sequence[Measure]) -> None:
    """Print the table."""
    table = Table("measure", "unit")
    for heading in ("value", "limit", "ratio", "aim"):
        table.add_column(heading, justify="right")
    table.add_column("reached")
    for measure in measures:
        reached = {True: "[green]yes", False: "[red]no", None: ""}[measure.reached]
        figures = (_show(value) for value in (measure.value, measure.limit, measure.ratio, measure.aim))
        table.add_row(measure.name, measure.unit, *figures, reached)
    console.print(table)


def _show(value: float | None) -> str:
    if value is None:
        return ""
    return f"{value:,.0f}" if value >= 10 else f"{value:.2f}"
