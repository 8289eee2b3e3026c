"""The product's side of the simulation: real rows, the real poller, and what a receiver would know from the events."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import orjson

from signalpost.connectors.registry import Registry
from signalpost.model.errors import FencedError
from signalpost.model.instance import Account, Tokens
from signalpost.observe import Metrics
from signalpost.polling.pages import Pages
from signalpost.polling.poller import Poller, PollerParts
from signalpost.store.database import open_pool
from signalpost.store.events import Events
from signalpost.store.instance_rows import InstanceDraft
from signalpost.store.instances import Instances
from signalpost.store.memory import Memory
from signalpost.store.organizations import Organizations
from signalpost.store.polls import Polls
from signalpost.store.queue import Queue
from signalpost.store.vault import Vault
from tests.polling.provider import Provider, ProviderConnector, ProviderSession

DATES = {"updatedDateField": "updated", "createdDateField": "created"}
CONFIGURATIONS: dict[str, dict[str, Any]] = {
    "feed": {"url": "/hubs/tests/changes", "idField": "object"},
    "timestamp": {"url": "/hubs/tests/things", "idField": "id", "datesConfiguration": DATES},
    "snapshot": {"url": "/hubs/tests/things", "idField": "id", "strategy": "snapshot"},
}
QUIET = timedelta(hours=2)


class Machine:
    """One instance on a simulated provider, polled on demand."""

    interval = timedelta(minutes=15)
    before_reading: Callable[[], Awaitable[None]] | None = None

    def __init__(
        self, provider: Provider, pool: Any, strategy: str, *, most_remembered: int = 100_000
    ) -> None:
        self.provider = provider
        provider.pause = self._pause
        self.pool = pool
        self.strategy = strategy
        vault = Vault(["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="])
        self._vault = vault
        self.instances = Instances(pool, vault)
        memory, queue, metrics = Memory(pool), Queue(pool), Metrics()
        self._parts = PollerParts(
            registry=Registry([ProviderConnector(provider)]),
            polls=Polls(pool, vault),
            memory=memory,
            pages=Pages(
                Events(pool, most_remembered=most_remembered), memory, queue, metrics, provider.clock
            ),
            open_session=lambda *_: ProviderSession(),
            metrics=metrics,
            clock=provider.clock,
            chance=lambda: 0.5,
        )

    async def connect(self, configuration: dict[str, Any] | None = None, **more: str) -> None:
        organizations = Organizations(self.pool)
        name = uuid4().hex
        await organizations.create_credentials(name, "ada@example.com")
        row = await self.pool.fetchrow(
            "SELECT organization.id, member.id AS user_id FROM organization JOIN member"
            " ON member.organization_id = organization.id WHERE organization.name = $1",
            name,
        )
        self.instance = await self.instances.create(
            self._draft(configuration or CONFIGURATIONS[self.strategy], more),
            organization_id=row["id"],
            user_id=row["user_id"],
            token=f"token {name}",
            tokens=Tokens("t", None, None),
        )

    def _draft(self, configuration: dict[str, Any], more: dict[str, str]) -> InstanceDraft:
        return InstanceDraft(
            connector="simulated", name="S", tags=(), configuration=more, secret_keys=frozenset(),
            account=Account("a", "a"), interval_seconds=900, resources={"polled": configuration},
            callback_url=None, full_raw=False,
        )  # fmt: skip

    async def edit(self, configuration: dict[str, Any]) -> None:
        """Change what is polled, over whatever somebody else changed meanwhile, as the API does."""
        while True:
            instance = await self.instances.find(self.instance.organization_id, self.instance.id)
            try:
                await self.instances.update(instance or self.instance, self._draft(configuration, {}))
            except FencedError:
                continue
            return

    async def _pause(self) -> None:
        if self.before_reading is not None:
            await self.before_reading()

    async def poll(self, *, workers: int = 1) -> None:
        """Poll, as one worker or as several at once."""
        await asyncio.gather(*(Poller(self._parts).poll(self.instance.id) for _ in range(workers)))

    async def poll_cut_off(self, turns: int) -> None:
        """Poll, and be cut off after some turns of the event loop, wherever that is."""
        task = asyncio.create_task(Poller(self._parts).poll(self.instance.id))
        for _ in range(turns):
            await asyncio.sleep(0)
            if task.done():
                break
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    async def settle(self) -> None:
        """Let the provider recover, time pass, and all that waits be read."""
        self.provider.failures.clear()
        self.provider.meanwhile.clear()
        self.provider.shuffle = None
        for _ in range(3):
            self.provider.now += QUIET
            await self.poll()
        assert await self.read_error() is None

    async def tell(self) -> list[tuple[str, str]]:
        """Poll, and give the object and type of every event so far."""
        await self.poll()
        self.provider.now += self.interval
        return [(event["object_id"], event["event_type"]) for event in await self.read_events()]

    async def read_error(self) -> str | None:
        return await self.pool.fetchval(
            "SELECT last_error FROM resource_poll WHERE instance_id = $1", self.instance.id
        )

    async def read_row(self) -> Any:
        return await self.pool.fetchrow(
            "SELECT * FROM resource_poll WHERE instance_id = $1", self.instance.id
        )

    async def read_watermark(self) -> Any:
        return (await self.read_row())["watermark"]

    async def read_events(self) -> list[dict[str, Any]]:
        rows = await self.pool.fetch(
            "SELECT event.sequence, event.object_id, event.event_type, event.occurred_at,"
            " page.records[event.record_index + 1] AS record FROM event JOIN page ON page.id = event.page_id"
            " WHERE event.instance_id = $1 ORDER BY event.sequence",
            self.instance.id,
        )
        return [{**row, "record": orjson.loads(row["record"])} for row in rows]

    async def replay(self, known: dict[str, int]) -> dict[str, int]:
        """Give what a receiver knows that knew ``known`` and was told all events."""
        truth = dict(known)
        for event in await self.read_events():
            if event["event_type"] == "DELETED":
                truth.pop(event["object_id"], None)
            else:
                truth[event["object_id"]] = event["record"]["value"]
        return truth

    async def close(self) -> None:
        await self.instances.delete(self.instance)


async def open_machine(
    database: dict[str, Any], strategy: str, provider: Provider | None = None, **more: Any
) -> Machine:
    return Machine(provider or Provider(), await open_pool(database, size=6), strategy, **more)


def write_date(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
