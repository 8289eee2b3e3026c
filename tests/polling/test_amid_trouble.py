"""Polls amid changes, faults and limits: what is asked for meanwhile is done, and one resource never costs another."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest

from signalpost.connectors.registry import Registry
from signalpost.model.errors import ConnectorError, QuotaSpentError, RejectedError, RetryLaterError
from signalpost.model.event import EventType
from signalpost.polling.poller import FAILURES_BEFORE_DISABLING, Poller
from signalpost.store.polling_status import PollingStatus
from tests.polling.filtering import set_resources
from tests.polling.machine import CONFIGURATIONS, Machine
from tests.polling.provider import CHANGES, MEMBERS, THINGS, Provider, ProviderConnector


async def test_a_resource_added_while_the_last_other_is_given_up_is_polled(open_machine):
    machine = await open_machine("feed")
    provider = machine.provider
    await machine.pool.execute("UPDATE resource_poll SET failures = 99, retry_at = NULL")
    provider.feed_failure = ConnectorError("sick")

    async def act():
        await set_resources(machine, {"polled": CONFIGURATIONS["feed"], "added": CONFIGURATIONS["timestamp"]})

    real = machine._parts.polls.finish

    async def finish(poll):  # somebody changes the instance just before the end of the poll is written
        await act()
        await real(poll)

    machine._parts.polls.finish = finish
    await machine.poll()
    assert await machine.pool.fetchval("SELECT next_poll_at FROM instance") is not None


async def test_a_poll_asked_for_while_one_runs_is_made(open_machine):
    machine = await open_machine("timestamp")
    status = PollingStatus(machine.pool, machine._vault)
    real = machine._parts.polls.finish
    asked = []

    async def finish(poll):
        asked.append(await status.ask_poll(machine.instance))
        await real(poll)

    machine._parts.polls.finish = finish
    await machine.poll()
    due = await machine.pool.fetchval("SELECT next_poll_at FROM instance")
    assert timedelta(0) <= due - asked[0] < timedelta(minutes=1)


async def test_another_change_of_the_same_day_is_found_where_dates_are_days(open_machine):
    configuration = {
        **CONFIGURATIONS["timestamp"],
        "datesConfiguration": {"updatedDateField": "updated", "updatedDateFormat": "yyyy-MM-dd"},
    }
    machine = await open_machine("timestamp", configuration=configuration)
    provider = machine.provider
    provider.listed = [{"id": "o", "updated": "2026-05-28", "value": 1}]
    assert await machine.tell() == [("o", "CREATED")]
    provider.listed = [{"id": "o", "updated": "2026-05-28", "value": 2}]
    assert await machine.tell() == [("o", "CREATED"), ("o", "UPDATED")]


async def test_a_failure_of_a_reading_that_was_overtaken_is_not_the_new_configurations(open_machine):
    machine = await open_machine("timestamp")
    edited = []

    def edit():
        edited.append(asyncio.ensure_future(machine.edit({**CONFIGURATIONS["timestamp"], "pageSize": 7})))

    async def wait():
        for each in edited:
            await each

    machine.provider.write("o", 1)
    machine.provider.meanwhile.append((0, edit))
    machine.provider.failures.append((0, RejectedError("wrong")))
    for number in range(6):
        machine.provider.write(f"x{number}", 1)
    real = machine._parts.polls.record_failure

    async def record(*args, **more):
        await wait()
        await real(*args, **more)

    machine._parts.polls.record_failure = record
    await machine.poll()
    row = await machine.read_row()
    assert row["failures"] == 0
    assert row["retry_at"] is None


async def test_a_list_without_an_end_is_told_though_the_days_calls_end_before_it(open_machine):
    """On the default allowance polling has 900 calls a day, a list may have 2,000 pages."""
    machine = await open_machine("timestamp")
    provider = machine.provider
    provider.write("o", 1)
    provider.endless = lambda last: str(int(last or 0) + 1)
    provider.failures.append((900, QuotaSpentError("used up", after_seconds=3600)))
    await machine.poll()
    assert "not read to its end" in (await machine.read_row())["remark"]


async def test_an_instance_whose_secrets_cannot_be_read_does_not_stop_others(pool):
    machines = [Machine(Provider(), pool, "timestamp") for _ in range(2)]
    for machine in machines:
        await machine.connect()
    sick, well = machines
    well._parts = replace(well._parts, polls=sick._parts.polls)
    await pool.execute("UPDATE instance SET secrets = 'nonsense' WHERE id = $1", sick.instance.id)
    await asyncio.gather(
        Poller(sick._parts).poll(sick.instance.id),
        Poller(well._parts).poll(well.instance.id),
        return_exceptions=True,
    )
    assert (
        await pool.fetchval("SELECT last_poll_at FROM instance WHERE id = $1", well.instance.id) is not None
    )


async def test_a_backfill_that_is_cut_off_tells_what_is_left_though_the_memory_is_full(pool):
    provider = Provider(page_size=4)
    machine = Machine(provider, pool, "timestamp", most_remembered=10)
    for number in range(30):
        provider.write(f"o{number:02}", number, dated=provider.now - timedelta(days=number + 1))
    provider.failures.append((5, ConnectorError("in passing")))
    await machine.connect(**{"event.poller.start": "oldest"})
    await machine.poll()
    provider.now += timedelta(hours=2)
    told = await machine.tell()
    assert {each for each, _ in told} == {f"o{number:02}" for number in range(30)}


async def test_a_list_that_ends_before_its_total_leaves_doubt(open_machine, monkeypatch):
    """A provider that gives an empty page in the middle, twice: a partial page is no end."""
    from tests.polling import provider as simulated

    machine = await open_machine("snapshot")
    for number in range(6):
        machine.provider.write(f"o{number}", number)
    told = await machine.tell()
    real = simulated.ProviderListing.read

    async def read(self, session, position, size):
        page = await real(self, session, position, size)
        return replace(
            page,
            records=page.records if position is None else [],
            next=None if position else page.next,
            total=6,
            complete=position is None,
        )

    monkeypatch.setattr(simulated.ProviderListing, "read", read)
    assert await machine.tell() == told


async def test_a_where_on_dates_of_a_format_of_their_own_leaves_out_nothing_new(open_machine):
    """The configured format reads the record's date; the where compares by common forms alone and drops it unsaid."""
    configuration = {
        "url": "/hubs/tests/things?where=updated > '${gmtDate:yyyy-MM-dd'T'HH:mm:ss'Z'}'",
        "idField": "id",
        "datesConfiguration": {"updatedDateField": "updated", "updatedDateFormat": "dd.MM.yyyy HH:mm:ss"},
    }
    machine = await open_machine("timestamp", configuration=configuration)
    machine.provider.listed = [{"id": "o", "updated": "28.05.2026 12:14:00"}]
    assert await machine.tell() == [("o", "CREATED")]


