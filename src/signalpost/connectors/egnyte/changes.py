"""Egnyte's event rows become changes and records (egnyte-api.md 2.3, 2.4 and the mapping at the end of section 8)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import orjson

from signalpost.model.errors import ConnectorError
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


def read_row(row: dict[str, Any], index: int, id_field: str) -> tuple[str, Change]:
    """Turn a row into its record (JSON text) and its change.

    The record is the row unchanged with ``event_object_id``, ``event_object_type``, ``event_type`` and
    ``event_date`` added (interfaces.md, Records). ``id_field`` names the record's field that identifies the object.
    """
    details = row.get("data") if isinstance(row.get("data"), dict) else {}
    assert isinstance(details, dict)
    object_type = find_object_type(row, details)
    object_id = find_object_id(row, details, object_type)
    event_type = ACTIONS.get(str(row.get("action")), EventType.UNKNOWN)
    occurred_at = read_timestamp(row.get("timestamp"))
    record = {
        **row,
        "event_object_id": object_id,
        "event_object_type": object_type,
        "event_type": event_type.value,
        "event_date": format_timestamp(occurred_at),
    }
    change = Change(
        # The time stands beside the id: a domain that was restored from a backup counts from lower ids again.
        change_id=f"{read_row_id(row)}@{row.get('timestamp')}",
        # No database keeps a NUL in text; the record has it as it came.
        object_id=str(record.get(id_field) or object_id).replace("\x00", "\ufffd"),
        object_type=object_type,
        event_type=event_type,
        occurred_at=occurred_at,
        record_index=index,
        creates_or_updates=object_type == "file" and row.get("action") == "create",
    )
    return orjson.dumps(record).decode(), change


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


def read_timestamp(text: object) -> datetime:
    """Read a row's timestamp: ISO 8601, in UTC unless it says otherwise.

    Raises:
        ConnectorError: it is none; the page is read again later rather than given an invented date.
    """
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError as error:
        message = f"an event of Egnyte has no readable timestamp: {str(text)[:100]!r}"
        raise ConnectorError(message) from error
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def format_timestamp(moment: datetime) -> str:
    """Write a time as the seed's default pattern reads it: milliseconds and ``Z``."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
