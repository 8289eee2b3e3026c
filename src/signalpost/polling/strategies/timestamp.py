"""Strategy ``timestamp``: dates and the memory of versions say what is new. Deletions cannot be seen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterable, Iterator
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from signalpost.connectors.resource import Listing
from signalpost.model.configuration import OLDEST
from signalpost.model.event import Change, EventType, Page, Remembered
from signalpost.polling.records import RecordReader
from signalpost.polling.strategies.objects import (
    OVERLAP,
    Remarks,
    Seen,
    is_before_start,
    is_other_version,
    judge_new,
    make_change,
    name_change,
    name_type,
    remember,
)
from signalpost.polling.strategies.reading import Reading, read_list
from signalpost.polling.where import Where
from signalpost.store.memory import make_key

EMPTY_SLACK = timedelta(days=1)
"""How far before now the watermark of an empty list lies: the provider's clock may be behind ours."""


def find_last_at(reading: Reading) -> datetime:
    """Give the time from which a provider that filters by date is asked: before the watermark, by an overlap.

    An hour more where a clock may be set back: two hours then have the same name, and a filter by name means either.
    """
    kept = reading.poll.watermark
    if kept is not None and kept.get("date"):
        last_at = datetime.fromisoformat(kept["date"])
    elif reading.start_at is not None:
        return max(reading.start_at, datetime(1970, 1, 1, tzinfo=UTC))
    else:
        last_at = reading.started_at
    zone = reading.polled.updated.zone if reading.polled.updated else UTC
    names_zone = "timezone" in reading.polled.definition.url.lower()
    slack = OVERLAP + (timedelta(hours=1) if names_zone or _was_set_back(zone, last_at) else timedelta(0))
    return last_at - slack


def _was_set_back(zone: tzinfo, at: datetime) -> bool:
    offsets = {(at + timedelta(hours=hours)).astimezone(zone).utcoffset() for hours in (-3, 0, 3)}
    return len(offsets) > 1


class TimestampReading:
    """One reading of a list by dates.

    The watermark is ``{"date": the newest date seen, "by": what identifies versions}``; it moves at the end of a
    list that was read whole, never back, and never beyond the poll's own start, whatever a record says.
    """

    def __init__(self, reading: Reading, listing: Listing, reader: RecordReader, where: Where) -> None:
        self._reading = reading
        self._listing = listing
        self._reader = reader
        self._where = where
        polled = reading.polled
        self._by_date = polled.definition.filter_by_updated
        kept = reading.poll.watermark or {}
        self._since = datetime.fromisoformat(kept["date"]) if kept.get("date") else None
        # On the first poll, and on the first by another identity, what is older than this is taken in silently.
        self._settling = kept.get("by") != reading.signature
        self._floor = self._since if kept else reading.start_at
        self._created_since = self._floor if self._floor != OLDEST else None
        self._newest = self._since
        self._problems = Remarks()
        self._found: set[bytes] = set()
        self._older: dict[str, Seen] = {}

    async def read(self) -> AsyncIterator[Page]:
        """Read the list; the pages give what is new, the last one the watermark."""
        reading = self._reading
        size = reading.polled.definition.page_size
        async for listed in read_list(self._listing, reading.session, size):
            seen = await self._recall([record for record in listed.records if self._where.matches(record)])
            page = self._compare(self._set_aside(seen))
            if page.changes or page.remembered:
                yield page
        if self._older:
            yield self._compare(self._older.values())
        watermark = {"date": self._find_watermark().isoformat(), "by": reading.signature}
        yield Page((), (), watermark, more=False, remark=self._problems.write())

    def _find_watermark(self) -> datetime:
        started_at = self._reading.started_at
        newest = self._newest or started_at - EMPTY_SLACK
        newest = min(newest, started_at)
        return max(newest, self._since) if self._since else newest

    def _set_aside(self, seen: Iterable[Seen]) -> Iterator[Seen]:
        """Keep records that are older than what is remembered for the end of the list.

        Only if the newer version is nowhere in it has the object gone back; else its older version is there as well,
        or it moved to another page while we read.
        """
        for each in seen:
            object_id = each.record.object_id
            if self._is_older(each):
                if make_key(object_id) not in self._found:
                    self._older[object_id] = each
                continue
            self._found.add(make_key(object_id))
            self._older.pop(object_id, None)
            yield each

    def _is_older(self, seen: Seen) -> bool:
        """Say whether a record is dated before the newest date its object ever had."""
        newest = seen.before.dated_at if seen.before else None
        return self._by_date and newest is not None and seen.date is not None and seen.date < newest

    def _compare(self, seen: Iterable[Seen]) -> Page:
        reading = self._reading
        texts: list[str] = []
        changes: list[Change] = []
        remembered: list[Remembered] = []
        for each in seen:
            date = each.date if self._by_date else None
            if date is not None and reading.polled.definition.filter_by_current and date > reading.started_at:
                continue
            if date is not None and (self._newest is None or date > self._newest):
                self._newest = date
            if not is_other_version(each, by_date=self._by_date) or self._was_dropped(each):
                continue
            kept = remember(each, reading.started_at, by_date=self._by_date)
            remembered.append(kept)
            if self._settling and is_before_start(each, self._floor):
                continue
            changes.append(self._change(each, kept.revision, len(texts)))
            texts.append(each.record.text)
        return Page(tuple(texts), tuple(changes), reading.poll.watermark, True, tuple(remembered))

    async def _recall(self, records: list[Any]) -> list[Seen]:
        """Read the records of a page, oldest first; of an object's several versions in it, each."""
        reading = self._reading
        read = [(self._reader.read(record), record) for record in records]
        for record, _ in read:
            self._problems.add(*record.problems)
        recalled = await reading.memory.recall(reading.poll.id, [record.object_id for record, _ in read])
        undated = datetime.max.replace(tzinfo=UTC)
        read.sort(key=lambda pair: pair[0].updated_at or pair[0].created_at or undated)
        before = dict(recalled)
        seen: list[Seen] = []
        for record, raw in read:
            each = Seen(record, name_type(raw, reading.poll.resource), before.get(record.object_id))
            seen.append(each)
            if not self._is_older(each) and is_other_version(each, by_date=self._by_date):
                before[record.object_id] = remember(each, reading.started_at, by_date=self._by_date)
        return seen

    def _was_dropped(self, seen: Seen) -> bool:
        """Say whether an unknown object is one that the bounded memory may have dropped."""
        forgotten_before = self._reading.poll.forgotten_before
        return (
            seen.before is None
            and forgotten_before is not None
            and seen.date is not None
            and seen.date <= forgotten_before
        )

    def _change(self, seen: Seen, revision: int, index: int) -> Change:
        polled = self._reading.polled
        event_type = EventType.UPDATED
        if seen.before is None:
            event_type = judge_new(
                seen,
                polled.resource,
                since=self._created_since,
                tolerance_seconds=polled.definition.created_tolerance_seconds,
            )
        change_id = name_change(seen, revision, by_date=self._by_date)
        occurred_at = seen.date or self._reading.started_at
        return make_change(seen, event_type, change_id, index=index, occurred_at=occurred_at)
