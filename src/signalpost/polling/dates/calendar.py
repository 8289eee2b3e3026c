"""The calendar behind dates: fields as they were read become a wall time, leniently, as java.util.GregorianCalendar
(Locale.US) resolves them. Pure.

Fields carry their pattern letter; their order is that in which they were read, because where fields contradict each
other the latest wins. Months count from 1, days of the week from Sunday = 1, hours ``H`` and ``h`` from 0.
Days are numbered from 1970-01-01 = 0, in the Gregorian calendar for all times (Java changes to the Julian in 1582).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

EPOCH_YEAR = 1970
MONTHS_A_YEAR = 12
DAYS_A_WEEK = 7
SUNDAY = 1
BEFORE_CHRIST = 0

_EPOCH = datetime(EPOCH_YEAR, 1, 1)  # noqa: DTZ001 - a wall time has no zone
_EPOCH_ORDINAL = _EPOCH.toordinal()
_GREGORIAN_CYCLE_YEARS = 400
_GREGORIAN_CYCLE_DAYS = 146_097


@dataclass(slots=True)
class Fields:
    """What was read so far: pattern letter -> number, in order of reading.

    ``h`` also stands for ``K``, ``H`` for ``k``, ``M`` for ``L``, ``E`` for ``u``. ``microsecond`` is added to ``S``.
    """

    numbers: dict[str, int] = field(default_factory=dict)
    microsecond: int = 0

    def set(self, letter: str, number: int) -> None:
        """Keep a field, as the latest."""
        self.numbers.pop(letter, None)
        self.numbers[letter] = number


def number_day(year: int, month: int, day: int) -> int:
    """Number a day; ``year`` may be any, ``month`` and ``day`` may lie outside of their ranges."""
    year += (month - 1) // MONTHS_A_YEAR
    month = (month - 1) % MONTHS_A_YEAR + 1
    cycles = (year - 1) // _GREGORIAN_CYCLE_YEARS
    first = date(year - cycles * _GREGORIAN_CYCLE_YEARS, month, 1).toordinal()
    return first + cycles * _GREGORIAN_CYCLE_DAYS - _EPOCH_ORDINAL + day - 1


def resolve_fields(fields: Fields) -> datetime:
    """Give the wall time (no zone) that the fields mean.

    Raises:
        OverflowError: it lies outside of the years 1 to 9999.
    """
    numbers = fields.numbers
    return _EPOCH + timedelta(
        days=_resolve_day(numbers),
        hours=_resolve_hour(numbers),
        minutes=numbers.get("m", 0),
        seconds=numbers.get("s", 0),
        milliseconds=numbers.get("S", 0),
        microseconds=fields.microsecond,
    )


def _resolve_hour(numbers: Mapping[str, int]) -> int:
    order = _Order(numbers)
    if order.of("H") >= 0 and order.of("H") >= order.both("h", "a"):
        return numbers["H"]
    return numbers.get("h", 0) + 12 * numbers.get("a", 0)


class _Order:
    """When each field was read: a number that grows, -1 where it was not."""

    def __init__(self, numbers: Mapping[str, int]) -> None:
        self._places = {letter: place for place, letter in enumerate(numbers)}

    def of(self, letter: str) -> int:
        return self._places.get(letter, -1)

    def both(self, one: str, other: str) -> int:
        places = (self.of(one), self.of(other))
        return -1 if -1 in places else max(places)


def _resolve_day(numbers: Mapping[str, int]) -> int:
    order = _Order(numbers)
    if order.of("Y") > order.of("y"):
        return _resolve_week_date(numbers)
    year = numbers.get("y", EPOCH_YEAR)
    if numbers.get("G") == BEFORE_CHRIST:
        year = 1 - year
    letter = _choose_day_field(order)
    if letter == "D":
        return number_day(year, 1, numbers["D"])
    if letter == "w":
        return _day_of_week_number(number_day(year, 1, 1), numbers["w"], numbers.get("E"))
    month = numbers.get("M", 1)
    if letter == "W":
        return _day_of_week_number(number_day(year, month, 1), numbers["W"], numbers.get("E"))
    if letter == "F":
        return _day_of_nth_weekday(year, month, numbers.get("F", 1), numbers.get("E", SUNDAY))
    return number_day(year, month, numbers.get("d", 1))


def _choose_day_field(order: _Order) -> str:
    """Choose what says the day: ``d``, or ``W``, ``F``, ``w`` (best with a day of the week), or ``D``."""
    places = {
        "d": order.of("d"),
        "W": order.both("W", "E"),
        "F": order.both("F", "E"),
        "D": order.of("D"),
        "w": order.both("w", "E"),
    }
    if max(places.values()) < 0:
        places = {"W": order.of("W"), "F": max(order.of("F"), order.of("E")), "w": order.of("w")}
    latest = max(places.values())
    if latest < 0 or places.get("d") == latest:
        return "d"
    # A day of the week that was read last completes every one of W, F and w: then the later of those counts.
    tied = [letter for letter, place in places.items() if place == latest]
    return max(tied, key=order.of)


def _day_of_week_number(first: int, week: int, weekday: int | None) -> int:
    """Give the day in the ``week``-th week of what begins on day ``first``; week 1 holds that day."""
    sunday = _on_or_before(first, SUNDAY)
    start = sunday if weekday is None else _on_or_before(sunday + 6, weekday)
    return start + DAYS_A_WEEK * (week - 1)


def _day_of_nth_weekday(year: int, month: int, nth: int, weekday: int) -> int:
    """Give the ``nth`` such weekday of a month; a negative one counts from the month's end."""
    if nth >= 0:
        return _on_or_before(number_day(year, month, DAYS_A_WEEK * nth), weekday)
    return _on_or_before(number_day(year, month + 1, DAYS_A_WEEK * (nth + 1)), weekday)


def _resolve_week_date(numbers: Mapping[str, int]) -> int:
    weekday, week = numbers.get("E", SUNDAY), numbers.get("w", 1)
    if not SUNDAY <= weekday <= DAYS_A_WEEK:  # ``u`` alone brings such, and they still count from Monday = 1
        weeks, after_monday = divmod(weekday - 1, DAYS_A_WEEK)
        week += weeks
        weekday = (after_monday + 1) % DAYS_A_WEEK + 1
    return _day_of_week_number(number_day(numbers["Y"], 1, 1), week, weekday)


def _on_or_before(day: int, weekday: int) -> int:
    return day - (weekday_of(day) - weekday) % DAYS_A_WEEK


def weekday_of(day: int) -> int:
    """Give a numbered day's weekday, Sunday = 1."""
    return (day + 4) % DAYS_A_WEEK + 1  # 1970-01-01 was a Thursday


@dataclass(frozen=True, slots=True)
class Weeks:
    """Where a date stands in weeks that begin on Sunday; week 1 of a year is the one that holds its first day."""

    week_year: int
    week_of_year: int
    week_of_month: int


def weeks_of(when: date) -> Weeks:
    """Count the weeks of a date."""
    day = when.toordinal() - _EPOCH_ORDINAL
    sunday = _on_or_before(day, SUNDAY)
    week_year = when.year + (number_day(when.year + 1, 1, 1) < sunday + DAYS_A_WEEK)
    return Weeks(
        week_year=week_year,
        week_of_year=_count_weeks(number_day(week_year, 1, 1), sunday),
        week_of_month=_count_weeks(number_day(when.year, when.month, 1), sunday),
    )


def _count_weeks(first: int, sunday: int) -> int:
    return (sunday - _on_or_before(first, SUNDAY)) // DAYS_A_WEEK + 1
