"""Egnyte's events as a feed, by their ids (egnyte-api.md 2)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from signalpost.connectors.egnyte.changes import (
    Record,
    describe_flaws,
    make_page,
    make_writable,
    read_row,
    read_row_id,
    read_selection,
    read_suppress,
)
from signalpost.connectors.egnyte.client import EgnyteClient
from signalpost.connectors.egnyte.values import format_timestamp, read_instant, read_whole
from signalpost.connectors.resource import Session
from signalpost.model.configuration import OLDEST
from signalpost.model.errors import (
    ConnectorError,
    MissingError,
    RejectedError,
    RetryLaterError,
    WatermarkLostError,
)
from signalpost.model.event import Change, Gap, Page, Watermark

PAGE_SIZE = 100
LISTED_WITHIN = timedelta(minutes=10)
"""How late an event may come into the list after the cursor told it."""

Clock = Callable[[], datetime]


class EventFeed:
    """Egnyte's event stream; the watermark is ``{"id": the last event read}`` (egnyte-api.md 2).

    Where events go on that Egnyte leaves out for us, ``newest`` stands beside it, and ``at``, when it was the newest
    (``_pass_over``).

    All events are read and ``type`` and ``folder`` applied here: a filter at the provider would leave the watermark
    behind at the last event that matched, until it is too old to be kept, and a gap would be told that there is none
    of (2.5). ``suppress`` only Egnyte can apply, and permissions: there the watermark is moved by the cursor.
    """

    def __init__(self, parameters: Mapping[str, str], id_field: str, clock: Clock) -> None:
        """Take ``type``, ``folder`` and ``suppress``; the ``clock`` is for events that tell no time.

        Raises:
            InvalidRequestError: one of them is wrong.
        """
        self._selection = read_selection(parameters)
        self.suppress = read_suppress(parameters)
        self._id_field = id_field
        self._clock = clock
        self._gone_on_after: int | None = None

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
            occurred_at = read_instant(rows[0].get("timestamp")) if rows else None
            if occurred_at is not None and occurred_at < start_at:
                low = read_row_id(rows[0])
            else:
                high = middle  # also of a time that cannot be read: rather too much than too little
        return {"id": min(low, latest)}

    async def read(self, session: Session, watermark: Watermark, *, verify: bool) -> Page:
        """Read up to a hundred events after the watermark; a full page says that there may be more (2.2)."""
        client, after_id = EgnyteClient(session), watermark["id"]
        try:
            rows = await client.list_events(after_id=after_id, count=PAGE_SIZE, suppress=self.suppress)
        except (MissingError, RejectedError) as error:
            message = f"Egnyte no longer keeps the events after {after_id:,}: {error}"
            raise WatermarkLostError(message) from error
        fresh = order_rows(rows, after_id)
        if not fresh:
            return await self._read_nothing(client, watermark, verify=verify)
        remark = "; ".join(describe_flaws(self._choose(fresh), "timestamp"))
        following = {"id": read_row_id(fresh[-1])}
        return make_page(self.read_rows(fresh), following, more=len(rows) >= PAGE_SIZE, remark=remark)

    async def _read_nothing(self, client: EgnyteClient, watermark: Watermark, *, verify: bool) -> Page:
        """Give an empty page, and where reading goes on after it."""
        if not verify:
            return Page((), (), watermark, more=False)
        after_id = watermark["id"]
        latest = read_number(await client.read_cursor(), "latest_event_id")
        if await self._counts_anew(client, latest, after_id):
            message = (
                f"Egnyte counts its events anew: the newest is {latest:,}, we had read up to {after_id:,}"
            )
            raise WatermarkLostError(message)
        return Page((), (), _pass_over(watermark, latest, self._clock()), more=False)

    async def recover(self, session: Session, watermark: Watermark) -> Gap:
        """Go on with the oldest event kept. ``id`` is exclusive, so one less is asked for (2.5).

        Where that was let go as well before it could be read, the domain is busy: then twice as many as it let go
        meanwhile are left out, so that the next call does not come too late again.

        Raises:
            RetryLaterError: what follows the watermark is still kept: it was refused in passing, and nothing is lost.
        """
        client = EgnyteClient(session)
        cursor = await client.read_cursor()
        oldest, latest = read_number(cursor, "oldest_event_id"), read_number(cursor, "latest_event_id")
        after_id, before = watermark["id"], max(oldest - 1, 0)
        why = f"Egnyte no longer keeps the events after {after_id:,}"
        if await self._counts_anew(client, latest, after_id):
            why = (
                f"Egnyte counts its events anew, as a domain does that was restored: we had read up to"
                f" {after_id:,}, the newest is {latest:,}"
            )
        elif after_id >= oldest or (after_id == before and await self._is_answered(client, after_id)):
            message = (
                f"Egnyte refused the events after {after_id:,}, an id that it still keeps: its oldest is {oldest:,},"
                f" its newest {latest:,}"
            )
            raise RetryLaterError(message)
        elif after_id == before:
            before = oldest  # one less is refused: the oldest is given up rather than asked for for ever
        elif after_id == self._gone_on_after:
            before = min(before + 2 * (before - after_id), max(latest - 1, before))
        self._gone_on_after = before
        return Gap(
            reason=f"{why}; reading goes on after event {before:,}, the oldest kept being {oldest:,}",
            from_watermark=watermark,
            to_watermark={"id": before},
        )

    def read_rows(self, rows: list[dict[str, Any]]) -> list[tuple[Record, Change]]:
        """Turn the rows that ``type`` and ``folder`` ask for into records and changes."""
        now = self._clock()
        chosen = make_writable(self._choose(rows))
        return [read_row(row, index, self._id_field, now) for index, row in enumerate(chosen)]

    def _choose(self, rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
        return [row for row in rows if self._selection.accepts(row)]

    async def _is_answered(self, client: EgnyteClient, after_id: int) -> bool:
        """Say whether the events after an id are given now: then they were refused in passing."""
        try:
            await client.list_events(after_id=after_id, count=1)
        except (MissingError, RejectedError):
            return False
        return True

    async def _counts_anew(self, client: EgnyteClient, latest: int, after_id: int) -> bool:
        """Say whether the domain has begun to count from lower numbers again.

        Nothing at all is no lower number: a domain may have let go its last event. Nor does a cursor that is behind
        what the list tells already count anew: what we read last is still there.
        """
        if not 0 < latest < after_id:
            return False
        try:
            rows = await client.list_events(after_id=after_id - 1, count=1)
        except (MissingError, RejectedError):
            return True
        return not order_rows(rows, after_id - 1)


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


def _pass_over(watermark: Watermark, latest: int, now: datetime) -> Watermark:
    """Give the watermark after an empty page, when the newest event of the domain is ``latest``.

    Egnyte leaves out what is suppressed, and what our user may not see (2.6). Were the watermark to stay before that,
    it would be too old to be kept some day, and a gap be told that there is none of. What was the newest some time ago
    (``LISTED_WITHIN``) is in the list by now, however late it came into it: as that is empty, it is passed over.
    """
    after_id, newest, noted_at = (
        watermark["id"],
        watermark.get("newest", 0),
        read_instant(watermark.get("at")),
    )
    if after_id < newest <= latest and noted_at is not None and noted_at <= now:
        if now - noted_at < LISTED_WITHIN:
            return watermark
        after_id = newest
    return (
        {"id": after_id, "newest": latest, "at": format_timestamp(now)}
        if latest > after_id
        else {"id": after_id}
    )
