"""How a value of a record is compared with the value of a ``where``: as numbers, as instants, or as text. Pure."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any, NamedTuple

from signalpost.polling.fields import find_values, read_date_text, read_number, read_unix_time, spread

LONGEST_KEPT = 100
"""A text that is longer is no date, and hardly ever a number."""

_Comparable = Decimal | datetime | str
_ORDERINGS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


class _Reading(NamedTuple):
    """What a text is besides: a number, an instant."""

    number: Decimal | None
    instant: datetime | None


def _read(text: str) -> _Reading:
    found = read_date_text(text)
    return _Reading(read_number(text), None if found is None else found[0])


# A record's value is compared with every value of the ``where``, and each of them with every record; to find out what
# date a text is takes far longer than to compare two.
_read_kept = lru_cache(4096)(_read)


def _recall(text: str) -> _Reading:
    return _read_kept(text) if len(text) <= LONGEST_KEPT else _read(text)


def find_present(record: Mapping[str, Any], field: str) -> list[Any]:
    """Find the values of a field that are there and not null; those of lists one by one."""
    return [value for value in spread(find_values(record, field)) if value is not None]


def compare(values: list[Any], name: str, text: str) -> bool:
    """Say whether one of the values stands to ``text`` as the operator says; for ``!=`` whether none equals it."""
    if name == "!=":
        return not compare(values, "=", text)
    if name == "like":
        return any(_is_like(written, text) for written in map(_write, values) if written is not None)
    return any(_compare_one(value, _ORDERINGS[name], text) for value in values)


def _compare_one(value: Any, ordering: Callable[[Any, Any], bool], text: str) -> bool:
    pair = _find_common_ground(value, text)
    return pair is not None and ordering(*pair)


def _find_common_ground(value: Any, text: str) -> tuple[_Comparable, _Comparable] | None:
    """Give both sides as what they have in common; None where there is no order between them."""
    if isinstance(value, bool):
        return _write(value) or "", text.lower()
    right = _recall(text)
    left = _recall(value) if isinstance(value, str) else _Reading(read_number(value), None)
    if left.number is not None and right.number is not None:
        return left.number, right.number
    written = _write(value)
    if written is None:
        return None
    if not isinstance(value, str):  # a number may be one of a time, and its text the basic form of a date
        left = _recall(written)
    if left.instant is None and right.instant is None:
        return written, text
    first = left.instant or _read_time(value)
    second = right.instant or _read_time(text)
    return None if first is None or second is None else (first, second)


def _read_time(value: Any) -> datetime | None:
    found = read_unix_time(value, smallest=0)
    return None if found is None else found[0]


def _write(value: Any) -> str | None:
    """Give the text of a value; None: it is an object."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value) if isinstance(value, str | int | float) else None


def _is_like(text: str, pattern: str) -> bool:
    """Match ``%`` with any text. Each piece is sought from where the one before ended, so it cannot take long."""
    first, *pieces = pattern.split("%")
    if not pieces:
        return text == first
    last = pieces.pop()
    if not text.startswith(first):
        return False
    position = len(first)
    for piece in pieces:
        found = text.find(piece, position)
        if found < 0:
            return False
        position = found + len(piece)
    return len(text) - len(last) >= position and text.endswith(last)
