"""Runs the roles of one process: they start together and stop in order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

from pgqueuer.domain.errors import RetryRequested
from pgqueuer.domain.models import Job

from signalpost.delivery.lane import Lanes
from signalpost.delivery.notices import Announcer
from signalpost.delivery.replays import Replayer
from signalpost.observe import Metrics, Vitals, get_logger
from signalpost.polling.hands import Hands
from signalpost.polling.poller import Poller
from signalpost.polling.scheduler import GOOD_SECONDS, RENEWAL_SECONDS, TICK_SECONDS, Scheduler
from signalpost.store.counts import Counts
from signalpost.store.health import Health
from signalpost.store.queue import (
    DELIVER,
    POLL,
    REPLAY,
    JobTaker,
    Queue,
    Wakeups,
    WorkDriver,
    WorkQueries,
    queue_queries,
    read_id,
    read_polls,
)
from signalpost.store.retention import Retention
from signalpost.store.set_back import read_latest, take_back
from signalpost.store.workers import Heartbeat, Workers

log = get_logger("runtime")
LIBRARY_LOGS = [logging.getLogger(name) for name in ("pgqueuer", "asyncpg.pool")]

HEARTBEAT = "heartbeat"
SCHEDULER = "scheduler"

BATCH = {POLL: 2, DELIVER: 10, REPLAY: 10}
"""Jobs that one process takes at a time: few, so that all processes get some. One of polls brings many."""

MOST_IN_FLIGHT = {POLL: 4, DELIVER: 1000, REPLAY: 200}
"""Jobs that one process has in hand. One of polls ends when they have begun; a lane may wait for a callback for half a
minute."""

LOOK_AGAIN = {POLL: timedelta(seconds=0.02), DELIVER: timedelta(seconds=0.01), REPLAY: timedelta(seconds=0.1)}
"""When the queue is looked at again if it held more than was taken: what came while others were taken may have been
told then, and is not told again."""

QUEUE_HEARTBEAT = timedelta(seconds=10)
"""A job whose worker has been silent for so long is given to another."""

HOUSEKEEPING_SECONDS = 15.0
LOOK_SECONDS = 2.0
"""The time between looks at the database's health, and at its clock."""
NOTICE_SECONDS = 3.0
CROWDS_SECONDS = 4.0
"""The time between looks for whom much work waits in vain: many who answer at all have done so by then."""
WAKEUP_SECONDS = 5.0
COUNT_SECONDS = 60.0
"""The time between countings of what the gauges show."""
SET_BACK = timedelta(seconds=10)
"""By how much the database's clock must be set back to be told, and what was put off by it to be taken back."""
TICK_WITHIN_SECONDS = 30.0
"""A scheduler without a tick for so long is not well: what is due waits."""
STOP_SECONDS = 4.0
"""How long jobs in hand may go on after a stop was asked for, before they are cut off (and later repeated)."""
LEAVE_SECONDS = 1.5
"""How long the database may take to be told so: of what was cut off, and of the leases."""


