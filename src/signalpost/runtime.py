"""Runs the roles of one process: they start together and stop in order."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from pgqueuer.adapters.drivers.asyncpg import AsyncpgPoolDriver
from pgqueuer.core.qm import QueueManager
from pgqueuer.domain.models import Job

from signalpost.delivery.lane import Lanes
from signalpost.delivery.notices import Announcer
from signalpost.delivery.replays import Replayer
from signalpost.model.clock import SharedClock
from signalpost.model.ids import InstanceId, WorkerId
from signalpost.observe import Metrics, get_logger
from signalpost.polling.poller import Poller
from signalpost.polling.scheduler import MOST_PER_TICK, TICK_SECONDS, Scheduler
from signalpost.store.deliveries import Deliveries
from signalpost.store.polling_status import PollingStatus
from signalpost.store.queue import DELIVER, POLL, REPLAY, Queue, queue_queries
from signalpost.store.retention import Retention
from signalpost.store.workers import Workers

log = get_logger("runtime")

BATCH = 100
MOST_IN_FLIGHT = 1000
"""Jobs of each kind that one process has in hand."""

QUEUE_HEARTBEAT = timedelta(seconds=10)
"""A job whose worker has been silent for so long is given to another."""

HOUSEKEEPING_SECONDS = 15.0
OLDEST_LOOK_SECONDS = 1.0
"""A look at the database's clock that took longer says too little."""
NOTICE_SECONDS = 3.0
TROUBLE_SECONDS = 60.0
STOP_SECONDS = 4.0
"""How long jobs in hand may go on after a stop was asked for, before they are cut off (and later repeated)."""


def _collect_seldom() -> None:
    """Have Python look for garbage cycles seldom: what was made so far stays, and requests make hardly any."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 100)


class Heartbeat:
    """A worker's sign of life: the lease of its lanes is surely good while the last beat is young."""

    def __init__(
        self,
        workers: Workers,
        worker_id: WorkerId,
        clock: SharedClock,
        *,
        lease_seconds: float,
        monotonic: Callable[[], float],
    ) -> None:
        self._workers = workers
        self._worker_id = worker_id
        self._clock = clock
        self._lease_seconds = lease_seconds
        self._monotonic = monotonic
        self._beaten_at = float("-inf")

    def is_alive(self) -> bool:
        """Say whether no other worker can have taken our lanes yet. A fifth of the lease is kept as a margin."""
        return self._monotonic() - self._beaten_at < self._lease_seconds * 0.8

    async def beat(self) -> None:
        """Beat once, and take over the database's clock.

        The time counted is from before the call: the row is at most that old.
        """
        before = self._monotonic()
        now = await self._workers.beat(self._worker_id)
        if self._monotonic() - before <= OLDEST_LOOK_SECONDS:
            self._clock.set(now)
        self._beaten_at = before

    async def leave(self) -> None:
        """Free all lanes at once."""
        self._beaten_at = float("-inf")
        await self._workers.leave(self._worker_id)

    @property
    def pause_seconds(self) -> float:
        """The time between beats: several may fail before the lease ends."""
        return self._lease_seconds / 5


@dataclass(frozen=True, slots=True)
class Parts:
    """What the roles run on."""

    pool: Any
    queue: Queue
    scheduler: Scheduler
    poller: Poller
    deliveries: Deliveries
    lanes: Lanes
    replayer: Replayer
    announcer: Announcer
    retention: Retention
    clock: Callable[[], datetime]
    polling: PollingStatus
    metrics: Metrics
    workers: Workers
    heartbeat: Heartbeat


