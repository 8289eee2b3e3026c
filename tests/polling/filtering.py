"""A provider that compares dates itself, as Egnyte's links and notes do: what its ``where`` leaves out never comes."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from signalpost.connectors.registry import Registry
from signalpost.connectors.resource import ListPage
from tests.polling.machine import CONFIGURATIONS, DATES, Machine
from tests.polling.provider import CHANGES, MEMBERS, THINGS, ProviderConnector, ProviderListing


class FilteringListing(ProviderListing):
    """A list that the provider itself filters by ``updated``, in the order of these dates."""

    def __init__(self, provider, conditions):
        super().__init__(provider)
        self.conditions = conditions

    async def read(self, session, position, size):
        provider = self._provider
        kept = provider.records
        bounds = [datetime.fromisoformat(each.value) for each in self.conditions]
        provider.call()
        rows = [
            row
            for row in kept.values()
            if all(datetime.fromisoformat(row["updated"]) > bound for bound in bounds)
        ]
        rows.sort(key=lambda row: row["updated"])
        start, size = int(position or 0), size or provider.page_size
        found = rows[start : start + size]
        return ListPage([dict(row) for row in found], str(start + size) if len(found) == size else None)


class FilteringConnector(ProviderConnector):
    resources = (CHANGES, replace(THINGS, filters=frozenset({"updated"})), MEMBERS)

    def open_listing(self, resource, parameters, conditions):
        return FilteringListing(self._provider, conditions)


FILTERED = {
    "url": "/hubs/tests/things?where=updated > '${gmtDate:yyyy-MM-dd'T'HH:mm:ssXXX}'",
    "idField": "id",
    "datesConfiguration": DATES,
}


def filter_at_provider(machine):
    """Have the machine's provider compare dates itself."""
    machine._parts = replace(machine._parts, registry=Registry([FilteringConnector(machine.provider)]))


async def open_filtered(pool, provider):
    machine = Machine(provider, pool, "timestamp")
    filter_at_provider(machine)
    await machine.connect(FILTERED)
    await machine.poll()
    provider.now += machine.interval
    return machine


async def set_resources(machine, resources):
    draft = machine._draft(CONFIGURATIONS["timestamp"], {})
    instance = await machine.instances.find(machine.instance.organization_id, machine.instance.id)
    await machine.instances.update(instance, replace(draft, resources=resources))
