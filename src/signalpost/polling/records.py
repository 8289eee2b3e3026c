"""A record as the provider gave it becomes what polling compares: who it is, which version, when. Pure."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from hashlib import blake2b
from typing import Any, NoReturn

import orjson

from signalpost.connectors.containment import FAULT
from signalpost.model.errors import ConnectorError, InvalidRequestError, replace_unusable
from signalpost.polling.configuration.definition import DateSetting
from signalpost.polling.dates.patterns import show
from signalpost.polling.fields import find_values, read_date_text, read_unix_time, spread

LONGEST_ID = 1000
KEPT_OF_LONG_ID = 900
CONTENT_ID = "content-"
"""What the id of an object begins with that is told apart by its content alone."""

DEEPEST = 200
EARLIEST, LATEST = datetime(1, 1, 2, tzinfo=UTC), datetime(9999, 12, 30, tzinfo=UTC)
_LARGEST_INTEGER = 2**63
_LARGEST_EXACT = 2**53


@dataclass(frozen=True, slots=True)
class ReadRecord:
    """A record, read.

    ``text`` is its JSON and ``content`` the hash of it, whatever the order of its keys. ``by_content``: nothing else
    identifies it. ``problems`` say, for people, what could not be read as configured; none ever stops a poll.
    """

    text: str
    content: str
    object_id: str
    by_content: bool
    updated_at: datetime | None
    created_at: datetime | None
    problems: tuple[str, ...]


class RecordReader:
    """Reads the records of one resource. Whatever a record holds, no method raises."""

    def __init__(
        self, id_field: str, updated: DateSetting | None, created: DateSetting | None, now: datetime
    ) -> None:
        """Take what is configured: an ``id_field`` of "" identifies by content; ``now`` places two-digit years."""
        self._id_field = id_field
        self._dates = {"updated": updated, "created": created}
        self._now = now

    def read(self, record: Any) -> ReadRecord:
        """Read a record, decoded from JSON."""
        problems: list[str] = []
        kept, text, canonical = _write(record, problems)
        content = _hash(canonical)
        if not isinstance(record, Mapping):
            kept = {}
        object_id, problem = self._find_id(kept)
        if problem:
            problems.append(problem)
        instants = {}
        for kind, setting in self._dates.items():
            instants[kind], problem = self._read_date(kept, kind, setting)
            if problem:
                problems.append(problem)
        return ReadRecord(
            text=text,
            content=content,
            object_id=object_id or CONTENT_ID + content,
            by_content=object_id is None,
            updated_at=instants["updated"],
            created_at=instants["created"],
            problems=tuple(problems),
        )

    def diagnose(self, record: Any) -> dict[str, Any]:
        """Explain, as JSON, how a record is read.

        ``{"id": {"field", "objectId", "byContent", "problem"}, "updated": {"field", "format", "zone", "value",
        "instant", "problem"} | null, "created": ...}``; ``problem`` is null or words.
        """
        read = self.read(record)
        kept = shorten(record) if isinstance(record, Mapping) else {}
        return {
            "id": {
                "field": self._id_field,
                "objectId": read.object_id,
                "byContent": read.by_content,
                "problem": self._find_id(kept)[1],
            },
            **{kind: self._diagnose_date(kept, kind, setting) for kind, setting in self._dates.items()},
        }

    def _diagnose_date(
        self, record: Mapping[str, Any], kind: str, setting: DateSetting | None
    ) -> dict[str, Any] | None:
        if setting is None:
            return None
        instant, problem = self._read_date(record, kind, setting)
        values = find_values(record, setting.field)
        return {
            "field": setting.field,
            "format": setting.pattern.text,
            "zone": str(setting.zone),
            "value": _show(values[0]) if values else None,
            "instant": instant.isoformat().replace("+00:00", "Z") if instant else None,
            "problem": problem,
        }

    def _find_id(self, record: Mapping[str, Any]) -> tuple[str | None, str | None]:
        """Give the id, None where only the content identifies the record; and the problem there is, if any."""
        field = self._id_field
        if not field:
            return None, None
        values = spread(find_values(record, field))
        parts = [_write_id(value) for value in values]
        known = [part for part in parts if part]
        if known and len(known) == len(parts):
            return _bound_id("|".join(known)), None
        found = f"is {_show(values[parts.index(None)])}" if None in parts else "is not there"
        found = "is empty" if "" in parts else found
        return None, f"id: the field {show(field)} {found}, so the record is identified by its content"

    def _read_date(
        self, record: Mapping[str, Any], kind: str, setting: DateSetting | None
    ) -> tuple[datetime | None, str | None]:
        """Read a date by its setting, else in a common form; give the instant and the problem there is, if any."""
        if setting is None:
            return None, None
        place = f"{kind}: the field {show(setting.field)}"
        values = find_values(record, setting.field)
        match values:
            case [] | [None] | [""]:
                return None, f"{place} is not there or empty"
            case [str() | int() | float() as value] if not isinstance(value, bool):
                instant, problem = _parse_date(value, setting, self._now)
                return instant and _bound_date(instant), f"{place} {problem}" if problem else None
        found = _show(values[0]) if len(values) == 1 else f"there {len(values)} times"
        return None, f"{place} is no date: it is {found}"


def _bound_date(instant: datetime) -> datetime:
    """Keep clear of the ends of time, which the database takes for infinity: "never" is often written as the first."""
    return min(max(instant, EARLIEST), LATEST)


def _parse_date(
    value: str | float, setting: DateSetting, now: datetime
) -> tuple[datetime | None, str | None]:
    guessed = not setting.pattern.text.strip()
    reason = ""
    try:
        if not guessed or isinstance(value, str):
            return setting.pattern.read(value, setting.zone, now=now), None
    except InvalidRequestError as error:
        reason = str(error)
    known = read_date_text(value, setting.zone) if isinstance(value, str) else None
    known = known or read_unix_time(value)
    if known is None:
        return None, f"cannot be read: {reason or f'{show(value)} is no Unix time'}"
    if guessed:
        return known[0], None
    read_as = f"was read as {known[1]}, as the format {show(setting.pattern.text)} does not fit {show(value)}"
    return known[0], read_as


def _write(record: Any, problems: list[str]) -> tuple[Mapping[str, Any], str, bytes]:
    """Give the record as an object, its JSON, and its JSON with the keys in order."""
    if not isinstance(record, Mapping):
        problems.append(
            f"the record is no object but {_show(shorten(record))}, so it is identified by its content"
        )
        record = {"value": record}
    try:
        return record, orjson.dumps(record).decode(), orjson.dumps(record, option=orjson.OPT_SORT_KEYS)
    except TypeError as error:
        problems.append(
            f"the record cannot be kept as it is ({error}); what is deep or odd in it was shortened"
        )
    mended = shorten(record)
    return mended, orjson.dumps(mended).decode(), orjson.dumps(mended, option=orjson.OPT_SORT_KEYS)


def shorten(value: Any, depth: int = 0) -> Any:
    """Give a value that can be written as JSON, also within another: what nests deeply or is odd in it is shortened."""
    if value is None or isinstance(value, bool | float):
        return value
    if isinstance(value, int) and -_LARGEST_INTEGER <= value < _LARGEST_INTEGER:
        return value
    if isinstance(value, Mapping | list | tuple):
        if depth >= DEEPEST:
            return "..."
        if isinstance(value, Mapping):
            return {replace_unusable(str(key)): shorten(each, depth + 1) for key, each in value.items()}
        return [shorten(each, depth + 1) for each in value]
    # A Decimal writes whole numbers of any length.
    return replace_unusable(str(Decimal(value) if isinstance(value, int) else value))


def _show(value: Any) -> str:
    """Show a value; what may nest deeply is named alone."""
    if isinstance(value, Mapping):
        return "an object"
    return f"a list of {len(value):,}" if isinstance(value, list | tuple) else show(value)


def _write_id(value: Any) -> str | None:
    """Give the text of an id; None for what cannot be one, "" for an empty text."""
    if isinstance(value, str):
        return value if value.strip() else ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        if value.is_integer():  # larger ones are several whole numbers' nearest
            return str(int(value)) if abs(value) <= _LARGEST_EXACT else None
        return repr(value) if value == value and abs(value) != float("inf") else None  # noqa: PLR0124 - NaN
    return str(value) if isinstance(value, int) else None


def _bound_id(text: str) -> str:
    cleaned = replace_unusable(text)
    if len(cleaned) <= LONGEST_ID:
        return cleaned
    return f"{cleaned[:KEPT_OF_LONG_ID]}-{_hash(cleaned.encode())}"


def _hash(content: bytes) -> str:
    return blake2b(content, digest_size=16).hexdigest()


def read_back(text: str) -> Any:
    """Read a record that a feed gave as JSON.

    Raises:
        ConnectorError: it is none, and so would no notification be that it is in.
    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        pass
    try:  # halves of a character are valid, and read by this reader alone
        return json.loads(text, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        message = f"{FAULT}it gave a record that is no JSON"
        raise ConnectorError(message) from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(constant)
