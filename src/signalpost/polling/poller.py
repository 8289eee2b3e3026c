"""One poll of one instance: reads each resource from its watermark and commits page by page."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from datetime import datetime, timedelta

from signalpost.connectors.authorising import tell_how_to_authorise
from signalpost.connectors.base import Connector
from signalpost.connectors.registry import Registry
from signalpost.connectors.resource import Strategy
from signalpost.model.backoff import Chance, wait_before_poll
from signalpost.model.configuration import read_start
from signalpost.model.errors import (
    ConnectorError,
    FencedError,
    NeedsAuthorisationError,
    QuotaSpentError,
    RenewedTokenRefusedError,
    RetryLaterError,
    SignalpostError,
)
from signalpost.model.event import Gap
from signalpost.model.ids import InstanceId
from signalpost.model.instance import PollState, ResourcePoll
from signalpost.observe import Metrics, get_logger
from signalpost.polling.admission import Admission
from signalpost.polling.configuration import recall_resource
from signalpost.polling.ends import Ends
from signalpost.polling.grid import is_first_of_hour
from signalpost.polling.pages import Pages
from signalpost.polling.plan import Outcome, plan_next
from signalpost.polling.sharing import MOST_PAGES, has_had_its_turn
from signalpost.polling.strategies import OpenSession, PolledSession, open_contained, open_strategy
from signalpost.polling.strategies.ahead import Room
from signalpost.polling.strategies.reading import Reading
from signalpost.store.memory import Memory
from signalpost.store.polls import FinishedPoll, Polls
from signalpost.store.troubles import find_trouble
from signalpost.tracing import NO_TRACES, Span, Tracer

log = get_logger("polling")

A_LONG_TIME = timedelta(days=365)

FAILURES_BEFORE_DISABLING = 100
"""As at the original (open-connectors.md 2.3)."""


@dataclass(frozen=True, slots=True)
class PollerParts:
    """What a poller works with."""

    registry: Registry
    polls: Polls
    memory: Memory
    pages: Pages
    open_session: OpenSession
    metrics: Metrics
    clock: Callable[[], datetime]
    chance: Chance
    failures_before_disabling: int = FAILURES_BEFORE_DISABLING
    tracer: Tracer = NO_TRACES


class Poller:
    """Polls instances, now those ``active``. Nothing is kept between polls but what is in the rows."""

    def __init__(self, parts: PollerParts) -> None:
        self._parts = parts
        self.active: set[InstanceId] = set()
        self.admission = Admission(parts.registry, parts.polls, parts.clock, parts.chance)
        self._room = Room()
        self._ends = Ends(parts.metrics)

    async def poll(self, instance_id: InstanceId, due_at: datetime | None = None) -> None:
        """Poll the instance's resources one after the other; one that fails does not stop the others.

        ``due_at`` says since when it was due, for what is measured.

        Never raises for what the provider did: that is recorded, shown, and tried again after a back-off. A poll that
        is cut off is handed out again at once.
        """
        if instance_id in self.active:
            return
        self.active.add(instance_id)
        try:
            state = await self._parts.polls.load(instance_id)
            if state is not None and await self.admission.admit(state):
                tracer = self._parts.tracer
                with tracer.open_span("poll", instance=instance_id, connector=state.connector) as span:
                    await self._poll(state, span, due_at)
        except asyncio.CancelledError:
            await asyncio.shield(self._parts.polls.release(instance_id, self._parts.clock()))
            raise
        finally:
            self.active.discard(instance_id)
            self.admission.crowds.leave(instance_id)

    async def _poll(self, state: PollState, span: Span, due_at: datetime | None) -> None:
        parts = self._parts
        started_at = parts.clock()
        connector = parts.registry.find(state.connector)
        session = open_contained(parts.open_session, connector, state)
        self.admission.crowds.enter(state.instance_id, state.connector, session)
        outcome = Outcome(started_at)
        # Those that failed or took the last of the day's calls come last: they must not keep calls from the others.
        for poll in sorted(state.resources, key=lambda each: each.retry_at or started_at - A_LONG_TIME):
            if poll.disabled:
                continue
            if poll.retry_at is not None and poll.retry_at > started_at:
                outcome.add_waiting(poll.retry_at)
                continue
            if not await self._try_resource(state, connector, session, poll, outcome):
                break
        span.note(outcome=outcome.name)
        allowance = session.allowance
        if allowance is not None and session.calls:
            allowance = allowance.end_poll(
                session.calls,
                state.quota["used"] if state.quota else None,
                unfinished=outcome.unfinished or outcome.spent_until is not None,
            )
        ended_at = parts.clock()
        plan = plan_next(state, outcome, allowance, ended_at)
        await parts.polls.finish(
            FinishedPoll(
                state.instance_id,
                started_at,
                plan.next_poll_at,
                outcome.succeeded,
                plan.throttled_until,
                allowance.to_json() if allowance is not None else None,
                state.wishes,
                only_waited=outcome.only_waited,
            )
        )
        if allowance is not None:
            parts.metrics.note_quota(allowance.left_share)
        self._ends.tell(state, outcome, plan, calls=session.calls, due_at=due_at, ended_at=ended_at)

    async def _try_resource(
        self,
        state: PollState,
        connector: Connector,
        session: PolledSession,
        poll: ResourcePoll,
        outcome: Outcome,
    ) -> bool:
        """Read one resource; keep what came of it. Says whether the others are to be read as well."""
        parts = self._parts
        events = outcome.events
        try:
            remark = await self._read_resource(state, connector, session, poll, outcome)
        except FencedError as error:
            log.info("poll.overtaken", instance=state.instance_id, resource=poll.resource, reason=str(error))
            outcome.unfinished = True
        except NeedsAuthorisationError as error:
            if isinstance(error, RenewedTokenRefusedError) and not state.is_failing:  # a single one may pass
                outcome.add_failure(await self._record_failure(state, poll, error), error)
            else:
                outcome.add_failure(await self._stop(state, connector, session, error), error)
            return False
        except QuotaSpentError as error:
            now = parts.clock()
            outcome.spent_until = now + timedelta(seconds=error.after_seconds or 3600.0)
            log.info("poll.throttled", instance=state.instance_id, reason=str(error))
            read_at = now if self._came_on(poll, connector, outcome, events) else None
            why = f"not read to its end: {error}"
            await parts.polls.record_pause(state, poll, why, resumes_at=outcome.spent_until, read_at=read_at)
            return False
        except SignalpostError as error:
            came_on = self._came_on(poll, connector, outcome, events)
            await self._note_error(state, poll, error, outcome, came_on=came_on)
        except Exception as error:  # noqa: BLE001 - recorded and logged
            outcome.add_failure(await self._record_fault(state, poll, error), error)
        else:
            outcome.add_success()
            if poll.failures or poll.retry_at is not None or remark != poll.remark:
                await parts.polls.record_recovery(poll, parts.clock(), remark)
            if poll.failures:
                log.info("poll.recovered", instance=state.instance_id, resource=poll.resource)
        return True

    async def _stop(
        self, state: PollState, connector: Connector, session: PolledSession, error: NeedsAuthorisationError
    ) -> datetime:
        """Stop polling until somebody authorises; give when the next poll is due if that was done meanwhile: now."""
        now, instance_id = self._parts.clock(), state.instance_id
        how = tell_how_to_authorise(connector, instance_id)
        message = f"the provider needs a new authorisation, polling waits for it: {how} ({error})"
        if await self._parts.polls.require_authorisation(instance_id, session.tokens_version, message, now):
            log.warning("poll.needs_authorisation", instance=instance_id, reason=str(error))
        return now

    def _came_on(self, poll: ResourcePoll, connector: Connector, outcome: Outcome, events: int) -> bool:
        """Say whether more than ``events`` were told, and the next reading begins behind them: a list's does not."""
        if outcome.events == events:
            return False
        return recall_resource(poll.resource, poll.configuration, connector).strategy is Strategy.FEED

    async def _note_error(
        self,
        state: PollState,
        poll: ResourcePoll,
        error: SignalpostError,
        outcome: Outcome,
        *,
        came_on: bool,
    ) -> None:
        """Keep a failure. That a provider asks to wait, where the reading ``came_on``, is none: it goes on then."""
        wait_seconds = error.after_seconds if isinstance(error, RetryLaterError) else None
        if not came_on or wait_seconds is None:
            outcome.add_failure(await self._record_failure(state, poll, error), error)
            return
        now = self._parts.clock()
        resumes_at = now + timedelta(seconds=wait_seconds)
        outcome.add_pause(resumes_at)
        log.info("poll.paused", instance=state.instance_id, resource=poll.resource, reason=str(error))
        await self._parts.polls.record_pause(
            state, poll, f"not read to its end yet: {error}", resumes_at=resumes_at, read_at=now
        )

    async def _record_fault(self, state: PollState, poll: ResourcePoll, error: Exception) -> datetime | None:
        """Keep a fault of ours, which must not take the other resources with it."""
        if find_trouble(error) is not None:
            raise error  # the database's: nothing is recorded, the poll is handed out again
        log.error("poll.broke", instance=state.instance_id, resource=poll.resource, exc_info=error)
        failure = ConnectorError(f"reading it failed here: {type(error).__name__}; the log says where")
        return await self._record_failure(state, poll, failure)

    async def _record_failure(
        self, state: PollState, poll: ResourcePoll, error: SignalpostError
    ) -> datetime | None:
        """Keep the reason, and when to try again (None: not any more); log it once when it begins."""
        parts = self._parts
        now = parts.clock()
        failures = poll.failures + 1
        wait = wait_before_poll(failures, interval_seconds=state.interval_seconds, chance=parts.chance)
        asked = (error.after_seconds or 0.0) if isinstance(error, RetryLaterError) else 0.0
        retry_at = now + timedelta(seconds=max(wait, asked))
        disable = failures >= parts.failures_before_disabling
        if await parts.polls.record_failure(
            state, poll, str(error), now=now, retry_at=retry_at, disable=disable
        ):
            log.error("poll.disabled", instance=state.instance_id, resource=poll.resource, reason=str(error))
            return None
        if not poll.failures:
            log.warning("poll.failed", instance=state.instance_id, resource=poll.resource, reason=str(error))
        return retry_at

    async def _read_resource(
        self,
        state: PollState,
        connector: Connector,
        session: PolledSession,
        poll: ResourcePoll,
        outcome: Outcome,
    ) -> str | None:
        """Read one resource from its watermark on; give what is to be remarked of it."""
        parts = self._parts
        polled = recall_resource(poll.resource, poll.configuration, connector)
        if poll.source != polled.source:
            poll = await parts.polls.restart(poll, polled.source)
        reading = Reading(
            session=session,
            polled=polled,
            poll=poll,
            memory=parts.memory,
            started_at=outcome.started_at,
            start_at=read_start(state.configuration),
            room=self._room,
        )
        verify = is_first_of_hour(state.last_poll_at, outcome.started_at)
        remarks: dict[str, None] = {}
        read = 0
        async with (
            parts.pages.open(state, connector, poll, polled, outcome.add_written) as position,
            aclosing(open_strategy(reading, connector, verify=verify)) as steps,
        ):
            async for step in steps:
                if isinstance(step, Gap):
                    await position.commit_gap(step)
                    outcome.gaps += 1
                    continue
                pages = step[: MOST_PAGES - read]
                remarks.update((page.remark, None) for page in pages if page.remark)
                await position.commit(pages)
                read += len(pages)
                seconds = (parts.clock() - outcome.started_at).total_seconds()
                if pages[-1].more and has_had_its_turn(polled.strategy, pages=read, seconds=seconds):
                    outcome.unfinished = True
                    break
        return "; ".join(remarks) or None
