"""Reading dates: a text, by the parts of a pattern, becomes an instant, as java.text.SimpleDateFormat.parse does. Pure.

The text may go on after the pattern's end. Blanks before a number or a zone are passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from itertools import zip_longest

from signalpost.polling.dates.calendar import DAYS_A_WEEK, SUNDAY, Fields, number_day, resolve_fields
from signalpost.polling.dates.names import WORDS, ZONE_NAMES
from signalpost.polling.dates.patterns import Field, Fixed, Part
from signalpost.polling.dates.zones import HOURS_A_DAY, MINUTES_A_HOUR, resolve_wall_time

CENTURY_WINDOW_YEARS = 80
YEARS_A_CENTURY = 100
MILLISECOND_DIGITS = 3
MICROSECOND_DIGITS = 6
TWO_DIGITS = 2

_NUMBER = re.compile(r"-?\d+")
_BLANKS = re.compile(r"[ \t]*")
_ZONE_FORMS = {  # X, XX or Z, XXX or GMT+h:mm
    "hh": re.compile(r"([+-])(\d\d)()", re.ASCII),
    "hhmm": re.compile(r"([+-])(\d\d)(\d\d)", re.ASCII),
    "hh:mm": re.compile(r"([+-])(\d\d):(\d\d)", re.ASCII),
    "h:mm": re.compile(r"([+-])(\d\d?):(\d\d)", re.ASCII),
}
_ISO_ZONE_FORMS = {1: "hh", 2: "hhmm", 3: "hh:mm"}
_LONG_LIMIT, _INTEGER_LIMIT = 2**63, 2**31
_LONG_DIGITS = 19
# In which year the names of the reader's own zone are looked up: they hardly ever change.
_NAMING_YEAR = 2025


class UnreadableError(Exception):
    """The text does not match the pattern; says what was expected, and where."""


@dataclass(slots=True)
class _Reading:
    """One text while it is read."""

    text: str
    zone: tzinfo
    century_starts_at: datetime
    position: int = 0
    fields: Fields = field(default_factory=Fields)
    year_is_ambiguous: bool = False

    def refuse(self, wanted: str) -> UnreadableError:
        return UnreadableError(f"expected {wanted} at position {self.position + 1}")


def read_text(parts: Sequence[Part], text: str, zone: tzinfo, now: datetime) -> datetime:
    """Read ``text``; where it names no zone, it is in ``zone``. Two-digit years lie from 80 years before ``now`` on.

    Raises:
        UnreadableError: the text does not match.
        OverflowError: the date lies outside of the years 1 to 9999.
    """
    start = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(
        days=number_day(now.year - CENTURY_WINDOW_YEARS, now.month, now.day),
        hours=now.hour,
        minutes=now.minute,
        seconds=now.second,
        microseconds=now.microsecond,
    )
    reading = _Reading(text, zone, start)
    for part, following in zip_longest(parts, parts[1:]):
        if isinstance(part, Fixed):
            _read_fixed(reading, part)
        else:
            _read_field(reading, part, digits_follow=isinstance(following, Field) and following.numeric)
    if reading.position == 0:
        raise reading.refuse("a date")
    read_at = resolve_wall_time(resolve_fields(reading.fields), reading.zone)
    if reading.year_is_ambiguous and read_at < reading.century_starts_at:
        for letter in reading.fields.numbers.keys() & {"y", "Y"}:
            reading.fields.numbers[letter] += YEARS_A_CENTURY
        read_at = resolve_wall_time(resolve_fields(reading.fields), reading.zone)
    return read_at


def _read_fixed(reading: _Reading, part: Fixed) -> None:
    if not reading.text.startswith(part.text, reading.position):
        raise reading.refuse(repr(part.text))
    reading.position += len(part.text)


def _read_field(reading: _Reading, part: Field, *, digits_follow: bool) -> None:
    if part.numeric:
        _read_number(reading, part, digits_follow=digits_follow)
    elif part.letter in "zZX":
        reading.position = _pass_blanks(reading)
        if part.letter == "X":
            _read_iso_zone(reading, part.count)
        else:
            _read_zone(reading)
    else:
        letter = "M" if part.letter == "L" else part.letter
        word = _longest_match(reading, WORDS[letter])
        if word is None:
            raise reading.refuse(" or ".join(list(WORDS[letter])[:3]) + " and so on")
        reading.fields.set(letter, WORDS[letter][word])
        reading.position += len(word)


def _pass_blanks(reading: _Reading) -> int:
    blanks = _BLANKS.match(reading.text, reading.position)
    assert blanks is not None
    return blanks.end()


def _longest_match(reading: _Reading, words: Iterable[str]) -> str | None:
    """Find the longest of the lower-case ``words`` that stands at the position; the first of equals."""
    rest = reading.text[reading.position :].lower()
    return max((word for word in words if rest.startswith(word)), key=len, default=None)


def _read_number(reading: _Reading, part: Field, *, digits_follow: bool) -> None:
    """Read a number: as many digits as there are, or as the pattern has letters if more digits follow."""
    end = reading.position + part.count if digits_follow else len(reading.text)
    start = _pass_blanks(reading)
    found = _NUMBER.match(reading.text, start, end) if end <= len(reading.text) else None
    if found is None:
        raise reading.refuse(f"a number for {part.letter * part.count}")
    reading.position = found.end()
    digits = found[0]
    if (
        part.fraction
        and (part.count >= MILLISECOND_DIGITS or len(digits) > MILLISECOND_DIGITS)
        and digits[0] != "-"
    ):
        _set_fraction(reading.fields, digits)
    elif (
        part.letter in "yY" and part.count <= TWO_DIGITS and len(digits) == TWO_DIGITS and digits.isdecimal()
    ):
        _set_short_year(reading, part.letter, int(digits))
    else:
        _set_number(reading.fields, part.letter, _limit_number(digits))


def _limit_number(digits: str) -> int:
    """Give the number as a Java ``int``: what fits 64 bits wraps around, what does not is the largest or smallest."""
    significant = digits.lstrip("-").lstrip("0")
    number = int(significant or "0") if len(significant) <= _LONG_DIGITS else _LONG_LIMIT
    number = -number if digits.startswith("-") else number
    if -_LONG_LIMIT <= number < _LONG_LIMIT:
        return (number + _INTEGER_LIMIT) % (2 * _INTEGER_LIMIT) - _INTEGER_LIMIT
    return _INTEGER_LIMIT - 1 if number > 0 else -_INTEGER_LIMIT


def _set_number(fields: Fields, letter: str, number: int) -> None:
    match letter:
        case "L":
            fields.set("M", number)
        case "k":
            fields.set("H", 0 if number == HOURS_A_DAY else number)
        case "h":
            fields.set("h", 0 if number == HOURS_A_DAY // 2 else number)
        case "K":
            fields.set("h", number)
        case "u":  # Monday = 1 .. Sunday = 7; what is outside stays and is carried over to other weeks
            fields.set("E", number % DAYS_A_WEEK + SUNDAY if SUNDAY <= number <= DAYS_A_WEEK else number)
        case _:
            fields.set(letter, number)


def _set_fraction(fields: Fields, digits: str) -> None:
    microseconds = int(digits[:MICROSECOND_DIGITS].ljust(MICROSECOND_DIGITS, "0"))
    milliseconds, fields.microsecond = divmod(microseconds, 1000)
    fields.set("S", milliseconds)


def _set_short_year(reading: _Reading, letter: str, number: int) -> None:
    """Place a two-digit year in the hundred years from the window's start on."""
    century, first = divmod(reading.century_starts_at.astimezone(reading.zone).year, YEARS_A_CENTURY)
    reading.year_is_ambiguous = number == first
    reading.fields.set(letter, YEARS_A_CENTURY * (century + (number < first)) + number)


