"""The composition root: builds the parts from the settings and joins them. The only file that knows every part."""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import asyncpg
from fastapi import FastAPI

from signalpost.api.app import build_app
from signalpost.api.parts import ApiParts
from signalpost.connectors.base import Connector
from signalpost.connectors.registry import Registry, load_registry
from signalpost.delivery.configuration import read_delivery_settings
from signalpost.delivery.egress import Egress
from signalpost.delivery.lane import LaneParts, Lanes
from signalpost.delivery.notices import Announcer, read_operations_url
from signalpost.delivery.sample import Sampler
from signalpost.instances.lifecycle import EventPlan, Lifecycle
from signalpost.instances.oauth2 import OAuth2
from signalpost.instances.sessions import Sessions
from signalpost.model.configuration import CALLBACK_URL, OPERATIONS_URL
from signalpost.model.errors import AddressRefusedError, InvalidRequestError
from signalpost.model.ids import WorkerId
from signalpost.observe import Metrics
from signalpost.outbound import Outbound
from signalpost.polling.configuration import read_poll_settings
from signalpost.polling.hub import Hub, UserCalls
from signalpost.polling.pages import Pages
from signalpost.polling.poller import Poller, PollerParts
from signalpost.polling.preview import Previews
from signalpost.polling.scheduler import POLL_GRACE_SECONDS, Scheduler
from signalpost.runtime import Heartbeat, Parts, Runtime
from signalpost.settings import Settings
from signalpost.store.database import Health, migrate, open_pool, read_connect_arguments
from signalpost.store.deliveries import Deliveries
from signalpost.store.embedded import EmbeddedPostgres, find_running
from signalpost.store.event_log import EventLog
from signalpost.store.events import Events
from signalpost.store.instances import Instances
from signalpost.store.memory import Memory
from signalpost.store.notices import Notices
from signalpost.store.organizations import Organizations
from signalpost.store.polling_status import PollingStatus
from signalpost.store.polls import Polls
from signalpost.store.queue import Queue
from signalpost.store.tokens import TokenRows
from signalpost.store.vault import Vault, keep_key
from signalpost.store.workers import Workers

CONNECTIONS_OUTWARDS = 1000
CLOSE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class ReachedDatabase:
    """How the database is reached. ``wait`` returns when an embedded one ends by itself; None: it is not ours."""

    arguments: Mapping[str, Any]
    wait: Callable[[], Awaitable[int]] | None = None


@dataclass(frozen=True, slots=True)
class Service:
    """A process of the service, put together: the web application and the working roles."""

    app: FastAPI
    runtime: Runtime
    organizations: Organizations
    pool: asyncpg.Pool
    database: ReachedDatabase


def read_now() -> datetime:
    """Give the time now, in UTC: the one clock that is passed to all parts."""
    return datetime.now(UTC)


def open_vault(settings: Settings) -> Vault:
    """Open the vault with the keys given, or with the one kept in the data directory."""
    keys = settings.read_keys()
    if keys is None:
        keys = [keep_key(settings.data_dir / "encryption-key")]
    return Vault(keys)


@asynccontextmanager
async def open_database(settings: Settings) -> AsyncIterator[ReachedDatabase]:
    """Reach the database; start and stop the embedded one if none is given.

    Raises:
        ConfigurationError: it cannot be had; the message says what to do.
    """
    if settings.database_url is not None:
        yield ReachedDatabase(read_connect_arguments(settings.database_url.get_secret_value()))
        return
    embedded = await EmbeddedPostgres.start(settings.data_dir)
    try:
        yield ReachedDatabase(embedded.connect_arguments, embedded.wait)
    finally:
        await embedded.stop()


@asynccontextmanager
async def reach_database(settings: Settings) -> AsyncIterator[Mapping[str, Any]]:
    """Give the arguments that reach the database for a command beside the service: the embedded one may be running.

    Raises:
        ConfigurationError: it cannot be had; the message says what to do.
    """
    running = find_running(settings.data_dir) if settings.database_url is None else None
    if running is not None:
        yield running
        return
    async with open_database(settings) as reached:
        yield reached.arguments


@asynccontextmanager
async def open_service(settings: Settings, roles: frozenset[str]) -> AsyncIterator[Service]:
    """Put a process together: database, migrations, parts. The roles are started by ``service.runtime``."""
    async with AsyncExitStack() as stack:
        database = await stack.enter_async_context(open_database(settings))
        await migrate(database.arguments)
        pool = await open_pool(database.arguments, size=settings.database_connections)
        stack.push_async_callback(_close_pool, pool)
        outbound = await stack.enter_async_context(
            Outbound(
                allow_private=settings.allow_private_networks,
                connect_timeout_seconds=settings.connect_timeout_seconds,
                total_timeout_seconds=settings.total_timeout_seconds,
                connections=CONNECTIONS_OUTWARDS,
            )
        )
        vault = open_vault(settings)
        if settings.database_url is None:
            # Nobody but us can be using the embedded database: what an earlier, killed process held is free.
            await Workers(pool).forget_others()
            await Queue(pool).clear()
            now = read_now()
            await Polls(pool, vault).release_all(now, until=now + timedelta(seconds=POLL_GRACE_SECONDS))
        yield _join(settings, roles, database, pool, vault, outbound)


