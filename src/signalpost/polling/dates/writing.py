"""Writing dates: an instant, by the parts of a pattern, becomes text, as java.text.SimpleDateFormat does. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, tzinfo

from signalpost.polling.dates.calendar import weeks_of
from signalpost.polling.dates.names import MONTHS, SHORT_LENGTH, WEEKDAYS, ZONE_NAMES
from signalpost.polling.dates.patterns import Field, Fixed, Part
from signalpost.polling.dates.reading import MILLISECOND_DIGITS, TWO_DIGITS, YEARS_A_CENTURY
from signalpost.polling.dates.zones import HOURS_A_DAY, MINUTES_A_HOUR

LONG_COUNT = 4
NOON_HOUR = 12


def write_text(parts: Sequence[Part], instant: datetime, zone: tzinfo) -> str:
    """Write ``instant`` as the clock of ``zone`` shows it.

    Raises:
        OverflowError: that lies outside of the years 1 to 9999.
    """
    local = instant.astimezone(zone)
    return "".join(part.text if isinstance(part, Fixed) else _write_field(part, local) for part in parts)


def _write_field(part: Field, local: datetime) -> str:
    if not part.numeric:
        return _WORD_WRITERS[part.letter](local, part.count)
    if part.fraction and part.count > MILLISECOND_DIGITS:
        return f"{local.microsecond:06}".ljust(part.count, "0")[: part.count]
    number = _NUMBERS[part.letter](local)
    if part.letter in "yY" and part.count == TWO_DIGITS:
        number %= YEARS_A_CENTURY
    return str(number).zfill(part.count)


_NUMBERS: Mapping[str, Callable[[datetime], int]] = {
    "y": lambda local: local.year,
    "Y": lambda local: weeks_of(local).week_year,
    "M": lambda local: local.month,
    "L": lambda local: local.month,
    "w": lambda local: weeks_of(local).week_of_year,
    "W": lambda local: weeks_of(local).week_of_month,
    "D": lambda local: local.timetuple().tm_yday,
    "d": lambda local: local.day,
    "F": lambda local: (local.day - 1) // len(WEEKDAYS) + 1,
    "u": lambda local: local.isoweekday(),
    "H": lambda local: local.hour,
    "k": lambda local: local.hour or HOURS_A_DAY,
    "K": lambda local: local.hour % NOON_HOUR,
    "h": lambda local: local.hour % NOON_HOUR or NOON_HOUR,
    "m": lambda local: local.minute,
    "s": lambda local: local.second,
    "S": lambda local: local.microsecond // 1000,
}


def _write_name(name: str, count: int) -> str:
    return name if count >= LONG_COUNT else name[:SHORT_LENGTH]


def _write_offset(local: datetime, separator: str = "") -> str:
    offset = local.utcoffset() or timedelta()
    hours, minutes = divmod(abs(offset) // timedelta(minutes=1), MINUTES_A_HOUR)
    return f"{'-' if offset < timedelta() else '+'}{hours:02}{separator}{minutes:02}"


def _write_iso_zone(local: datetime, count: int) -> str:
    if not local.utcoffset():
        return "Z"
    if count == 1:
        return _write_offset(local)[: len("+hh")]
    return _write_offset(local, ":" if count > TWO_DIGITS else "")


def _write_zone_name(local: datetime, count: int) -> str:
    """Give the name that the time zone database has, short or long, or ``GMT+hh:mm`` where there is none."""
    short = local.tzname() or ""
    if short.isalpha() and count < LONG_COUNT:
        return short
    minutes = (local.utcoffset() or timedelta()) // timedelta(minutes=1)
    names = (long for known, long, offset in ZONE_NAMES if (known, offset) == (short, minutes))
    return next(names, f"GMT{_write_offset(local, ':')}")


_WORD_WRITERS: Mapping[str, Callable[[datetime, int], str]] = {
    "G": lambda _local, _count: "AD",
    "M": lambda local, count: _write_name(MONTHS[local.month - 1], count),
    "L": lambda local, count: _write_name(MONTHS[local.month - 1], count),
    "E": lambda local, count: _write_name(WEEKDAYS[local.isoweekday() % len(WEEKDAYS)], count),
    "a": lambda local, _count: "AM" if local.hour < NOON_HOUR else "PM",
    "z": _write_zone_name,
    "Z": lambda local, _count: _write_offset(local),
    "X": _write_iso_zone,
}