class Runtime:
    """The working roles of one process: ``poll`` and ``deliver``."""

    def __init__(self, parts: Parts, roles: frozenset[str]) -> None:
        self._parts = parts
        self._roles = roles
        self._tasks: list[asyncio.Task[None]] = []
        self._queue_managers: dict[str, QueueManager] = {}
        self._stopping = asyncio.Event()

    async def start(self) -> None:
        """Start the roles; returns once the first heartbeat is written."""
        if not self._roles:
            return
        await self._parts.heartbeat.beat()
        _collect_seldom()
        heartbeat = self._parts.heartbeat
        self._spawn("heartbeat", lambda: self._repeat(heartbeat.beat, heartbeat.pause_seconds))
        self._spawn("scheduler", self._tick)
        self._spawn("housekeeping", lambda: self._repeat(self._tidy, HOUSEKEEPING_SECONDS))
        self._spawn("troubles", lambda: self._repeat(self._count_troubles, TROUBLE_SECONDS))
        if "poll" in self._roles:
            self._spawn(POLL, lambda: self._work(POLL, lambda id_: self._parts.poller.poll(InstanceId(id_))))
        if "deliver" in self._roles:
            self._spawn(
                DELIVER, lambda: self._work(DELIVER, lambda id_: self._parts.lanes.work(InstanceId(id_)))
            )
            self._spawn(REPLAY, lambda: self._work(REPLAY, self._parts.replayer.work))
            self._spawn("notices", lambda: self._repeat(self._parts.announcer.send_due, NOTICE_SECONDS))

    async def stop(self) -> None:
        """Stop in order: no new work, what is in hand may end, then leases are freed."""
        if not self._tasks:
            return
        self._stopping.set()
        self._parts.lanes.close()
        self._parts.replayer.close()
        for queue_manager in self._queue_managers.values():
            queue_manager.shutdown.set()
        _, unfinished = await asyncio.wait(self._tasks, timeout=STOP_SECONDS)
        for task in unfinished:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        with contextlib.suppress(Exception):  # the database may be gone: then the leases end by themselves
            await self._parts.heartbeat.leave()

    def _spawn(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        self._tasks.append(asyncio.create_task(self._supervise(name, run), name=name))

    async def _supervise(self, name: str, run: Callable[[], Awaitable[None]]) -> None:
        """Run a service for as long as the process lives: when it fails (the database went away), start it again."""
        failing = False
        while not self._stopping.is_set():
            try:
                await run()
                failing = False
            except Exception:
                if not failing:  # logged once, not every second; whatever it was, the service must come back
                    log.exception("service.failed", service=name)
                failing = True
                await self._pause(1.0)

    async def _pause(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._stopping.wait(), seconds)

    async def _repeat(self, act: Callable[[], Awaitable[object]], pause_seconds: float) -> None:
        while not self._stopping.is_set():
            await act()
            await self._pause(pause_seconds)

    async def _tick(self) -> None:
        while not self._stopping.is_set():
            handed_out = await self._parts.scheduler.tick()
            # A full hand means that more is due: do not wait for the next second.
            await self._pause(TICK_SECONDS if handed_out < MOST_PER_TICK else 0.05)

    async def _tidy(self) -> None:
        await self._parts.queue.trim_log()
        await self._parts.workers.forget_old()
        tidied = await self._parts.retention.tidy(self._parts.clock())
        self._parts.metrics.removed_pages.inc(tidied.pages)
        self._parts.metrics.cancelled_notifications.inc(tidied.cancelled)

    async def _count_troubles(self) -> None:
        stopped, stale = await self._parts.polling.count_troubles()
        self._parts.metrics.pollers_disabled.set(stopped)
        self._parts.metrics.pollers_stale.set(stale)
        failing, deactivated = await self._parts.deliveries.count_failing()
        self._parts.metrics.endpoints_failing.set(failing)
        self._parts.metrics.endpoints_deactivated.set(deactivated)

    async def _work(self, entrypoint: str, act: Callable[[int], Awaitable[None]]) -> None:
        """Take jobs of one kind. Each kind has its own hands, so that slow callbacks never keep polls waiting."""
        queries = queue_queries(AsyncpgPoolDriver(self._parts.pool))
        queue_manager = QueueManager(queries)
        self._queue_managers[entrypoint] = queue_manager
        if self._stopping.is_set():
            return

        async def take(job: Job) -> None:
            await act(int(job.payload or b"0"))

        queue_manager.entrypoint(entrypoint, accepts_context=False)(take)
        await queue_manager.run(
            dequeue_timeout=timedelta(seconds=10),
            batch_size=BATCH,
            max_concurrent_tasks=MOST_IN_FLIGHT,
            heartbeat_timeout=QUEUE_HEARTBEAT,
            log_aggregation_interval=timedelta(0),
        )
