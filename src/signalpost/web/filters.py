"""How values are written for people: times, numbers, sizes, paths. Pure."""

from __future__ import annotations

import re
from datetime import datetime
from typing import Any

import orjson

from signalpost.api.shapes import show_time
from signalpost.model.delivery import State

MINUTE_SECONDS = 60
HOUR_SECONDS = 3600
DAY_SECONDS = 86_400
THOUSAND = 1000
SHORT_SECONDS = 10

# Controls, marks of direction, spaces of no width, tags. Joiners stay: scripts and emoji are written with them.
_HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"
    "\U000e0000-\U000e007f]"
)

STATE_SHOWN = {
    State.DELIVERED: ("ok", "Delivered"),
    State.PENDING: ("paused", "Waiting"),
    State.DEAD: ("dead", "Failed"),
    State.CANCELLED: ("needs", "Given up"),
    State.UNSENT: ("paused", "Not sent"),
}
"""How a state is shown: the kind of its mark, and its word."""


def write_number(value: float | None) -> str:
    """Write a number with separators."""
    if value is None:
        return "–"  # noqa: RUF001 - stands for nothing in tables
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:,.1f}"


def write_seconds(seconds: float) -> str:
    """Write a duration in one unit."""
    if seconds < 1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < SHORT_SECONDS and not float(seconds).is_integer():
        return f"{seconds:.1f} s"
    for unit_seconds, unit in ((MINUTE_SECONDS, "s"), (HOUR_SECONDS, "min"), (2 * DAY_SECONDS, "h")):
        if seconds < unit_seconds * (1 if unit == "s" else 1.5):
            number = seconds / {"s": 1, "min": MINUTE_SECONDS, "h": HOUR_SECONDS}[unit]
            return f"{number:.0f} {unit}"
    return f"{seconds / DAY_SECONDS:.0f} days"


def write_relative(moment: datetime | None, now: datetime) -> str:
    """Write a time as seen from now: ``14 s ago``, ``in 46 s``."""
    if moment is None:
        return "never"
    seconds = (now - moment).total_seconds()
    if abs(seconds) < 1:
        return "now"
    return f"{write_seconds(int(seconds))} ago" if seconds > 0 else f"in {write_seconds(int(-seconds))}"


def write_exact(moment: datetime | None) -> str:
    """Write a time exactly, with its zone."""
    return write_machine_time(moment).replace("T", " ").replace("Z", " UTC")


def write_machine_time(moment: datetime | None) -> str:
    """Write a time for ``<time datetime>``."""
    return show_time(moment) or ""


def write_bytes(number: float | None) -> str:
    """Write a size in one unit."""
    if number is None:
        return "–"  # noqa: RUF001 - stands for nothing in tables
    value = float(number)
    for unit in ("B", "kB", "MB", "GB"):
        if value < THOUSAND:
            return f"{value:.0f} {unit}" if unit == "B" or value >= SHORT_SECONDS else f"{value:.1f} {unit}"
        value /= THOUSAND
    return f"{value:.1f} TB"


def write_json(value: Any) -> str:
    """Write a value as indented JSON; text that is JSON already is read first."""
    if isinstance(value, (str, bytes)):
        try:
            value = orjson.loads(value)
        except orjson.JSONDecodeError:
            return value if isinstance(value, str) else value.decode(errors="replace")
    return orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode()


def show_hidden(text: str, *, lines: bool = False) -> str:
    """Write characters that do not show, or turn the direction of text, as escapes of JSON.

    Those of ``lines``, line feed and tab, stay. What is JSON is JSON afterwards.
    """
    return _HIDDEN.sub(lambda match: match[0] if lines and match[0] in "\n\t" else _escape(match[0]), text)


def _escape(character: str) -> str:
    units = character.encode("utf-16-be")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


def shorten_middle(text: str, most: int = 60) -> str:
    """Leave out the middle of a long text: of a path both ends tell most."""
    if len(text) <= most:
        return text
    head = most // 3
    return f"{text[:head]}…{text[-(most - head - 1) :]}"


def count_word(number: int, one: str, many: str | None = None) -> str:
    """Write a number with its word: ``1 event``, ``2 events``."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"
