"""What the fault harness found: as JSON, and as the table that docs/reliability.md shows."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from pathlib import Path

from tests.faults.comparison import Tally

ROOT = Path(__file__).parents[2]
RESULTS = Path(__file__).parent / "results.json"
PAGE = ROOT / "docs" / "reliability.md"
BEGIN, END = "<!-- written by make faults -->", "<!-- end of what make faults wrote -->"


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one scenario. ``group``: steps, troubles or storm; ``kind``: what struck, if that varies.

    ``faults`` is how often it struck; ``failure`` says what was not as it must be.
    """

    group: str
    name: str
    kind: str
    what: str
    faults: int
    events: int
    repeats: int
    lost: int
    out_of_order: int
    recovery_seconds: float | None
    failure: str | None = None

    @property
    def is_good(self) -> bool:
        """Whether the promises held, and the fault did strike."""
        return self.failure is None and not self.lost and not self.out_of_order and self.faults > 0


def sum_up(
    group: str,
    name: str,
    kind: str,
    what: str,
    *,
    faults: int,
    tallies: Sequence[Tally],
    recovery_seconds: float | None,
) -> Result:
    """Give the result of a scenario from what each callback got."""
    wrong = list(dict.fromkeys(each for tally in tallies for each in tally.wrong))
    return Result(
        group,
        name,
        kind,
        what,
        faults=faults,
        events=sum(tally.events for tally in tallies),
        repeats=sum(tally.repeats for tally in tallies),
        lost=sum(tally.lost for tally in tallies),
        out_of_order=sum(tally.out_of_order for tally in tallies),
        recovery_seconds=None if recovery_seconds is None else round(recovery_seconds, 1),
        failure="; ".join(wrong) or None,
    )


def read_results() -> tuple[str, list[Result]]:
    """Read what is kept: the day of the last run, and its results."""
    if not RESULTS.exists():
        return "", []
    kept = json.loads(RESULTS.read_text())
    return kept["date"], [Result(**each) for each in kept["results"]]


def write_results(found: Iterable[Result], order: Sequence[str], *, today: date) -> None:
    """Keep results; those of an earlier run stay where there is no newer one. The page gets the table anew."""
    kept = {(each.name, each.kind): each for each in read_results()[1] if each.name in order}
    kept.update({(each.name, each.kind): each for each in found})
    results = sorted(kept.values(), key=lambda each: order.index(each.name))
    lines = ",\n".join(f"    {json.dumps(asdict(each))}" for each in results)
    RESULTS.write_text(f'{{\n  "date": "{today}",\n  "results": [\n{lines}\n  ]\n}}\n')
    if PAGE.exists():
        before, _, rest = PAGE.read_text().partition(BEGIN)
        PAGE.write_text(before + BEGIN + "\n" + render(str(today), results) + END + rest.partition(END)[2])


def render(day: str, results: Sequence[Result]) -> str:
    """Write the tables."""
    steps = [each for each in results if each.group == "steps"]
    others = [each for each in results if each.group != "steps"]
    return "\n".join(
        [
            _render_sums(day, results),
            "",
            "### Steps",
            "",
            "| step | where | events | again | lost | out of order | killed: s | error: s | cut off: s |",
            "|---|---|---|---|---|---|---|---|---|",
            *_render_steps(steps),
            "",
            "### Troubles",
            "",
            "| trouble | what | faults | events | again | lost | out of order | recovered after s |",
            "|---|---|---|---|---|---|---|---|",
            *(
                f"| `{each.name}` | {each.what} | {each.faults:,} | {each.events:,} | {each.repeats:,} | {each.lost:,}"
                f" | {each.out_of_order:,} | {_show(each)} |"
                for each in others
            ),
            "",
        ]
    )


def _render_sums(day: str, results: Sequence[Result]) -> str:
    faults, events = sum(each.faults for each in results), sum(each.events for each in results)
    repeats, lost = sum(each.repeats for each in results), sum(each.lost for each in results)
    return (
        f"Last run: {day}. {faults:,} faults, {events:,} events delivered; {repeats:,} notifications came again,"
        f" {lost:,} events were lost, {sum(each.out_of_order for each in results):,} came out of order."
    )


def _render_steps(results: Sequence[Result]) -> Iterable[str]:
    for name in dict.fromkeys(each.name for each in results):
        same = [each for each in results if each.name == name]
        times = {each.kind: _show(each) for each in same}
        yield (
            f"| `{name}` | {same[0].what} | {sum(each.events for each in same):,}"
            f" | {sum(each.repeats for each in same):,} | {sum(each.lost for each in same):,}"
            f" | {sum(each.out_of_order for each in same):,} | "
            + " | ".join(times.get(kind, "") for kind in ("kill", "error", "cut"))
            + " |"
        )


def _show(result: Result) -> str:
    if result.failure is not None:
        return "FAILED"
    return "" if result.recovery_seconds is None else f"{result.recovery_seconds:.1f}"
