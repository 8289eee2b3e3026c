"""A list that is read for the first time late: what changed since it was to be polled is told, by its dates."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest

from signalpost.model.errors import RejectedError
from tests.polling.filtering import FILTERED, filter_at_provider
from tests.polling.machine import CONFIGURATIONS, DATES, Machine
from tests.polling.provider import Provider

LISTS = ("timestamp", "snapshot")
HOUR = timedelta(hours=1)


@pytest.fixture
def connect(pool):
    """Give a function that connects an instance whose list is to be polled from the provider's present time on."""

    async def begin(provider, strategy="timestamp", configuration=None, *, filters=False):
        machine = Machine(provider, pool, strategy)
        if filters:
            filter_at_provider(machine)
        await machine.connect(
            configuration or {**CONFIGURATIONS[strategy], "datesConfiguration": DATES},
        )
        await pool.execute("UPDATE resource_poll SET starts_at = $1", provider.now)
        return machine

    return begin


def fill(provider):
    """Have objects that were there before, on several pages."""
    for number in range(5):
        provider.write(f"old{number}", number, dated=provider.now - (number + 1) * HOUR)


def go_on(provider, waited):
    """Change one of those, make another, delete one, after some time."""
    provider.now += waited
    provider.write("old3", 77)
    provider.write("new", 1)
    provider.delete("old4")


@pytest.mark.parametrize("strategy", LISTS)
@pytest.mark.parametrize("waited", [timedelta(seconds=1), timedelta(hours=5), timedelta(days=40)])
async def test_what_changed_before_the_first_reading_is_told(connect, strategy, waited):
    provider = Provider()
    fill(provider)
    machine = await connect(provider, strategy)
    go_on(provider, waited)
    expected = [("old3", "UPDATED"), ("new", "CREATED")]
    assert await machine.tell() == expected
    assert await machine.tell() == expected
    provider.write("old3", 78)
    assert await machine.tell() == [*expected, ("old3", "UPDATED")]


@pytest.mark.parametrize("strategy", LISTS)
@pytest.mark.parametrize("failing_call", [0, 1])
async def test_also_where_the_first_readings_failed(connect, strategy, failing_call):
    """Wherever they were cut off: what was taken in by then, and what not."""
    provider = Provider()
    fill(provider)
    machine = await connect(provider, strategy)
    provider.failures.append((failing_call, RejectedError("not now")))
    await machine.poll()
    assert await machine.read_watermark() is None
    go_on(provider, 2 * HOUR)
    assert sorted(await machine.tell()) == [("new", "CREATED"), ("old3", "UPDATED")]


async def test_a_provider_that_filters_by_dates_is_asked_from_then_on(connect):
    provider = Provider()
    machine = await connect(provider, configuration=FILTERED, filters=True)
    provider.write("new", 1)
    provider.now += timedelta(days=40)
    assert await machine.tell() == [("new", "CREATED")]


@pytest.mark.parametrize("strategy", LISTS)
async def test_what_its_date_says_nothing_of_is_taken_in_silently(connect, strategy):
    """No date, one that is far ahead, or one on the day it was connected: of none is it known that it changed since."""
    provider = Provider()
    ahead = provider.now + timedelta(days=3)
    midnight = datetime.combine(provider.now, datetime.min.time(), provider.now.tzinfo)
    machine = await connect(provider, strategy)
    provider.write("ahead", 1, dated=ahead)
    provider.write("day", 1, dated=midnight)
    provider.records["undated"] = {"id": "undated", "value": 1}
    provider.now += HOUR
    assert await machine.tell() == []


@pytest.mark.parametrize("strategy", LISTS)
async def test_a_provider_whose_clock_is_ahead_is_believed(connect, strategy):
    provider = Provider(skew=timedelta(minutes=9))
    machine = await connect(provider, strategy)
    provider.write("new", 1)
    assert await machine.tell() == [("new", "CREATED")]


@pytest.mark.parametrize("before", ["feed", "timestamp"])
async def test_a_list_in_place_of_another_source_is_read_from_its_change_on(connect, before):
    """Its first reading may fail for long as well."""
    after = "timestamp" if before == "feed" else "feed"
    provider = Provider()
    machine = await connect(provider, before)
    await machine.poll()
    row = await machine.read_row()
    assert row["watermark"] is not None
    await machine.edit(CONFIGURATIONS[after])
    provider.failures.append((0, RejectedError("not now")))
    await machine.poll()
    row = await machine.read_row()
    assert row["watermark"] is None
    assert row["starts_at"] == row["starts_at"].replace(microsecond=0) > provider.now
