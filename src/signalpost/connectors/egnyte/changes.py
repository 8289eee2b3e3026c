"""Egnyte's rows become changes and records: its events, and its audit log (egnyte-api.md 2.3, 2.4, 3.2 and 8)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b
from typing import Any, TypeAlias

import orjson

from signalpost.connectors.egnyte.values import (
    fold_path,
    format_timestamp,
    read_instant,
    read_path,
    read_timestamp,
)
from signalpost.model.errors import ConnectorError, InvalidRequestError
from signalpost.model.event import Change, EventType

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

AUDIT_ACTIONS = {
    "upload": EventType.CREATED,
    "create": EventType.CREATED,
    "add": EventType.CREATED,
    "copy": EventType.CREATED,
    "delete": EventType.DELETED,
    "move": EventType.MOVED,
    "rename": EventType.MOVED,
    "edit": EventType.UPDATED,
    "update": EventType.UPDATED,
    "modify": EventType.UPDATED,
    "change": EventType.UPDATED,
    "restore": EventType.UPDATED,
    "lock": EventType.UPDATED,
    "unlock": EventType.UPDATED,
    "add_users": EventType.UPDATED,
    "remove_users": EventType.UPDATED,
    "password_change": EventType.UPDATED,
    "permission_change": EventType.UPDATED,
}
"""Actions of the audit log, whole (``ADD_USERS``) or by their first word (``Create Folder``); others: ``UNKNOWN``."""

TYPES = ("file_system", "note", "permission_change")
SUPPRESSIBLE = ("app", "user")

ADDED = ("event_object_id", "event_object_type", "event_type", "event_date")
"""What a record has beside the provider's row, in this order and last (interfaces.md, Records)."""

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


def read_row(row: dict[str, Any], index: int, id_field: str) -> tuple[Record, Change]:
    """Turn a row of the events into its record and its change.

    The record is the row unchanged with ``ADDED``; ``id_field`` names its field that identifies the object.
    """
    details = row.get("data") if isinstance(row.get("data"), dict) else {}
    assert isinstance(details, dict)
    object_type = find_object_type(row, details)
    object_id = find_object_id(row, details, object_type)
    event_type = ACTIONS.get(str(row.get("action")), EventType.UNKNOWN)
    occurred_at = read_timestamp(row.get("timestamp"))
    record = _add_fields(row, object_id, object_type, event_type, occurred_at)
    change = Change(
        # The time stands beside the id: a domain that was restored from a backup counts from lower ids again.
        change_id=f"{read_row_id(row)}@{row.get('timestamp')}",
        object_id=_pick_id(record, id_field, object_id),
        object_type=object_type,
        event_type=event_type,
        occurred_at=occurred_at,
        record_index=index,
        creates_or_updates=object_type == "file" and row.get("action") == "create",
    )
    return record, change


def _add_fields(
    row: Mapping[str, Any], object_id: str, object_type: str, event_type: EventType, occurred_at: datetime
) -> Record:
    added = (object_id, object_type, event_type.value, format_timestamp(occurred_at))
    return {
        **{name: value for name, value in row.items() if name not in ADDED},
        **dict(zip(ADDED, added, strict=True)),
    }


def _pick_id(record: Mapping[str, Any], id_field: str, otherwise: str) -> str:
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
    return next((str(value) for value in candidates if value), f"event-{row.get('id')}")


def read_audit_rows(rows: Sequence[Any], id_field: str, now: datetime) -> list[tuple[Record, Change]]:
    """Turn the rows of one page of the audit log into records and changes.

    They have no ids: a change is identified by its date, all of its content, and which of the page's equal rows it is.
    A row without a readable date is told as of ``now``.

    Raises:
        ConnectorError: a row is no object.
    """
    counts: Counter[str] = Counter()
    read = []
    for index, row in enumerate(rows):
        if not isinstance(row, dict):
            message = f"a row of Egnyte's audit log is no object: {str(row)[:200]}"
            raise ConnectorError(message)
        canonical = write_record(row, option=orjson.OPT_SORT_KEYS)
        content = blake2b(canonical.encode(), digest_size=16).hexdigest()
        change_id = f"{str(row.get('date'))[:40]}-{content}-{counts[content]}"
        counts[content] += 1
        object_type = str(row.get("auditSource") or "audit").lower().removesuffix("_audit")[:100] or "audit"
        names = ("targetPath", "sourcePath", "userId", "user")
        object_id = next((str(row[name]) for name in names if row.get(name)), f"audit-{content}")
        event_type = find_audit_type(str(row.get("action")))
        occurred_at = read_instant(row.get("date")) or now
        record = _add_fields(row, object_id, object_type, event_type, occurred_at)
        change = Change(
            change_id=change_id,
            object_id=_pick_id(record, id_field, object_id),
            object_type=object_type,
            event_type=event_type,
            occurred_at=occurred_at,
            record_index=index,
        )
        read.append((record, change))
    return read


def find_audit_type(action: str) -> EventType:
    """Map an action of the audit log, however it is written: ``Upload``, ``Create Folder``, ``ADD_USERS``."""
    words = re.findall(r"[a-z]+", action.lower())
    by_first_word = AUDIT_ACTIONS.get(words[0], EventType.UNKNOWN) if words else EventType.UNKNOWN
    return AUDIT_ACTIONS.get("_".join(words), by_first_word)


def write_record(record: Record, option: int = 0) -> str:
    """Write a record as the JSON text that is stored.

    Raises:
        ConnectorError: it is nested too deeply to be written.
    """
    try:
        return orjson.dumps(record, option=option).decode()
    except TypeError as error:
        message = f"a row of Egnyte cannot be written: {error}"
        raise ConnectorError(message) from error
