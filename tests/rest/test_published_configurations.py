"""The published polling configurations, each by a declared connector on the generated API: what changes is found."""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from signalpost.connectors.registry import Registry
from signalpost.connectors.resource import Strategy
from signalpost.connectors.rest import RestConnector
from signalpost.connectors.rest.reading import read_text
from signalpost.instances.oauth2 import OAuth2
from signalpost.instances.sessions import Sessions
from signalpost.model.instance import Account, Tokens
from signalpost.observe import Metrics
from signalpost.outbound import Outbound
from signalpost.polling.configuration import COMMON_PARAMETERS, match_resource
from signalpost.polling.configuration.definition import read_definition
from signalpost.polling.dates import compile_pattern
from signalpost.polling.pages import Pages
from signalpost.polling.poller import Poller, PollerParts
from signalpost.polling.records import RecordReader
from signalpost.polling.where import read_where
from signalpost.store.events import Events
from signalpost.store.instance_rows import InstanceDraft
from signalpost.store.instances import Instances
from signalpost.store.memory import Memory
from signalpost.store.organizations import Organizations
from signalpost.store.polls import Polls
from signalpost.store.queue import Queue
from signalpost.store.tokens import TokenRows
from signalpost.store.vault import Vault

ALL: dict[str, dict[str, Any]] = json.loads(
    (Path(__file__).parents[1] / "data" / "poller-configurations.json").read_text()
)
LONG_AGO = datetime(2026, 1, 15, 12, tzinfo=UTC)


def quote(text: str) -> str:
    return json.dumps(text)


def declare(key: str, url: str) -> RestConnector:
    """Declare the connector that has what the configurations of ``key`` read."""
    hub = next(
        (part[2] for each in ALL[key].values() if (part := each["url"].strip().split("/"))[1] == "hubs"),
        "general",
    )
    resources = {}
    for name, configuration in ALL[key].items():
        definition = read_definition(name, configuration)
        location = definition.locate(LONG_AGO, LONG_AGO)
        where = read_where(location.parameters.get("where", ""))
        dates = {each.field for each in (definition.updated, definition.created) if each}
        updated = definition.updated.field if definition.updated else ""
        if not dates and definition.varies and (named := [each.field for each in where.conjuncts()]):
            updated, dates = named[0], {named[0]}  # the date that the where goes by
        own = sorted(set(location.parameters) - COMMON_PARAMETERS)
        filters = [each for each in where.list_fields() if each not in dates]
        resources[location.path] = [
            "[[resources]]",
            f"name = {quote(location.path)}",
            f"path = {quote('/page/' + key + '/' + str(len(resources)))}",
            'records = "data.items"',
            'id_field = "id"',
            f"updated_field = {quote(updated)}",
            f"created_field = {quote(definition.created.field if definition.created else '')}",
            f"parameters = {json.dumps(own)}",
            *(
                f"[[resources.filters]]\nfield = {quote(each)}\nparameter = {quote('by_' + each)}\ncompared = false"
                for each in dict.fromkeys(filters)
            ),
            '[resources.pagination]\nkind = "page"\nsize_parameter = "size"\nsize = 2',
        ]
    lines = [
        f"key = {quote(key)}",
        f"name = {quote(key)}",
        f"hub = {quote(hub)}",
        f"base_url = {quote(url + '/header')}",
        '[auth]\nkind = "header"\nheader = "X-Api-Key"',
        "[limits]\ncalls_per_second = 1000",
        *(line for each in resources.values() for line in each),
    ]
    return RestConnector(read_text("\n".join(lines), f"{key}.toml", compile_pattern))


class Thing:
    """One polled resource: how its records are written, and what is expected of them."""

    def __init__(self, connector: RestConnector, name: str) -> None:
        configuration = ALL[connector.key][name]
        self.name = name
        self.polled = match_resource(name, configuration, connector)
        where = self.polled.definition.locate(LONG_AGO, LONG_AGO).parameters.get("where", "")
        self.alternatives = read_where(where).list_fields() if " or " in where else []
        self.collection = connector._sources[self.polled.resource.name].path.removeprefix("/page/")

    def write(self, number: int, instant: datetime) -> dict[str, Any]:
        record: dict[str, Any] = {"value": f"{number} at {instant}"}
        put(record, self.polled.id_field, f"{self.name} {number}")
        for field in self.alternatives:  # an OR is compared here alone: the records have its fields
            put(record, field, instant.isoformat())
        for setting in (self.polled.updated, self.polled.created):
            if setting is not None:
                text = (
                    setting.pattern.write(instant, setting.zone)
                    if setting.pattern.text
                    else instant.isoformat()
                )
                put(record, setting.field, text)
        return record

    def expect(self, number: int, record: dict[str, Any], instant: datetime) -> tuple[str, datetime | None]:
        setting = self.polled.updated or self.polled.created
        date = None
        if setting is not None and self.polled.strategy is Strategy.TIMESTAMP:
            text: Any = record
            for part in [setting.field] if setting.field in record else setting.field.split("."):
                text = text[part]
            date = setting.pattern.read(text, setting.zone, now=instant) if setting.pattern.text else instant
        reader = RecordReader(self.polled.id_field, None, None, instant)
        object_id = f"{self.name} {number}" if self.polled.id_field else reader.read(record).object_id
        return object_id, date


