"""URL templates: the variables of a polled resource's ``url`` become times, before each poll. Pure.

open-connectors.md 2.2 lists the variables; docs/reference/date-patterns.md is our contract.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import lru_cache

from signalpost.model.errors import InvalidRequestError
from signalpost.polling.dates import DatePattern, compile_pattern, parse_zone
from signalpost.polling.dates.patterns import show

DEFAULT_FORMAT = "yyyy-MM-dd'T'HH:mm:ss'Z'"
DEFAULT_FORMAT_WITH_ZONE = "yyyy-MM-dd'T'HH:mm:ssXXX"
KNOWN = (
    "${gmtDate:FORMAT}, ${date:FORMAT}, ${dateTimeZone:ZONE:FORMAT}, ${nowTimeZone:ZONE:FORMAT}, "
    "${epoch:ms}, ${epoch:s}, ${epoch:us} and ${epoch:0}"
)

# The second form lacks its brace: seen in published configurations, where it is a variable if it can be one.
_VARIABLE = re.compile(r"\$\{([^}]*)(\}?)|\$([A-Za-z][^${}]*)\}")
# A zone may hold a colon itself: -8:00, GMT+05:30.
_ZONE_AND_FORMAT = re.compile(
    r"((?:GMT|UTC|UT)?[+-][0-9]{1,2}:[0-9]{2}|[^:]*)(?::(.*))?", re.IGNORECASE | re.DOTALL
)
_EPOCH_UNITS = {"": "milliseconds", "ms": "milliseconds", "s": "seconds", "us": "microseconds"}
_DATE_LETTERS = "yMd"
_ENCODED = str.maketrans({letter: f"%{ord(letter):02X}" for letter in "%+&#?"})


@dataclass(frozen=True, slots=True)
class _Variable:
    """A time, and how it is written."""

    pattern: DatePattern
    zone: tzinfo = UTC
    of_now: bool = False
    remark: str | None = None


def expand(url: str, *, last_poll_at: datetime, now: datetime) -> str:
    """Put the times (aware) in the place of the variables.

    What would mean something else in a URL is encoded in a value: a ``+`` is written ``%2B``, because a query reads a
    bare one as a blank. All else stands as the template has it; encoding the URL is the caller's.

    Raises:
        InvalidRequestError: a variable is unknown or badly written; the message names it.
    """

    def replace(found: re.Match[str]) -> str:
        variable = _read_variable(found)
        if isinstance(variable, str):
            return variable
        written = variable.pattern.write(now if variable.of_now else last_poll_at, variable.zone)
        return written.translate(_ENCODED)

    return _VARIABLE.sub(replace, url)


def check(url: str) -> tuple[str, ...]:
    """Check a template; give remarks on what was mended or guessed in it, none if all is clear.

    Raises:
        InvalidRequestError: as ``expand``.
    """
    remarks = []
    for found, variable in _find_times(url):
        if found[3] is not None:
            remarks.append(f"{found[0]}: the brace after $ is missing; it was read as if it were there")
        remarks += [
            f"{found[0]}: {remark}" for remark in (variable.remark, variable.pattern.remark) if remark
        ]
    return tuple(remarks)


@lru_cache(maxsize=4096)  # every poll of every resource asks
def varies(url: str) -> bool:
    """Say whether a template gives another URL at another time (raises as ``expand``)."""
    return bool(_find_times(url))


def _find_times(url: str) -> list[tuple[re.Match[str], _Variable]]:
    read = [(found, _read_variable(found)) for found in _VARIABLE.finditer(url)]
    return [(found, variable) for found, variable in read if isinstance(variable, _Variable)]


def _read_variable(found: re.Match[str]) -> _Variable | str:
    """Read one variable; text stands as it is."""
    if found[3] is not None:
        try:
            return _read_name(found[3]) or found[0]
        except InvalidRequestError:
            return found[0]
    if not found[2]:
        message = f"url variable {show(found[0])} is not closed; put }} after it"
        raise InvalidRequestError(message)
    try:
        variable = _read_name(found[1])
    except InvalidRequestError as error:
        message = f"url variable {show(found[0])}: {error}"
        raise InvalidRequestError(message) from error
    if variable is None:
        message = f"url variable {show(found[0])} is not known; the variables are {KNOWN}"
        raise InvalidRequestError(message)
    return variable


def _read_name(text: str) -> _Variable | str | None:
    """Read what stands in the braces; ``0`` is text and asks for all there is, None stands for no variable."""
    name, _, rest = text.partition(":")
    match name.strip().lower():
        case "gmtdate" | "date":
            return _Variable(compile_pattern(rest.strip() or DEFAULT_FORMAT))
        case "datetimezone":
            return _read_zoned(rest)
        case "nowtimezone":
            return _read_zoned(rest, of_now=True)
        case "epoch" if rest.strip() == "0":
            return "0"
        case "epoch" if rest.strip().lower() in _EPOCH_UNITS:
            return _Variable(compile_pattern(_EPOCH_UNITS[rest.strip().lower()]))
    return _read_nameless(text)


def _read_zoned(text: str, *, of_now: bool = False) -> _Variable:
    parts = _ZONE_AND_FORMAT.fullmatch(text)
    assert parts is not None
    pattern = compile_pattern((parts[2] or "").strip() or DEFAULT_FORMAT_WITH_ZONE)
    return _Variable(pattern, parse_zone(parts[1]), of_now=of_now)


def _read_nameless(text: str) -> _Variable | None:
    """Read ``${FORMAT}``, as published configurations have it: a whole date, or an example of Unix time."""
    if not text.isdigit() and not all(letter in text for letter in _DATE_LETTERS):
        return None
    try:
        pattern = compile_pattern(text)
    except InvalidRequestError:
        return None
    return _Variable(pattern, remark="the variable has no name; it was taken for gmtDate")
