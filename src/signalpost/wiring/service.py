"""A process of the service: its parts built from the settings and joined."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import cached_property

import asyncpg
from fastapi import FastAPI
from starlette.types import ASGIApp

from signalpost import __version__
from signalpost.accounts.accounts import Accounts
from signalpost.api.app import build_app, build_health
from signalpost.api.parts import ApiParts
from signalpost.connectors.registry import Registry, load_registry
from signalpost.delivery.egress import Egress
from signalpost.delivery.sample import Sampler
from signalpost.delivery.stuck import Stuck
from signalpost.instances.lifecycle import Lifecycle
from signalpost.instances.oauth2 import OAuth2
from signalpost.instances.sessions import Sessions
from signalpost.instances.starts import Starts
from signalpost.model.clock import SharedClock, read_now
from signalpost.observe import Metrics, Vitals
from signalpost.outbound import Outbound
from signalpost.polling.dates import compile_pattern
from signalpost.polling.hub import Hub, UserCalls
from signalpost.polling.preview import Previews
from signalpost.polling.scheduler import POLL_GRACE_SECONDS
from signalpost.polling.starts import find_starts
from signalpost.runtime import Runtime
from signalpost.settings import Settings
from signalpost.store.accounts.sessions import Sessions as WebSessions
from signalpost.store.delivery_log import DeliveryLog
from signalpost.store.endpoints import Endpoints
from signalpost.store.event_log import EventLog
from signalpost.store.instances import Instances
from signalpost.store.kept_answers import KeptAnswers
from signalpost.store.organizations import Organizations
from signalpost.store.polling_status import PollingStatus
from signalpost.store.polls import Polls
from signalpost.store.queue import Queue
from signalpost.store.replay_orders import ReplayOrders
from signalpost.store.tokens import TokenRows
from signalpost.store.vault import Vault
from signalpost.store.workers import Workers
from signalpost.tracing import Tracer
from signalpost.web.parts import WebParts
from signalpost.wiring.accounts import join_accounts
from signalpost.wiring.console import join_console
from signalpost.wiring.database import (
    Connections,
    ReachedDatabase,
    open_connections,
    open_database,
    open_vault,
)
from signalpost.wiring.outbound import TO_CALLBACKS, TO_ONE_CALLBACK, TO_PROVIDERS, open_outbound
from signalpost.wiring.plan import PlanReader
from signalpost.wiring.roles import Ground, join_roles
from signalpost.wiring.traces import open_tracer


@dataclass(frozen=True)
class Service:
    """A process of the service, put together: the web application and the working roles.

    ``health_app`` is what it shows where it does not show its ``app``.
    """

    api: ApiParts
    console: WebParts
    health_app: FastAPI
    runtime: Runtime
    organizations: Organizations
    accounts: Accounts
    pool: asyncpg.Pool
    database: ReachedDatabase

    @cached_property
    def app(self) -> ASGIApp:
        """The API and the console, built where they are wanted: a worker starts without both."""
        from signalpost.web.app import Faces, build_console  # noqa: PLC0415

        return Faces(build_app(self.api), build_console(self.console))


@asynccontextmanager
async def open_service(settings: Settings, roles: frozenset[str]) -> AsyncIterator[Service]:
    """Put a process together: database, migrations, parts. The roles are started by ``service.runtime``."""
    registry = load_registry(
        egnyte_url=settings.read_egnyte_url(),
        files=settings.list_connector_files(),
        check_format=compile_pattern,
    )
    registry.tell_left_out()
    async with AsyncExitStack() as stack:
        tracer = await stack.enter_async_context(open_tracer(settings))
        database = await stack.enter_async_context(open_database(settings))
        await database.migrate()
        clock = SharedClock(read_now, time.monotonic)
        connections = await stack.enter_async_context(
            open_connections(database, clock, most=settings.database_connections)
        )
        providers = await stack.enter_async_context(open_outbound(settings, connections=TO_PROVIDERS))
        callbacks = await stack.enter_async_context(
            open_outbound(settings, connections=TO_CALLBACKS, connections_to_host=TO_ONE_CALLBACK)
        )
        vault = await open_vault(settings, connections.work)
        if settings.database_url is None:
            # Nobody but us can be using the embedded database: what an earlier, killed process held is free.
            await Workers(connections.life).forget_others()
            await Queue(connections.work).clear()
            now = clock()
            await Polls(connections.work, vault).release_all(
                now, until=now + timedelta(seconds=POLL_GRACE_SECONDS)
            )
        yield _join(
            settings,
            roles,
            registry,
            database,
            connections,
            clock,
            vault,
            providers,
            Egress(callbacks),
            tracer,
        )


def _join(
    settings: Settings,
    roles: frozenset[str],
    registry: Registry,
    database: ReachedDatabase,
    connections: Connections,
    clock: SharedClock,
    vault: Vault,
    providers: Outbound,
    egress: Egress,
    tracer: Tracer,
) -> Service:
    pool, metrics = connections.work, _make_metrics(connections.work)
    oauth2 = OAuth2(providers, clock, vault)
    sessions = Sessions(
        providers,
        oauth2,
        TokenRows(pool, vault),
        metrics,
        clock=clock,
        monotonic=time.monotonic,
        tracer=tracer,
    )
    ground = Ground(
        settings,
        connections,
        vault,
        registry,
        sessions,
        egress,
        metrics,
        Vitals(time.monotonic),
        clock,
        tracer,
    )
    api_parts = _join_api(ground, oauth2, providers)
    web_sessions = WebSessions(pool)
    accounts = join_accounts(pool, web_sessions, clock)
    web_parts = join_console(settings, pool, vault, api_parts, web_sessions, accounts)
    runtime = Runtime(join_roles(ground), roles)
    return Service(
        api_parts,
        web_parts,
        build_health(api_parts),
        runtime,
        api_parts.organizations,
        accounts,
        pool,
        database,
    )


def _make_metrics(pool: asyncpg.Pool) -> Metrics:
    metrics = Metrics()
    metrics.build.info({"version": __version__})
    metrics.watch_pool(lambda: (pool.get_size(), pool.get_idle_size(), pool.get_max_size()))
    return metrics


def _join_api(ground: Ground, oauth2: OAuth2, providers: Outbound) -> ApiParts:
    settings, pool, vault, clock = ground.settings, ground.connections.work, ground.vault, ground.clock
    registry, sessions = ground.registry, ground.sessions
    instances = Instances(pool, vault)
    read_plan = PlanReader(settings, providers)
    polling = PollingStatus(pool, vault)
    user_calls = UserCalls(polling, sessions.open_for_user)
    lifecycle = Lifecycle(
        registry=registry,
        instances=instances,
        oauth2=oauth2,
        read_plan=read_plan,
        starts=Starts(instances, find_starts, sessions.open_first, user_calls.open),
    )
    queue = Queue(pool)
    delivery_log, endpoints, replays = DeliveryLog(pool), Endpoints(pool), ReplayOrders(pool, clock)
    return ApiParts(
        registry=registry,
        organizations=Organizations(pool),
        instances=instances,
        kept_answers=KeptAnswers(pool, vault),
        lifecycle=lifecycle,
        oauth2=oauth2,
        event_log=EventLog(pool),
        delivery_log=delivery_log,
        endpoints=endpoints,
        replays=replays,
        stuck=Stuck(delivery_log, endpoints, replays, queue),
        hub=Hub(registry, user_calls),
        previews=Previews(registry, user_calls, clock),
        polling=polling,
        queue=queue,
        sampler=Sampler(ground.egress, clock, time.monotonic),
        metrics=ground.metrics,
        health=ground.connections.health,
        vitals=ground.vitals,
        metrics_token=settings.metrics_token.get_secret_value() if settings.metrics_token else None,
        clock=clock,
        vet=read_plan.vet,
    )
