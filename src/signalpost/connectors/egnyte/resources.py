"""Egnyte's resources: what each is called and how it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from signalpost.connectors.base import Resource, Session
from signalpost.connectors.egnyte.changes import read_row, read_row_id
from signalpost.connectors.egnyte.client import EgnyteClient
from signalpost.model.errors import ConnectorError
from signalpost.model.event import Gap, Page, Watermark

PAGE_SIZE = 100

EVENTS = Resource(
    name="events",
    path="events",
    id_field="event_object_id",
    date_field="event_date",
    date_format="yyyy-MM-dd'T'HH:mm:ss.SSSX",
    parameters=frozenset({"type"}),
)


class EventFeed:
    """Egnyte's event stream; the watermark is ``{"id": the last event read}`` (egnyte-api.md 2).

    All events are read, whatever is wanted of them: a filter at the provider would leave the watermark behind at the
    last event that matched, until it is too old to be kept, and a gap would be told that there is none of (2.5).
    """

    def __init__(self, parameters: Mapping[str, str], id_field: str) -> None:
        self._types = frozenset(
            each.strip() for each in parameters.get("type", "").split("|") if each.strip()
        )
        self._id_field = id_field

    async def find_start(self, session: Session) -> Watermark:
        """Start from now: after the newest event there is."""
        cursor = await EgnyteClient(session).read_cursor()
        return {"id": _read_number(cursor, "latest_event_id")}

    async def read(self, session: Session, watermark: Watermark) -> Page:
        """Read up to a hundred events after the watermark; a full page says that there may be more (2.2)."""
        answer = await EgnyteClient(session).list_events(after_id=watermark["id"], count=PAGE_SIZE)
        rows = answer.get("events")
        if not isinstance(rows, list):
            message = f"Egnyte's events are no list but {type(rows).__name__}"
            raise ConnectorError(message)
        rows = _order(rows, watermark["id"])
        wanted = [row for row in rows if not self._types or row.get("type") in self._types]
        read = [read_row(row, index, self._id_field) for index, row in enumerate(wanted)]
        return Page(
            records=tuple(record for record, _ in read),
            changes=tuple(change for _, change in read),
            watermark={"id": read_row_id(rows[-1])} if rows else watermark,
            more=len(rows) >= PAGE_SIZE,
        )

    async def recover(self, session: Session, watermark: Watermark) -> Gap:
        """Go on with the oldest event kept. ``id`` is exclusive, so one less is asked for (2.5)."""
        cursor = await EgnyteClient(session).read_cursor()
        oldest = _read_number(cursor, "oldest_event_id")
        before = max(oldest - 1, 0)
        if before == watermark["id"]:
            before = oldest  # one less was just refused: the oldest itself is given up rather than asked for for ever
        return Gap(
            reason=(
                f"Egnyte no longer keeps the events after {watermark['id']:,};"
                f" reading goes on after event {before:,}, the oldest kept being {oldest:,}"
            ),
            from_watermark=watermark,
            to_watermark={"id": before},
        )


def _order(rows: list[Any], after_id: int) -> list[dict[str, Any]]:
    """Put rows in the order of their ids and leave out what was read before: the watermark never goes back."""
    numbered = {read_row_id(row): row for row in rows}
    return [numbered[number] for number in sorted(numbered) if number > after_id]


def _read_number(cursor: Mapping[str, Any], field: str) -> int:
    try:
        return int(cursor.get(field) or 0)
    except (TypeError, ValueError) as error:
        message = f"Egnyte's cursor has no usable {field}: {str(cursor.get(field))[:100]!r}"
        raise ConnectorError(message) from error
