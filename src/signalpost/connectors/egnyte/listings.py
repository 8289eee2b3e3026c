"""Egnyte's resources as lists: the lists that it has, by offset or SCIM's index, and its feeds read as lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import MAXYEAR, timedelta
from enum import Enum
from typing import Any
from urllib.parse import quote

import orjson

from signalpost.connectors.egnyte.audit import AuditFeed
from signalpost.connectors.egnyte.changes import read_row_id
from signalpost.connectors.egnyte.client import EgnyteClient, read_rows
from signalpost.connectors.egnyte.feeds import PAGE_SIZE, Clock, EventFeed, order_rows
from signalpost.connectors.egnyte.values import format_timestamp, read_instant, read_path, read_whole
from signalpost.connectors.resource import Condition, ListPage, Session
from signalpost.model.configuration import OLDEST
from signalpost.model.errors import InvalidRequestError, RejectedError

# Egnyte's bounds on dates may leave the named second out.
WIDENED_BY = timedelta(seconds=1)
LISTED_BACK = timedelta(hours=24)


class Paging(Enum):
    """How a list is asked for its next page: by rows passed, by SCIM's index (from 1), or not at all."""

    OFFSET = "offset"
    SCIM = "startIndex"
    NONE = ""


@dataclass(frozen=True, slots=True)
class Source:
    """Where a list comes from: ``rows`` name the fields that may hold its rows, ``largest`` is the largest page.

    ``dates`` are the query parameters for the lower and the upper bound of the one date that Egnyte compares;
    ``reshape`` makes the record of a row.
    """

    path: str
    rows: tuple[str, ...]
    paging: Paging
    largest: int = 0
    dates: tuple[str, str] | None = None
    reshape: Callable[[Any], Any] = lambda row: row


class RemoteListing:
    """A list of Egnyte's. The position is the number of rows passed (SCIM: and one)."""

    def __init__(self, source: Source, query: Mapping[str, str]) -> None:
        self._source = source
        self._query = query

    async def read(self, session: Session, position: str | None, size: int | None) -> ListPage:
        """Read a page (see ``base.Listing``).

        An empty page is the last, so that no list is read for ever; what Egnyte told more than that, by its total or
        ``has_more``, is missing.
        """
        source = self._source
        first = 1 if source.paging is Paging.SCIM else 0
        start = first if position is None else read_position(position)
        query = dict(self._query)
        count = limit_size(size, source.largest)
        if source.paging is not Paging.NONE:
            query |= {source.paging.value: str(start), "count": str(count)}
        answer = await EgnyteClient(session).read_list(source.path, query)
        fields = _fold_fields(answer)
        if "folders" in source.rows and str(fields.get("isfolder")).lower() == "false":
            message = f"path: {str(fields.get('path'))[:200]!r} is a file; give that of a folder"
            raise RejectedError(message)
        rows, total = read_rows(answer, *source.rows), _find_total(fields)
        if source.paging is Paging.NONE:
            rows, total = rows[start : start + (size or len(rows))], len(rows)
        following = start + len(rows)
        if total is not None:
            more = following - first < total
        elif "hasmore" in fields:
            more = str(fields["hasmore"]).lower() == "true"
        else:
            more = len(rows) >= count
        records = [source.reshape(row) for row in rows]
        return ListPage(
            records, str(following) if rows and more else None, total, complete=bool(rows) or not more
        )


def _fold_fields(answer: Any) -> dict[str, Any]:
    """Give the fields around the rows by names without underscores and capitals: Egnyte writes them in many ways."""
    if not isinstance(answer, dict):
        return {}
    return {name.replace("_", "").lower(): value for name, value in answer.items()}


def _find_total(fields: Mapping[str, Any]) -> int | None:
    totals = (read_whole(fields.get(name)) for name in ("totalcount", "totalresults", "total"))
    return next((total for total in totals if total is not None and total >= 0), None)


def limit_size(size: int | None, largest: int) -> int:
    """Give the size of a page to ask for."""
    return largest if size is None else max(1, min(size, largest))


def read_position(position: str) -> int:
    """Read the number that a position is.

    Raises:
        RejectedError: it is none.
    """
    number = read_whole(position)
    if number is None or number < 0:
        raise _refuse_position(position)
    return number


def _refuse_position(position: str) -> RejectedError:
    return RejectedError(f"{position[:100]!r} is no position of this list; begin anew without one")


def narrow(source: Source, conditions: Sequence[Condition]) -> dict[str, str]:
    """Give query parameters that may leave out what does not meet ``conditions``, and nothing else.

    Egnyte compares one date (``>``, ``>=``, ``<``, ``<=``) or one text (``=``, ``like 'x%'``, ``like '%x%'``).
    """
    query: dict[str, str] = {}
    for condition in conditions:
        if source.dates is None:
            found = _write_filter(condition)
            if found and "filter" not in query:
                query["filter"] = found
            continue
        moment = read_instant(condition.value)
        if (
            moment is None
            or condition.operator not in (">", ">=", "<", "<=")
            or not 1 < moment.year < MAXYEAR
        ):
            continue
        is_lower = condition.operator.startswith(">")
        # Whole seconds: not each of Egnyte's readers of dates takes a fraction.
        bound = moment.replace(microsecond=0) + (-WIDENED_BY if is_lower else 2 * WIDENED_BY)
        query[source.dates[0 if is_lower else 1]] = bound.isoformat().replace("+00:00", "Z")
    return query


