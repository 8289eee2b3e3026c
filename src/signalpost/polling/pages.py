"""Pages on their way into the log: each becomes events and is committed with the watermark, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from itertools import chain

from signalpost.connectors.base import Connector
from signalpost.connectors.resource import Strategy
from signalpost.model.delivery import PageContext
from signalpost.model.errors import FencedError
from signalpost.model.event import Event, Gap, Page, Remembered
from signalpost.model.instance import PollState, ResourcePoll
from signalpost.observe import Metrics, get_logger
from signalpost.polling.detect import detect, identify, make_events
from signalpost.polling.labels import add_labels
from signalpost.store.events import Events, PageCommit, PageRows
from signalpost.store.memory import Memory
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
        *,
        strategy: Strategy,
        label_fields: Sequence[str] = (),
    ) -> Position:
        """Open the position of a resource where its watermark stands; its events are called by ``label_fields``."""
        context = PageContext(
            connector=connector.key,
            hub=connector.hub,
            resource=poll.resource,
            instance_name=state.name,
            instance_tags=state.tags,
            organization_id=state.organization_id,
            user_id=state.user_id,
            full_raw=state.full_raw,
        )
        return Position(self, state, poll, context, strategy, label_fields)


@dataclass(frozen=True, slots=True)
class Committed:
    """How many pages were written, and how many events."""

    pages: int
    events: int

    def add(self, other: Committed) -> Committed:
        """Give both together."""
        return Committed(self.pages + other.pages, self.events + other.events)


class Position:
    """How far one reading of a resource has come. Who is overtaken commits nothing any more."""

    def __init__(
        self,
        pages: Pages,
        state: PollState,
        poll: ResourcePoll,
        context: PageContext,
        strategy: Strategy,
        label_fields: Sequence[str],
    ) -> None:
        self._pages = pages
        self._state = state
        self._poll = poll
        self._context = context
        self._strategy = strategy
        self._label_fields = label_fields
        self._version = poll.version
        self._watermark = poll.watermark

    async def commit(self, pages: Sequence[Page]) -> Committed:
        """Commit pages that follow each other: their events, notifications, memory and the last one's watermark.

        All in one transaction. Where that fails for what is in one of them, those before it are committed alone.

        Raises:
            FencedError: another worker has moved the watermark.
            ConnectorError: a value of a page cannot be stored.
        """
        try:
            return await self._commit(pages)
        except FencedError:
            raise
        except Exception as error:
            if len(pages) == 1 or find_trouble(error) is not None:
                raise
        committed = Committed(0, 0)
        for page in pages:
            committed = committed.add(await self._commit((page,)))
        return committed

    async def _commit(self, pages: Sequence[Page]) -> Committed:
        parts, last = self._pages, pages[-1]
        rows, remembered, forgotten = await self._detect(pages)
        events = sum(len(each.events) for each in rows)
        if not (events or remembered or forgotten) and last.watermark == self._watermark:
            return Committed(0, 0)
        with parts.tracer.open_span("page.commit", resource=self._poll.resource, events=events) as span:
            commit = PageCommit(
                instance_id=self._state.instance_id,
                poll_id=self._poll.id,
                resource=self._poll.resource,
                version=self._version,
                watermark=last.watermark,
                polled_at=parts.clock().astimezone(UTC),
                pages=[each for each in rows if each.events],
                context=replace(self._context, traceparent=span.traceparent)
                if span.traceparent
                else self._context,
                remembered=remembered,
                forgotten=forgotten,
                # A snapshot is compared with all of its memory: it is bounded by the list.
                bounded=self._strategy is not Strategy.SNAPSHOT,
            )
            waits = await parts.events.commit_page(commit)
        if self._watermark is None and last.watermark is not None:
            log.info("poll.started", instance=self._state.instance_id, resource=self._poll.resource)
        self._version += 1
        self._watermark = last.watermark
        self._tell(len(pages), events)
        if waits:
            cause = f"page:{self._poll.id}:{self._version}"
            await parts.queue.wake_lane(self._state.instance_id, cause)
        return Committed(len(pages), events)

    async def _detect(self, pages: Sequence[Page]) -> tuple[list[PageRows], list[Remembered], list[str]]:
        """Give the rows of each page, and what all of them change in the memory of objects."""
        parts, poll = self._pages, self._poll
        event_ids = [identify(self._state.instance_id, poll.resource, page.changes) for page in pages]
        asked = [*chain.from_iterable(event_ids)]
        stored = set(await parts.events.find_stored(asked)) if asked else set()
        rows: list[PageRows] = []
        if self._strategy is not Strategy.FEED:
            for page, ids in zip(pages, event_ids, strict=True):
                rows.append(self._label(page.records, make_events(page.changes, ids, stored)))
            return (
                rows,
                [*chain.from_iterable(page.remembered for page in pages)],
                [*chain.from_iterable(page.forgotten for page in pages)],
            )
        objects = dict.fromkeys(change.object_id for page in pages for change in page.changes)
        known = dict(await parts.memory.recall(poll.id, list(objects)))
        remembered: dict[str, Remembered] = {}
        forgotten: dict[str, None] = {}
        for page, ids in zip(pages, event_ids, strict=True):
            found = detect(page, ids, known=known, stored_events=stored, now=parts.clock())
            rows.append(self._label(found.records, found.events))
            stored.update(event.id for event in found.events)
            for each in found.remembered:
                known[each.object_id] = remembered[each.object_id] = each
            for object_id in found.forgotten:
                del known[object_id]
                remembered.pop(object_id, None)
                forgotten[object_id] = None
        return rows, list(remembered.values()), list(forgotten)

    def _label(self, records: Sequence[str], events: Sequence[Event]) -> PageRows:
        return PageRows(records, add_labels(events, records, self._label_fields))

    def _tell(self, pages: int, events: int) -> None:
        metrics = self._pages.metrics
        metrics.pages.inc(pages)
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
