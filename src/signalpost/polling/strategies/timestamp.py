"""Strategy ``timestamp``: dates and the memory of versions say what is new. Deletions cannot be seen."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from signalpost.connectors.resource import Listing
from signalpost.model.configuration import OLDEST
from signalpost.model.errors import ConnectorError
from signalpost.model.event import Change, EventType, Gap, Page, Remembered, Watermark
from signalpost.polling.choosing import choose
from signalpost.polling.detect import REFRESH
from signalpost.polling.records import RecordReader
from signalpost.polling.strategies.asking import EPOCH
from signalpost.polling.strategies.objects import (
    INCOMPLETE,
    OVERLAP,
    Remarks,
    Seen,
    has_same_content,
    is_deleted,
    is_fresh,
    is_other_version,
    judge_new,
    make_change,
    name_change,
    name_type,
    remember,
)
from signalpost.polling.strategies.reading import READ, Reading, read_records
from signalpost.polling.where import Where
from signalpost.store.events import MOST_REMEMBERED
from signalpost.store.memory import make_key

MOST_BY_CONTENT = MOST_REMEMBERED - MOST_REMEMBERED // 10
"""Records that can be told apart by their content: one that the memory drops, a tenth at a time, would be new again."""

EMPTY_SLACK = timedelta(days=1)
"""How far before now the watermark of an empty list lies: the provider's clock may be behind ours."""


def find_last_at(reading: Reading) -> datetime:
    """Give the time from which a provider that filters by date is asked: before the watermark, by an overlap.

    An hour more where a clock may be set back: two hours then have the same name, and a filter by name means either.
    A watermark that lies ahead was written by a clock that was ahead: until then, a day before now is asked for.
    The first poll, which takes in silently what there is, asks for all that the second may be given.
    """
    kept = reading.poll.watermark
    since = kept and (kept.get("from") or kept.get("date") or kept.get(READ))
    if since:
        last_at = datetime.fromisoformat(since)
        if last_at > reading.started_at:
            last_at = reading.started_at - EMPTY_SLACK
    elif reading.start_at is not None:
        return max(reading.start_at, EPOCH)
    else:
        begun_at = min(reading.poll.starts_at or reading.started_at, reading.started_at)
        last_at = begun_at - EMPTY_SLACK - 2 * OVERLAP - timedelta(hours=1)
    zone = reading.polled.updated.zone if reading.polled.updated else UTC
    names_zone = "timezone" in reading.polled.definition.url.lower()
    slack = OVERLAP + (timedelta(hours=1) if names_zone or _was_set_back(zone, last_at) else timedelta(0))
    return max(last_at - slack, EPOCH)


def _was_set_back(zone: tzinfo, at: datetime) -> bool:
    offsets = {(at + timedelta(hours=hours)).astimezone(zone).utcoffset() for hours in (-3, 0, 3)}
    return len(offsets) > 1


