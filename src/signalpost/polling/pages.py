"""Pages on their way into the log: each becomes events and is committed with the watermark, in one transaction."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from typing import Self

from signalpost.connectors.base import Connector
from signalpost.connectors.resource import Strategy
from signalpost.model.delivery import PageContext
from signalpost.model.errors import ConnectorError, FencedError
from signalpost.model.event import Event, Gap, Page, Remembered
from signalpost.model.instance import PollState, ResourcePoll
from signalpost.observe import Metrics, get_logger
from signalpost.polling.configuration import PolledResource
from signalpost.polling.detect import detect, identify, make_events
from signalpost.polling.labels import list_labels
from signalpost.store.events import Events
from signalpost.store.memory import Memory
from signalpost.store.page_commit import Contents, PageCommit, PageRows
from signalpost.store.queue import Queue
from signalpost.store.troubles import find_trouble
from signalpost.tracing import NO_TRACES, Tracer

log = get_logger("polling")


@dataclass(frozen=True, slots=True)
class Pages:
    """Opens positions to commit at."""

    events: Events
    memory: Memory
    queue: Queue
    metrics: Metrics
    clock: Callable[[], datetime]
    tracer: Tracer = NO_TRACES

    def open(
        self,
        state: PollState,
        connector: Connector,
        poll: ResourcePoll,
        polled: PolledResource,
        on_commit: Callable[[int, int], None],
    ) -> Position:
        """Open the position of a resource where its watermark stands.

        ``on_commit`` is told how many pages, and how many events, were committed.
        """
        return Position(self, state, connector, poll, polled, on_commit)


NOTHING = Contents()


class Position:
    """How far one reading of a resource has come. Who is overtaken commits nothing any more.

    Who leaves it waits until all is committed.
    """

    def __init__(
        self,
        pages: Pages,
        state: PollState,
        connector: Connector,
        poll: ResourcePoll,
        polled: PolledResource,
        on_commit: Callable[[int, int], None],
    ) -> None:
        self._pages = pages
        self._state = state
        self._connector = connector
        self._poll = poll
        self._strategy = polled.strategy
        self._label_fields = polled.resource.label_fields
        self._on_commit = on_commit
        self._version = poll.version
        self._watermark = poll.watermark
        self._writing: asyncio.Task[None] | None = None
        self._under_way = NOTHING

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # Amid an error, or a stop, what else went wrong is found again by the next poll: nothing was moved by it.
        with suppress(*(() if kind is None else (Exception,))):
            await self.settle()

    async def commit(self, pages: Sequence[Page]) -> None:
        """Commit pages that follow each other: their events, notifications, memory and the last one's watermark.

        All in one transaction. Where that fails for what is in one of them, those before it are committed alone. Pages
        of a feed are on their way when this returns (``settle``), and those before them are committed. What else is
        read is compared with what is remembered, so that it is committed by then.

        Raises:
            FencedError: another worker has moved the watermark.
            ConnectorError: a value of a page cannot be stored, or a record of it is no JSON.
        """
        try:
            found = await self._find(pages, self._under_way)
        except ConnectorError:
            if len(pages) == 1:
                raise
            for page in pages:
                await self.commit((page,))
            return
        if len(found.pages) > 1:  # of one page it is soon done, and hundreds may wait with one each
            found.prepare()
        await self.settle()
        if (
            not (found.pages or found.remembered or found.forgotten)
            and pages[-1].watermark == self._watermark
        ):
            return
        self._under_way = found
        self._writing = asyncio.create_task(self._write(pages, found))
        if self._strategy is Strategy.FEED:
            if len(found.pages) > 1:
                await asyncio.sleep(0)  # it begins before what follows is compared
        else:
            await self.settle()

    async def settle(self) -> None:
        """Wait until what is on its way is committed; raises as ``commit``."""
        writing, self._writing = self._writing, None
        if writing is not None:
            await writing
            self._under_way = NOTHING

    async def _write(self, pages: Sequence[Page], found: Contents) -> None:
        try:
            await self._write_together(pages, found)
        except FencedError:
            raise
        except Exception as error:
            if len(pages) == 1 or find_trouble(error) is not None:
                raise
        else:
            return
        for page in pages:
            await self._write_together((page,), await self._find((page,), NOTHING))

    async def _write_together(self, pages: Sequence[Page], found: Contents) -> None:
        parts, watermark, events = self._pages, pages[-1].watermark, found.events
        with parts.tracer.open_span("page.commit", resource=self._poll.resource, events=events) as span:
            commit = PageCommit(
                instance_id=self._state.instance_id,
                poll_id=self._poll.id,
                resource=self._poll.resource,
                version=self._version,
                watermark=watermark,
                polled_at=parts.clock().astimezone(UTC),
                context=self._describe(span.traceparent),
                contents=found,
                # A snapshot is compared with all of its memory: it is bounded by the list.
                bounded=self._strategy is not Strategy.SNAPSHOT,
            )
            waits = await parts.events.commit_page(commit)
        if self._watermark is None and watermark is not None:
            log.info("poll.started", instance=self._state.instance_id, resource=self._poll.resource)
        self._version += 1
        self._watermark = watermark
        self._tell(len(pages), events)
        if waits:
            cause = f"page:{self._poll.id}:{self._version}"
            await parts.queue.wake_lane(self._state.instance_id, cause)

    def _describe(self, traceparent: str | None) -> PageContext:
        """Say what a page comes from."""
        state, connector = self._state, self._connector
        return PageContext(
            connector=connector.key,
            hub=connector.hub,
            resource=self._poll.resource,
            instance_name=state.name,
            instance_tags=state.tags,
            organization_id=state.organization_id,
            user_id=state.user_id,
            full_raw=state.full_raw,
            traceparent=traceparent,
        )

    async def _find(self, pages: Sequence[Page], under_way: Contents) -> Contents:
        """Find what pages become that follow those ``under_way``, of which the database may know, or not yet."""
        if not any(page.changes or page.remembered or page.forgotten for page in pages):
            return NOTHING
        parts, poll = self._pages, self._poll
        event_ids = [identify(self._state.instance_id, poll.resource, page.changes) for page in pages]
        objects = dict.fromkeys(change.remembered_id for page in pages for change in page.changes)
        is_feed = self._strategy is Strategy.FEED
        found_events, recalled = await asyncio.gather(
            parts.events.find_stored([*chain.from_iterable(event_ids)]),
            parts.memory.recall(poll.id, list(objects) if is_feed else ()),
        )
        stored, known = set(found_events), dict(recalled)
        stored.update(event.id for each in under_way.pages for event in each.events)
        rows: list[PageRows] = []
        remembered: dict[str, Remembered] = {}
        forgotten: dict[str, None] = {}
        if not is_feed:
            for page, ids in zip(pages, event_ids, strict=True):
                rows += self._list_rows(page.records, make_events(page.changes, ids, stored))
                remembered.update((each.object_id, each) for each in page.remembered)
                forgotten.update(dict.fromkeys(page.forgotten))
            return Contents(rows, remembered, forgotten)
        for object_id in under_way.forgotten:
            known.pop(object_id, None)
        known.update(under_way.remembered)
        for page, ids in zip(pages, event_ids, strict=True):
            found = detect(page, ids, known=known, stored_events=stored, now=parts.clock())
            rows += self._list_rows(found.records, found.events)
            stored.update(event.id for event in found.events)
            for each in found.remembered:
                known[each.object_id] = remembered[each.object_id] = each
            for object_id in found.forgotten:
                del known[object_id]
                remembered.pop(object_id, None)
                forgotten[object_id] = None
        return Contents(rows, remembered, forgotten)

    def _list_rows(self, records: Sequence[str], events: Sequence[Event]) -> list[PageRows]:
        """Give the rows of a page; none where it has no events."""
        if not events:
            return []
        return [PageRows(records, events, list_labels(events, records, self._label_fields))]

    def _tell(self, pages: int, events: int) -> None:
        metrics = self._pages.metrics
        metrics.pages.inc(pages)
        self._on_commit(pages, events)
        if events:
            metrics.events.inc(events)
            log.info(
                "poll.page_committed",
                instance=self._state.instance_id,
                resource=self._poll.resource,
                pages=pages,
                events=events,
            )

    async def commit_gap(self, gap: Gap) -> None:
        """Record a gap and move over it.

        Raises:
            FencedError: another worker has moved the watermark.
        """
        parts = self._pages
        await self.settle()
        await parts.events.commit_gap(self._state.instance_id, self._poll, self._version, gap, parts.clock())
        self._version += 1
        self._watermark = gap.to_watermark
        parts.metrics.gaps.inc()
        log.error(
            "poll.gap_recorded",
            instance=self._state.instance_id,
            resource=self._poll.resource,
            reason=gap.reason,
        )
