"""Charts as the server draws them: bars of each hour, lines of what took how long. Numbers for SVG, pure.

The drawing is stretched to the width of its place; words and numbers stand beside it as text, and stay legible.
``templates/charts.html`` has the macros ``bars`` and ``lines``, which put the table behind each as well.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from math import ceil, floor, log10
from statistics import median_low

from signalpost.web.filters import count_word, write_number, write_seconds

WIDTH, HEIGHT = 600.0, 120.0
GAP_SHARE = 0.2
"""What stays free between two bars."""

LEAST_HEIGHT = 1.5
"""A bar of something, however little, is seen."""

MOST_GROUPS = 48
"""So many points are drawn of a line; each tells of several where there are more."""

SCALE_STEPS = (1, 2, 5, 10)

MOST_STEPS = 4
"""So many steps of ten are written at the side."""


@dataclass(frozen=True, slots=True)
class Bar:
    """One bar and what it stands for. Lengths are those of the drawing."""

    at: datetime
    value: float
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class BarChart:
    """Bars side by side; ``scale`` has the words at the left, from the top down; ``said`` tells it in one sentence."""

    said: str
    bars: tuple[Bar, ...]
    scale: tuple[str, ...]
    width: float = WIDTH
    height: float = HEIGHT


@dataclass(frozen=True, slots=True)
class LineRow:
    """What one point of the lines stands for, in milliseconds."""

    at: datetime
    usual: float
    slowest: float


@dataclass(frozen=True, slots=True)
class LineChart:
    """Two lines, the usual and the slowest, on a scale that grows by tens; ``levels`` are where its steps lie."""

    said: str
    rows: tuple[LineRow, ...]
    usual: str
    slowest: str
    scale: tuple[str, ...]
    levels: tuple[float, ...]
    width: float = WIDTH
    height: float = HEIGHT


def make_bars(values: Sequence[tuple[datetime, float]]) -> BarChart:
    """Draw a bar for the events of each hour, in the order given."""
    most = max((value for _, value in values), default=0)
    top = _round_up(most)
    step = WIDTH / max(len(values), 1)
    bars = []
    for number, (at, value) in enumerate(values):
        height = max(value / top * HEIGHT, LEAST_HEIGHT) if value > 0 else 0.0
        bars.append(
            Bar(
                at,
                value,
                round(number * step + step * GAP_SHARE / 2, 1),
                round(HEIGHT - height, 1),
                round(step * (1 - GAP_SHARE), 1),
                round(height, 1),
            )
        )
    total = round(sum(value for _, value in values))
    said = (
        f"{count_word(total, 'event')}, at most {write_number(most)} in an hour" if total else "no event yet"
    )
    scale = (write_number(top), write_number(top / 2), "0") if top % 2 == 0 else (write_number(top), "0")
    return BarChart(said, tuple(bars), scale)


def make_lines(points: Sequence[tuple[datetime, float]]) -> LineChart:
    """Draw how long things took, in milliseconds, oldest first: the usual one of some that follow, and the slowest."""
    rows = _group(points)
    low = floor(log10(min((row.usual for row in rows), default=1)))
    high = ceil(log10(max((row.slowest for row in rows), default=1)))
    high = max(high, low + 1)
    if high - low > MOST_STEPS and (high - low) % 2:
        high += 1  # every second step is written: the words stand as far apart as the lines

    def place(milliseconds: float) -> float:
        share = (log10(milliseconds) - low) / (high - low)
        return round(HEIGHT - max(min(share, 1.0), 0.0) * HEIGHT, 1)

    step = WIDTH / max(len(rows) - 1, 1)
    # Of a single point a line is drawn, or nothing would be seen.
    places = [round(number * step, 1) for number in range(len(rows))]
    drawn = [*zip(places, rows, strict=True)]
    if len(rows) == 1:
        drawn.append((WIDTH, rows[0]))
    shown = range(high, low - 1, -2 if high - low > MOST_STEPS else -1)
    said = (
        f"from {_write(min(r.usual for r in rows))} to {_write(max(r.slowest for r in rows))}"
        if rows
        else "none yet"
    )
    return LineChart(
        said,
        rows,
        usual=" ".join(f"{x:g},{place(row.usual):g}" for x, row in drawn),
        slowest=" ".join(f"{x:g},{place(row.slowest):g}" for x, row in drawn),
        scale=tuple(_write(10**each) for each in shown),
        levels=tuple(place(10**each) for each in shown),
    )


def _group(points: Sequence[tuple[datetime, float]]) -> tuple[LineRow, ...]:
    size = max(ceil(len(points) / MOST_GROUPS), 1)
    rows = []
    for begin in range(0, len(points), size):
        some = points[begin : begin + size]
        taken = [max(float(value), 1.0) for _, value in some]
        rows.append(LineRow(some[-1][0], median_low(taken), max(taken)))
    return tuple(rows)


def _round_up(value: float) -> float:
    """Give the next round number: 1, 2, 5, 10, 20, 50, …"""
    if value <= 1:
        return 1
    power = 10.0 ** floor(log10(value))
    return next(step * power for step in SCALE_STEPS if step * power >= value)


def _write(milliseconds: float) -> str:
    return write_seconds(milliseconds / 1000)
