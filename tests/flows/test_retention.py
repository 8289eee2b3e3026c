"""A fortnight's traffic, simulated: once the first week is over, the tables do not grow any more."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from signalpost.store.retention import Retention
from tests.store.history import make_past

START = datetime(2026, 3, 1, tzinfo=UTC)
TABLES = ("page", "event", "notification", "attempt", "gap")
DAYS, PAGES_A_DAY, EVENTS_A_PAGE = 15, 24, 30
MOST_GROWTH = 1.3
MAPS = 20 * 8192
"""What the maps of free space take, which come with the first removal and are as large for a small table."""

SPAN = timedelta(days=7) / 4
"""What is old goes with its partition."""

SIZE = """
SELECT sum(pg_total_relation_size(relid))::bigint FROM (
    SELECT relid FROM pg_partition_tree($1::text::regclass) UNION SELECT $1::text::regclass) AS part
"""


async def measure(pool):
    """Give the size of each table with its indexes, after what autovacuum would have done by then."""
    for table in TABLES:
        await pool.execute(f"VACUUM {table}")
    return {table: await pool.fetchval(SIZE, table) for table in TABLES}


async def test_after_the_first_week_the_tables_stay_as_large_as_they_are(pool):
    past, seconds = await make_past(pool), [0.0]
    retention = Retention(pool, retention_days=7, most_waiting=1000, monotonic=lambda: seconds[0])
    sizes = []
    for day in range(DAYS):
        late = []
        for hour in range(PAGES_A_DAY):
            now = START + timedelta(days=day, hours=hour)
            page_id = await past.commit(now, [f"{hour}/{number}" for number in range(EVENTS_A_PAGE)])
            if hour % 6:
                await past.end(page_id, attempts=1 + hour % 3)
            else:
                late.append(page_id)
            seconds[0] += 3600
            await retention.tidy(now)
        # What had to wait is delivered in the evening.
        for page_id in late:
            await past.end(page_id, attempts=5)
        sizes.append(await measure(pool))

    oldest = await pool.fetchval("SELECT min(polled_at) FROM event")
    assert now - timedelta(days=7) - SPAN < oldest <= now - timedelta(days=7)
    steady = max(sizes[7:9], key=lambda size: sum(size.values()))  # as large as they are just before one goes
    for size in sizes[9:]:
        assert sum(size.values()) <= MOST_GROWTH * sum(steady.values()), sizes
        for table in TABLES:
            assert size[table] <= MOST_GROWTH * (steady[table] + MAPS), (table, sizes)
    assert sum(steady.values()) > 10 * MAPS


async def test_what_is_never_delivered_is_bounded_by_the_limit(pool):
    """An endpoint that takes nothing for a fortnight keeps what the limit allows, and every loss is told."""
    past, seconds = await make_past(pool), [0.0]
    await pool.execute("UPDATE endpoint SET state = 'deactivated'")
    retention = Retention(pool, retention_days=7, most_waiting=20, monotonic=lambda: seconds[0])
    for day in range(14):
        for part in range(4):
            await past.commit(START + timedelta(days=day, hours=part), [f"{day}/{part}"])
            seconds[0] += 6 * 3600
            await retention.tidy(START + timedelta(days=day, hours=part))
    rows = await pool.fetch("SELECT from_watermark, to_watermark FROM gap ORDER BY id")
    told = {
        number
        for row in rows
        for number in range(row["from_watermark"]["sequence"], row["to_watermark"]["sequence"] + 1)
    }
    waiting = await pool.fetch(
        "SELECT sequence FROM event JOIN notification ON notification.id = notification_id WHERE state = 'pending'"
    )
    kept = {row["sequence"] for row in waiting}
    last = await pool.fetchval("SELECT last_sequence FROM endpoint")
    assert kept == set(range(last - 19, last + 1))
    # Gaps that are older than a week went with what they told of.
    assert max(told) == last - 20
    assert told == set(range(min(told), max(told) + 1))
    assert await pool.fetchval("SELECT min(polled_at) FROM page") >= START + timedelta(days=6)
