"""One poll of one instance: reads each resource from its watermark and commits page by page."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Protocol, TypeVar

from signalpost.connectors.base import Connector, Feed, Session
from signalpost.connectors.registry import Registry
from signalpost.model.backoff import Chance, wait_before_poll
from signalpost.model.delivery import PageContext
from signalpost.model.errors import (
    ConnectorError,
    FencedError,
    NeedsAuthorisationError,
    ProviderError,
    RetryLaterError,
    SignalpostError,
    WatermarkLostError,
)
from signalpost.model.event import Page
from signalpost.model.ids import InstanceId
from signalpost.model.instance import PollState, ResourcePoll
from signalpost.observe import Metrics, get_logger
from signalpost.polling.configuration import match_resource
from signalpost.polling.detect import detect, identify
from signalpost.polling.scheduler import next_on_grid
from signalpost.store.events import Events, PageCommit
from signalpost.store.polls import FinishedPoll, Polls
from signalpost.store.queue import Queue

log = get_logger("polling")

Read = TypeVar("Read")

MOST_PAGES = 1000
"""Pages read of one resource in one poll: then others get their turn, and the next poll goes on at once."""


class OpenSession(Protocol):
    """Opens the provider session of an instance (wiring gives it)."""

    def __call__(self, connector: Connector, state: PollState) -> Session:
        """Open it; no call is made yet."""
        ...


@dataclass(frozen=True, slots=True)
class PollerParts:
    """What a poller works with."""

    registry: Registry
    polls: Polls
    events: Events
    queue: Queue
    open_session: OpenSession
    metrics: Metrics
    clock: Callable[[], datetime]
    chance: Chance


class Poller:
    """Polls instances. Nothing is kept between polls but what is in the rows."""

    def __init__(self, parts: PollerParts) -> None:
        self._parts = parts
        self._active: set[InstanceId] = set()

    async def poll(self, instance_id: InstanceId) -> None:
        """Poll the instance's resources one after the other; one that fails does not stop the others.

        Never raises for what the provider did: that is recorded, shown, and tried again after a back-off.
        """
        if instance_id in self._active:
            return
        self._active.add(instance_id)
        try:
            state = await self._parts.polls.load(instance_id)
            if state is not None:
                await self._poll(state)
        finally:
            self._active.discard(instance_id)

    async def _poll(self, state: PollState) -> None:
        parts = self._parts
        started_at = parts.clock()
        connector = parts.registry.find(state.connector)
        session = parts.open_session(connector, state)
        failures: list[ProviderError] = []
        unfinished = False
        for poll in state.resources:
            try:
                unfinished |= await self._poll_resource(state, connector, session, poll)
            except FencedError as error:
                log.info(
                    "poll.overtaken", instance=state.instance_id, resource=poll.resource, reason=str(error)
                )
            except NeedsAuthorisationError as error:
                if await parts.polls.require_authorisation(state.instance_id, state.tokens.version):
                    log.warning("poll.needs_authorisation", instance=state.instance_id, reason=str(error))
                failures.append(error)
                await self._record_failure(state, poll, error)
                break
            except ProviderError as error:
                failures.append(error)
                await self._record_failure(state, poll, error)
                if isinstance(error, RetryLaterError) and error.after_seconds:
                    break  # the provider asked to be left alone: the other resources wait as well
        parts.metrics.polls.labels("failed" if failures else "ok").inc()
        await parts.polls.finish(self._finish(state, started_at, failures, unfinished=unfinished))

    def _finish(
        self, state: PollState, started_at: datetime, failures: list[ProviderError], *, unfinished: bool
    ) -> FinishedPoll:
        now = self._parts.clock()
        count = state.consecutive_failures + 1 if failures else 0
        if failures:
            wait = wait_before_poll(count, interval_seconds=state.interval_seconds, chance=self._parts.chance)
            asked = max((getattr(error, "after_seconds", None) or 0.0) for error in failures)
            next_at = now + timedelta(seconds=max(wait, asked))
        elif unfinished:
            next_at = now
        else:
            next_at = next_on_grid(state.instance_id, state.interval_seconds, now)
        return FinishedPoll(state.instance_id, started_at, next_at, count)

    async def _record_failure(self, state: PollState, poll: ResourcePoll, error: SignalpostError) -> None:
        """Keep the reason; log it once when it begins, not at every poll."""
        await self._parts.polls.record_failure(
            state.instance_id, poll.resource, str(error), self._parts.clock()
        )
        if not poll.failing:
            log.warning("poll.failed", instance=state.instance_id, resource=poll.resource, reason=str(error))

    async def _poll_resource(
        self, state: PollState, connector: Connector, session: Session, poll: ResourcePoll
    ) -> bool:
        """Read one resource from its watermark on. Says whether more waits than one poll may read."""
        parts = self._parts
        matched = match_resource(poll.resource, poll.configuration, connector)
        feed = connector.open_feed(
            matched.resource, {**poll.configuration, "idField": matched.id_field}, matched.parameters
        )
        version, watermark = poll.version, poll.watermark
        if watermark is None:
            watermark = await _guard(feed.find_start(session))
            await parts.events.start(state.instance_id, poll.resource, version, watermark)
            log.info("poll.started_from_now", instance=state.instance_id, resource=poll.resource)
            version += 1
        recovered = False
        for _ in range(MOST_PAGES):
            try:
                page = await _guard(feed.read(session, watermark))
            except WatermarkLostError:
                if recovered:
                    raise
                watermark = await self._recover(state, session, feed, poll, version, watermark)
                version, recovered = version + 1, True
                continue
            if page.watermark != watermark:
                await self._commit(state, connector, poll, version, page)
                version, watermark = version + 1, page.watermark
            if not page.more:
                break
        else:
            return True
        if poll.failing:
            await parts.polls.record_recovery(state.instance_id, poll.resource, parts.clock())
            log.info("poll.recovered", instance=state.instance_id, resource=poll.resource)
        return False

    async def _recover(
        self,
        state: PollState,
        session: Session,
        feed: Feed,
        poll: ResourcePoll,
        version: int,
        watermark: Mapping[str, object],
    ) -> dict[str, object]:
        gap = await _guard(feed.recover(session, dict(watermark)))
        await self._parts.events.commit_gap(
            state.instance_id, poll.resource, version, gap, self._parts.clock()
        )
        self._parts.metrics.gaps.inc()
        log.error("poll.gap_recorded", instance=state.instance_id, resource=poll.resource, reason=gap.reason)
        return gap.to_watermark

    async def _commit(
        self, state: PollState, connector: Connector, poll: ResourcePoll, version: int, page: Page
    ) -> None:
        parts = self._parts
        event_ids = identify(state.instance_id, poll.resource, page.changes)
        known_objects, stored_events = await parts.events.find_known(
            state.instance_id,
            [change.object_id for change in page.changes if change.creates_or_updates],
            event_ids,
        )
        events = detect(page.changes, event_ids, known_objects=known_objects, stored_events=stored_events)
        commit = PageCommit(
            instance_id=state.instance_id,
            resource=poll.resource,
            version=version,
            watermark=page.watermark,
            polled_at=parts.clock().astimezone(UTC),
            records=page.records,
            events=events,
            context=PageContext(
                connector=connector.key,
                hub=connector.hub,
                resource=poll.resource,
                instance_name=state.name,
                instance_tags=state.tags,
                organization_id=state.organization_id,
                user_id=state.user_id,
                full_raw=state.full_raw,
            ),
        )
        waits = await parts.events.commit_page(commit)
        parts.metrics.events.inc(len(events))
        log.info(
            "poll.page_committed", instance=state.instance_id, resource=poll.resource, events=len(events)
        )
        if waits:
            await parts.queue.enqueue_deliveries([state.instance_id])


async def _guard(reading: Awaitable[Read]) -> Read:
    """Turn a connector's own fault into a failed read: its resource is told as failing, nothing else stops."""
    try:
        return await reading
    except SignalpostError:
        raise
    except Exception as error:
        log.exception("connector.failed")
        message = f"the connector failed: {type(error).__name__}: {str(error)[:300]}"
        raise ConnectorError(message) from error
