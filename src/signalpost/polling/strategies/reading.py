"""What every strategy reads with, and how a list is read to its end: bounded, and told when it has none."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Any

import orjson

from signalpost.connectors.containment import guard
from signalpost.connectors.resource import Listing, ListPage, Session
from signalpost.model.errors import ConnectorError
from signalpost.model.event import Watermark
from signalpost.model.instance import ResourcePoll
from signalpost.polling.configuration import PolledResource
from signalpost.polling.records import ReadRecord, RecordReader
from signalpost.polling.strategies.ahead import Room
from signalpost.polling.strategies.objects import OVERLAP, Told
from signalpost.store.memory import Memory

READ = "read"
"""In the watermark of a list that is compared whole: when it was read, up to an hour ago if nothing was found since."""

RECORDS_A_TURN = 500
SAME_ZONES = ("UTC", "GMT")
MOST_LIST_PAGES = 2000
"""Pages of one list in one poll: a list that is longer is told as failing rather than read for ever."""


@dataclass(frozen=True, slots=True)
class Reading:
    """One reading of one resource.

    ``started_at`` is when the poll began; ``start_at`` is from when on the first poll tells changes (None: from
    when the resource was to be polled, as far as that is known); ``room`` is for pages that are read ahead.
    """

    session: Session
    polled: PolledResource
    poll: ResourcePoll
    memory: Memory
    started_at: datetime
    start_at: datetime | None
    room: Room

    @property
    def told_first(self) -> Told:
        """What the first poll tells of a list: what is dated from when it was to be polled, unless more is asked for.

        Then not what is dated ahead of that poll, by more than clocks may differ: such a date does not say when its
        record was changed.
        """
        if self.start_at is not None:
            return Told(self.start_at)
        return Told(self.poll.starts_at, until=self.started_at + OVERLAP)

    @property
    def told_anew(self) -> Told:
        """What is told of a list that is read otherwise than before: what is dated since it was read last, if known.

        A list that was read by dates has the newest of them, one that was compared whole the time of that (``READ``),
        which told what is dated until then; what is dated ahead says nothing, as of the first poll.
        """
        kept = self.poll.watermark or {}
        if kept.get("date"):
            return Told(datetime.fromisoformat(kept["date"]))
        if not kept.get(READ):
            return Told(None)
        after = datetime.fromisoformat(kept[READ]) + datetime.resolution
        return Told(after, until=self.started_at + OVERLAP)

    def sign(self, *, by_date: bool, utc: str | None = None) -> dict[str, str]:
        """Give what tells, in a watermark, by which configuration objects and their versions were found.

        ``by`` changes with all that may have others be found. Where versions are contents, dates do not matter: there
        ``objects`` stays when these change. (Older releases know ``by`` alone, and may run beside this one.) ``utc``
        stands for both names of that zone (None: each as it was given).
        """
        polled = self.polled
        objects = [polled.strategy.value, polled.definition.url, polled.id_field]
        dates = [
            each and [each.field, each.pattern.text, _name_zone(each.zone, utc)]
            for each in (polled.updated, polled.created)
        ]
        signed = {"by": _hash([*objects, dates, polled.definition.filter_by_updated])}
        return signed if by_date else signed | {"objects": _hash(objects)}

    def is_of_another(self, *, by_date: bool) -> bool:
        """Say whether the watermark is of a configuration by which other objects, or versions, were found."""
        kept = self.poll.watermark or {}
        # What writes the declared dates in full calls their zone GMT, what leaves them out UTC: both find the same.
        signs = (self.sign(by_date=by_date, utc=utc) for utc in (None, *SAME_ZONES))
        return not any(kept.get(name) == sign for signed in signs for name, sign in signed.items())

    def mark_between(self, *, settling: bool) -> Watermark | None:
        """Give the watermark of the pages before the last one: that of the poll.

        While another identity is taken in, it is that of none: should it be cut off and taken back, the memory is no
        longer what the old one found.
        """
        kept = self.poll.watermark
        return {**kept, "by": "", "objects": ""} if kept is not None and settling else kept

    def read_list(
        self, listing: Listing, *, settling: bool = False, came_twice: Callable[[], bool] = lambda: False
    ) -> AsyncIterator[ListPage]:
        """Read a list of the resource, as ``read_list`` does, by pages as large as its configuration wants them."""
        size = self.polled.definition.page_size
        return read_list(listing, self.session, size, settling=settling, came_twice=came_twice)


def _name_zone(zone: tzinfo, utc: str | None) -> str:
    name = str(zone)
    return utc if utc is not None and name in SAME_ZONES else name


def _hash(parts: list[Any]) -> str:
    return hashlib.blake2b(orjson.dumps(parts), digest_size=8).hexdigest()


async def read_records(reader: RecordReader, records: Iterable[Any]) -> list[tuple[ReadRecord, Any]]:
    """Read records, each beside what it was. Between them others get their turns: a page may hold very many."""
    read = []
    for number, record in enumerate(records, start=1):
        read.append((reader.read(record), record))
        if number % RECORDS_A_TURN == 0:
            await asyncio.sleep(0)
    return read


async def read_list(
    listing: Listing,
    session: Session,
    size: int | None,
    *,
    settling: bool = False,
    came_twice: Callable[[], bool] = lambda: False,
) -> AsyncIterator[ListPage]:
    """Read a list from its first page to its last.

    While it is taken in (``settling``), what it lacked would be told as new by the next poll: so it is read once more
    where it ended too early, changed its total, as a row that went moves those behind it to pages already read, or has
    rows that ``came_twice``, as one that moved to such a page moves those before it to the next.

    Raises:
        ConnectorError: it never ends: a page leads back to one before, or there are more than ``MOST_LIST_PAGES``.
    """
    totals: set[int | None] = set()
    complete = True
    async for page in _read_once(listing, session, size):
        totals.add(page.total)
        complete &= page.complete
        yield page
    if settling and (came_twice() or not (complete and len(totals) == 1)):
        async for page in _read_once(listing, session, size):
            yield page


async def _read_once(listing: Listing, session: Session, size: int | None) -> AsyncIterator[ListPage]:
    position: str | None = None
    passed: set[str] = set()
    for _ in range(MOST_LIST_PAGES):
        page = await guard(listing, "read", ListPage, session, position, size)
        yield page
        if page.next is None:
            return
        if page.next in passed:
            message = (
                f"the list does not end: the provider named the page {page.next[:100]!r} as the next for the second"
                " time; nothing was concluded from it"
            )
            raise ConnectorError(message)
        passed.add(page.next)
        position = page.next
    message = (
        f"the list has more than {MOST_LIST_PAGES:,} pages and was left there; narrow it with where, or have larger"
        " pages with pageSize"
    )
    raise ConnectorError(message)
