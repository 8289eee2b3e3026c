"""Compares what was delivered with what happened: nothing lost, invented or out of order, repeats the same (pure)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.faults.receiving import Arrival


@dataclass(frozen=True, slots=True)
class Lost:
    """A gap that the product told: the provider's events after ``after_id`` up to ``last_id``, at ``sequence``."""

    sequence: int
    after_id: int
    last_id: int


@dataclass(frozen=True, slots=True)
class Tally:
    """What one callback got. All but ``events`` and ``repeats`` must be none; ``wrong`` says what else is not right."""

    events: int
    repeats: int
    lost: int
    out_of_order: int
    wrong: tuple[str, ...]


def compare(arrivals: Sequence[Arrival], truth: Sequence[int], gaps: Sequence[Lost] = ()) -> Tally:
    """Compare what arrived with the provider's ids, in their order; what a gap tells of is not missed."""
    wrong = []
    if not all(each.valid for each in arrivals):
        wrong.append("a signature is not valid")
    digests: dict[str, bytes] = {}
    if any(digests.setdefault(each.id, each.digest) != each.digest for each in arrivals):
        wrong.append("a repeat has other bytes")
    accepted = [each for each in arrivals if each.accepted]
    by_id: dict[str, Arrival] = {}
    for each in accepted:
        by_id.setdefault(each.id, each)
    firsts = list(by_id.values())
    records = [number for each in firsts for number in each.records]
    sequences = [number for each in firsts for number in each.sequences]
    expected = [number for number in truth if not any(gap.after_id < number <= gap.last_id for gap in gaps)]
    if len(set(records)) != len(records):
        wrong.append("an event came in two notifications")
    if set(records) - set(truth):
        wrong.append("an event came that never happened")
    if len({event_id for each in firsts for event_id in each.event_ids}) != len(sequences):
        wrong.append("two events have one id")
    told = [*sequences, *(gap.sequence for gap in gaps)]
    if sorted(told) != list(range(1, len(told) + 1)):
        wrong.append("the sequence has a hole that no gap tells of")
    return Tally(
        events=len(records),
        repeats=len(accepted) - len(firsts),
        lost=len(set(expected) - set(records)),
        out_of_order=_count_falls(records) + _count_falls(sequences),
        wrong=tuple(wrong),
    )


def _count_falls(numbers: Sequence[int]) -> int:
    return sum(left > right for left, right in pairwise(numbers))
