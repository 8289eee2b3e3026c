"""Lists that are filtered, shift, repeat ids, or hold odd dates: nothing lost, nothing invented, nothing repeated."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.polling.filtering import open_filtered, set_resources
from tests.polling.machine import CONFIGURATIONS, Machine
from tests.polling.provider import Provider

AHEAD = timedelta(hours=2)


@pytest.mark.parametrize("hours", [0.2, 0.3, 5, 23])
@pytest.mark.parametrize("busy", [False, True])
async def test_what_was_there_before_the_first_poll_is_not_told_by_a_filtering_provider(pool, hours, busy):
    provider = Provider()
    provider.write("old", 1, dated=provider.now - timedelta(hours=hours))
    if busy:
        provider.write("fresh", 1, dated=provider.now - timedelta(minutes=9))
    machine = await open_filtered(pool, provider)
    assert await machine.tell() == []
    assert await machine.tell() == []


async def test_a_row_that_slips_to_a_page_already_read_is_told_by_a_filtering_provider(pool):
    provider = Provider()
    machine = await open_filtered(pool, provider)
    await machine.poll()
    for number in range(8):  # an hour of changes, as after a failure
        provider.write(f"o{number}", number, dated=provider.now + timedelta(minutes=12 * number))
    provider.now += timedelta(hours=2)
    provider.meanwhile.append((1, lambda: provider.records.pop("o0")))  # rows after it move up by one
    await machine.poll()
    for _ in range(4):
        told = await machine.tell()
    assert {object_id for object_id, _ in told} == {f"o{number}" for number in range(8)}


BY_CONTENT = {**CONFIGURATIONS["timestamp"], "filterByUpdatedDate": False}


@pytest.mark.parametrize(
    "configuration", [CONFIGURATIONS["snapshot"], BY_CONTENT], ids=["snapshot", "content"]
)
async def test_events_switched_off_and_on_again_lose_nothing_that_comes_after(open_machine, configuration):
    machine = await open_machine("snapshot", configuration=configuration)
    provider = machine.provider
    for turn in range(2):
        known = len(await machine.read_events())
        provider.listed = [{"id": "a", "value": 1}]
        await machine.tell()
        provider.listed = [{"id": "a", "value": 2}]
        await machine.tell()
        provider.listed = []
        told = (await machine.tell())[known:]
        expected = [("a", "CREATED"), ("a", "UPDATED")]
        if configuration is not BY_CONTENT:
            expected.append(("a", "DELETED"))
        assert told == expected, f"turn {turn}"
        await set_resources(machine, {})  # event.notification.enabled = false ...
        await set_resources(machine, {"polled": configuration})  # ... and true
        provider.now += machine.interval
        await machine.poll()
        provider.now += machine.interval


async def test_a_snapshot_at_its_bound_invents_and_loses_nothing(pool, monkeypatch):
    monkeypatch.setattr("signalpost.polling.strategies.snapshot.SnapshotReading.__init__.__defaults__", (20,))
    provider = Provider(page_size=50)
    machine = Machine(provider, pool, "snapshot", most_remembered=20)
    for number in range(19):
        provider.write(f"o{number}", number)
    await machine.connect()
    await machine.poll()
    provider.now += machine.interval
    assert await machine.tell() == []
    for number in range(5):
        provider.delete(f"o{number}")
        provider.write(f"n{number}", 1)
    expected = sorted([*((f"o{n}", "DELETED") for n in range(5)), *((f"n{n}", "CREATED") for n in range(5))])
    assert sorted(await machine.tell()) == expected
    assert sorted(await machine.tell()) == expected
    assert sorted(await machine.tell()) == expected


@pytest.mark.parametrize(
    "never", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59.999999Z", "1899-12-30T00:00:00"]
)
async def test_dates_that_stand_for_never_stop_nothing(pool, never):
    """As .NET and others write it: if no other date is in the first list, it is the watermark."""
    provider = Provider(listed=[{"id": "o", "updated": never, "created": never}])
    machine = Machine(provider, pool, "timestamp")
    await machine.connect()
    await machine.poll()
    provider.now += machine.interval
    now = provider.now.isoformat()
    provider.listed.append({"id": "p", "updated": now, "created": now})
    assert [each for each, _ in await machine.tell()] == ["p"]


async def test_a_fault_in_reading_is_a_failure_of_its_resource_alone(open_machine, monkeypatch):
    """Whatever raises in our own code: it is recorded, the poll ends, and the next one is planned with a back-off."""
    machine = await open_machine("timestamp")

    def raise_fault(*_, **__):
        raise OverflowError("date value out of range")

    monkeypatch.setattr("signalpost.polling.strategies.timestamp.is_other_version", raise_fault)
    machine.provider.write("o", 1)
    await machine.poll()
    assert "OverflowError" in await machine.read_error()


async def test_content_alone_is_no_change_once_the_date_is_old(open_machine):
    """docs: later it does not; fields such as "last active" change without a new date."""
    machine = await open_machine("timestamp")
    provider = machine.provider
    provider.now += timedelta(seconds=7)
    provider.write("o", 1)  # read at once: fresh
    assert len(await machine.tell()) == 1
    for _ in range(4):  # seen again, unchanged, long after its date
        provider.now += timedelta(hours=1)
        assert len(await machine.tell()) == 1
    provider.records["o"]["lastActive"] = "changed"
    assert len(await machine.tell()) == 1


async def test_content_is_a_change_as_long_as_the_date_lies_ahead(open_machine):
    """docs: such a date is not old; a provider's clock that is ahead ticks as seldom as any."""
    machine = await open_machine("timestamp")
    provider = machine.provider
    dated = provider.now + AHEAD + timedelta(seconds=7)
    for value in range(3):
        provider.write("o", value, dated=dated)
        assert len(await machine.tell()) == value + 1
        assert len(await machine.tell()) == value + 1
    for _ in range(4):  # seen again, unchanged, until long after its date
        provider.now += timedelta(hours=1)
        assert len(await machine.tell()) == 3
    provider.records["o"]["lastActive"] = "changed"
    assert len(await machine.tell()) == 3


