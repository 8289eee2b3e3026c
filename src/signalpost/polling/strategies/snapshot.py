"""Strategy ``snapshot``: the whole list, compared with what it was; the only way to see deletions."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

from signalpost.connectors.resource import Listing
from signalpost.model.configuration import OLDEST
from signalpost.model.errors import ConnectorError
from signalpost.model.event import Change, EventType, Gap, Page, Remembered
from signalpost.polling.records import RecordReader
from signalpost.polling.strategies.objects import (
    INCOMPLETE,
    Remarks,
    Seen,
    has_same_content,
    is_deleted,
    is_other_version,
    judge_new,
    make_change,
    name_type,
    remember,
    write_deletion,
)
from signalpost.polling.strategies.reading import READ, Reading, read_records
from signalpost.polling.where import Where
from signalpost.store.events import MOST_REMEMBERED
from signalpost.store.memory import make_key

DELETIONS_A_PAGE = 100
READ_ANEW = timedelta(hours=1)
MOVED = "no deletions were concluded this time, as the list changed while it was read"


class SnapshotReading:
    """One reading of a whole list.

    The memory holds every object of the list with the hash of its content. The watermark is ``{"since": when the list
    was first taken in, "read": when it was read}`` and what identifies objects (``Reading.sign``). Deletions are
    concluded at the very end, from a list that was read without a doubt; where it had several pages, or is all of a
    sudden empty, it is read once more, and only what both readings lack is deleted: a row that moved to an earlier
    page meanwhile is in one of them. Where rows moved to later pages, and so came twice, nothing is said to be deleted
    this time.
    """

    def __init__(
        self,
        reading: Reading,
        listing: Listing,
        reader: RecordReader,
        where: Where,
        most: int = MOST_REMEMBERED,
    ) -> None:
        self._reading = reading
        self._listing = listing
        self._reader = reader
        self._where = where
        self._most = most
        kept = reading.poll.watermark or {}
        self._settling = reading.is_of_another(by_date=False)
        self._between = reading.mark_between(settling=self._settling)
        self._told = reading.told_anew if kept else reading.told_first
        self._since = kept.get("since") or reading.started_at.isoformat()
        self._found: set[bytes] = set()
        self._doubts = Remarks()
        self._problems = Remarks()
        self._pages = 0
        self._found_some = self._settling
        self._came_twice = False
        self._totals: set[int | None] = set()

    async def read(self) -> AsyncGenerator[Sequence[Page] | Gap, None]:
        """Read the list; the pages give what is new and changed, then what is gone, the last one the watermark."""
        reading = self._reading
        listing = reading.read_list(
            self._listing, settling=self._settling, came_twice=lambda: self._came_twice
        )
        async for listed in listing:
            self._pages += 1
            self._totals.add(listed.total)
            if not listed.complete:
                self._doubts.add(INCOMPLETE)
            page = await self._compare(listed.records)
            if page.changes or page.remembered:
                self._found_some = True
                yield (page,)
        gone = await self._find_gone()
        self._found_some |= bool(gone)
        for place in range(0, len(gone), DELETIONS_A_PAGE):
            yield (self._delete(gone[place : place + DELETIONS_A_PAGE]),)
        watermark = {"since": self._since, READ: self._write_read_at(), **reading.sign(by_date=False)}
        remark = "; ".join(filter(None, (self._doubts.write(), self._problems.write()))) or None
        yield (Page((), (), watermark, more=False, remark=remark),)

    def _write_read_at(self) -> str:
        """Write when the list was read: not anew by each reading that finds nothing, as that writes nothing."""
        kept, now = (self._reading.poll.watermark or {}).get(READ), self._reading.started_at
        if kept and not self._found_some and abs(now - datetime.fromisoformat(kept)) < READ_ANEW:
            return str(kept)
        return now.isoformat()

    async def _compare(self, records: Sequence[Any]) -> Page:
        reading = self._reading
        read = []
        here: set[bytes] = set()
        for record, raw in await read_records(self._reader, self._leave_out(records)):
            self._problems.add(*record.problems)
            key = make_key(record.object_id)
            if key in self._found:
                self._note_repetition(record.object_id, here=key in here)
                continue
            here.add(key)
            self._found.add(key)
            if record.by_content and reading.polled.id_field:
                self._doubts.add("no deletions were concluded, as records have no id")
            read.append((record, raw))
        if len(self._found) > self._most:
            message = (
                f"the list has more than {self._most:,} records: too many for a snapshot; narrow it with where,"
                ' or use "strategy": "timestamp"'
            )
            raise ConnectorError(message)
        recalled = await reading.memory.recall(reading.poll.id, [record.object_id for record, _ in read])
        texts: list[str] = []
        changes: list[Change] = []
        remembered: list[Remembered] = []
        for record, raw in read:
            seen = Seen(record, name_type(raw, reading.poll.resource), recalled.get(record.object_id))
            if not is_other_version(seen, by_date=False):
                continue
            remembered.append(remember(seen, reading.started_at, by_date=False))
            if self._settling and (has_same_content(seen) or not self._told.includes(seen)):
                continue
            changes.append(self._change(seen, len(texts)))
            texts.append(record.text)
        return Page(tuple(texts), tuple(changes), self._between, True, tuple(remembered))

    def _leave_out(self, records: Sequence[Any]) -> Iterator[Any]:
        """Leave out records that do not meet the ``where``, and those of objects that they say are deleted."""
        resource = self._reading.polled.resource
        return (raw for raw in records if self._where.matches(raw) and not is_deleted(raw, resource))

    def _note_repetition(self, object_id: str, *, here: bool) -> None:
        if here:
            self._problems.add(f"the id {object_id[:100]!r} is not unique: its first record counts")
        else:
            self._came_twice = True
            self._doubts.add(MOVED)

    def _change(self, seen: Seen, index: int) -> Change:
        reading = self._reading
        event_type = EventType.UPDATED if seen.before else self._judge_new(seen)
        date = seen.date
        if date is None or (seen.before is not None and date == seen.before.dated_at):
            date = reading.started_at
        # A content may come back after another, and an object after its deletion: the poll's version keeps them apart.
        poll = reading.poll
        change_id = f"{poll.id}/{seen.record.object_id}@{seen.record.content}#{poll.version}"
        return make_change(seen, event_type, change_id, index=index, occurred_at=date)

    def _judge_new(self, seen: Seen) -> EventType:
        """Say what an object means that was never seen: of a list that is taken in its dates say whether it is new."""
        polled = self._reading.polled
        since = self._told.since if self._settling and self._told.since != OLDEST else None
        tolerance_seconds = polled.definition.created_tolerance_seconds
        return judge_new(seen, polled.resource, since=since, tolerance_seconds=tolerance_seconds)

    async def _find_gone(self) -> list[Remembered]:
        reading = self._reading
        known = await reading.memory.list_keys(reading.poll.id)
        gone = known - self._found
        if len(self._totals) > 1:
            self._doubts.add(MOVED)
        if not gone or self._is_in_doubt():
            return []
        if self._pages > 1 or gone == known:
            again: set[bytes] = set()
            async for listed in reading.read_list(self._listing):
                if not listed.complete:
                    self._doubts.add(INCOMPLETE)
                keys = {make_key(self._reader.read(raw).object_id) for raw in self._leave_out(listed.records)}
                if keys & again:
                    self._doubts.add(MOVED)
                again |= keys
            if self._is_in_doubt():
                return []
            gone -= again
        return await reading.memory.recall_keys(reading.poll.id, sorted(gone))

    def _is_in_doubt(self) -> bool:
        """Say whether nothing is to be concluded. What another identity found is forgotten all the same.

        Nothing is told of that; were it kept, the next reading would take it for deleted.
        """
        return bool(self._doubts) and not self._settling

    def _delete(self, gone: Sequence[Remembered]) -> Page:
        reading = self._reading
        now = reading.started_at
        forgotten = tuple(each.object_id for each in gone)
        # Of another list than before nothing can be said of what it lacks; what leaves a list of deleted things is
        # restored, or gone for good, and was told to be deleted when it came.
        if self._settling or reading.polled.resource.appears_as is EventType.DELETED:
            return Page((), (), self._between, True, (), forgotten)
        texts = tuple(write_deletion(each, reading.polled.id_field, now) for each in gone)
        changes = tuple(
            Change(
                change_id=f"{reading.poll.id}/{each.object_id}@deleted#{reading.poll.version}",
                object_id=each.object_id,
                object_type=each.object_type,
                event_type=EventType.DELETED,
                occurred_at=now,
                record_index=index,
            )
            for index, each in enumerate(gone)
        )
        return Page(texts, changes, self._between, True, (), forgotten)
