"""Another identity for the objects of a snapshot: what the old one found is forgotten, and never told as deleted."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta

import orjson
import pytest

from signalpost.connectors.resource import ListPage
from signalpost.model.errors import ConnectorError
from tests.polling.machine import CONFIGURATIONS, DATES
from tests.polling.provider import ISO, Provider, ProviderListing


async def test_another_identity_in_doubt_deletes_nothing(open_machine):
    machine = await open_machine("snapshot")
    provider = machine.provider
    provider.listed = [{"id": f"o{n}", "name": f"n{n}", "value": n} for n in range(5)]
    told = await machine.tell()
    await machine.edit({**CONFIGURATIONS["snapshot"], "idField": "name"})
    listed = provider.listed
    provider.listed = [*listed, listed[0]]  # a row came twice: it leaves doubt
    assert await machine.tell() == told
    provider.listed = listed
    assert await machine.tell() == told
    provider.listed = listed[1:]
    assert await machine.tell() == [*told, ("n0", "DELETED")]


@pytest.mark.parametrize(
    ("strategy", "other"),
    [
        ("snapshot", {"idField": "name"}),
        ("timestamp", {"datesConfiguration": {"updatedDateField": "seen"}}),
        ("timestamp", {"filterByUpdatedDate": False}),
    ],
)
async def test_a_change_that_is_taken_back_before_all_was_taken_in_tells_nothing(
    open_machine, strategy, other
):
    machine = await open_machine(strategy)
    provider = machine.provider
    at = provider.read_clock() - timedelta(hours=1)
    dates = {"updated": at.isoformat(), "seen": (at + timedelta(minutes=1)).isoformat()}
    newest = {"id": "z", "name": "z", "updated": (at + timedelta(minutes=5)).isoformat()}
    provider.listed = [*({"id": f"o{n}", "name": f"n{n}", **dates} for n in range(5)), newest]

    async def tell():
        """Of the newest, dated as the watermark is, nobody knows whether it was there."""
        return [each for each in await machine.tell() if each[0] != "z"]

    told = await tell()
    await machine.edit({**CONFIGURATIONS[strategy], **other})
    provider.failures.append((1, ConnectorError("cut off")))  # after the first page
    await machine.poll()
    assert await machine.read_error() == "cut off"
    await machine.edit(CONFIGURATIONS[strategy])
    assert await tell() == told
    assert await machine.read_error() is None
    provider.listed[0] = {**provider.listed[0], "name": "n5", "updated": provider.read_clock().isoformat()}
    assert await tell() == [*told, ("o0", "UPDATED")]


@pytest.mark.parametrize(
    "other", [{"datesConfiguration": DATES}, {"filterByUpdatedDate": False}, {"pageSize": 2}]
)
async def test_what_makes_no_object_of_a_snapshot_another_loses_no_change(open_machine, other):
    machine = await open_machine("snapshot")
    provider = machine.provider
    for number in range(3):
        provider.write(f"o{number}", number)
    told = await machine.tell()
    provider.write("o1", 7)
    provider.delete("o2")
    await machine.edit({**CONFIGURATIONS["snapshot"], **other})
    assert await machine.tell() == [*told, ("o1", "UPDATED"), ("o2", "DELETED")]


async def test_other_dates_lose_no_change_where_content_decides(open_machine):
    by_content = {**CONFIGURATIONS["timestamp"], "filterByUpdatedDate": False}
    machine = await open_machine("timestamp", configuration=by_content)
    provider = machine.provider
    old = "2026-05-20T11:00:00+00:00"
    provider.listed = [{"id": "o", "value": 1, "updated": old, "created": old}]
    told = await machine.tell()
    provider.listed[0] = {**provider.listed[0], "value": 2}
    await machine.edit({**by_content, "datesConfiguration": {"updatedDateField": "updated"}})
    assert await machine.tell() == [*told, ("o", "UPDATED")]


async def test_a_watermark_of_an_older_release_is_known_and_the_older_one_knows_ours(open_machine):
    """They may run side by side: neither takes the list in anew."""
    machine = await open_machine("snapshot")
    machine.provider.write("o", 1)
    told = await machine.tell()
    parts = ["snapshot", "/hubs/tests/things", "id", [["updated", ISO, "UTC"], ["created", ISO, "UTC"]], True]
    by = hashlib.blake2b(orjson.dumps(parts), digest_size=8).hexdigest()
    assert (await machine.read_watermark())["by"] == by
    await machine.pool.execute("UPDATE resource_poll SET watermark = watermark - 'objects'")
    machine.provider.delete("o")
    assert await machine.tell() == [*told, ("o", "DELETED")]


@pytest.mark.parametrize("strategy", ["snapshot", "timestamp"])
@pytest.mark.parametrize("fault", ["a row goes", "a page is empty"])
async def test_what_the_first_reading_missed_is_not_told_as_new(open_machine, monkeypatch, strategy, fault):
    provider = Provider()
    for number in range(9):
        provider.write(f"o{number}", number, dated=provider.now - timedelta(days=9 - number))
    real, failing = ProviderListing.read, [fault == "a page is empty"]

    async def read(self, session, position, size):
        page = await real(self, session, position, size)
        if position and failing and failing.pop():
            return ListPage([], None, 9, complete=False)
        return replace(page, total=len(provider.records))

    monkeypatch.setattr(ProviderListing, "read", read)
    if fault == "a row goes":
        provider.meanwhile.append((1, lambda: provider.delete("o0")))  # what follows moves to the page before
    machine = await open_machine(strategy, provider=provider)
    await machine.tell()
    provider.write("new", 1)
    gone = [("o0", "DELETED")] if "row" in fault and strategy == "snapshot" else []  # after it was seen
    assert await machine.tell() == [*gone, ("new", "CREATED")]


@pytest.mark.parametrize("strategy", ["snapshot", "timestamp"])
async def test_a_row_that_moved_to_the_first_page_while_the_list_was_taken_in_is_not_told_as_new(
    open_machine, strategy
):
    provider = Provider()
    for number in range(9):
        provider.write(f"o{number}", number, dated=provider.now - timedelta(days=9 - number))
    provider.listed = rows = [*provider.records.values()]
    provider.meanwhile.append((1, lambda: rows.insert(0, rows.pop())))
    machine = await open_machine(strategy, provider=provider)
    assert await machine.tell() == []
    assert await machine.tell() == []
    rows.append({"id": "new", "updated": provider.read_clock().isoformat()})
    assert await machine.tell() == [("new", "CREATED")]


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (CONFIGURATIONS["timestamp"], CONFIGURATIONS["snapshot"]),
        (CONFIGURATIONS["snapshot"], CONFIGURATIONS["timestamp"]),
        (
            CONFIGURATIONS["snapshot"],
            {**CONFIGURATIONS["snapshot"], "url": "/hubs/tests/things?where=value < 50"},
        ),
        (CONFIGURATIONS["snapshot"], {**CONFIGURATIONS["snapshot"], "idField": "name"}),
    ],
)
@pytest.mark.parametrize("waited", [timedelta(minutes=1), timedelta(days=9)])
async def test_what_changed_since_a_list_was_read_is_told_though_it_is_read_otherwise_then(
    open_machine, before, after, waited
):
    """As while the instance was disabled, or could not be read: the change of its configuration hides none."""
    machine = await open_machine("snapshot", configuration=before)
    provider = machine.provider
    for number in range(3):
        provider.write(f"o{number}", number)
        provider.records[f"o{number}"]["name"] = f"o{number}"
    told = await machine.tell()
    read_at = (await machine.read_watermark()).get("read")
    assert await machine.tell() == told
    assert (await machine.read_watermark()).get("read") == read_at  # what finds nothing writes nothing
    provider.now += timedelta(hours=2)
    assert await machine.tell() == told
    provider.now += waited
    provider.write("o1", 7)
    provider.write("new", 1)
    for name in ("o1", "new"):
        provider.records[name]["name"] = name
    await machine.edit(after)
    expected = [*told, ("o1", "UPDATED"), ("new", "CREATED")]
    assert await machine.tell() == expected
    assert await machine.tell() == expected


WRITTEN = {
    "updatedDateField": "updated",
    "updatedDateFormat": ISO,
    "updatedDateTimezone": "GMT",
    "createdDateField": "created",
    "createdDateFormat": ISO,
    "createdDateTimezone": "GMT",
}


@pytest.mark.parametrize("order", [1, -1])
async def test_dates_written_as_they_are_declared_are_no_other_configuration(open_machine, order):
    short = {"url": "/hubs/tests/things"}
    before, after = [short, {**short, "idField": "id", "datesConfiguration": WRITTEN}][::order]
    machine = await open_machine("timestamp")
    await machine.edit(before)
    machine.provider.write("a", 1)
    assert ("a", "CREATED") in await machine.tell()
    await machine.edit(after)
    before_the_watermark = machine.provider.read_clock() - timedelta(hours=1)
    machine.provider.write("b", 1, dated=before_the_watermark)
    assert ("b", "CREATED") in await machine.tell()
