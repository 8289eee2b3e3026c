"""Rules of detection, each broken by one change of a line: what the other tests let pass."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.polling.machine import CONFIGURATIONS, Machine
from tests.polling.provider import Provider


async def test_our_own_clock_set_back_moves_no_watermark_back(open_machine):
    machine = await open_machine("timestamp")
    machine.provider.write("o", 1)
    await machine.tell()
    before = await machine.read_watermark()
    machine.provider.now -= timedelta(hours=3)
    machine.provider.write("p", 1)
    await machine.poll()
    assert (await machine.read_watermark())["date"] >= before["date"]


async def test_an_older_row_of_an_object_on_a_later_page_is_no_change(open_machine):
    machine = await open_machine("timestamp")
    now = machine.provider.read_clock()
    dates = [now, now, now, now - timedelta(minutes=5)]
    machine.provider.listed = [
        {"id": object_id, "updated": date.isoformat()} for object_id, date in zip("oxyo", dates, strict=True)
    ]
    told = await machine.tell()
    assert sorted(told) == [("o", "CREATED"), ("x", "CREATED"), ("y", "CREATED")]
    assert await machine.tell() == told


async def test_an_object_that_goes_back_to_an_earlier_date_is_told_once(open_machine):
    """As one that was restored to an earlier version."""
    machine = await open_machine("timestamp")
    machine.provider.write("o", 1)
    await machine.tell()
    machine.provider.write("o", 2, dated=machine.provider.now - timedelta(days=1))
    told = await machine.tell()
    assert told == [("o", "CREATED"), ("o", "UPDATED")]
    assert await machine.tell() == told
    machine.provider.write("o", 3, dated=machine.provider.now - timedelta(days=2))
    assert await machine.tell() == [*told, ("o", "UPDATED")]


async def test_what_the_memory_had_no_room_for_is_not_told_as_new(pool):
    """Taken in silently by the first poll, and so without an event that the same id would hide."""
    provider = Provider()
    for number in range(40):
        provider.write(f"o{number}", number, dated=provider.now - timedelta(hours=number + 1))
    machine = Machine(provider, pool, "timestamp", most_remembered=10)
    await machine.connect()
    await machine.poll()
    provider.now += machine.interval
    for _ in range(3):
        assert await machine.tell() == []
    provider.write("o30", 99)
    assert await machine.tell() == [("o30", "UPDATED")]


@pytest.mark.parametrize("seconds", [10, 11])
async def test_dates_apart_by_the_tolerance_still_mean_new(open_machine, seconds):
    """CreatedCheckTolerance counts for what was created before the watermark."""
    machine = await open_machine("timestamp")
    provider = machine.provider
    provider.write("first", 1)
    await machine.tell()
    created = provider.read_clock() - timedelta(hours=1)
    provider.write("late", 1, created=created, dated=created + timedelta(seconds=seconds))
    expected = "CREATED" if seconds <= 10 else "UPDATED"
    assert (await machine.tell())[1:] == [("late", expected)]


async def test_an_object_dated_at_the_very_start_is_told(open_machine):
    """event.poller.start names the first instant that counts."""
    provider = Provider()
    provider.write("o", 1)
    start = provider.read_clock().isoformat().replace("+00:00", "Z")
    provider.now += timedelta(minutes=1)
    machine = await open_machine("timestamp", provider=provider, **{"event.poller.start": start})
    assert await machine.tell() == [("o", "CREATED")]


@pytest.mark.parametrize("strategy", ["timestamp", "snapshot"])
async def test_from_the_oldest_tells_what_has_no_date(open_machine, strategy):
    provider = Provider(listed=[{"id": "o"}])
    machine = await open_machine(strategy, provider=provider, **{"event.poller.start": "oldest"})
    assert await machine.tell() == [("o", "CREATED")]


async def test_contents_that_come_back_under_one_date_are_each_told(open_machine):
    """The number of versions keeps their names apart."""
    machine = await open_machine("timestamp")
    provider = machine.provider
    provider.listed = []
    for value in [1, 2, 1, 2, 1]:
        provider.listed = [{"id": "o", "value": value}]
        await machine.tell()
    assert await machine.tell() == [("o", "CREATED"), *[("o", "UPDATED")] * 4]


async def test_dates_that_go_to_and_fro_are_each_told(open_machine):
    machine = await open_machine("timestamp")
    provider = machine.provider
    base = provider.read_clock()
    for number, minutes in enumerate([0, -60, 0, -60, 0]):
        provider.write("o", number, dated=base + timedelta(minutes=minutes))
        assert len(await machine.tell()) == number + 1


async def test_an_empty_list_leaves_room_for_a_provider_whose_clock_is_behind(open_machine):
    """The watermark of an empty list is a day before now, for the URL's variables."""
    machine = await open_machine("timestamp")
    date = (await machine.read_watermark())["date"]
    provider = machine.provider
    assert date == (provider.now - machine.interval - timedelta(days=1)).isoformat()


async def test_a_row_on_two_pages_of_the_first_look_leaves_doubt(open_machine):
    """A row came in front while we read: what seems missing is not said to be deleted this time."""
    machine = await open_machine("snapshot")
    provider = machine.provider
    for number in range(6):
        provider.write(f"o{number}", number)
    await machine.tell()
    provider.delete("o0")

    def insert():
        rows = dict(provider.records)
        provider.records.clear()
        provider.records["new"] = {"id": "new", "value": 1}
        provider.records.update(rows)

    provider.meanwhile.append((1, insert))
    assert ("o0", "DELETED") not in await machine.tell()
    assert "no deletions" in (await machine.read_row())["remark"]
    assert ("o0", "DELETED") in await machine.tell()


async def test_another_source_leaves_nothing_of_the_old_memory(open_machine):
    machine = await open_machine("timestamp")
    machine.provider.write("o", 1)
    await machine.tell()
    await machine.edit(CONFIGURATIONS["feed"])
    await machine.tell()
    assert await machine.pool.fetchval("SELECT count(*) FROM object_memory") == 0
    assert (await machine.read_row())["remembered"] == 0
