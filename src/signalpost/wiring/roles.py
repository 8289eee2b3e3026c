"""The parts of the roles that poll and deliver, joined."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from uuid import uuid4

import asyncpg

from signalpost.connectors.registry import Registry
from signalpost.delivery.attempts import Sender
from signalpost.delivery.egress import Egress
from signalpost.delivery.lane import LaneParts, Lanes
from signalpost.delivery.notices import Announcer
from signalpost.delivery.replays import Replayer
from signalpost.instances.sessions import Sessions
from signalpost.model.clock import SharedClock
from signalpost.model.ids import WorkerId
from signalpost.observe import Metrics
from signalpost.polling.pages import Pages
from signalpost.polling.poller import Poller, PollerParts
from signalpost.polling.scheduler import Scheduler
from signalpost.runtime import Heartbeat, Parts
from signalpost.settings import Settings
from signalpost.store.deliveries import Deliveries
from signalpost.store.events import Events
from signalpost.store.memory import Memory
from signalpost.store.notices import Notices
from signalpost.store.polling_status import PollingStatus
from signalpost.store.polls import Polls
from signalpost.store.queue import Queue
from signalpost.store.replays import Replays
from signalpost.store.retention import Retention
from signalpost.store.vault import Vault
from signalpost.store.waiting import Waiting
from signalpost.store.workers import Workers


@dataclass(frozen=True, slots=True)
class Ground:
    """What all roles stand on."""

    settings: Settings
    pool: asyncpg.Pool
    vault: Vault
    registry: Registry
    sessions: Sessions
    egress: Egress
    metrics: Metrics
    clock: SharedClock


def join_roles(ground: Ground) -> Parts:
    """Join the parts of the roles that poll and deliver."""
    settings, pool, vault, clock = ground.settings, ground.pool, ground.vault, ground.clock
    worker_id, lease_seconds = WorkerId(uuid4()), settings.lease_seconds
    workers, queue, polls = Workers(pool), Queue(pool), Polls(pool, vault)
    heartbeat = Heartbeat(workers, worker_id, clock, lease_seconds=lease_seconds, monotonic=time.monotonic)
    deliveries = Deliveries(pool, vault, worker_id, lease_seconds=lease_seconds)
    replays = Replays(pool, vault, worker_id, lease_seconds=lease_seconds)
    sender = _join_sender(ground)
    return Parts(
        pool=pool,
        queue=queue,
        scheduler=Scheduler(polls, deliveries, replays, queue, clock),
        poller=_join_poller(ground, polls, queue),
        deliveries=deliveries,
        lanes=Lanes(
            LaneParts(
                deliveries=deliveries,
                waiting=Waiting(pool, worker_id),
                sender=sender,
                clock=clock,
                monotonic=time.monotonic,
                is_alive=heartbeat.is_alive,
            )
        ),
        replayer=Replayer(
            replays, sender, clock=clock, monotonic=time.monotonic, is_alive=heartbeat.is_alive
        ),
        announcer=Announcer(
            Notices(pool, vault),
            ground.egress,
            clock=clock,
            chance=random.random,
            schedule_seconds=settings.read_schedule(),
        ),
        retention=Retention(pool, retention_days=settings.retention_days, most_waiting=settings.most_waiting),
        polling=PollingStatus(pool, vault),
        metrics=ground.metrics,
        workers=workers,
        heartbeat=heartbeat,
        clock=clock,
    )


def _join_poller(ground: Ground, polls: Polls, queue: Queue) -> Poller:
    memory = Memory(ground.pool)
    return Poller(
        PollerParts(
            registry=ground.registry,
            polls=polls,
            memory=memory,
            pages=Pages(Events(ground.pool), memory, queue, ground.metrics, ground.clock),
            open_session=ground.sessions.open,
            metrics=ground.metrics,
            clock=ground.clock,
            chance=random.random,
            failures_before_disabling=ground.settings.failures_before_disabling,
        )
    )


def _join_sender(ground: Ground) -> Sender:
    return Sender(
        ground.egress,
        ground.metrics,
        clock=ground.clock,
        monotonic=time.monotonic,
        chance=random.random,
        schedule_seconds=ground.settings.read_schedule(),
        public_url=ground.settings.read_public_url(),
    )
