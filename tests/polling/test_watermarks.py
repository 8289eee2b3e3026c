"""Never wrong about the watermark: each rule of architecture section 6, for all that it speaks of."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from random import Random

import pytest

from signalpost.model.errors import ConnectorError, QuotaSpentError, RetryLaterError
from tests.polling.machine import CONFIGURATIONS
from tests.polling.provider import Provider

LISTS = ["timestamp", "snapshot"]
ALL = ["feed", *LISTS]


def fill(provider, count, prefix="o"):
    for number in range(count):
        provider.write(f"{prefix}{number}", number)


@pytest.mark.parametrize("strategy", ALL)
@pytest.mark.parametrize("page", [0, 1, 2])
@pytest.mark.parametrize("error", [RetryLaterError("busy"), ConnectorError("cut off"), ValueError("a fault")])
async def test_a_failed_page_moves_the_watermark_no_further_than_what_was_committed(
    open_machine, strategy, page, error
):
    machine = await open_machine(strategy)
    before = await machine.read_watermark()
    fill(machine.provider, 8)
    machine.provider.failures.append((page, error))
    await machine.poll()
    after = await machine.read_watermark()
    if strategy == "feed":
        assert after["id"] == 3 * page
    else:
        assert after == before
    assert len(await machine.read_events()) == 3 * page
    assert await machine.read_error()
    machine.provider.now += timedelta(hours=2)
    told = await machine.tell()
    assert sorted(told) == sorted((f"o{number}", "CREATED") for number in range(8))
    assert await machine.read_error() is None


@pytest.mark.parametrize("page", [0, 1, 2])
async def test_a_provider_that_asks_to_wait_is_no_failure_once_the_watermark_has_moved(open_machine, page):
    machine = await open_machine("feed")
    provider = machine.provider
    fill(provider, 8)
    provider.failures.append((0, RetryLaterError("down")))
    await machine.poll()
    assert (await machine.read_row())["failures"] == 1
    provider.now += timedelta(hours=2)
    provider.failures.append((page, RetryLaterError("ten calls a minute", after_seconds=45)))
    await machine.poll()
    row, asked_at = await machine.read_row(), provider.now
    next_at = await machine.pool.fetchval("SELECT next_poll_at FROM instance")
    assert row["watermark"] == {"id": 3 * page}
    if page == 0:
        assert (row["failures"], row["last_error"]) == (2, "ten calls a minute")
        return
    assert (row["failures"], row["last_error"]) == (0, None)
    assert row["remark"] == "not read to its end yet: ten calls a minute"
    assert row["retry_at"] == asked_at + timedelta(seconds=45)
    assert next_at <= row["retry_at"]
    provider.now += timedelta(seconds=45)
    assert len(await machine.tell()) == 8
    row = await machine.read_row()
    assert (row["remark"], row["retry_at"]) == (None, None)


@pytest.mark.parametrize("strategy", LISTS)
@pytest.mark.parametrize("kind", [RetryLaterError, QuotaSpentError])
async def test_a_list_whose_end_is_never_reached_is_not_told_as_read(open_machine, strategy, kind):
    """It is read from its first page again: what a provider gives before it asks to wait may never be all of it."""
    machine = await open_machine(strategy)
    provider, read_at = machine.provider, machine.provider.now - machine.interval
    fill(provider, 8)
    provider.failures.append((0, RetryLaterError("down")))
    await machine.poll()
    for number in range(3):
        provider.now += timedelta(days=1)
        provider.listed = [{"id": "first", "value": number}, *list(provider.records.values())[1:]]
        provider.failures.append((1, kind("ten calls a minute", after_seconds=45)))
        await machine.poll()
    row = await machine.read_row()
    assert row["failures"] == (4 if kind is RetryLaterError else 1)
    assert row["last_success_at"] == read_at


@pytest.mark.parametrize("strategy", ALL)
async def test_an_empty_page_moves_and_writes_nothing(open_machine, strategy):
    machine = await open_machine(strategy)
    before = await machine.read_row()
    for _ in range(3):
        await machine.tell()
    assert await machine.read_row() == before


async def test_a_future_date_is_told_once_and_does_not_move_the_watermark_past_now(open_machine):
    machine = await open_machine("timestamp")
    provider = machine.provider
    provider.write("far", 1, dated=datetime(2999, 1, 1, tzinfo=UTC))
    assert await machine.tell() == [("far", "CREATED")]
    assert datetime.fromisoformat((await machine.read_watermark())["date"]) <= provider.now
    provider.write("near", 1)
    assert await machine.tell() == [("far", "CREATED"), ("near", "CREATED")]
    assert len(await machine.tell()) == 2


async def test_filter_by_current_date_leaves_a_future_date_until_it_has_come(open_machine):
    configuration = {**CONFIGURATIONS["timestamp"], "filterByCurrentDate": True}
    machine = await open_machine("timestamp", configuration=configuration)
    machine.provider.write("soon", 1, dated=machine.provider.now + timedelta(minutes=20))
    assert await machine.tell() == []
    await machine.tell()
    assert await machine.tell() == [("soon", "CREATED")]


@pytest.mark.parametrize("strategy", LISTS)
async def test_equal_dates_are_all_found_and_told_once(open_machine, strategy):
    """Whether they come together, or one by one after the watermark stands at that very date."""
    machine = await open_machine(strategy)
    same = machine.provider.read_clock()
    for number in range(7):
        machine.provider.write(f"o{number}", number, dated=same)
        assert len(await machine.tell()) == number + 1


async def test_a_second_change_in_the_same_tick_of_the_providers_clock_is_found(open_machine):
    machine = await open_machine("timestamp")
    same = machine.provider.read_clock()
    machine.provider.write("o", 1, dated=same)
    await machine.poll()
    machine.provider.write("o", 2, dated=same)
    told = await machine.tell()
    assert told == [("o", "CREATED"), ("o", "UPDATED")]
    assert await machine.tell() == told


@pytest.mark.parametrize("late", [timedelta(seconds=1), timedelta(minutes=9), timedelta(days=3)])
async def test_a_record_that_appears_late_under_an_earlier_date_is_found(open_machine, late):
    machine = await open_machine("timestamp")
    machine.provider.write("a", 1)
    await machine.tell()
    machine.provider.write("b", 1, dated=machine.provider.now - late)
    assert [object_id for object_id, _ in await machine.tell()] == ["a", "b"]


@pytest.mark.parametrize("strategy", LISTS)
@pytest.mark.parametrize("minutes", [-300, -5, 0, 5, 300])
async def test_a_providers_clock_that_is_off_loses_and_repeats_nothing(open_machine, strategy, minutes):
    provider = Provider(skew=timedelta(minutes=minutes))
    fill(provider, 2, "old")
    machine = await open_machine(strategy, provider=provider)
    for number in range(4):
        provider.write(f"o{number}", number)
        provider.write("old0", 100 + number)
        told = await machine.tell()
        assert len(told) == 2 * (number + 1)
    assert len(set(told)) == 5


@pytest.mark.parametrize("strategy", LISTS)
@pytest.mark.parametrize("seed", range(5))
async def test_rows_that_change_places_while_paging_are_neither_lost_nor_deleted(
    open_machine, strategy, seed
):
    provider = Provider(shuffle=Random(seed))
    fill(provider, 11, "old")
    machine = await open_machine(strategy, provider=provider)
    fill(provider, 5)
    for _ in range(12):
        told = await machine.tell()
    assert {each for each in told if each[0].startswith("o") and each[0][1:].isdigit()} == {
        (f"o{number}", "CREATED") for number in range(5)
    }
    provider.shuffle = None
    known = {key: record["value"] for key, record in provider.records.items() if key.startswith("old")}
    await machine.tell()
    assert await machine.replay(known) == {key: record["value"] for key, record in provider.records.items()}


async def test_several_formats_and_offsets_in_one_field_are_one_instant(open_machine):
    """The same instant in other words is no change; another instant is one, whatever its words."""
    machine = await open_machine("timestamp")
    words = [
        "2026-05-28T12:20:00.000+00:00",
        "2026-05-28T12:20:00Z",
        "2026-05-28T14:20:00+02:00",
        "Thu, 28 May 2026 12:20:00 GMT",
        1779970800000,
        "1779970800",
    ]
    machine.provider.now = datetime(2026, 6, 1, tzinfo=UTC)
    for text in words:
        machine.provider.listed = [{"id": "o", "created": words[0], "updated": text}]
        assert await machine.tell() == [("o", "CREATED")], text
    machine.provider.listed = [{"id": "o", "created": words[0], "updated": "2026-05-28T09:20:00-04:00"}]
    assert await machine.tell() == [("o", "CREATED"), ("o", "UPDATED")]


@pytest.mark.parametrize("day", ["2026-03-08", "2026-11-01"], ids=["gap", "fold"])
async def test_local_times_of_a_zone_that_sets_its_clocks_lose_and_repeat_nothing(open_machine, day):
    """An hour that comes twice and one that never comes, in local times without an offset."""
    dates = {
        "updatedDateField": "updated",
        "updatedDateFormat": "yyyy-MM-dd'T'HH:mm:ss",
        "updatedDateTimezone": "America/Denver",
    }
    begin = datetime.fromisoformat(f"{day}T05:00:00+00:00")
    provider = Provider(now=begin, listed=[])
    machine = await open_machine(
        "timestamp",
        provider=provider,
        configuration={**CONFIGURATIONS["timestamp"], "datesConfiguration": dates},
    )
    from zoneinfo import ZoneInfo

    for number in range(24):
        local = provider.now.astimezone(ZoneInfo("America/Denver"))
        provider.listed.append({"id": f"o{number}", "updated": f"{local:%Y-%m-%dT%H:%M:%S}"})
        told = await machine.tell()
        assert [object_id for object_id, _ in told] == [f"o{each}" for each in range(number + 1)]


@pytest.mark.parametrize("strategy", ALL)
async def test_two_workers_on_one_instance_tell_everything_once(open_machine, strategy):
    machine = await open_machine(strategy)
    for turn in range(4):
        fill(machine.provider, 7, f"t{turn} ")
        await machine.poll(workers=3)
        machine.provider.now += machine.interval
    told = await machine.tell()
    assert len(told) == len(set(told)) == 28


async def test_numbers_that_count_anew_are_a_gap_and_nothing_after_is_lost(open_machine):
    machine = await open_machine("feed")
    fill(machine.provider, 7)
    await machine.tell()
    machine.provider.count_anew()
    machine.provider.write("after", 1)
    machine.provider.now += timedelta(hours=1)
    told = await machine.tell()
    assert told[7:] == [("after", "CREATED")]
    assert await machine.pool.fetchval("SELECT count(*) FROM gap") == 1


async def test_a_memory_that_is_full_forgets_the_oldest_and_repeats_nothing(pool):
    from tests.polling.machine import Machine

    provider = Provider()
    machine = Machine(provider, pool, "timestamp", most_remembered=10)
    await machine.connect()
    await machine.poll()
    for number in range(40):
        provider.now += timedelta(minutes=1)
        provider.write(f"o{number}", number)
        await machine.poll()
    row = await machine.read_row()
    assert row["remembered"] <= 10
    assert row["remembered"] == await pool.fetchval("SELECT count(*) FROM object_memory")
    told = await machine.tell()
    assert told == [(f"o{number}", "CREATED") for number in range(40)]
    provider.write("o3", 99)
    assert (await machine.tell())[40:] == [("o3", "UPDATED")]


async def test_what_another_release_read_without_its_dates_is_not_told_for_having_them_now(open_machine):
    """A release may learn to read a date: what is as it was has not changed for that."""
    provider = Provider()
    provider.write("a", 1)
    provider.write("b", 1)
    machine = await open_machine("timestamp", provider=provider)
    await machine.pool.execute(
        "UPDATE object_memory SET dated_at = NULL, version = '|' || split_part(version, '|', 2)"
    )
    assert await machine.tell() == []
    provider.write("a", 2)
    assert await machine.tell() == [("a", "UPDATED")]
    versions = await machine.pool.fetch("SELECT version FROM object_memory")
    assert all(not each["version"].startswith("|") for each in versions)
