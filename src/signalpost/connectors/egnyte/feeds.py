"""Egnyte's two feeds: the events by their ids, the audit log by its cursor (egnyte-api.md 2 and 3.2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from signalpost.connectors.egnyte.changes import (
    Record,
    read_audit_rows,
    read_row,
    read_row_id,
    read_selection,
    read_suppress,
    write_record,
)
from signalpost.connectors.egnyte.client import EgnyteClient, read_rows
from signalpost.connectors.egnyte.values import (
    format_timestamp,
    read_instant,
    read_timestamp,
    read_whole,
)
from signalpost.connectors.resource import Session
from signalpost.model.configuration import OLDEST
from signalpost.model.errors import (
    ConnectorError,
    InvalidRequestError,
    MissingError,
    RejectedError,
    WatermarkLostError,
)
from signalpost.model.event import Change, Gap, Page, Watermark

PAGE_SIZE = 100
# The audit log goes 7 days back; an hour less, so that it still does when the call arrives.
AUDIT_REACH = timedelta(days=7, hours=-1)
NO_WAY_ON = "Egnyte's audit log says that there is more, but not how to go on: no new nextCursor"

Clock = Callable[[], datetime]


class EventFeed:
    """Egnyte's event stream; the watermark is ``{"id": the last event read}`` (egnyte-api.md 2).

    All events are read and ``type`` and ``folder`` applied here: a filter at the provider would leave the watermark
    behind at the last event that matched, until it is too old to be kept, and a gap would be told that there is none
    of (2.5). ``suppress`` only Egnyte can apply: there the watermark is moved by the cursor, read before the list.
    """

    def __init__(self, parameters: Mapping[str, str], id_field: str) -> None:
        """Take ``type``, ``folder`` and ``suppress``.

        Raises:
            InvalidRequestError: one of them is wrong.
        """
        self._selection = read_selection(parameters)
        self.suppress = read_suppress(parameters)
        self._id_field = id_field

    async def find_start(self, session: Session, start_at: datetime | None) -> Watermark:
        """Give the newest event there is, or by bisection the one before ``start_at`` (see ``base.Feed``)."""
        client = EgnyteClient(session)
        cursor = await client.read_cursor()
        latest = read_number(cursor, "latest_event_id")
        if start_at is None:
            return {"id": latest}
        # What stands up to ``low`` is older than the start, what follows ``high`` is not.
        low, high = min(max(read_number(cursor, "oldest_event_id") - 1, 0), latest), latest
        while low < high and start_at > OLDEST:
            middle = (low + high) // 2
            try:
                rows = order_rows(await client.list_events(after_id=middle, count=1), middle)
            except (MissingError, RejectedError):
                low = middle + 1  # no longer kept
                continue
            if rows and read_timestamp(rows[0].get("timestamp")) < start_at:
                low = read_row_id(rows[0])
            else:
                high = middle
        return {"id": min(low, latest)}

    async def read(self, session: Session, watermark: Watermark, *, verify: bool) -> Page:
        """Read up to a hundred events after the watermark; a full page says that there may be more (2.2)."""
        client, after_id = EgnyteClient(session), watermark["id"]
        latest = await self._read_latest(client) if self.suppress else None
        try:
            rows = await client.list_events(after_id=after_id, count=PAGE_SIZE, suppress=self.suppress)
        except (MissingError, RejectedError) as error:
            message = f"Egnyte no longer keeps the events after {after_id:,}: {error}"
            raise WatermarkLostError(message) from error
        fresh = order_rows(rows, after_id)
        if not fresh and verify and latest is None:
            latest = await self._read_latest(client)
        if not fresh and verify and _counts_anew(latest, after_id):
            message = (
                f"Egnyte counts its events anew: the newest is {latest:,}, we had read up to {after_id:,}"
            )
            raise WatermarkLostError(message)
        last = read_row_id(fresh[-1]) if fresh else after_id
        if self.suppress and not rows and latest is not None:
            # All up to the cursor is suppressed. Only when nothing came: a page may be cut short by Egnyte.
            last = max(last, latest)
        return make_page(self.read_rows(fresh), {"id": last}, more=len(fresh) >= PAGE_SIZE)

    async def recover(self, session: Session, watermark: Watermark) -> Gap:
        """Go on with the oldest event kept. ``id`` is exclusive, so one less is asked for (2.5)."""
        cursor = await EgnyteClient(session).read_cursor()
        oldest, latest = read_number(cursor, "oldest_event_id"), read_number(cursor, "latest_event_id")
        before = max(oldest - 1, 0)
        if before == watermark["id"]:
            before = oldest  # one less was just refused: the oldest itself is given up rather than asked for for ever
        why = f"Egnyte no longer keeps the events after {watermark['id']:,}"
        if _counts_anew(latest, watermark["id"]):
            why = (
                f"Egnyte counts its events anew, as a domain does that was restored: we had read up to"
                f" {watermark['id']:,}, the newest is {latest:,}"
            )
        return Gap(
            reason=f"{why}; reading goes on after event {before:,}, the oldest kept being {oldest:,}",
            from_watermark=watermark,
            to_watermark={"id": before},
        )

    def read_rows(self, rows: list[dict[str, Any]]) -> list[tuple[Record, Change]]:
        """Turn the rows that ``type`` and ``folder`` ask for into records and changes."""
        wanted = [row for row in rows if self._selection.accepts(row)]
        return [read_row(row, index, self._id_field) for index, row in enumerate(wanted)]

    async def _read_latest(self, client: EgnyteClient) -> int:
        return read_number(await client.read_cursor(), "latest_event_id")


def order_rows(rows: list[Any], after_id: int) -> list[dict[str, Any]]:
    """Put rows in the order of their ids and leave out what was read before: the watermark never goes back."""
    numbered = {read_row_id(row): row for row in rows}
    return [numbered[number] for number in sorted(numbered) if number > after_id]


def read_number(cursor: Mapping[str, Any], field: str) -> int:
    """Read a field of the cursor; 0 where a domain has no events yet.

    Raises:
        ConnectorError: it is no number.
    """
    number = read_whole(cursor.get(field) or 0)
    if number is None:
        message = f"Egnyte's cursor has no usable {field}: {str(cursor.get(field))[:100]!r}"
        raise ConnectorError(message)
    return number


def _counts_anew(latest: int | None, after_id: int) -> bool:
    # Nothing at all is no lower number: a domain may have let go its last event.
    return latest is not None and 0 < latest < after_id


@dataclass(frozen=True, slots=True)
class AuditPart:
    """What one call of the audit log gave; ``following`` is the watermark after it, None if no new one was told."""

    rows: list[Any]
    following: Watermark | None
    more: bool


class AuditFeed:
    """Egnyte's audit log; the watermark is ``{"cursor": text}``, or ``{"start": ISO 8601}`` before there is one.

    All of it is read and ``auditType`` applied here, by the rows' ``auditSource``: the calls are as many, for one
    covers half an hour of the log at most, whatever is in it.
    """

    def __init__(self, parameters: Mapping[str, str], id_field: str, clock: Clock) -> None:
        """Take ``auditType``.

        Raises:
            InvalidRequestError: it is wrong.
        """
        self._types = read_audit_types(parameters)
        self._id_field = id_field
        self._clock = clock

    async def find_start(self, session: Session, start_at: datetime | None) -> Watermark:  # noqa: ARG002 - the contract
        """Start now, or at ``start_at`` as far as the log goes back: 7 days."""
        now = self._clock()
        return {"start": format_timestamp(min(max(start_at or now, now - AUDIT_REACH), now))}

    async def read(self, session: Session, watermark: Watermark, *, verify: bool) -> Page:  # noqa: ARG002 - the contract
        """Read what one call gives: up to half an hour of the log, often nothing with more behind it (3.2)."""
        try:
            part = await self.fetch(session, watermark)
        except RejectedError as error:
            if "cursor" not in watermark and _is_kept(watermark["start"], self._clock()):
                raise
            message = f"Egnyte's audit log no longer goes back to where we were: {error}"
            raise WatermarkLostError(message) from error
        remarks = [NO_WAY_ON] if part.more and part.following is None else []
        undated = sum(isinstance(row, dict) and read_instant(row.get("date")) is None for row in part.rows)
        if undated:
            remarks.append(f"rows of Egnyte's audit log without a readable date, told as of now: {undated:,}")
        return make_page(
            self.read_rows(part.rows),
            part.following or watermark,
            more=part.more and part.following is not None,
            remark="; ".join(remarks) or None,
        )

    async def fetch(self, session: Session, watermark: Watermark) -> AuditPart:
        """Make one call for what follows ``watermark``.

        Raises:
            ConnectorError: the answer brings nothing and does not say how to go on, though there is more.
        """
        cursor = watermark.get("cursor")
        query = {"nextCursor": cursor} if cursor else {"startDate": watermark["start"]}
        answer = await EgnyteClient(session).read_audit(query)
        given = answer.get("nextCursor")
        is_new = isinstance(given, str) and given not in ("", cursor)
        rows, more = read_rows(answer, "events"), str(answer.get("moreEvents")).lower() == "true"
        if more and not rows and not is_new:
            raise ConnectorError(NO_WAY_ON)
        return AuditPart(rows, {"cursor": given} if is_new else None, more)

    def read_rows(self, rows: list[Any]) -> list[tuple[Record, Change]]:
        """Turn the rows that ``auditType`` asks for into records and changes."""
        wanted = [row for row in rows if self._is_wanted(row)]
        return read_audit_rows(wanted, self._id_field, self._clock())

    def _is_wanted(self, row: Any) -> bool:
        source = row.get("auditSource") if isinstance(row, dict) else None
        return not self._types or not source or str(source).upper() in self._types

    async def recover(self, session: Session, watermark: Watermark) -> Gap:  # noqa: ARG002 - the contract
        """Go on as far back as the log goes."""
        start = format_timestamp(self._clock() - AUDIT_REACH)
        return Gap(
            reason=f"Egnyte's audit log goes 7 days back and no longer to where we were; reading goes on from {start}",
            from_watermark=watermark,
            to_watermark={"start": start},
        )


def read_audit_types(parameters: Mapping[str, str]) -> frozenset[str]:
    """Read the kinds of rows that are wanted, joined by commas or ``|``; none, or ANY among them, is all.

    Raises:
        InvalidRequestError: one is no name as ``FILE_AUDIT``.
    """
    text = parameters.get("auditType", "").upper()
    types = frozenset(each.strip() for each in text.replace("|", ",").split(",") if each.strip())
    if not all(each.isascii() and each.replace("_", "").isalpha() for each in types):
        message = f"auditType: {text[:200]!r} is wrong; give names as FILE_AUDIT, several joined by commas"
        raise InvalidRequestError(message)
    return frozenset() if "ANY" in types else types


def _is_kept(start: str, now: datetime) -> bool:
    moment = read_instant(start)
    return moment is not None and moment > now - timedelta(days=7)


def make_page(
    read: Sequence[tuple[Record, Change]], watermark: Watermark, *, more: bool, remark: str | None = None
) -> Page:
    """Make a page of records and their changes."""
    return Page(
        records=tuple(write_record(record) for record, _ in read),
        changes=tuple(change for _, change in read),
        watermark=watermark,
        more=more,
        remark=remark,
    )
