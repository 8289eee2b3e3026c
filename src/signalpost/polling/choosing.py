"""The records that meet a ``where``, chosen among many: in between all else in the process gets its turns."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from signalpost.polling.where.conditions import Where

T = TypeVar("T")

COMPARISONS_A_TURN = 1000
"""So many take a few milliseconds. One record is compared with every value of a ``where`` all the same."""


def _show_itself(record: Any) -> Any:
    return record


async def choose(where: Where, given: Iterable[T], show: Callable[[T], Any] = _show_itself) -> list[T]:
    """Give those that meet ``where``, each as ``show`` gives it, in their order."""
    if where.part is None:
        return list(given)
    records_a_turn = max(1, COMPARISONS_A_TURN // where.count_comparisons())
    found = []
    for number, each in enumerate(given, start=1):
        if where.matches(show(each)):
            found.append(each)
        if number % records_a_turn == 0:
            await asyncio.sleep(0)
    return found
