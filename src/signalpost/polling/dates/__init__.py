"""Dates in the provider's words: the public face of reading and writing them by a configured format. Pure.

docs/reference/date-patterns.md is the contract; the semantics are those of java.text.SimpleDateFormat.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, tzinfo
from decimal import Decimal
from typing import Protocol

from signalpost.model.errors import InvalidRequestError
from signalpost.polling.dates.patterns import Field, Part, show, split_pattern
from signalpost.polling.dates.reading import UnreadableError, read_text
from signalpost.polling.dates.writing import write_text
from signalpost.polling.dates.zones import parse_zone

__all__ = ["ISO_FORMAT", "DatePattern", "compile_pattern", "parse_zone"]

ISO_FORMAT = "yyyy-MM-dd'T'HH:mm:ss.SSSXXX"

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNIX_NUMBER = re.compile(r"\s*(-?[0-9]{1,18}(?:\.[0-9]{1,18})?)\s*")
_UNIX_DIGITS = re.compile(r"[0-9]{9,}", re.ASCII)
_UNIX_EXAMPLE = re.compile(r"[0-9]{9,16}")
_MICROSECONDS_A_UNIT = {"seconds": 1_000_000, "milliseconds": 1_000, "microseconds": 1}
_UNIX_WORDS = {
    "milliseconds": "milliseconds",
    "millis": "milliseconds",
    "epoch": "milliseconds",
    "epoch:ms": "milliseconds",
    "seconds": "seconds",
    "unix": "seconds",
    "epoch:s": "seconds",
    "microseconds": "microseconds",
    "epoch:us": "microseconds",
}


class _Form(Protocol):
    """A way in which dates stand in texts. ``read`` raises UnreadableError or OverflowError."""

    def read(self, value: object, zone: tzinfo, now: datetime) -> datetime: ...

    def write(self, instant: datetime, zone: tzinfo) -> str: ...


@dataclass(frozen=True, slots=True)
class DatePattern:
    """A date format, ready to read and write. ``remark`` says what was mended or guessed in ``text``, if anything."""

    text: str
    remark: str | None
    _form: _Form

    def read(self, value: object, zone: tzinfo, *, now: datetime | None = None) -> datetime:
        """Read a date from text or a number; give the instant, in UTC.

        ``zone`` holds where the text names none. ``now`` places two-digit years (80 years back, 20 ahead).

        Raises:
            InvalidRequestError: the value does not match, or lies outside of the years 1 to 9999.
        """
        try:
            return self._form.read(value, zone, now or datetime.now(UTC))
        except UnreadableError as error:
            reason = str(error)
        except OverflowError:
            reason = "it lies outside of the years 1 to 9999"
        message = f"date {show(value)} cannot be read by the format {show(self.text)}: {reason}"
        raise InvalidRequestError(message)

    def write(self, instant: datetime, zone: tzinfo) -> str:
        """Write an instant (aware) as the clock of ``zone`` shows it.

        Raises:
            InvalidRequestError: that lies outside of the years 1 to 9999.
        """
        try:
            return self._form.write(instant, zone)
        except OverflowError as error:
            message = (
                f"{instant.isoformat()} cannot be written in {zone}: it lies outside of the years 1 to 9999"
            )
            raise InvalidRequestError(message) from error


def compile_pattern(text: str | None) -> DatePattern:
    """Compile a date format: a Java pattern, a word for Unix time, or nothing (ISO 8601; numbers: milliseconds).

    Raises:
        InvalidRequestError: it is none of these; the message says where and what would be right.
    """
    pattern = text or ""
    word = pattern.strip().lower()
    if not word:
        return DatePattern(pattern, None, _IsoForm())
    unit = _UNIX_WORDS.get(word)
    if unit is not None:
        return DatePattern(pattern, None, _UnixForm(unit))
    mended, remark = _mend(pattern)
    if _UNIX_EXAMPLE.fullmatch(mended):
        unit = _unit_of_example(mended)
        return DatePattern(pattern, f"taken for an example of Unix time in {unit}", _UnixForm(unit))
    parts = split_pattern(mended)
    remarks = [each for each in (remark, *_doubt(parts)) if each]
    return DatePattern(pattern, "; ".join(remarks) or None, _JavaForm(parts))


def _doubt(parts: Sequence[Part]) -> Iterator[str]:
    """Say which letters are hardly meant: they are read as Java reads them, which is not as other languages do."""
    letters = {part.letter for part in parts if isinstance(part, Field)}
    if "Y" in letters and "w" not in letters:
        yield "Y is the year that a week belongs to; for the year write y"
    if "D" in letters and letters & {"M", "L"} and "d" not in letters:
        yield "D is the day of the year; for that of the month write d"
    if letters & {"h", "K"} and "a" not in letters:
        yield "h and K count to 12, and nothing says which half of the day it is; write H"
    if "m" in letters and not letters & set("HhkK"):
        yield "m are minutes; for the month write M"


def _mend(pattern: str) -> tuple[str, str | None]:
    """Drop a stray quote at the end: seen in published configurations, and never right."""
    if pattern.endswith("'") and pattern.count("'") % 2 and pattern != "'":
        return pattern[:-1], "the quote at the end is not closed and was dropped"
    return pattern, None


def _unit_of_example(digits: str) -> str:
    seconds_digits, milliseconds_digits = 11, 14
    if len(digits) <= seconds_digits:
        return "seconds"
    return "milliseconds" if len(digits) <= milliseconds_digits else "microseconds"


@dataclass(frozen=True, slots=True)
class _JavaForm:
    parts: tuple[Part, ...]

    def read(self, value: object, zone: tzinfo, now: datetime) -> datetime:
        return read_text(self.parts, _text_of(value), zone, now)

    def write(self, instant: datetime, zone: tzinfo) -> str:
        return write_text(self.parts, instant, zone)


@dataclass(frozen=True, slots=True)
class _UnixForm:
    unit: str

    def read(self, value: object, zone: tzinfo, now: datetime) -> datetime:  # noqa: ARG002 - as the protocol has it
        found = _UNIX_NUMBER.fullmatch(_text_of(value))
        if found is None:
            message = f"expected a number of {self.unit} since 1970"
            raise UnreadableError(message)
        return _EPOCH + timedelta(microseconds=int(Decimal(found[1]) * _MICROSECONDS_A_UNIT[self.unit]))

    def write(self, instant: datetime, zone: tzinfo) -> str:  # noqa: ARG002 - as the protocol has it
        return str((instant - _EPOCH) // timedelta(microseconds=_MICROSECONDS_A_UNIT[self.unit]))


@dataclass(frozen=True, slots=True)
class _IsoForm:
    def read(self, value: object, zone: tzinfo, now: datetime) -> datetime:
        # Nine digits and more are no date without its signs, which Python would make of some of them.
        digits = str(value).strip() if isinstance(value, str | int) else ""
        if not isinstance(value, str) or _UNIX_DIGITS.fullmatch(digits):
            unit = _unit_of_example(digits) if _UNIX_DIGITS.fullmatch(digits) else "milliseconds"
            return _UnixForm(unit).read(value, zone, now)
        try:
            found = datetime.fromisoformat(value.strip())
        except ValueError as error:
            message = "expected ISO 8601, as 2026-05-28T11:41:12.000Z"
            raise UnreadableError(message) from error
        return (found if found.tzinfo else found.replace(tzinfo=zone)).astimezone(UTC)

    def write(self, instant: datetime, zone: tzinfo) -> str:
        return compile_pattern(ISO_FORMAT).write(instant, zone)


def _text_of(value: object) -> str:
    """Give the text a value is read from; a whole number may come as a float."""
    if isinstance(value, str):
        return value
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    message = f"expected text or a number, not {type(value).__name__}"
    raise UnreadableError(message)
