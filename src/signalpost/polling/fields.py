"""What stands in a record: values by the dotted name of a field, and dates in the common forms. Pure."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Any

from signalpost.model.errors import InvalidRequestError
from signalpost.polling.dates import compile_pattern

LONGEST_FIELD = 1000

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ROOTS = ("$.", "@.")
_NUMBER = re.compile(r"\s*[+-]?[0-9]{1,400}(?:\.[0-9]{1,400})?(?:[eE][+-]?[0-9]{1,3})?\s*", re.ASCII)
_HTTP_DATE = re.compile(
    r"\s*(?:[A-Za-z]{3},\s*)?([0-9]{1,2} [A-Za-z]{3} [0-9]{4} [0-9]{2}:[0-9]{2}:[0-9]{2})\s*"
    r"([+-][0-9]{4}|[A-Za-z]{1,5})\s*",
    re.ASCII,
)
_NET_DATE = re.compile(r"\s*/Date\((-?[0-9]{1,15})(?:[+-][0-9]{4})?\)/\s*", re.ASCII)
_HTTP_PATTERN = compile_pattern("d MMM yyyy HH:mm:ss z")
_OLDEST_SECONDS = 10**8  # March 1973: what is smaller is rather a count, or a year
# The last number that is taken for a time in this unit, and the microseconds of one.
_UNIX_UNITS = ((10**11, 1_000_000), (10**14, 1_000), (10**17, 1))


def find_values(record: Any, field: str) -> list[Any]:
    """Find what stands at a dotted name: nothing, one value, or through lists those of each of their objects.

    A key that holds the dots itself wins over the path. ``$.`` or ``@.`` in front means the record, unless it has
    such a key.
    """
    found = _walk(record, field)
    if not found and field.startswith(_ROOTS):
        return _walk(record, field[2:])
    return found


def spread(values: list[Any]) -> list[Any]:
    """Give the values with lists replaced by what is in them."""
    found: list[Any] = []
    waiting = values[::-1]
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(reversed(value))
        else:
            found.append(value)
    return found


def _walk(record: Any, field: str) -> list[Any]:
    found: list[Any] = []
    waiting: list[tuple[Any, str | None]] = [(record, field)]
    while waiting:
        value, rest = waiting.pop()
        if rest is None:
            found.append(value)
        elif isinstance(value, list):
            waiting.extend((each, rest) for each in reversed(value))
        elif isinstance(value, Mapping):
            there = ((value[key], after) for key, after in _split(rest) if key in value)
            waiting.extend(itertools.islice(there, 1))
    return found


def _split(field: str) -> Iterator[tuple[str, str | None]]:
    """Give the ways to split a dotted name into a key and what follows it, the longest key first."""
    yield field, None
    end = field.rfind(".")
    while end >= 0:
        yield field[:end], field[end + 1 :]
        end = field.rfind(".", 0, end)


def read_number(value: object) -> Decimal | None:
    """Read a number, also from text; None: it is none, or not finite."""
    if isinstance(value, bool):
        return None
    if isinstance(value, str):
        return Decimal(value.strip()) if _NUMBER.fullmatch(value) else None
    if isinstance(value, int):
        return Decimal(value)
    if isinstance(value, float):
        number = Decimal(repr(value))
        return number if number.is_finite() else None
    return None


def read_date_text(text: str, zone: tzinfo = UTC) -> tuple[datetime, str] | None:
    """Read a date in ISO 8601, as HTTP and mail have it (RFC 1123), or as .NET writes it in JSON; with the form's name.

    The instant is in UTC; ``zone`` holds where the text names none.
    """
    if read_unix_time(text) is not None:  # nine digits and more are no basic form of a date
        return None
    try:
        found = datetime.fromisoformat(text.strip())
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC), "ISO 8601"
    except (ValueError, OverflowError):
        pass
    return _read_net_date(text) or _read_http_date(text, zone)


def _read_net_date(text: str) -> tuple[datetime, str] | None:
    """Read milliseconds since 1970 as .NET writes them; whatever zone stands behind them they are that instant."""
    found = _NET_DATE.fullmatch(text)
    try:
        return (_EPOCH + timedelta(milliseconds=int(found[1])), "a date of .NET") if found else None
    except OverflowError:
        return None


def _read_http_date(text: str, zone: tzinfo) -> tuple[datetime, str] | None:
    found = _HTTP_DATE.fullmatch(text)
    try:
        return (_HTTP_PATTERN.read(f"{found[1]} {found[2]}", zone), "RFC 1123") if found else None
    except InvalidRequestError:
        return None


def read_unix_time(value: object, *, smallest: int = _OLDEST_SECONDS) -> tuple[datetime, str] | None:
    """Read a number, or a number as text, as seconds, milliseconds or microseconds since 1970, by its size.

    One below ``smallest`` is none: of a record it is something else. Who asks for later than 0 means 1970.
    """
    number = read_number(value)
    if number is None or abs(number) < smallest:
        return None
    microseconds = next((each for end, each in _UNIX_UNITS if abs(number) < end), None)
    if microseconds is None:
        return None
    try:
        return _EPOCH + timedelta(microseconds=int(number * microseconds)), "Unix time"
    except OverflowError:  # before the year 1
        return None
