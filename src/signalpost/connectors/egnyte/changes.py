"""Egnyte's events become changes and records, and both a page (egnyte-api.md 2.3, 2.4 and 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeAlias

import orjson

from signalpost.connectors.egnyte.values import (
    fold_path,
    format_timestamp,
    read_instant,
    read_path,
)
from signalpost.model.errors import ConnectorError, InvalidRequestError, replace_unusable
from signalpost.model.event import Change, EventType, Page, Watermark

ACTIONS = {
    "create": EventType.CREATED,
    "copy": EventType.CREATED,
    "delete": EventType.DELETED,
    "move": EventType.MOVED,
    "rename": EventType.MOVED,
    "restore": EventType.UPDATED,
    "permission_change": EventType.UPDATED,
    "edit": EventType.UPDATED,
    "lock": EventType.UPDATED,
    "unlock": EventType.UPDATED,
}
"""Egnyte's actions; the set is open, and one that is not here is told as ``UNKNOWN``, never dropped."""

RELOCATING = frozenset({"move", "rename", "delete", "copy", "restore"})
"""What, done to a folder, comes to all below it without an event of its own (2.4)."""

TYPES = ("file_system", "note", "permission_change")
SUPPRESSIBLE = ("app", "user")

ADDED = frozenset({"event_object_id", "event_object_type", "event_type", "event_date"})
"""What a record has beside the provider's row, last and in the order of ``add_fields`` (interfaces.md, Records)."""

Record: TypeAlias = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Selection:
    """Which events are wanted: of ``types`` (empty: all) that concern the folded path ``folder`` (None: any)."""

    types: frozenset[str] = frozenset()
    folder: str | None = None

    def accepts(self, row: Mapping[str, Any]) -> bool:
        """Say whether a row is wanted.

        A folder is concerned by what happens at it and below it, and by what moves, deletes or brings a folder above
        it. A row that tells no path at all is wanted: whether it concerns the folder cannot be said.
        """
        if self.types and row.get("type") not in self.types:
            return False
        if self.folder is None:
            return True
        details = row.get("data")
        told = (
            [details.get(f"{end}_path") for end in ("target", "source")] if isinstance(details, dict) else []
        )
        paths = [fold_path(path) for path in told if isinstance(path, str) and path]
        relocates = row.get("action") in RELOCATING
        return not paths or any(
            _lies_in(path, self.folder) or (relocates and _lies_in(self.folder, path)) for path in paths
        )


def _lies_in(path: str, folder: str) -> bool:
    return path == folder or path.startswith(folder + "/")


def read_selection(parameters: Mapping[str, str]) -> Selection:
    """Read ``type`` (several joined by ``|``) and ``folder``; empty ones are as absent.

    Raises:
        InvalidRequestError: a type is none that Egnyte has, or the folder is no absolute path.
    """
    text = parameters.get("type", "")
    types = frozenset(each.strip() for each in text.split("|") if each.strip())
    if types - set(TYPES):
        message = f"type: {text[:200]!r} is wrong; give one of {', '.join(TYPES)}, or several joined by |"
        raise InvalidRequestError(message)
    folder = parameters.get("folder")
    return Selection(types, fold_path(read_path("folder", folder)) if folder else None)


def read_suppress(parameters: Mapping[str, str]) -> str | None:
    """Read whose own events are left out: those caused by our API key (``app``), or also by our user (``user``).

    Raises:
        InvalidRequestError: it is neither.
    """
    suppress = parameters.get("suppress")
    if suppress and suppress not in SUPPRESSIBLE:
        message = f"suppress: {suppress[:200]!r} is wrong; give app or user, or leave it out"
        raise InvalidRequestError(message)
    return suppress or None


def read_row_id(row: Any) -> int:
    """Read a row's id, a number or a number as text.

    Raises:
        ConnectorError: the row is no object, or has no such id.
    """
    value = row.get("id") if isinstance(row, dict) else None
    try:
        if isinstance(value, (int, str)) and not isinstance(value, bool):
            return int(value)
    except ValueError:
        pass
    message = f"an event of Egnyte has no usable id: {str(row)[:200]}"
    raise ConnectorError(message)


def read_row(row: dict[str, Any], index: int, id_field: str, now: datetime) -> tuple[Record, Change]:
    """Turn a row of the events into its record and its change.

    The record is the row unchanged with ``ADDED``; ``id_field`` names its field that identifies the object. One row
    cannot stop those behind it: without a readable timestamp it is told as of ``now``. It can be written
    (``make_writable``).
    """
    details = row.get("data") if isinstance(row.get("data"), dict) else {}
    assert isinstance(details, dict)
    object_type = find_object_type(row, details)
    object_id = find_object_id(row, details, object_type)
    event_type = ACTIONS.get(str(row.get("action")), EventType.UNKNOWN)
    occurred_at = read_instant(row.get("timestamp")) or now
    record = add_fields(row, object_id, object_type, event_type, occurred_at)
    change = Change(
        # The time stands beside the id: a domain that was restored from a backup counts from lower ids again.
        change_id=f"{read_row_id(row)}@{str(row.get('timestamp'))[:100]}",
        object_id=pick_id(record, id_field, object_id),
        object_type=object_type,
        event_type=event_type,
        occurred_at=occurred_at,
        record_index=index,
        creates_or_updates=object_type == "file" and row.get("action") == "create",
        known_by=replace_unusable(object_id),
    )
    return record, change