def _read_iso_zone(reading: _Reading, count: int) -> None:
    if reading.text.startswith("Z", reading.position):
        reading.zone = UTC
        reading.position += 1
    elif not _read_offset(reading, _ISO_ZONE_FORMS[count]):
        raise reading.refuse(
            f"Z or an offset as {_ISO_ZONE_FORMS[count].replace('hh', '+01').replace('mm', '00')}"
        )


def _read_zone(reading: _Reading) -> None:
    """Read ``+hhmm``, ``GMT``, ``GMT+h:mm`` or a zone's name."""
    if reading.text.startswith(("+", "-"), reading.position):
        if not _read_offset(reading, "hhmm"):
            raise reading.refuse("an offset as +0100")
        return
    if reading.text[reading.position :][:3].upper() == "GMT":
        reading.position += 3
        if not reading.text.startswith(("+", "-"), reading.position):
            reading.zone = UTC
        elif not _read_offset(reading, "h:mm"):
            raise reading.refuse("an offset as +1:00")
        return
    names = {name.lower(): offset for name, offset in _name_offsets(reading.zone)}
    name = _longest_match(reading, names)
    if name is None:
        raise reading.refuse("a time zone, as +0100, GMT+01:00, UTC or PST")
    reading.zone = timezone(names[name])
    reading.position += len(name)


def _name_offsets(zone: tzinfo) -> Iterable[tuple[str, timedelta]]:
    """Give zone names and what they mean; of those that mean two things the right one comes last."""
    for short, long, minutes in reversed(ZONE_NAMES):
        yield short, timedelta(minutes=minutes)
        yield long, timedelta(minutes=minutes)
    for month in (1, 7):
        local = datetime(_NAMING_YEAR, month, 1, tzinfo=zone)
        name, offset = local.tzname(), local.utcoffset()
        if name and name.isalpha() and offset is not None:
            yield name, offset


def _read_offset(reading: _Reading, form: str) -> bool:
    found = _ZONE_FORMS[form].match(reading.text, reading.position)
    if found is None:
        return False
    hours, minutes = int(found[2]), int(found[3] or 0)
    if hours >= HOURS_A_DAY or minutes >= MINUTES_A_HOUR:
        return False
    offset = timedelta(hours=hours, minutes=minutes)
    reading.zone = timezone(-offset if found[1] == "-" else offset)
    reading.position = found.end()
    return True
