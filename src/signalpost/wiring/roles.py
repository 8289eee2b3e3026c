"""The parts of the roles that poll and deliver, joined."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass
from uuid import uuid4

from signalpost.connectors.registry import Registry
from signalpost.delivery.attempts import Sender
from signalpost.delivery.egress import Egress
from signalpost.delivery.lane import LaneParts, Lanes
from signalpost.delivery.notices import Announcer
from signalpost.delivery.replays import Replayer
from signalpost.instances.sessions import Sessions
from signalpost.model.clock import SharedClock
from signalpost.model.ids import WorkerId
from signalpost.observe import Metrics, Vitals
from signalpost.polling.hands import Hands
from signalpost.polling.pages import Pages
from signalpost.polling.poller import Poller, PollerParts
from signalpost.polling.scheduler import Scheduler
from signalpost.runtime import Parts
from signalpost.settings import Settings
from signalpost.store.counts import Counts
from signalpost.store.deliveries import Deliveries
from signalpost.store.events import Events
from signalpost.store.memory import Memory
from signalpost.store.notices import Notices
from signalpost.store.polls import Polls
from signalpost.store.queue import Queue
from signalpost.store.replays import Replays
from signalpost.store.retention import Retention
from signalpost.store.vault import Vault
from signalpost.store.waiting import Waiting
from signalpost.store.workers import Heartbeat, Workers
from signalpost.tracing import Tracer
from signalpost.wiring.database import Connections


@dataclass(frozen=True, slots=True)
class Ground:
    """What all roles stand on."""

    settings: Settings
    connections: Connections
    vault: Vault
    registry: Registry
    sessions: Sessions
    egress: Egress
    metrics: Metrics
    vitals: Vitals
    clock: SharedClock
    tracer: Tracer


def join_roles(ground: Ground) -> Parts:
    """Join the parts of the roles that poll and deliver."""
    settings, pool, vault, clock = ground.settings, ground.connections.work, ground.vault, ground.clock
    worker_id, lease_seconds = WorkerId(uuid4()), settings.lease_seconds
    workers, queue, polls = Workers(ground.connections.life), Queue(pool), Polls(pool, vault)
    heartbeat = Heartbeat(workers, worker_id, lease_seconds=lease_seconds, monotonic=time.monotonic)
    deliveries = Deliveries(pool, vault, worker_id, lease_seconds=lease_seconds)
    replays = Replays(pool, vault, worker_id, lease_seconds=lease_seconds)
    sender, poller = _join_sender(ground), _join_poller(ground, polls, queue)

    def is_known(error: Exception) -> bool:
        return ground.connections.health.note(error) is not None

    return Parts(
        pool=pool,
        queue=queue,
        wakeups=ground.connections.wakeups,
        scheduler=Scheduler(polls, deliveries, replays, queue, clock),
        poller=poller,
        hands=Hands(poller, queue.hand_out_polls, is_known, clock),
        lanes=Lanes(
            LaneParts(
                deliveries=deliveries,
                waiting=Waiting(pool, worker_id),
                queue=queue,
                sender=sender,
                clock=clock,
                monotonic=time.monotonic,
                chance=random.random,
                watch=heartbeat.watch,
                is_known=is_known,
            )
        ),
        replayer=Replayer(
            replays,
            sender,
            clock=clock,
            monotonic=time.monotonic,
            chance=random.random,
            watch=heartbeat.watch,
        ),
        announcer=Announcer(
            Notices(pool, vault),
            ground.egress,
            clock=clock,
            chance=random.random,
            schedule_seconds=settings.read_schedule(),
        ),
        retention=_join_retention(ground),
        monotonic=time.monotonic,
        counts=Counts(pool, lease_seconds=lease_seconds),
        metrics=ground.metrics,
        vitals=ground.vitals,
        workers=workers,
        health=ground.connections.health,
        heartbeat=heartbeat,
        clock=clock,
    )


def _join_retention(ground: Ground) -> Retention:
    return Retention(
        ground.connections.work,
        retention_days=ground.settings.retention_days,
        most_waiting=ground.settings.most_waiting,
        note_cancelled=ground.metrics.cancelled_notifications.inc,
    )


def _join_poller(ground: Ground, polls: Polls, queue: Queue) -> Poller:
    memory = Memory(ground.connections.work)
    return Poller(
        PollerParts(
            registry=ground.registry,
            polls=polls,
            memory=memory,
            pages=Pages(
                Events(ground.connections.work), memory, queue, ground.metrics, ground.clock, ground.tracer
            ),
            open_session=ground.sessions.open,
            metrics=ground.metrics,
            clock=ground.clock,
            chance=random.random,
            failures_before_disabling=ground.settings.failures_before_disabling,
            tracer=ground.tracer,
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
        tracer=ground.tracer,
    )