def add_fields(
    row: Mapping[str, Any], object_id: str, object_type: str, event_type: EventType, occurred_at: datetime
) -> Record:
    """Make the record of a row: the row, and ``ADDED`` after it."""
    record = dict(row)
    if not ADDED.isdisjoint(record):  # the provider's own of that name would keep its place
        record = {name: value for name, value in row.items() if name not in ADDED}
    record["event_object_id"] = object_id
    record["event_object_type"] = object_type
    record["event_type"] = event_type.value
    record["event_date"] = format_timestamp(occurred_at)
    return record


def pick_id(record: Mapping[str, Any], id_field: str, otherwise: str) -> str:
    """Give the id that stands in ``id_field`` (a name, or names joined by dots), else ``otherwise``."""
    found: Any = record
    for name in [id_field] if id_field in record else id_field.split("."):
        found = found.get(name) if isinstance(found, dict) else None
    picked = str(found) if isinstance(found, (str, int)) and not isinstance(found, bool) else ""
    # No database keeps a NUL in text; the record has it as it came.
    return (picked or otherwise).replace("\x00", "\ufffd")


def find_object_type(row: Mapping[str, Any], details: Mapping[str, Any]) -> str:
    """Say whether a row is about a note, a folder or a file. Egnyte's ``is_folder`` is not always right (2.3)."""
    if row.get("type") == "note":
        return "note"
    if str(details.get("is_folder")).lower() == "true" or details.get("folder_id"):
        return "folder"
    if row.get("type") == "permission_change" and not details.get("target_group_id"):
        return "folder"
    return "file"


def find_object_id(row: Mapping[str, Any], details: Mapping[str, Any], object_type: str) -> str:
    """Give the id that stays with the object: a file's group id, a folder's id or path, a note's id (section 7)."""
    specific = row.get("eventTypeSpecificAttributes")
    candidates: tuple[Any, ...]
    match object_type:
        case "note":
            candidates = (details.get("note_id"), details.get("target_path"))
        case "folder":
            permission_target = specific.get("targetFolderId") if isinstance(specific, dict) else None
            candidates = (
                details.get("folder_id"),
                permission_target,
                details.get("target_id"),
                details.get("target_path"),
            )
        case _:
            candidates = (
                details.get("target_group_id"),
                details.get("target_id"),
                details.get("target_path"),
            )
    for value in candidates:
        if value:
            return str(value)
    return f"event-{row.get('id')}"


def is_writable(row: Any) -> bool:
    """Say whether a row, or a list of them, can be written as it came: what nests deeply is read, but not written."""
    try:
        orjson.dumps(row)
    except TypeError:
        return False
    return True


def make_writable(rows: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    """Give the rows; of one nested too deeply to be written the plain values in it and in objects right below it."""
    # Almost always all of them can be written, and together they are asked at once.
    return rows if is_writable(rows) else [row if is_writable(row) else _prune(row) for row in rows]


def _prune(row: dict[str, Any]) -> dict[str, Any]:
    return _keep_plain(row) | {
        name: _keep_plain(value) for name, value in row.items() if isinstance(value, dict)
    }


def _keep_plain(fields: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if not isinstance(value, (dict, list))}


def describe_flaws(rows: Sequence[Any], date_field: str) -> list[str]:
    """Say which rows are not told as they came: those without a readable ``date_field``, those nested too deeply."""
    objects = [row for row in rows if isinstance(row, dict)]
    undated = sum(read_instant(row.get(date_field)) is None for row in objects)
    deep = 0 if is_writable(objects) else sum(not is_writable(row) for row in objects)
    flaws = {
        f"rows of Egnyte without a readable {date_field}, told as of now: {undated:,}": undated,
        f"rows of Egnyte nested too deeply, told without what is nested: {deep:,}": deep,
    }
    return [words for words, count in flaws.items() if count]


def make_page(
    read: Sequence[tuple[Record, Change]], watermark: Watermark, *, more: bool, remark: str = ""
) -> Page:
    """Make a page of records and their changes."""
    return Page(
        records=tuple(orjson.dumps(record).decode() for record, _ in read),
        changes=tuple(change for _, change in read),
        watermark=watermark,
        more=more,
        remark=remark or None,
    )
