"""What people call the object of an event: its path or its name, as its record has it. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from signalpost.model.errors import replace_unusable
from signalpost.model.event import Event
from signalpost.polling.fields import find_values, spread
from signalpost.polling.records import read_back

LONGEST_LABEL = 4000
"""Characters kept of a label."""


def find_label(record: str, fields: Sequence[str]) -> str:
    """Give the first of the dotted ``fields`` that has a text in a record (JSON); "" where none has.

    What no database keeps in text is replaced.

    Raises:
        ConnectorError: the record is no JSON.
    """
    read = read_back(record)
    for field in fields:
        for value in _look(read, field):
            if isinstance(value, str) and value.strip():
                return replace_unusable(value[:LONGEST_LABEL])
    return ""


def _look(record: Any, field: str) -> list[Any]:
    """Find what stands at a dotted name; first the usual way, key after key, as every event is labelled."""
    value = record
    for key in (field,) if isinstance(record, dict) and field in record else field.split("."):
        if not isinstance(value, dict) or key not in value:
            return spread(find_values(record, field))
        value = value[key]
    return [value] if isinstance(value, str) else spread([value])


def list_labels(events: Sequence[Event], records: Sequence[str], fields: Sequence[str]) -> list[str]:
    """Give the label of each event, found in the page's ``records`` (raises as ``find_label``)."""
    return [find_label(records[event.record_index], fields) for event in events]
