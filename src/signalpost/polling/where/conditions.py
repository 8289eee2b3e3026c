"""A ``where`` once it is read: a condition that records meet or not, and that is written as text again. Pure."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

from signalpost.connectors.resource import Condition
from signalpost.polling.where.comparison import compare, find_present

KEYWORDS = frozenset({"AND", "OR", "NOT", "LIKE", "IN", "IS", "NULL", "TRUE", "FALSE"})

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_.-]*", re.ASCII)


@dataclass(frozen=True, slots=True)
class Listed:
    """``field IN (...)``."""

    field: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Absent:
    """``field IS NULL``: it is missing, or null."""

    field: str


@dataclass(frozen=True, slots=True)
class Negation:
    """``NOT ...``."""

    part: Part


@dataclass(frozen=True, slots=True)
class Conjunction:
    """Parts joined by AND: two or more."""

    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Alternative:
    """Parts joined by OR: two or more."""

    parts: tuple[Part, ...]


Part = Condition | Listed | Absent | Negation | Conjunction | Alternative


@dataclass(frozen=True, slots=True)
class Where:
    """A condition on records; without a ``part`` every record meets it. ``str()`` of it is read as the same again."""

    part: Part | None = None

    def matches(self, record: Mapping[str, Any]) -> bool:
        """Say whether a record meets it.

        A field that is missing or null meets IS NULL and ``!=`` alone; of a field found in several objects of a list
        one value that meets the comparison is enough.
        """
        return self.part is None or _match(self.part, record)

    def conjuncts(self) -> list[Condition]:
        """Give the comparisons that every matching record meets: those joined by AND alone."""
        found: list[Condition] = []
        waiting = [self.part]
        while waiting:
            match waiting.pop():
                case Condition() as condition:
                    found.append(condition)
                case Conjunction(parts):
                    waiting.extend(reversed(parts))
        return found

    def without(self, fields: Collection[str]) -> Where:
        """Give the same without those comparisons of some fields that every matching record meets."""
        match self.part:
            case Condition(field=field) if field in fields:
                return Where()
            case Conjunction(parts):
                kept = tuple(
                    part for part in parts if not (isinstance(part, Condition) and part.field in fields)
                )
                if len(kept) < 2:  # noqa: PLR2004 - a conjunction has two parts at least
                    return Where(kept[0] if kept else None)
                return Where(Conjunction(kept))
        return self

    def without_times(self, since: Where, later: Where, dates: Collection[str]) -> Where:
        """Give the same without what holds the time of the last poll, or of ``dates`` any time; that counts as met.

        ``since`` is the same as it reads after another poll, ``later`` as it reads after another and at another time.
        """
        if self.part is None or since.part is None or later.part is None:
            return self
        return Where(_leave_out_times(self.part, since.part, later.part, dates))

    def list_fields(self) -> list[str]:
        """Give the names of the fields that it asks for, each once."""
        found: dict[str, None] = {}
        waiting = [self.part]
        while waiting:
            match waiting.pop():
                case Condition(field=field) | Listed(field=field) | Absent(field=field):
                    found[field] = None
                case Negation(part):
                    waiting.append(part)
                case Conjunction(parts) | Alternative(parts):
                    waiting.extend(reversed(parts))
        return list(found)

    def count_comparisons(self) -> int:
        """Count with how much a record is compared at most."""
        count = 0
        waiting = [self.part]
        while waiting:
            match waiting.pop():
                case Condition() | Absent():
                    count += 1
                case Listed(values=values):
                    count += len(values)
                case Negation(part):
                    waiting.append(part)
                case Conjunction(parts) | Alternative(parts):
                    waiting.extend(parts)
        return count

    def __str__(self) -> str:
        return "" if self.part is None else _write(self.part)


def _leave_out_times(part: Part, since: Part, later: Part, dates: Collection[str]) -> Part | None:
    match part, since, later:
        case (Conjunction(parts), Conjunction(at_since), Conjunction(at_later)) | (
            Alternative(parts),
            Alternative(at_since),
            Alternative(at_later),
        ):
            places = zip(parts, at_since, at_later, strict=True)
            kept = [_leave_out_times(*place, dates) for place in places]
            left = tuple(each for each in kept if each is not None)
            if isinstance(part, Alternative) and len(left) < len(kept):
                return None
            if len(left) < 2:  # noqa: PLR2004 - what joins has two parts at least
                return left[0] if left else None
            return Alternative(left) if isinstance(part, Alternative) else Conjunction(left)
        case Negation(inner), Negation(at_since), Negation(at_later):
            # Of what is left of it nobody knows whether the opposite is met.
            return part if _leave_out_times(inner, at_since, at_later, dates) == inner else None
        case Condition(field=field) | Listed(field=field), _, _:
            return part if part == since and (part == later or field not in dates) else None
    return part


def _match(part: Part, record: Mapping[str, Any]) -> bool:
    match part:
        case Condition():
            return compare(find_present(record, part.field), part.operator, part.value)
        case Listed():
            values = find_present(record, part.field)
            return any(compare(values, "=", each) for each in part.values)
        case Absent():
            return not find_present(record, part.field)
        case Negation():
            return not _match(part.part, record)
        case Conjunction():
            return all(_match(each, record) for each in part.parts)
        case Alternative():
            return any(_match(each, record) for each in part.parts)


def _write(part: Part) -> str:
    match part:
        case Condition():
            return f"{_write_name(part.field)} {part.operator.upper()} {_write_value(part.value)}"
        case Listed():
            return f"{_write_name(part.field)} IN ({', '.join(map(_write_value, part.values))})"
        case Absent():
            return f"{_write_name(part.field)} IS NULL"
        case Negation():
            return f"NOT {_enclose(part.part, Conjunction, Alternative)}"
        case Conjunction():
            return " AND ".join(_enclose(each, Conjunction, Alternative) for each in part.parts)
        case Alternative():
            return " OR ".join(_enclose(each, Alternative) for each in part.parts)


def _enclose(part: Part, *kinds: type) -> str:
    return f"({_write(part)})" if isinstance(part, kinds) else _write(part)


def _write_name(field: str) -> str:
    if _PLAIN_NAME.fullmatch(field) and field.upper() not in KEYWORDS:
        return field
    return "`" + field.replace("`", "``") + "`"


def _write_value(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
