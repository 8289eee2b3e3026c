"""Partitions by time: made ahead, dropped whole once they are old, and what waits in them is kept."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from signalpost.model.delivery import State
from signalpost.store import partitions
from signalpost.store.partitions import TIMES, Partitions
from signalpost.store.retention import Retention
from signalpost.store.views.operations import Operations
from signalpost.store.waiting import Waiting
from tests.store.history import make_past
from tests.support import PATIENCE_SECONDS

DAY = timedelta(days=1)
NOW = datetime(2026, 3, 10, 7, tzinfo=UTC)
KEPT = 4 * DAY
TODAY = datetime(2026, 3, 10, tzinfo=UTC)


@pytest.fixture
def made(pool):
    """Partitions of a day each, as four days are kept."""
    return Partitions(pool, kept=KEPT)


@pytest.fixture
async def week(pool, made):
    """A partition for each day of a week that ended, and those ahead."""
    for day in range(8, 0, -1):
        await made.make_ahead(NOW - day * DAY)
    await made.make_ahead(NOW)
    return await make_past(pool)


async def count(pool, *tables):
    return [await pool.fetchval(f"SELECT count(*) FROM {table}") for table in tables]


async def list_tables(pool):
    rows = await pool.fetch("SELECT relname FROM pg_class WHERE relkind = 'r' AND relispartition ORDER BY 1")
    return [row[0] for row in rows]


async def tidy(pool, now=NOW):
    return await Retention(pool, retention_days=KEPT / DAY, most_waiting=1000).tidy(now)


async def test_today_and_tomorrow_are_made_once(pool, made):
    assert await made.make_ahead(NOW) == 2
    assert await made.make_ahead(NOW) == 0
    spans = await made.list_spans()
    assert [(span.begin_at, span.end_at) for span in spans] == [
        (TODAY, TODAY + DAY),
        (TODAY + DAY, TODAY + 2 * DAY),
    ]
    assert await made.make_ahead(NOW + DAY) == 1
    assert len(await list_tables(pool)) == 4 * (3 + 1)


async def test_many_processes_make_them_once(pool):
    await asyncio.gather(*(Partitions(pool, kept=KEPT).make_ahead(NOW) for _ in range(6)))
    await Partitions(pool, kept=KEPT).make_ahead(NOW)
    assert len(await list_tables(pool)) == 4 * (2 + 1)


async def test_after_a_long_sleep_those_of_now_are_made(made):
    await made.make_ahead(NOW)
    later = NOW + 30 * DAY
    assert await made.make_ahead(later) == 2
    assert (await made.list_spans())[-1].end_at == TODAY + 32 * DAY


@pytest.mark.parametrize("kept", [timedelta(hours=4), timedelta(hours=7), 3 * DAY, 3650 * DAY])
async def test_another_retention_goes_on_where_the_last_one_ended(pool, made, kept):
    """Spans of any length follow one another without a hole, and now is always in one."""
    await made.make_ahead(NOW)
    other = Partitions(pool, kept=kept)
    for days in (0, 1, 2, 3):
        now = NOW + days * DAY
        await other.make_ahead(now)
        spans = await other.list_spans()
        assert any(span.begin_at <= now < span.end_at for span in spans)
    assert all(one.end_at == two.begin_at for one, two in pairwise(spans)) or kept < DAY


@pytest.mark.parametrize("days", [1, 1 / 24])
async def test_a_shorter_retention_waits_for_no_partition_of_the_longer_one(pool, days):
    """A partition of half a year is not all old before half a year has gone: until then its rows go one by one."""
    await Partitions(pool, kept=730 * DAY).make_ahead(NOW)
    past = await make_past(pool)
    shorter = Retention(pool, retention_days=days, most_waiting=1000)
    for hours in (30, 26, 0):
        await past.end(await past.commit(NOW - timedelta(hours=hours), ["o"]))
    await past.commit(NOW - timedelta(hours=28), ["waits"])
    assert await count(pool, "page_rest") == [0]
    assert (await shorter.tidy(NOW)).pages == 2
    assert await count(pool, "page", "event", "notification") == [2, 2, 2]
    assert (await shorter.tidy(NOW + 2 * DAY)).pages == 1
    assert await pool.fetchval("SELECT object_id FROM event") == "waits"


async def test_for_less_than_four_hours_there_are_none_and_rows_go_one_by_one(pool):
    past = await make_past(pool)
    retention = Retention(pool, retention_days=3 / 24, most_waiting=9)
    await past.end(await past.commit(NOW, ["o"]))
    assert (await retention.tidy(NOW)).pages == 0
    assert len(await list_tables(pool)) == 4
    assert (await retention.tidy(NOW + timedelta(hours=4))).pages == 1


async def test_rows_stand_in_the_partition_of_their_time(pool, week):
    page_id = await week.commit(NOW - 2 * DAY, ["o"])
    await week.end(page_id)
    for table in TIMES:
        assert await count(pool, f"{table}_20260308_000000", f"{table}_rest") == [1, 0]


async def test_what_no_partition_is_for_stands_in_the_rest_and_is_read_as_all_else(pool, week):
    await week.commit(NOW + 400 * DAY, ["o"])
    assert await count(pool, "page_rest", "event_rest", "notification_rest") == [1, 1, 1]
    [found] = await Waiting(pool, None).load_pending(week.instance_id, after_order=0, limit=9)
    assert [event.object_id for event in found.events] == ["o"]


async def test_no_partition_is_made_around_rows_of_the_rest(pool, made):
    past = await make_past(pool)
    await past.commit(NOW + DAY, ["o"])
    assert await made.make_ahead(NOW) == 1
    assert await made.make_ahead(NOW + 2 * DAY) == 2
    await past.commit(NOW + 3 * DAY, ["o"])
    assert await count(pool, "page", "page_rest") == [2, 1]


async def test_what_is_old_is_dropped_and_no_row_deleted(pool, week):
    for day in range(8):
        await week.end(await week.commit(NOW - day * DAY, ["o"] * 3))
    await pool.execute("ANALYZE page")
    before = await read_deleted(pool)
    assert (await tidy(pool)).pages == 3
    # Of the day that is old in part nothing goes yet.
    assert await count(pool, *TIMES) == [5, 15, 5, 5]
    assert await read_deleted(pool) == before
    assert (await tidy(pool)).pages == 0
    assert (await tidy(pool, NOW + DAY)).pages == 1


async def read_deleted(pool):
    await pool.execute("SELECT pg_stat_force_next_flush()")
    return await pool.fetchval(
        "SELECT sum(n_tup_del) FROM pg_stat_user_tables WHERE relname ~ '^(page|event)_(2|rest)'"
    )


async def test_what_waits_is_kept_with_its_page_its_events_and_its_attempts(pool, week):
    await week.end(await week.commit(NOW - 7 * DAY, ["gone"]))
    kept = await week.commit(NOW - 7 * DAY, [f"o{number}" for number in range(15)])
    await week.end(kept, "pending", attempts=2)
    await pool.execute(
        "UPDATE notification SET state = 'delivered' WHERE page_id = $1 AND lane_order = 2", kept
    )
    await pool.execute("UPDATE attempt SET started_at = $1 WHERE number = 2", NOW - 6 * DAY)
    waiting = Waiting(pool, None)
    first = await waiting.load_pending(week.instance_id, after_order=0, limit=9)
    await tidy(pool)
    # Of the one that was delivered what was tried a day later is gone with that day.
    assert await count(pool, "page", "event", "notification", "attempt") == [1, 15, 2, 3]
    assert await count(pool, "page_rest", "event_rest", "notification_rest") == [1, 15, 2]
    assert await waiting.load_pending(week.instance_id, after_order=0, limit=9) == first
    # Once it is delivered it goes as what is in no partition does.
    await pool.execute("UPDATE notification SET state = 'delivered'")
    assert (await tidy(pool)).pages == 1
    assert await count(pool, "page", "event", "notification") == [0, 0, 0]


async def test_what_a_replay_may_still_send_is_kept(pool, week):
    await week.end(await week.commit(NOW - 7 * DAY, ["o"]), "dead")
    other = await make_past(pool)
    await other.end(await other.commit(NOW - 7 * DAY, ["o"]), "dead")
    await pool.execute(
        "INSERT INTO replay (instance_id, kind, first_id, last_id, position, next_attempt_at, created_at)"
        " SELECT instance_id, 'failed', id, id, id - 1, $2, $2 FROM notification WHERE instance_id = $1",
        week.instance_id,
        NOW,
    )
    await tidy(pool)
    rows = await pool.fetch("SELECT instance_id FROM notification")
    assert [row[0] for row in rows] == [week.instance_id]


async def test_where_much_waits_the_rest_of_a_partition_goes_row_by_row(pool, week, monkeypatch):
    monkeypatch.setattr(partitions, "MOST_MOVED", 2)
    for _ in range(3):
        await week.commit(NOW - 7 * DAY, ["waits"])
        await week.end(await week.commit(NOW - 7 * DAY, ["gone"]))
    assert (await tidy(pool)).pages == 3
    assert await count(pool, "page", "page_20260303_000000") == [3, 3]
    await pool.execute("UPDATE notification SET state = 'delivered' WHERE lane_order = 1")
    await tidy(pool)
    assert "page_20260303_000000" not in await list_tables(pool)
    assert await count(pool, "page", "page_rest") == [2, 2]


async def test_many_processes_drop_them_once(pool, week):
    for day in range(8):
        await week.end(await week.commit(NOW - day * DAY, ["o"]))
    await asyncio.gather(*(tidy(pool) for _ in range(5)))
    await tidy(pool)
    assert await count(pool, *TIMES) == [5, 5, 5, 5]


async def test_one_that_is_dropped_amid_the_listing_is_there_whole_or_not_at_all(pool):
    dropping = asyncio.create_task(_make_and_drop(pool, 100))
    listed = []
    while not dropping.done():
        for rows in await asyncio.gather(*(pool.fetch(partitions.LIST) for _ in range(3))):
            listed += rows
    await dropping
    assert any(row["ending"] == "far" for row in listed)
    assert [row["ending"] for row in listed if None in (row["begin_at"], row["end_at"])] == []


async def _make_and_drop(pool, times):
    for _ in range(times):
        await pool.execute(
            "CREATE TABLE page_far PARTITION OF page FOR VALUES FROM ('2050-01-01') TO ('2050-02-01')"
        )
        await pool.execute("DROP TABLE page_far")


async def test_what_was_tried_long_after_goes_though_it_stands_in_the_rest(pool, week):
    """Its notification went with a partition, so that no page in the rest takes it along."""
    await week.end(await week.commit(NOW - 7 * DAY, ["o"]))
    await week.end(await week.commit(NOW, ["o"]))
    await pool.execute("UPDATE attempt SET started_at = $1 WHERE started_at < $2", NOW - 400 * DAY, NOW)
    await tidy(pool)
    assert await count(pool, "attempt", "notification", "attempt_rest") == [1, 1, 0]


async def test_statements_that_were_prepared_before_go_on_after(pool, week):
    """Plans that were kept, of a worker's own connection, are of partitions that come and go."""
    async with pool.acquire() as connection:
        for day in range(12):
            now = NOW + day * DAY
            await week.end(await week.commit(now, [f"o{day}"]))
            for _ in range(7):  # from the sixth time on a plan may be kept
                rows = await connection.fetch("SELECT object_id FROM event ORDER BY polled_at DESC LIMIT 1")
                assert (
                    await connection.fetchval("SELECT count(*) FROM notification WHERE id = ANY($1)", [1])
                    == 0
                )
            assert [row[0] for row in rows] == [f"o{day}"]
            await asyncio.gather(tidy(pool, now), week.commit(now, [f"also{day}"]))
    assert await count(pool, "page_rest") == [12 - 5]