async def test_a_resource_that_takes_all_calls_does_not_starve_those_behind_it(open_machine):
    """After the calls are spent in mid-list the next poll begins with another resource."""
    machine = await open_machine("timestamp")
    provider = machine.provider
    await set_resources(
        machine, {"a": {**CONFIGURATIONS["timestamp"], "pageSize": 1}, "b": CONFIGURATIONS["feed"]}
    )
    for number in range(30):
        provider.write(f"o{number}", number)
    for _ in range(4):  # each as soon as there are new calls
        provider.failures.append((10, QuotaSpentError("used up", after_seconds=3600)))
        await machine.poll()
        provider.failures.clear()
        provider.now += timedelta(hours=1)
    rows = await machine.pool.fetch("SELECT resource, watermark FROM resource_poll ORDER BY resource")
    assert rows[1]["watermark"] is not None


class Trash(ProviderConnector):
    resources = (CHANGES, replace(THINGS, appears_as=EventType.DELETED), MEMBERS)


async def open_trash(pool, strategy):
    provider = Provider()
    machine = Machine(provider, pool, strategy)
    machine._parts = replace(machine._parts, registry=Registry([Trash(provider)]))
    await machine.connect()
    await machine.poll()
    return machine, provider


async def test_what_is_deleted_once_more_is_told_as_deleted(pool):
    """A path, say, that was made anew and deleted again: its record has a newer date."""
    machine, provider = await open_trash(pool, "timestamp")
    provider.write("o", 1)
    assert await machine.tell() == [("o", "DELETED")]
    provider.now += timedelta(hours=1)
    provider.write("o", 2)
    assert await machine.tell() == [("o", "DELETED"), ("o", "DELETED")]


async def test_what_leaves_a_list_of_deleted_things_was_not_deleted(pool):
    """Egnyte's trash, by snapshot: a file that is restored is told as DELETED today."""
    machine, provider = await open_trash(pool, "snapshot")
    provider.write("o", 1)
    assert await machine.tell() == [("o", "DELETED")]
    provider.delete("o")  # restored
    assert ("o", "DELETED") not in (await machine.tell())[1:]


@pytest.mark.parametrize("failures", [0, FAILURES_BEFORE_DISABLING - 1])
@pytest.mark.parametrize("strategy", ["feed", "timestamp"])
@pytest.mark.parametrize("page", [0, 1])
@pytest.mark.parametrize(
    "error",
    [
        ConnectorError("sick"),
        RetryLaterError("busy", after_seconds=3600),
        QuotaSpentError("used up", after_seconds=3600),
        ValueError("a fault"),
    ],
)
async def test_what_fails_amid_which_a_poll_is_asked_for_does_not_wait_for_its_retry(
    open_machine, strategy, page, error, failures
):
    """Somebody has just mended it: what was asked for reads it at once, as where it had failed before."""
    machine = await open_machine(strategy)
    provider, status = machine.provider, PollingStatus(machine.pool, machine._vault)
    for number in range(5):
        provider.write(f"o{number}", number)

    async def ask():
        machine.before_reading = None
        assert await status.ask_poll(machine.instance)

    machine.before_reading = ask
    await machine.pool.execute("UPDATE resource_poll SET failures = $1", failures)
    provider.failures.append((page, error))
    await machine.poll()
    provider.failures.clear()
    assert {object_id for object_id, _ in await machine.tell()} == {f"o{number}" for number in range(5)}