def _write_filter(condition: Condition) -> str | None:
    """Write a condition as a SCIM filter; None: there is no such filter."""
    value, operator = condition.value, ""
    if condition.operator == "=":
        operator = "eq"
    elif condition.operator == "like" and condition.field == "displayName" and value.endswith("%"):
        operator = "co" if value.startswith("%") else "sw"
        value = value.strip("%")
    if not operator or not value or set(value) & set('%"\\'):
        return None
    return f'{condition.field} {operator} "{value}"'


def locate_folder(path: str) -> str:
    """Give the path of the call that lists a folder.

    Raises:
        InvalidRequestError: ``path`` is no absolute path.
    """
    return "/pubapi/v1/fs" + (quote(read_path("path", path), safe="/", errors="replace") or "/")


def read_places(parameters: Mapping[str, str]) -> dict[str, str]:
    """Read ``folder`` and ``file`` as the notes take them; empty ones are as absent.

    Raises:
        InvalidRequestError: one is no absolute path.
    """
    given = {name: parameters[name] for name in ("folder", "file") if parameters.get(name)}
    return {name: read_path(name, path) or "/" for name, path in given.items()}


def describe_content(row: Any) -> Any:
    """Add to a file or folder in a folder what tells its id, its kind and its date, whichever it is."""
    if not isinstance(row, dict):
        return row
    is_folder = str(row.get("is_folder")).lower() == "true" or "folder_id" in row
    ids = (row.get("folder_id" if is_folder else "group_id"), row.get("path"))
    moment = read_instant(row.get("last_modified")) or read_instant(row.get("lastModified"))
    return row | {
        "event_object_id": next((str(value) for value in ids if value), None),
        "event_object_type": "folder" if is_folder else "file",
        "event_date": format_timestamp(moment) if moment else None,
    }


class EventListing:
    """The events as a list, from the oldest kept. The position is the last event's id."""

    def __init__(self, feed: EventFeed) -> None:
        self._feed = feed

    async def read(self, session: Session, position: str | None, size: int | None) -> ListPage:
        """Read a page (see ``base.Listing``)."""
        start = await self._feed.find_start(session, OLDEST) if position is None else None
        after_id = start["id"] if start else read_position(str(position))
        count = limit_size(size, PAGE_SIZE)
        client = EgnyteClient(session)
        rows = await client.list_events(after_id=after_id, count=count, suppress=self._feed.suppress)
        fresh = order_rows(rows, after_id)
        records = [record for record, _ in self._feed.read_rows(fresh)]
        more = bool(fresh) and len(rows) >= count
        return ListPage(records, str(read_row_id(fresh[-1])) if more else None)


class AuditListing:
    """The audit log as a list, from ``startDate``. The position is a watermark, and how many of its rows are passed."""

    def __init__(self, feed: AuditFeed, parameters: Mapping[str, str], clock: Clock) -> None:
        """Take ``startDate``; without it, the last 24 hours.

        Raises:
            InvalidRequestError: it is no date.
        """
        text = parameters.get("startDate")
        start = read_instant(text) if text else clock() - LISTED_BACK
        if start is None:
            message = f"startDate: {str(text)[:100]!r} is no date; give one as 2026-05-28T11:41:12Z, at most 7 days ago"
            raise InvalidRequestError(message)
        self._start = {"start": format_timestamp(start)}
        self._feed = feed

    async def read(self, session: Session, position: str | None, size: int | None) -> ListPage:
        """Read a page (see ``base.Listing``). It may be empty with more behind it."""
        watermark, passed = (self._start, 0) if position is None else _read_audit_position(position)
        part = await self._feed.fetch(session, watermark)
        rows = part.rows[passed:][:size]
        following = None
        if passed + len(rows) < len(part.rows):
            following = watermark | {"passed": passed + len(rows)}
        elif part.more:
            following = part.following
        records = [record for record, _ in self._feed.read_rows(rows)]
        return ListPage(records, orjson.dumps(following).decode() if following else None)


def _read_audit_position(position: str) -> tuple[dict[str, Any], int]:
    try:
        read = orjson.loads(position)
        passed = read.pop("passed", 0)
        ((name, text),) = read.items()
        if name not in {"start", "cursor"} or not isinstance(text, str) or not isinstance(passed, int):
            raise _refuse_position(position)
    except (ValueError, AttributeError, TypeError) as error:
        raise _refuse_position(position) from error
    return read, max(passed, 0)


class PingListing:
    """One record, if Egnyte answers: when it did."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def read(self, session: Session, position: str | None, size: int | None) -> ListPage:  # noqa: ARG002 - the contract
        """Call Egnyte and give the one record there is (see ``base.Listing``)."""
        if position is not None:
            raise _refuse_position(position)
        await EgnyteClient(session).read_user()
        return ListPage([{"dateTime": format_timestamp(self._clock()), "endpoint": "egnyte"}], None, 1)
