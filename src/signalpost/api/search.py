"""What lists are narrowed to: query parameters, read strictly."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Collection
from datetime import UTC, datetime
from typing import Annotated

from fastapi import Depends, Query

from signalpost.api.shapes import STATUS_OF_STATE
from signalpost.model.delivery import State
from signalpost.model.errors import InvalidRequestError
from signalpost.model.event import EventType
from signalpost.polling.where import Where, read_where
from signalpost.store.event_log import EventSearch

From = Annotated[str | None, Query(alias="from")]
To = Annotated[str | None, Query(alias="to")]
"""The query parameters of a span of time."""

INSTANT = re.compile(
    r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d([.,]\d+)?)?(Z|[+-]\d\d:?\d\d)", re.ASCII | re.IGNORECASE
)

STATUSES = ("NEW", "RECEIVED", "DISPATCHED", "CONSUMED", "NOTIFIED")
"""The original's words; nothing is ``NEW`` here, as events are stored with their notifications."""


def read_comparisons(where: str | None, fields: Collection[str], what: str) -> Where:
    """Read the ``where`` of a list of ``what``, each of which has ``fields``.

    Raises:
        InvalidRequestError: it is not in the language, or asks for another field.
    """
    if where is not None and "\x00" in where:
        message = "where: it holds a NUL character"
        raise InvalidRequestError(message)
    condition = read_where(where or "")
    for field in condition.list_fields():
        if field not in fields:
            message = f"where: {what} have no field {field[:50]!r}; there are {', '.join(fields)}"
            raise InvalidRequestError(message)
    return condition


def read_instant(field: str, text: str | None) -> datetime | None:
    """Read an instant in ISO 8601, with its zone; None where none is given.

    Raises:
        InvalidRequestError: it is none.
    """
    if not text:
        return None
    with contextlib.suppress(ValueError, OverflowError):
        if INSTANT.fullmatch(text):
            return datetime.fromisoformat(text.upper()).astimezone(UTC)
    message = f"{field}: {text[:50]!r} is not an instant with its zone, as in 2026-05-28T11:41:12Z"
    raise InvalidRequestError(message)


def read_span(begin: str | None, end: str | None) -> tuple[datetime | None, datetime | None]:
    """Read ``from`` and ``to``.

    Raises:
        InvalidRequestError: one is no instant, or the first is not before the second.
    """
    begin_at, end_at = read_instant("from", begin), read_instant("to", end)
    if begin_at is not None and end_at is not None and begin_at >= end_at:
        message = f"from: {str(begin)[:50]!r} is not before to, {str(end)[:50]!r}"
        raise InvalidRequestError(message)
    return begin_at, end_at


def read_search(
    object_id: Annotated[str | None, Query(alias="objectId")] = None,
    object_type: Annotated[str | None, Query(alias="objectType")] = None,
    event_type: Annotated[str | None, Query(alias="eventType")] = None,
    resource: str | None = None,
    state: str | None = None,
    status: str | None = None,
    begin: From = None,
    end: To = None,
) -> EventSearch:
    """Read what is asked of events; what is empty is not asked.

    Raises:
        InvalidRequestError: a value is none that there can be.
    """
    begin_at, end_at = read_span(begin, end)
    return EventSearch(
        object_id=_read_text("objectId", object_id),
        object_type=_read_text("objectType", object_type),
        event_type=_read_word("eventType", event_type, tuple(EventType)),
        resource=_read_text("resource", resource),
        begin_at=begin_at,
        end_at=end_at,
        states=_read_states(state, status),
    )


Search = Annotated[EventSearch, Depends(read_search)]


def _read_text(field: str, text: str | None) -> str | None:
    if text and "\x00" in text:
        message = f"{field}: {text[:50]!r} has a NUL character, which stands in no event"
        raise InvalidRequestError(message)
    return text or None


def _read_word(field: str, text: str | None, words: tuple[str, ...]) -> str | None:
    if text and text not in words:
        message = f"{field}: {text[:50]!r} is none of {', '.join(words)}"
        raise InvalidRequestError(message)
    return text or None


def _read_states(state: str | None, status: str | None) -> frozenset[State] | None:
    state, status = _read_word("state", state, tuple(State)), _read_word("status", status, STATUSES)
    if state is None and status is None:
        return None
    return frozenset(
        each for each in State if state in {None, each.value} and status in {None, STATUS_OF_STATE[each]}
    )
