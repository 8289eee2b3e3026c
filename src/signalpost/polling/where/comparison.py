"""How a value of a record is compared with the value of a ``where``: as numbers, as instants, or as text. Pure."""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from signalpost.polling.fields import find_values, read_date_text, read_number, read_unix_time, spread

_Comparable = Decimal | datetime | str
_ORDERINGS: Mapping[str, Callable[[Any, Any], bool]] = {
    "=": operator.eq,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


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
    left, right = read_number(value), read_number(text)
    if left is not None and right is not None:
        return left, right
    written = _write(value)
    if written is None:
        return None
    first, second = read_date_text(written), read_date_text(text)
    if first is None and second is None:
        return written, text
    first, second = first or read_unix_time(value, smallest=0), second or read_unix_time(text, smallest=0)
    return None if first is None or second is None else (first[0], second[0])


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