async def _close_pool(pool: asyncpg.Pool) -> None:
    try:
        await asyncio.wait_for(pool.close(), CLOSE_SECONDS)
    except TimeoutError:
        pool.terminate()


def _join(
    settings: Settings,
    roles: frozenset[str],
    database: ReachedDatabase,
    pool: asyncpg.Pool,
    vault: Vault,
    outbound: Outbound,
) -> Service:
    metrics = Metrics()
    registry = load_registry(egnyte_url=settings.egnyte_url)
    oauth2 = OAuth2(outbound, read_now)
    sessions = Sessions(outbound, oauth2, TokenRows(pool, vault), clock=read_now, monotonic=time.monotonic)
    egress = Egress(outbound)
    organizations = Organizations(pool)
    instances = Instances(pool, vault)
    lifecycle = Lifecycle(
        registry=registry,
        instances=instances,
        oauth2=oauth2,
        read_plan=PlanReader(settings, outbound),
        open_session=sessions.open_first,
    )
    polling = PollingStatus(pool, vault)
    user_calls = UserCalls(polling, sessions.open_for_user)
    api_parts = ApiParts(
        registry=registry,
        organizations=organizations,
        instances=instances,
        lifecycle=lifecycle,
        event_log=EventLog(pool),
        hub=Hub(registry, user_calls),
        previews=Previews(registry, user_calls, read_now),
        polling=polling,
        queue=Queue(pool),
        sampler=Sampler(egress, read_now, time.monotonic),
        metrics=metrics,
        health=Health(pool),
        metrics_token=settings.metrics_token.get_secret_value() if settings.metrics_token else None,
        clock=read_now,
    )
    parts = _join_roles(settings, pool, vault, registry, sessions, egress, metrics)
    return Service(build_app(api_parts), Runtime(parts, roles), organizations, pool, database)


def _join_roles(
    settings: Settings,
    pool: asyncpg.Pool,
    vault: Vault,
    registry: Registry,
    sessions: Sessions,
    egress: Egress,
    metrics: Metrics,
) -> Parts:
    queue = Queue(pool)
    polls = Polls(pool, vault)
    worker_id = WorkerId(uuid4())
    deliveries = Deliveries(pool, vault, worker_id, lease_seconds=settings.lease_seconds)
    workers = Workers(pool)
    heartbeat = Heartbeat(workers, worker_id, lease_seconds=settings.lease_seconds, monotonic=time.monotonic)
    memory = Memory(pool)
    poller_parts = PollerParts(
        registry=registry,
        polls=polls,
        memory=memory,
        pages=Pages(Events(pool), memory, queue, metrics, read_now),
        open_session=sessions.open,
        metrics=metrics,
        clock=read_now,
        chance=random.random,
        failures_before_disabling=settings.failures_before_disabling,
    )
    lane_parts = LaneParts(
        deliveries=deliveries,
        egress=egress,
        metrics=metrics,
        clock=read_now,
        monotonic=time.monotonic,
        chance=random.random,
        is_alive=heartbeat.is_alive,
        schedule_seconds=settings.read_schedule(),
    )
    return Parts(
        pool=pool,
        queue=queue,
        scheduler=Scheduler(polls, deliveries, queue, read_now),
        poller=Poller(poller_parts),
        lanes=Lanes(lane_parts),
        announcer=Announcer(
            Notices(pool, vault),
            egress,
            clock=read_now,
            chance=random.random,
            schedule_seconds=settings.read_schedule(),
        ),
        polling=PollingStatus(pool, vault),
        metrics=metrics,
        workers=workers,
        heartbeat=heartbeat,
    )


class PlanReader:
    """Reads the event part of a configuration; it spans polling and delivery (``instances.lifecycle.ReadPlan``)."""

    def __init__(self, settings: Settings, outbound: Outbound) -> None:
        self._minimum_seconds = settings.min_poll_interval_seconds
        self._outbound = outbound

    async def __call__(self, configuration: Mapping[str, str], connector: Connector) -> EventPlan:
        """Read and check it; the addresses that are to be called are looked up and judged.

        Raises:
            InvalidRequestError: a value is wrong, or an address must not be called.
        """
        polls = read_poll_settings(configuration, connector, minimum_interval_seconds=self._minimum_seconds)
        delivery = read_delivery_settings(configuration)
        await self._vet(CALLBACK_URL, delivery.callback_url)
        await self._vet(OPERATIONS_URL, read_operations_url(configuration))
        return EventPlan(
            interval_seconds=polls.interval_seconds,
            resources=polls.resources,
            callback_url=delivery.callback_url,
            full_raw=delivery.full_raw,
        )

    async def _vet(self, key: str, url: str | None) -> None:
        try:
            if url is not None:
                await self._outbound.vet(url)
        except AddressRefusedError as error:
            message = f"configuration.{key}: {error}"
            raise InvalidRequestError(message) from error
