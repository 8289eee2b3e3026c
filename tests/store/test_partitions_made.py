"""Partitions are made without a hole and without an overlap: for any retention, any clock, beside others who make some."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from signalpost.store.partitions import Partitions
from tests.store.history import make_past
from tests.store.test_partitions import DAY, KEPT, NOW, TODAY, count, list_tables


@pytest.fixture
def made(pool):
    """Partitions of a day each, as four days are kept."""
    return Partitions(pool, kept=KEPT)


@pytest.mark.parametrize("days", [7.539, 1.884, 1 / 3, 36_500])
async def test_a_retention_of_any_length_ends_its_spans_where_the_next_begin(pool, days):
    """Times are no whole seconds then: a rounded one would lie before the end of the span that it begins."""
    other = Partitions(pool, kept=timedelta(days=days))
    for begin_at in (
        NOW,
        datetime(2027, 7, 14, 1, 51, 57, 600000, UTC),
        datetime(2028, 8, 18, 0, 21, 36, tzinfo=UTC),
    ):
        now = begin_at
        for _ in range(3):
            await other.make_ahead(now)
            spans = await other.list_spans()
            assert any(span.begin_at <= now < span.end_at for span in spans)
            now = spans[-1].end_at
    assert all(span.begin_at < span.end_at for span in spans)


@pytest.mark.parametrize(
    "settings",
    [
        ["standard_conforming_strings = off"],
        ["DateStyle = 'German'"],
        ["DateStyle = 'SQL, YMD'"],
        ["TimeZone = 'Asia/Kolkata'"],
        ["DateStyle = 'SQL'", "TimeZone = 'Asia/Shanghai'"],  # CST is America's as well
    ],
    ids=", ".join,
)
async def test_spans_are_read_alike_whatever_the_server_is_set_to(pool, made, settings):
    await made.make_ahead(NOW)
    spans = await made.list_spans()
    async with pool.acquire() as connection:
        name = await connection.fetchval("SELECT current_database()")
        for setting in settings:
            await connection.execute(f"ALTER DATABASE {name} SET {setting}")
    await pool.expire_connections()
    assert await made.list_spans() == spans
    assert await made.make_ahead(NOW) == 0


async def test_after_a_clock_that_was_far_ahead_those_of_now_are_made(pool, made):
    await made.make_ahead(NOW + 400 * DAY)
    assert await made.make_ahead(NOW) == 2
    assert await made.make_ahead(NOW) == 0
    past = await make_past(pool)
    await past.commit(NOW, ["o"])
    assert await count(pool, "page", "page_rest") == [1, 0]


async def test_a_hole_is_filled_up_to_what_is_there(pool, made):
    """Another length of spans does not reach over those that were made by a clock ahead."""
    await made.make_ahead(NOW + DAY)
    assert await Partitions(pool, kept=10 * DAY).make_ahead(NOW) == 2
    spans = await made.list_spans()
    assert spans[0].begin_at <= NOW
    assert spans[2].begin_at == TODAY + DAY
    assert all(one.end_at == two.begin_at for one, two in pairwise(spans))


async def test_one_that_another_made_around_it_meanwhile_is_left_alone(pool, made, monkeypatch):
    """Processes of different retention: the second looked before the first had made any."""
    other = Partitions(pool, kept=10 * DAY)
    looked = asyncio.Future()
    looked.set_result(await other.list_spans())
    await made.make_ahead(NOW)
    monkeypatch.setattr(other, "list_spans", lambda: looked)
    assert await other.make_ahead(NOW) == 0
    assert len(await list_tables(pool)) == 4 * (2 + 1)
