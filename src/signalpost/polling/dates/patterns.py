"""Date patterns, first step: a java.text.SimpleDateFormat pattern becomes a list of fields and fixed texts. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from signalpost.model.errors import InvalidRequestError

LETTERS = "GyYMLwWDdFEuaHkKhmsSzZX"
LONGEST_ISO_ZONE = 3
LONGEST_MONTH_NUMBER = 2
LONGEST_SHOWN = 100

_NUMERIC = frozenset("yYwWDdFuHkKhmsS")


@dataclass(frozen=True, slots=True)
class Fixed:
    """Text that stands in the date as it stands in the pattern."""

    text: str


@dataclass(frozen=True, slots=True)
class Field:
    """A run of one pattern letter, ``count`` times.

    ``fraction``: it follows the seconds and a decimal mark, so its digits are decimals of a second.
    """

    letter: str
    count: int
    fraction: bool = False

    @property
    def numeric(self) -> bool:
        """Whether it stands as digits (a zone never counts as such)."""
        if self.letter in "ML":
            return self.count <= LONGEST_MONTH_NUMBER
        return self.letter in _NUMERIC


Part = Fixed | Field


def show(value: object) -> str:
    """Quote a value for an error, shortened."""
    return repr(value if len(str(value)) <= LONGEST_SHOWN else str(value)[:LONGEST_SHOWN] + "...")


def split_pattern(text: str) -> tuple[Part, ...]:
    """Split a pattern into its parts.

    Raises:
        InvalidRequestError: SimpleDateFormat would not take it; the message names the position, counted from 1.
    """
    parts: list[Part] = []
    position = 0
    while position < len(text):
        start = position
        letter = text[position]
        if letter == "'":
            fixed, position = _read_quoted(text, position)
            _add_fixed(parts, fixed)
        elif letter.isascii() and letter.isalpha():
            while position < len(text) and text[position] == letter:
                position += 1
            parts.append(_make_field(text, letter, start, position, parts))
        else:
            _add_fixed(parts, letter)
            position += 1
    return tuple(parts)


def _read_quoted(text: str, start: int) -> tuple[str, int]:
    """Read what the quote at ``start`` opens; give the fixed text and the position after it."""
    if text.startswith("''", start):
        return "'", start + 2
    found: list[str] = []
    position = start + 1
    while position < len(text):
        if text[position] != "'":
            found.append(text[position])
            position += 1
        elif text.startswith("''", position):
            found.append("'")
            position += 2
        else:
            return "".join(found), position + 1
    message = (
        f"date pattern {show(text)}: the quote at position {start + 1} is not closed; "
        "put ' on both sides of fixed text, as in 'T', and write '' for a quote itself"
    )
    raise InvalidRequestError(message)


def _make_field(text: str, letter: str, start: int, end: int, before: list[Part]) -> Field:
    count = end - start
    if letter not in LETTERS:
        message = (
            f"date pattern {show(text)}: {letter!r} at position {start + 1} is no pattern letter; "
            f"put fixed text in quotes, as in 'T'; the letters are {' '.join(LETTERS)}"
        )
        raise InvalidRequestError(message)
    if letter == "X" and count > LONGEST_ISO_ZONE:
        message = (
            f"date pattern {show(text)}: {count} letters X at position {start + 1}; "
            "write X (+01), XX (+0100) or XXX (+01:00)"
        )
        raise InvalidRequestError(message)
    return Field(letter, count, fraction=letter == "S" and _end_with_decimal_mark(before))


def _end_with_decimal_mark(parts: list[Part]) -> bool:
    match parts:
        case [*_, Field(letter="s"), Fixed(text="." | ",")]:
            return True
    return False


def _add_fixed(parts: list[Part], text: str) -> None:
    if parts and isinstance(parts[-1], Fixed):
        parts[-1] = Fixed(parts[-1].text + text)
    else:
        parts.append(Fixed(text))
