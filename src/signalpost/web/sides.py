"""A normalised event beside its raw record: which raw values the normalised ones came from, as lines of JSON. Pure."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html import escape
from typing import Any, TypeAlias

import orjson

from signalpost.web.filters import show_hidden, write_machine_time

Path: TypeAlias = tuple[str | int, ...]

MOST_SHOWN_BYTES = 30_000
"""So much of one JSON text stands on a page, as bytes of HTML."""

MOST_LEAVES = 5000
MOST_DEPTH = 60
LONGEST_VERB = 20
MILLISECONDS_FROM = 10**11
"""Numbers above are times in milliseconds, others in seconds."""

CUT = "\n…"


@dataclass(frozen=True, slots=True)
class Origin:
    """A normalised value with the raw field that it came from; ``path`` None: no field has this value."""

    name: str
    value: str
    path: str | None
    raw: str | None


@dataclass(frozen=True, slots=True)
class Piece:
    """A run of lines; ``marked``: a normalised value came from there."""

    text: str
    marked: bool


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides, ready to be shown. ``cut``: the raw record is longer than what is shown of it."""

    origins: list[Origin]
    normalised: list[Piece]
    raw: list[Piece]
    cut: bool


def compare_sides(normalised: Mapping[str, Any], names: Mapping[str, Any], record: str) -> Sides:
    """Compare by value. ``names``: which normalised values to look for, and as what (times as such)."""
    try:
        raw = orjson.loads(record)
    except orjson.JSONDecodeError:
        raw = record
    leaves = [(path, value) for path, value in _walk(raw, ()) if value is not None][:MOST_LEAVES]
    origins: list[Origin] = []
    marked: set[Path] = set()
    found: set[Path] = set()
    for name, wanted in names.items():
        path, value = _find_origin(name, wanted, leaves)
        if path is not None:
            marked.add(path)
            found.add((name,))
        shown = write_machine_time(wanted) if isinstance(wanted, datetime) else str(wanted)
        origins.append(
            Origin(
                name, shown, None if path is None else _write_path(path), None if path is None else str(value)
            )
        )
    pieces, cut = _cut(_write_lines(raw, marked))
    return Sides(origins, _cut(_write_lines(normalised, found))[0], pieces, cut)


def bound_text(text: str, most_bytes: int = MOST_SHOWN_BYTES) -> tuple[str, bool]:
    """Give as much of a text as takes ``most_bytes`` in a page, hidden characters shown; and whether it was cut."""
    lines = text[:most_bytes].replace("\r\n", "\n").split("\n")
    pieces, cut = _cut((Piece(line, marked=False) for line in lines), most_bytes)
    return "".join(piece.text for piece in pieces), cut or len(text) > most_bytes


def _find_origin(name: str, wanted: Any, leaves: list[tuple[Path, Any]]) -> tuple[Path | None, Any]:
    """Find the first raw value that is the wanted one; of a type of event also a verb of the provider's own."""
    for path, value in leaves:
        same = _read_time(value) == wanted.replace(microsecond=0) if isinstance(wanted, datetime) else False
        if same or str(value).lower() == str(wanted).lower():
            return path, value
    stem = str(wanted).lower()[:-2]
    for path, value in leaves if name == "eventType" else ():
        if len(str(value)) < LONGEST_VERB and str(value).lower().startswith(stem):
            return path, value
    return None, None


def _read_time(value: Any) -> datetime | None:
    with contextlib.suppress(ValueError, OverflowError, TypeError):
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            seconds = value / 1000 if value > MILLISECONDS_FROM else value
            return datetime.fromtimestamp(seconds, UTC).replace(microsecond=0)
        if isinstance(value, str) and len(value) > len("2026-01-01"):
            try:
                moment = datetime.fromisoformat(value)
            except ValueError:
                moment = parsedate_to_datetime(value)
            return (
                (moment if moment.tzinfo else moment.replace(tzinfo=UTC))
                .astimezone(UTC)
                .replace(microsecond=0)
            )
    return None


def _walk(value: Any, path: Path) -> Iterator[tuple[Path, Any]]:
    """Go through the values, the outer ones first."""
    level = [(path, value)]
    while level and len(level[0][0]) < MOST_DEPTH:
        deeper = []
        for at, each in level:
            if isinstance(each, dict):
                deeper += [((*at, key), inner) for key, inner in each.items()]
            elif isinstance(each, list):
                deeper += [((*at, place), inner) for place, inner in enumerate(each)]
            else:
                yield at, each
        level = deeper


def _write_path(path: Path) -> str:
    return ".".join(str(step) for step in path) or "(the record itself)"


def _write_lines(
    value: Any, marked: set[Path], path: Path = (), before: str = "", after: str = ""
) -> Iterator[Piece]:
    """Write JSON line by line; a line is marked where its value is."""
    pad = "  " * len(path)
    brackets = "{}" if isinstance(value, dict) else "[]"
    if not isinstance(value, (dict, list)) or not value or len(path) > MOST_DEPTH:
        yield Piece(f"{pad}{before}{_write_value(value)}{after}", path in marked)
        return
    yield Piece(f"{pad}{before}{brackets[0]}", marked=False)
    items = list(value.items() if isinstance(value, dict) else enumerate(value))
    for place, (key, inner) in enumerate(items, 1):
        name = f"{orjson.dumps(key).decode()}: " if isinstance(value, dict) else ""
        yield from _write_lines(inner, marked, (*path, key), name, "," if place < len(items) else "")
    yield Piece(f"{pad}{brackets[1]}{after}", marked=False)


def _write_value(value: Any) -> str:
    try:
        return orjson.dumps(value, default=str).decode()
    except TypeError:  # nested more deeply than is written
        return "…"


def _cut(lines: Iterator[Piece], most_bytes: int = MOST_SHOWN_BYTES) -> tuple[list[Piece], bool]:
    """Join neighbours, up to ``most_bytes`` of HTML."""
    pieces: list[Piece] = []
    taken = 0
    for number, line in enumerate(lines):
        text = show_hidden(("\n" if number else "") + line.text, lines=True)
        size = len(escape(text).encode())
        if taken + size > most_bytes:
            # By the largest that a character can be; the line may have been one alone.
            room = max(most_bytes - taken, 0) // 6
            return [*pieces, Piece(text[:room] + CUT, marked=False)], True
        taken += size
        if pieces and pieces[-1].marked == line.marked:
            pieces[-1] = Piece(pieces[-1].text + text, line.marked)
        else:
            pieces.append(Piece(text, line.marked))
    return pieces, False