async def test_it_waits_for_nobody(pool, week):
    """Somebody reads for long, as a backup does: nothing is dropped, nothing deleted row by row, nobody held up."""
    await week.end(await week.commit(NOW - 7 * DAY, ["o"]))
    async with pool.acquire() as connection, connection.transaction():
        await connection.fetchval("SELECT count(*) FROM attempt")
        assert (await asyncio.wait_for(tidy(pool), PATIENCE_SECONDS)).pages == 0
        await asyncio.wait_for(week.commit(NOW, ["new"]), PATIENCE_SECONDS)
    assert await count(pool, "page") == [2]
    await tidy(pool)
    assert await count(pool, "page") == [1]


async def test_a_dead_letter_that_is_taken_back_just_before_is_kept(pool, week):
    """Whoever has it wait again does so before the partition is locked, or finds it gone."""
    await week.end(await week.commit(NOW - 7 * DAY, ["o"]), "dead")
    async with pool.acquire() as connection:
        transaction = connection.transaction()
        await transaction.start()
        await connection.execute("UPDATE notification SET state = 'pending'")
        dropping = asyncio.create_task(tidy(pool))
        await asyncio.sleep(0.05)
        await transaction.commit()
        await dropping
    await tidy(pool)
    rows = await pool.fetch("SELECT state FROM notification")
    assert [row[0] for row in rows] == [State.PENDING]
    assert await count(pool, "page", "event", "notification_rest") == [1, 1, 1]


async def test_sizes_are_told_of_whole_tables(pool, week):
    names = {table.name for table in (await Operations(pool, retention_days=4, most_waiting=9).read()).tables}
    assert names >= {"page", "event", "notification", "attempt"}
    assert not any("_20" in name or name.endswith("_rest") for name in names)