def put(record: dict[str, Any], field: str, value: Any) -> None:
    *path, last = field.split(".")
    for part in path:
        record = record.setdefault(part, {})
    if last:
        record[last] = value


class Polled:
    """All the connectors, polled in this process."""

    def __init__(self, pool: Any, outbound: Outbound, connectors: list[RestConnector]) -> None:
        vault = Vault(["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="])
        metrics, memory = Metrics(), Memory(pool)
        clock = lambda: self.now  # noqa: E731
        self.now = datetime.now(UTC)
        self.pool = pool
        self.instances = Instances(pool, vault)
        sessions = Sessions(
            outbound,
            OAuth2(outbound, clock, vault),
            TokenRows(pool, vault),
            metrics,
            clock=clock,
            monotonic=time.monotonic,
        )
        self.poller = Poller(
            PollerParts(
                registry=Registry(connectors),
                polls=Polls(pool, vault),
                memory=memory,
                pages=Pages(Events(pool), memory, Queue(pool), metrics, clock),
                open_session=sessions.open,
                metrics=metrics,
                clock=clock,
                chance=lambda: 0.5,
            )
        )

    async def connect(self, connector: RestConnector) -> int:
        name = uuid4().hex
        await Organizations(self.pool).create_credentials(name, "ada@example.com")
        row = await self.pool.fetchrow(
            "SELECT organization.id, member.id AS user_id FROM organization JOIN member"
            " ON member.organization_id = organization.id WHERE organization.name = $1",
            name,
        )
        draft = InstanceDraft(
            connector=connector.key, name=name, tags=(), configuration={"api.key": "key-of-the-sandbox"},
            secret_keys=frozenset({"api.key"}), account=Account(name, name), interval_seconds=900,
            resources=ALL[connector.key], callback_url=None, full_raw=False,
        )  # fmt: skip
        instance = await self.instances.create(
            draft,
            organization_id=row["id"],
            user_id=row["user_id"],
            token=name,
            tokens=Tokens("", None, None),
        )
        return instance.id

    async def poll(self, instance_id: int) -> None:
        await self.poller.poll(instance_id)
        rows = await self.pool.fetch(
            "SELECT resource, last_error FROM resource_poll WHERE instance_id = $1", instance_id
        )
        assert {row["resource"]: row["last_error"] for row in rows if row["last_error"]} == {}

    async def read_events(self, instance_id: int) -> dict[str, list[tuple[str, datetime]]]:
        found: dict[str, list[tuple[str, datetime]]] = {}
        rows = await self.pool.fetch(
            "SELECT object_type, object_id, occurred_at FROM event WHERE instance_id = $1 ORDER BY sequence",
            instance_id,
        )
        for row in rows:
            found.setdefault(row["object_type"], []).append((row["object_id"], row["occurred_at"]))
        return found


async def test_every_published_configuration_finds_a_change(pool, api):
    connectors = [declare(key, api.url) for key in ALL]
    assert (len(connectors), sum(len(each.resources) for each in connectors)) == (42, 108)
    async with Outbound(allow_private=True, connections=50) as outbound:
        polled = Polled(pool, outbound, connectors)
        wrong = {}
        for connector in connectors:
            things = [Thing(connector, name) for name in ALL[connector.key]]
            for thing in things:
                api.state.collections[thing.collection] = [
                    thing.write(number, LONG_AGO) for number in range(3)
                ]
            polled.now = datetime.now(UTC)
            instance_id = await polled.connect(connector)
            await polled.poll(instance_id)
            assert await polled.read_events(instance_id) == {}
            changed_at = polled.now = polled.now + timedelta(days=2)
            expected = {}
            for thing in things:
                record = thing.write(1, changed_at)
                api.state.collections[thing.collection][1] = record
                expected[thing.name] = thing.expect(1, record, changed_at)
            polled.now += timedelta(minutes=15)
            await polled.poll(instance_id)
            found = await polled.read_events(instance_id)
            for name, (object_id, date) in expected.items():
                if found.get(name) != [(object_id, date or polled.now)]:
                    wrong[f"{connector.key} {name}"] = (found.get(name), object_id, date)
        assert wrong == {}


@pytest.fixture(autouse=True)
def quiet():
    import structlog

    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
