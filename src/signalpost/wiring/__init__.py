"""The composition root: builds the parts from the settings and joins them. The only room that knows every part."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import asyncpg

from signalpost.accounts.accounts import Accounts
from signalpost.api.app import build_app
from signalpost.api.parts import ApiParts
from signalpost.connectors.registry import load_registry
from signalpost.delivery.egress import Egress
from signalpost.delivery.sample import Sampler
from signalpost.delivery.stuck import Stuck
from signalpost.instances.lifecycle import Lifecycle
from signalpost.instances.oauth2 import OAuth2
from signalpost.instances.sessions import Sessions
from signalpost.model.clock import SharedClock
from signalpost.observe import Metrics
from signalpost.outbound import Outbound
from signalpost.polling.hub import Hub, UserCalls
from signalpost.polling.preview import Previews
from signalpost.polling.scheduler import POLL_GRACE_SECONDS
from signalpost.runtime import Runtime
from signalpost.settings import Settings
from signalpost.store.accounts.sessions import Sessions as WebSessions
from signalpost.store.database import Health, migrate, open_pool
from signalpost.store.delivery_log import DeliveryLog
from signalpost.store.endpoints import Endpoints
from signalpost.store.event_log import EventLog
from signalpost.store.instances import Instances
from signalpost.store.organizations import Organizations
from signalpost.store.polling_status import PollingStatus
from signalpost.store.polls import Polls
from signalpost.store.queue import Queue
from signalpost.store.replay_orders import ReplayOrders
from signalpost.store.tokens import TokenRows
from signalpost.store.vault import Vault
from signalpost.store.workers import Workers
from signalpost.web.app import Faces, build_console
from signalpost.wiring.accounts import join_accounts, open_accounts
from signalpost.wiring.console import join_console
from signalpost.wiring.database import ReachedDatabase, open_database, open_vault, reach_database
from signalpost.wiring.plan import PlanReader
from signalpost.wiring.roles import Ground, join_roles

__all__ = ["Service", "open_accounts", "open_service", "open_vault", "reach_database", "read_now"]

CONNECTIONS_OUTWARDS = 1000
CLOSE_SECONDS = 3.0


@dataclass(frozen=True, slots=True)
class Service:
    """A process of the service, put together: the web application and the working roles."""

    app: Faces
    runtime: Runtime
    organizations: Organizations
    accounts: Accounts
    pool: asyncpg.Pool
    database: ReachedDatabase


def read_now() -> datetime:
    """Give the time now, in UTC: the one clock that is passed to all parts."""
    return datetime.now(UTC)


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
                allowance=settings.read_allowance(),
                proxy_url=settings.read_proxy_url(),
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
    clock = SharedClock(read_now, time.monotonic)
    registry = load_registry(egnyte_url=settings.egnyte_url)
    oauth2 = OAuth2(outbound, clock)
    sessions = Sessions(outbound, oauth2, TokenRows(pool, vault), clock=clock, monotonic=time.monotonic)
    egress = Egress(outbound)
    organizations = Organizations(pool)
    instances = Instances(pool, vault)
    read_plan = PlanReader(settings, outbound)
    lifecycle = Lifecycle(
        registry=registry,
        instances=instances,
        oauth2=oauth2,
        read_plan=read_plan,
        open_session=sessions.open_first,
    )
    polling = PollingStatus(pool, vault)
    user_calls = UserCalls(polling, sessions.open_for_user)
    queue = Queue(pool)
    delivery_log, endpoints, replays = DeliveryLog(pool), Endpoints(pool), ReplayOrders(pool, clock)
    api_parts = ApiParts(
        registry=registry,
        organizations=organizations,
        instances=instances,
        lifecycle=lifecycle,
        event_log=EventLog(pool),
        delivery_log=delivery_log,
        endpoints=endpoints,
        replays=replays,
        stuck=Stuck(delivery_log, endpoints, replays, queue),
        hub=Hub(registry, user_calls),
        previews=Previews(registry, user_calls, clock),
        polling=polling,
        queue=queue,
        sampler=Sampler(egress, clock, time.monotonic),
        metrics=metrics,
        health=Health(pool),
        metrics_token=settings.metrics_token.get_secret_value() if settings.metrics_token else None,
        clock=clock,
        vet=read_plan.vet,
    )
    parts = join_roles(Ground(settings, pool, vault, registry, sessions, egress, metrics, clock))
    web_sessions = WebSessions(pool)
    accounts = join_accounts(pool, web_sessions, clock)
    web_parts = join_console(settings, pool, vault, api_parts, web_sessions, accounts)
    faces = Faces(build_app(api_parts), build_console(web_parts))
    return Service(faces, Runtime(parts, roles), organizations, accounts, pool, database)