class TimestampReading:
    """One reading of a list by dates.

    The watermark is ``{"date": the newest date seen, "by": what identifies versions}``; it moves at the end of a
    list that was read whole, never back, and never beyond the poll's own start, whatever a record says. Where the
    provider filters, and the list had several pages, ``"from"`` has the next reading begin where this one did: a row
    may have moved to a page that was read already.
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
        # On the first poll, and on the first by another identity, all else is taken in silently.
        self._settling = reading.is_of_another(by_date=self._by_date)
        self._between = reading.mark_between(settling=self._settling)
        self._told = reading.told_anew if kept else reading.told_first
        self._was_compared = READ in kept
        self._created_since = self._told.since if self._told.since != OLDEST else None
        self._newest = self._since
        self._problems = Remarks()
        self._found: dict[bytes, datetime | None] = {}
        self._older: dict[str, Seen] = {}
        self._pages = 0
        self._came_twice = False
        self._complete = True

    async def read(self) -> AsyncGenerator[Sequence[Page] | Gap, None]:
        """Read the list; the pages give what is new, the last one the watermark."""
        reading = self._reading
        listing = reading.read_list(
            self._listing, settling=self._settling, came_twice=lambda: self._came_twice
        )
        async for listed in listing:
            self._pages += 1
            self._complete &= listed.complete
            seen = await self._recall(await choose(self._where, listed.records))
            page = self._compare(self._set_aside(seen))
            if not self._by_date and len(self._found) > MOST_BY_CONTENT:
                message = (
                    f"the list has more than {MOST_BY_CONTENT:,} records: too many to be told apart by their content;"
                    " narrow it with where, or have them told apart by their dates"
                )
                raise ConnectorError(message)
            if page.changes or page.remembered:
                yield (page,)
        if self._older:
            yield (self._compare(self._older.values()),)
        if not self._complete:
            self._problems.add(INCOMPLETE)
        yield (Page((), (), self._write_watermark(), more=False, remark=self._problems.write()),)

    def _write_watermark(self) -> Watermark:
        reading = self._reading
        if self._between is not None and not self._complete:
            return self._between
        newest = max(self._newest or reading.started_at - EMPTY_SLACK, EPOCH)
        newest = min(newest, reading.started_at)
        date = max(newest, self._since) if self._since else newest
        watermark = {"date": date.isoformat(), **reading.sign(by_date=self._by_date)}
        if reading.polled.definition.varies and self._pages > 1 and self._since is not None:
            watermark["from"] = self._since.isoformat()
        return watermark

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
            self._found[make_key(object_id)] = each.date
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
            if not is_other_version(each, by_date=self._by_date):
                if each.before is not None and self._has_aged(each):
                    remembered.append(self._note(each.before._replace(seen_at=reading.started_at)))
                continue
            if self._was_dropped(each):
                continue
            remembered.append(self._note(remember(each, reading.started_at, by_date=self._by_date)))
            # The same content under another date: a release before this one read its dates otherwise.
            is_silent = not self._is_told(each) if self._settling else has_same_content(each)
            if is_silent:
                continue
            changes.append(self._change(each, len(texts)))
            texts.append(each.record.text)
        return Page(tuple(texts), tuple(changes), self._between, True, tuple(remembered))

    async def _recall(self, records: list[Any]) -> list[Seen]:
        """Read the records of a page, oldest first; of an object's several versions in it, each."""
        reading = self._reading
        read = await read_records(self._reader, records)
        for record, _ in read:
            self._problems.add(*record.problems)
        if self._settling:
            self._came_twice |= any(make_key(record.object_id) in self._found for record, _ in read)
        recalled = await reading.memory.recall(reading.poll.id, [record.object_id for record, _ in read])
        undated = datetime.max.replace(tzinfo=UTC)
        read.sort(key=lambda pair: pair[0].updated_at or pair[0].created_at or undated)
        before = dict(recalled)
        seen: list[Seen] = []
        here: dict[bytes, datetime | None] = {}
        for record, raw in read:
            each = Seen(
                record,
                name_type(raw, reading.poll.resource),
                before.get(record.object_id),
                is_deleted(raw, reading.polled.resource),
            )
            if self._is_repeated(each, here):
                continue
            here[make_key(record.object_id)] = each.date
            seen.append(each)
            if not self._is_older(each) and is_other_version(each, by_date=self._by_date):
                before[record.object_id] = remember(each, reading.started_at, by_date=self._by_date)
        return seen

    def _is_repeated(self, seen: Seen, here: Mapping[bytes, datetime | None]) -> bool:
        """Say whether an object came before in this list, and no date says which of its records is the newer one.

        Should it have been changed between two pages, the next reading finds it.
        """
        object_id = seen.record.object_id
        key = make_key(object_id)
        dates = [passed[key] for passed in (self._found, here) if key in passed]
        has_own_date = self._by_date and seen.date is not None and seen.date not in dates
        if not dates or has_own_date or not is_other_version(seen, by_date=self._by_date):
            return False
        self._problems.add(f"the id {object_id[:100]!r} is not unique: its first record counts")
        return True

    def _is_told(self, seen: Seen) -> bool:
        """Say whether a record is told of a list that is taken in; not what is as it was found by comparing all."""
        return self._told.includes(seen) and not (self._was_compared and has_same_content(seen))

    def _note(self, entry: Remembered) -> Remembered:
        """Give what the memory is to keep: where dates do not count, what was seen longest ago is dropped first."""
        return entry if self._by_date else entry._replace(dated_at=None)

    def _has_aged(self, seen: Seen) -> bool:
        """Say whether a record that did not change has to be noted as seen now that its date is no longer fresh.

        Without a date that counts it is, once a day: what is not in the list any more is dropped before it.
        """
        date, before, now = seen.date, seen.before, self._reading.started_at
        if before is None:
            return False
        if not self._by_date or date is None:
            return before.seen_at < now - REFRESH
        return is_fresh(date, before.seen_at) and not is_fresh(date, now)

    def _was_dropped(self, seen: Seen) -> bool:
        """Say whether an unknown object is one that the bounded memory may have dropped.

        While everything since a start is told, that is no reason to be silent: what was told is known by its name. Nor
        is it where content alone tells records apart: of those none is dropped that is in the list.
        """
        if not self._by_date or (self._settling and self._told.since is not None):
            return False
        forgotten_before = self._reading.poll.forgotten_before
        return (
            seen.before is None
            and forgotten_before is not None
            and seen.date is not None
            and seen.date <= forgotten_before
        )

    def _change(self, seen: Seen, index: int) -> Change:
        polled = self._reading.polled
        event_type = EventType.UPDATED
        if seen.before is None:
            event_type = judge_new(
                seen,
                polled.resource,
                since=self._created_since,
                tolerance_seconds=polled.definition.created_tolerance_seconds,
            )
        elif seen.is_deleted or (
            polled.resource.appears_as is EventType.DELETED and seen.date != seen.before.dated_at
        ):
            event_type = EventType.DELETED  # once more: what it was restored by is not in the list
        change_id = name_change(seen, self._reading.poll, by_date=self._by_date)
        occurred_at = seen.date or self._reading.started_at
        return make_change(seen, event_type, change_id, index=index, occurred_at=occurred_at)
