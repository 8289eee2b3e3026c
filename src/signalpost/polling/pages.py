"""Pages on their way into the log: each becomes events and is committed with the watermark, in one transaction."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from signalpost.connectors.base import Connector
from signalpost.connectors.resource import Strategy
from signalpost.model.delivery import PageContext
from signalpost.model.event import Event, Gap, Page
from signalpost.model.instance import PollState, ResourcePoll
from signalpost.observe import Metrics, get_logger
from signalpost.polling.detect import detect, identify, make_events
from signalpost.polling.labels import add_labels
from signalpost.store.events import Events, PageCommit
from signalpost.store.memory import Memory
from signalpost.store.queue import Queue
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
        self.events_committed = 0

    async def commit(self, page: Page) -> bool:
        """Commit a page: its events, notifications, memory and watermark. Says whether there was anything to write.

        Afterwards ``events_committed`` is how many events it had.

        Raises:
            FencedError: another worker has moved the watermark.
            ConnectorError: a value of the page cannot be stored.
        """
        parts = self._pages
        events: list[Event] = []
        if page.changes:
            event_ids = identify(self._state.instance_id, self._poll.resource, page.changes)
            stored = await parts.events.find_stored(event_ids)
            if self._strategy is Strategy.FEED:
                ids = list(dict.fromkeys(change.object_id for change in page.changes))
                known = await parts.memory.recall(self._poll.id, ids)
                found = detect(page, event_ids, known=known, stored_events=stored, now=parts.clock())
                page = replace(
                    page, records=found.records, remembered=found.remembered, forgotten=found.forgotten
                )
                events = list(found.events)
            else:
                events = make_events(page.changes, event_ids, stored)
            events = add_labels(events, page.records, self._label_fields)
        if not (events or page.remembered or page.forgotten) and page.watermark == self._watermark:
            return False
        with parts.tracer.open_span("page.commit", resource=self._poll.resource, events=len(events)) as span:
            waits = await parts.events.commit_page(self._write(page, events, span.traceparent))
        if self._watermark is None and page.watermark is not None:
            log.info("poll.started", instance=self._state.instance_id, resource=self._poll.resource)
        self._version += 1
        self._watermark = page.watermark
        self.events_committed = len(events)
        parts.metrics.pages.inc()
        if events:
            parts.metrics.events.inc(len(events))
            log.info(
                "poll.page_committed",
                instance=self._state.instance_id,
                resource=self._poll.resource,
                events=len(events),
            )
        if waits:
            cause = f"page:{self._poll.id}:{self._version}"
            await parts.queue.wake_lane(self._state.instance_id, cause)
        return True

    def _write(self, page: Page, events: list[Event], traceparent: str | None) -> PageCommit:
        return PageCommit(
            instance_id=self._state.instance_id,
            poll_id=self._poll.id,
            resource=self._poll.resource,
            version=self._version,
            watermark=page.watermark,
            polled_at=self._pages.clock().astimezone(UTC),
            records=page.records,
            events=events,
            context=replace(self._context, traceparent=traceparent) if traceparent else self._context,
            remembered=page.remembered,
            forgotten=page.forgotten,
            # A snapshot is compared with all of its memory: it is bounded by the list.
            bounded=self._strategy is not Strategy.SNAPSHOT,
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
