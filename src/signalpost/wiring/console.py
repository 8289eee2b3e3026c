"""The parts of the console, joined."""

from __future__ import annotations

import time

import asyncpg

from signalpost.accounts.accounts import Accounts
from signalpost.api.parts import ApiParts
from signalpost.delivery.again import Again
from signalpost.instances.consent import Consents
from signalpost.settings import Settings
from signalpost.store.accounts.audit import Audit
from signalpost.store.accounts.sessions import Sessions
from signalpost.store.applications import Applications
from signalpost.store.connections import Connections
from signalpost.store.vault import Vault
from signalpost.store.views.delivery_list import DeliveryList
from signalpost.store.views.failed import Failed
from signalpost.store.views.insight import Insight
from signalpost.store.views.instance_health import InstanceHealth
from signalpost.store.views.instance_story import InstanceStory
from signalpost.store.views.operations import Operations
from signalpost.store.views.pulse import Pulse
from signalpost.store.views.recent import Recent
from signalpost.store.views.troubles import Troubles
from signalpost.web.parts import WebParts
from signalpost.web.streams import Streams


def join_console(
    settings: Settings,
    pool: asyncpg.Pool,
    vault: Vault,
    api: ApiParts,
    sessions: Sessions,
    accounts: Accounts,
) -> WebParts:
    """Join what the pages call besides the API's own parts."""
    audit, applications, connections = Audit(pool), Applications(pool, vault), Connections(pool, vault)
    consents = Consents(
        registry=api.registry,
        lifecycle=api.lifecycle,
        oauth2=api.oauth2,
        instances=api.instances,
        connections=connections,
        applications=applications,
        audit=audit,
        vault=vault,
        clock=api.clock,
    )
    return WebParts(
        api=api,
        accounts=accounts,
        sessions=sessions,
        audit=audit,
        applications=applications,
        connections=connections,
        consents=consents,
        vault=vault,
        instance_health=InstanceHealth(pool),
        instance_story=InstanceStory(pool),
        insight=Insight(pool),
        troubles=Troubles(pool),
        operations=Operations(
            pool, retention_days=settings.retention_days, most_waiting=settings.most_waiting
        ),
        recent=Recent(pool),
        delivery_list=DeliveryList(pool),
        failed=Failed(pool),
        again=Again(Failed(pool), api.replays),
        pulse=Pulse(pool, time.monotonic),
        streams=Streams(),
        public_url=settings.read_public_url(),
    )