def _collect_seldom() -> None:
    """Have Python look for garbage cycles seldom: what was made so far stays, and requests make hardly any."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


@dataclass(frozen=True, slots=True)
class Parts:
    """What the roles run on."""

    pool: Any
    queue: Queue
    wakeups: Wakeups
    scheduler: Scheduler
    poller: Poller
    hands: Hands
    lanes: Lanes
    replayer: Replayer
    announcer: Announcer
    retention: Retention
    clock: Callable[[], datetime]
    monotonic: Callable[[], float]
    counts: Counts
    metrics: Metrics
    vitals: Vitals
    workers: Workers
    heartbeat: Heartbeat
    health: Health


class Runtime:
    """The working roles of one process: ``poll`` and ``deliver``."""

    def __init__(self, parts: Parts, roles: frozenset[str]) -> None:
        self._parts = parts
        self._roles = roles
        self._tasks: list[asyncio.Task[None]] = []
        self._queue_managers: dict[str, JobTaker] = {}
        self._stopping = asyncio.Event()
        self._ticked_at: datetime | None = None

    async def start(self) -> None:
        """Start the roles; returns once the first heartbeat is written."""
        for each in LIBRARY_LOGS:
            each.addFilter(self._is_news)
        self._spawn("health", lambda: self._repeat(self._parts.health.look, LOOK_SECONDS))
        if not self._roles:
            return
        await self._parts.heartbeat.beat()
        await self._parts.retention.make_ahead(self._parts.clock())
        _collect_seldom()
        heartbeat, vitals = self._parts.heartbeat, self._parts.vitals
        vitals.expect(HEARTBEAT, within_seconds=heartbeat.good_seconds)
        vitals.expect(SCHEDULER, within_seconds=TICK_WITHIN_SECONDS)
        self._spawn(HEARTBEAT, lambda: self._repeat(self._beat, heartbeat.pause_seconds))
        self._spawn(SCHEDULER, self._tick)
        self._spawn("housekeeping", lambda: self._repeat(self._tidy, HOUSEKEEPING_SECONDS))
        self._spawn("wakeups", lambda: self._repeat(self._parts.wakeups.check, WAKEUP_SECONDS))
        self._spawn("gauges", lambda: self._repeat(self._count, COUNT_SECONDS))
        self._spawn("crowds", lambda: self._repeat(self._look_at_crowds, CROWDS_SECONDS))
        if "poll" in self._roles:
            self._spawn("claims", lambda: self._repeat(self._renew_claims, RENEWAL_SECONDS))
            self._spawn(POLL, lambda: self._work(POLL, self._take_polls))
        if "deliver" in self._roles:
            self._parts.queue.start_here = self._parts.lanes.start
            self._spawn(
                DELIVER, lambda: self._work(DELIVER, lambda job: self._parts.lanes.work(read_id(job.payload)))
            )
            self._spawn(
                REPLAY,
                lambda: self._work(REPLAY, lambda job: self._parts.replayer.work(read_id(job.payload))),
            )
            self._spawn("notices", lambda: self._repeat(self._parts.announcer.send_due, NOTICE_SECONDS))

    async def stop(self) -> None:
        """Stop in order: no new work, what is in hand may end, then leases are freed."""
        if not self._tasks:
            return
        self._stopping.set()
        self._parts.hands.close()
        self._parts.lanes.close()
        self._parts.replayer.close()
        self._parts.announcer.close()
        for queue_manager in self._queue_managers.values():
            queue_manager.shutdown.set()
        # What is in hand ends with a record of it: while that cannot be written, waiting brings nothing.
        patience_seconds = STOP_SECONDS if self._parts.health.is_well else LEAVE_SECONDS
        started = (each.started for each in (self._parts.hands, self._parts.lanes, self._parts.announcer))
        in_hand = [*self._tasks, *chain.from_iterable(started)]
        _, unfinished = await asyncio.wait(in_hand, timeout=patience_seconds)
        for task in unfinished:
            task.cancel()
        # The database may be gone, or not answer: then leases and jobs end by themselves.
        if unfinished:
            await asyncio.wait(unfinished, timeout=LEAVE_SECONDS)
        await asyncio.wait({asyncio.create_task(self._leave())}, timeout=LEAVE_SECONDS)
        for each in LIBRARY_LOGS:
            each.removeFilter(self._is_news)

    async def _leave(self) -> None:
        managers = self._queue_managers.values()
        given_back = (self._parts.queue.give_back(each.queue_manager_id) for each in managers)
        await asyncio.gather(*given_back, self._parts.heartbeat.leave(), return_exceptions=True)

    def _spawn(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        self._tasks.append(asyncio.create_task(self._supervise(name, run), name=name))

    async def _supervise(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run a service for as long as the process lives: when it fails (the database went away), start it again."""
        told = ""
        while not self._stopping.is_set():
            try:
                await run()
            except Exception as error:  # whatever it was, the service must come back
                self._parts.vitals.note(name, type(error).__name__)
                # A trouble of the database is told once for all services, another one once, not every second.
                if self._parts.health.note(error) is None and told != repr(error):
                    log.exception("service.failed", service=name)
                    told = repr(error)
                await self._pause(1.0)

    def _is_news(self, record: logging.LogRecord) -> bool:
        """Say whether a library logs something else than a trouble of the database, which is told once."""
        error = record.exc_info[1] if record.exc_info else None
        if error is None:
            return self._parts.health.is_well
        return self._parts.health.note(error) is None

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _repeat(self, act: Callable[[], Awaitable[object]], pause_seconds: float) -> None:
        while not self._stopping.is_set():
            await act()
            await self._pause(pause_seconds)

    async def _beat(self) -> None:
        await self._parts.heartbeat.beat()
        self._parts.vitals.note(HEARTBEAT)

    async def _tick(self) -> None:
        metrics, monotonic = self._parts.metrics, self._parts.monotonic
        while not self._stopping.is_set():
            asked_at = monotonic()
            async with self._parts.pool.acquire():
                metrics.connection_wait_seconds.observe(monotonic() - asked_at)
            began_at = monotonic()
            await self._follow_clock()
            more = await self._parts.scheduler.tick()
            metrics.tick_seconds.observe(monotonic() - began_at)
            metrics.last_tick.set(self._parts.clock().timestamp())
            self._parts.vitals.note(SCHEDULER)
            await self._pause(0.05 if more else TICK_SECONDS)

    async def _follow_clock(self) -> None:
        # It may have been set back while nobody was here to see it.
        before = self._ticked_at or await read_latest(self._parts.pool)
        now = self._parts.clock()
        if before is not None and now < before - SET_BACK:
            await take_back(self._parts.pool, now)
            log.warning("clock.set_back", seconds=round((before - now).total_seconds()))
        self._ticked_at = now

    async def _tidy(self) -> None:
        await self._parts.queue.trim_log()
        await self._parts.workers.forget_old()
        tidied = await self._parts.retention.tidy(self._parts.clock())
        self._parts.metrics.removed_pages.inc(tidied.pages)

    async def _count(self) -> None:
        self._parts.metrics.show_quota()
        self._parts.metrics.counted.show(await self._parts.counts.count(self._parts.poller.active))

    async def _renew_claims(self) -> None:
        await self._parts.scheduler.renew_claims(self._parts.hands.list_lasting())

    async def _look_at_crowds(self) -> None:
        self._parts.poller.admission.look()
        self._parts.lanes.look()
        self._parts.replayer.look()

    async def _take_polls(self, job: Job) -> None:
        await self._parts.hands.take(read_polls(job.payload, job.created), job.created, GOOD_SECONDS)

    async def _work(self, entrypoint: str, act: Callable[[Job], Awaitable[None]]) -> None:
        """Take jobs of one kind. Each kind has its own hands, so that slow callbacks never keep polls waiting."""
        earlier = self._queue_managers.get(entrypoint)
        if earlier is not None:  # it failed, and may have left jobs that look as if they were worked on
            await self._parts.queue.give_back(earlier.queue_manager_id)
        queries = queue_queries(WorkDriver(self._parts.pool, self._parts.wakeups), WorkQueries)
        queue_manager = JobTaker(queries)
        queue_manager.min_dequeue_poll_interval = LOOK_AGAIN[entrypoint]
        self._queue_managers[entrypoint] = queue_manager
        if self._stopping.is_set():
            return

        async def take(job: Job) -> None:
            if self._stopping.is_set():
                raise RetryRequested  # not begun: the job is queued again, for another worker
            try:
                await act(job)
            except Exception as error:
                if self._parts.health.note(error) is None:
                    raise

        queue_manager.entrypoint(entrypoint, accepts_context=False)(take)
        await queue_manager.run(
            dequeue_timeout=timedelta(seconds=10),
            batch_size=BATCH[entrypoint],
            max_concurrent_tasks=MOST_IN_FLIGHT[entrypoint],
            heartbeat_timeout=QUEUE_HEARTBEAT,
            log_aggregation_interval=timedelta(0),
        )