@pytest.mark.parametrize("configuration", [BY_CONTENT, {"url": "/hubs/tests/things", "idField": "id"}])
async def test_an_id_that_is_not_unique_is_not_told_over_and_over(open_machine, configuration):
    machine = await open_machine("timestamp", configuration=configuration)
    machine.provider.listed = [{"id": "same", "value": number} for number in range(3)]
    first = await machine.tell()
    for _ in range(3):
        last = await machine.tell()
    assert last == first


async def test_a_clock_that_was_ahead_and_is_set_back_loses_nothing_at_a_filtering_provider(pool):
    """A date in the future lets the watermark come up to the clock, which was wrong: it is none of the provider's."""
    provider = Provider()
    machine = await open_filtered(pool, provider)
    provider.now, provider.skew = provider.now + AHEAD, -AHEAD
    provider.write("far", 1, dated=provider.now + timedelta(days=900))
    assert await machine.tell() == [("far", "CREATED")]
    provider.write("just before", 1)
    provider.now, provider.skew = provider.now - AHEAD + timedelta(minutes=14), timedelta(0)
    for number in range(12):
        provider.write(f"o{number}", number)
        await machine.tell()
    told = [object_id for object_id, _ in await machine.tell()]
    assert told == ["far", "just before", *(f"o{number}" for number in range(12))]


async def test_more_records_than_can_be_told_apart_by_content_are_refused_and_none_is_invented(
    open_machine, monkeypatch
):
    monkeypatch.setattr("signalpost.polling.strategies.timestamp.MOST_BY_CONTENT", 9)
    machine = await open_machine("timestamp", configuration=BY_CONTENT)
    for count, told in [(9, 9), (10, 9), (9, 9)]:
        machine.provider.listed = [{"id": f"o{number}", "value": number} for number in range(count)]
        machine.provider.now += timedelta(days=1)
        assert len(await machine.tell()) == told
        error = await machine.read_error()
        assert (error is None) == (count == 9)
        assert error is None or "more than 9 records: too many to be told apart by their content" in error


@pytest.mark.parametrize("dated", [False, True])
async def test_by_content_the_memory_drops_what_has_left_the_list_and_nothing_that_is_in_it(pool, dated):
    provider = Provider(page_size=4)
    machine = Machine(provider, pool, "timestamp", most_remembered=20)
    date = {"updated": "2020-01-01T00:00:00.000Z"} if dated else {}
    stay = [{"id": f"stays{number}", "value": 1, **date} for number in range(10)]
    provider.listed = stay
    await machine.connect(BY_CONTENT)
    for day in range(12):
        provider.listed = [*stay, *({"id": f"{day}-{number}", "value": 1} for number in range(3))]
        told = await machine.tell()
        provider.now += timedelta(days=2)
    assert len(told) == len(set(told)) == 33  # all but those of the first poll
    assert (await machine.read_row())["remembered"] <= 20
    stay[3]["value"] = 2
    assert (await machine.tell())[33:] == [("stays3", "UPDATED")]
