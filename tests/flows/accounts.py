"""Sessions of a stored instance as another process would open them, for tests of the renewal of its token."""

from __future__ import annotations

import time
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.connectors.registry import Registry
from signalpost.instances.oauth2 import OAuth2
from signalpost.instances.sessions import Sessions
from signalpost.observe import Metrics
from signalpost.outbound import Outbound
from signalpost.store.polls import Polls
from signalpost.store.tokens import TokenRows
from signalpost.store.vault import Vault
from tests.flows.test_tokens import KEY
from tests.support import until

PATH = "/pubapi/v1/userinfo"


class Accounts:
    """Opens sessions of one stored instance, as another process would, with the ``clock`` wrong if a test wants."""

    def __init__(self, world, pool, outbound, instance):
        self.instance_id = instance["id"]
        self.pool = pool
        self.connector = Registry([EgnyteConnector(world.sandbox.url)]).find("egnyte")
        self.clock_off = timedelta()
        self.polls = Polls(pool, Vault([KEY]))
        self.rows = TokenRows(pool, Vault([KEY]))
        oauth2 = OAuth2(outbound, self.read_now, Vault([KEY]))
        self.metrics = Metrics()
        self.sessions = Sessions(
            outbound, oauth2, self.rows, self.metrics, clock=self.read_now, monotonic=time.monotonic
        )

    def read_now(self):
        return datetime.now(UTC) + self.clock_off

    async def open(self):
        return self.sessions.open(self.connector, await self.polls.load(self.instance_id))

    def count_renewals(self):
        """Give how many renewals the metrics count, by their outcome; those there were."""
        name = "signalpost_token_renewals_total"
        counted = {
            each: self.metrics.registry.get_sample_value(name, {"outcome": each})
            for each in ("renewed", "refused", "failed")
        }
        return {each: number for each, number in counted.items() if number}

    async def read_stored(self):
        async with self.rows.lock(self.instance_id, "egnyte") as lock:
            return lock.tokens


@asynccontextmanager
async def open_accounts(world, pool):
    """Give a function that connects an instance that is not polled again, and gives its ``Accounts``."""
    async with Outbound(allow_private=True, connections=50) as outbound:

        async def connect_one(*, own_pool=pool, **settings):
            await world.control("PATCH", "settings", settings)
            instance = await world.connect(**{"event.poller.refresh_interval": 60})

            async def has_ended():
                return await world.pool.fetchval(
                    "SELECT last_poll_at FROM instance WHERE id = $1", instance["id"]
                )

            await until(has_ended)
            return Accounts(world, own_pool, outbound, instance)

        yield connect_one
