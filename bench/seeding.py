"""A log as it is after a week: events of many instances, told to their callbacks or not, written by SQL alone."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import asyncpg

from signalpost.model.ids import InstanceId
from signalpost.store.partitions import Partitions

EVENTS_A_PAGE = 100
EVENTS_A_NOTIFICATION = 10
DAYS = 6.5

# A few instances are busy, most are quiet: by the fourth power of the page's place in a shuffled row.
PAGES = """
CREATE TEMP TABLE seeded_page AS
SELECT number, instance_id, polled_at, row_number() OVER (PARTITION BY instance_id ORDER BY number) - 1 AS place,
       nextval(pg_get_serial_sequence('page', 'id')) AS page_id
FROM (SELECT number, ($1::bigint[])[1 + floor(cardinality($1::bigint[]) * power((number * 7919 % 10007) / 10007.0, 4))]
             AS instance_id,
             now() - make_interval(secs => $3 * 86400.0 * ($2 - number) / $2) AS polled_at
      FROM generate_series(1, $2) AS number) AS spread ORDER BY number
"""

RECORDS = """
INSERT INTO page (id, instance_id, polled_at, context, records) OVERRIDING SYSTEM VALUE
SELECT page_id, instance_id, polled_at, $1, ARRAY(
    SELECT json_build_object(
        'id', 1000000 + 100 * number + place, 'timestamp', polled_at, 'actor', place % 40, 'type', 'file_system',
        'action', 'create', 'action_source', 'WebUI', 'object_detail', 'https://acme.example.com/fs/' || number,
        'data', json_build_object('target_path', '/Shared/Clients/' || number % 400 || '/Contracts/letter ' || number
                                  || '-' || place || '.pdf', 'target_id', md5(number || '/' || place),
                                  'target_group_id', md5(number || '.' || place), 'is_folder', false),
        'event_object_id', md5(number || '.' || place), 'event_object_type', 'file', 'event_type', 'CREATED',
        'event_date', polled_at)::text
    FROM generate_series(0, $2 - 1) AS place)
FROM seeded_page
"""

SHORT_RECORDS = """
INSERT INTO page (id, instance_id, polled_at, context, records) OVERRIDING SYSTEM VALUE
SELECT page_id, instance_id, polled_at, $1, array_fill('{}'::text, ARRAY[$2::integer]) FROM seeded_page
"""

# Of a hundred notifications 97 were delivered, two wait and one is a dead letter.
NOTIFICATIONS = """
INSERT INTO notification (instance_id, lane_order, page_id, state, attempts, failures, next_attempt_at, created_at,
                          delivered_at, dead_at)
SELECT instance_id, place * $1 + part, page_id,
       CASE fate WHEN 0 THEN 'dead' WHEN 1 THEN 'pending' WHEN 2 THEN 'pending' ELSE 'delivered' END,
       CASE WHEN fate = 1 THEN 0 ELSE 1 END, CASE WHEN fate IN (0, 2) THEN 1 ELSE 0 END, polled_at, polled_at,
       CASE WHEN fate > 2 THEN polled_at + interval '40 ms' END, CASE fate WHEN 0 THEN polled_at END
FROM seeded_page CROSS JOIN generate_series(1, $1) AS part CROSS JOIN LATERAL (
    SELECT (number * 31 + part * 17) % 100 AS fate) AS drawn
ORDER BY page_id, part
"""

ATTEMPTS = """
INSERT INTO attempt (notification_id, number, started_at, duration_milliseconds, status, error)
SELECT id, 1, created_at, 40, CASE state WHEN 'delivered' THEN 200 ELSE 500 END,
       CASE state WHEN 'delivered' THEN NULL ELSE 'the callback answered 500' END
FROM notification WHERE attempts > 0 AND page_id IN (SELECT page_id FROM seeded_page)
"""

EVENTS = """
INSERT INTO event (id, instance_id, sequence, page_id, record_index, notification_id, resource, object_id, object_type,
                   event_type, occurred_at, polled_at, label)
SELECT md5(seeded_page.page_id || '.' || each.place)::uuid, seeded_page.instance_id,
       seeded_page.place * $1 + each.place + 1, seeded_page.page_id, each.place, notification.id, 'events',
       md5(number || '.' || each.place), 'file', 'CREATED', polled_at, polled_at,
       '/Shared/Clients/' || number % 400 || '/Contracts/letter ' || number || '-' || each.place || '.pdf'
FROM seeded_page CROSS JOIN generate_series(0, $1 - 1) AS each (place)
JOIN notification ON notification.page_id = seeded_page.page_id AND notification.created_at = polled_at
                  AND notification.lane_order = seeded_page.place * $2 + each.place / ($1 / $2) + 1
ORDER BY seeded_page.page_id, each.place
"""

HOURS = """
INSERT INTO event_hour SELECT instance_id, date_trunc('hour', polled_at, 'UTC'), count(*) FROM event
WHERE instance_id IN (SELECT instance_id FROM seeded_page) GROUP BY 1, 2
"""

NUMBERS = """
UPDATE endpoint SET last_sequence = counted.events, last_order = counted.orders
FROM (SELECT instance_id, max(sequence) AS events, (max(sequence) + 9) / 10 AS orders FROM event
      WHERE instance_id IN (SELECT instance_id FROM seeded_page) GROUP BY 1) AS counted
WHERE counted.instance_id = endpoint.instance_id
"""

FAILING = """
UPDATE endpoint SET failing_since = now() - interval '1 hour', last_error = 'the callback answered 503'
WHERE instance_id % 50 = 0
"""

STOPPED = """
UPDATE resource_poll SET disabled_at = now() - interval '1 hour', failures = 100, last_error = 'Egnyte answered 500'
WHERE instance_id % 100 = 1
"""

# Made afterwards they cost a fraction of what it takes to keep them up row by row.
INDEXES = """
SELECT conname IS NOT NULL AS primary, index.relname AS name,
       coalesce('ALTER TABLE event ADD ' || pg_get_constraintdef(pg_constraint.oid),
                replace(pg_get_indexdef(index.oid), ' ON ONLY ', ' ON ')) AS definition
FROM pg_index JOIN pg_class AS index ON index.oid = indexrelid LEFT JOIN pg_constraint ON conindid = index.oid
WHERE indrelid = 'event'::regclass
"""


async def seed_events(
    pool: asyncpg.Pool, instance_ids: Sequence[InstanceId], events: int, *, short: bool = False
) -> None:
    """Write about so many events, and what became of them; these instances must have none yet.

    ``short``: their records are next to nothing, and no endpoint or poll is in trouble.
    """
    context = {
        "connector": "egnyte",
        "hub": "documents",
        "resource": "events",
        "instance_name": "Bench",
        "instance_tags": ["Bench"],
        "organization_id": 1,
        "user_id": 1,
        "full_raw": False,
    }
    parts = EVENTS_A_PAGE // EVENTS_A_NOTIFICATION
    await _make_partitions(pool)
    async with pool.acquire() as connection:
        await connection.execute(PAGES, list(instance_ids), events // EVENTS_A_PAGE, DAYS, timeout=600)
        await connection.execute("ANALYZE seeded_page")
        records = SHORT_RECORDS if short else RECORDS
        await connection.execute(records, context, EVENTS_A_PAGE, timeout=600)
        await connection.execute(NOTIFICATIONS, parts, timeout=600)
        await connection.execute("ANALYZE notification")
        indexes = await connection.fetch(INDEXES)
        for index in indexes:
            drop = "ALTER TABLE event DROP CONSTRAINT" if index["primary"] else "DROP INDEX"
            await connection.execute(f"{drop} {index['name']}")
        await connection.execute(EVENTS, EVENTS_A_PAGE, parts, timeout=1800)
        for index in indexes:
            await connection.execute(index["definition"], timeout=1800)
        await connection.execute(ATTEMPTS, timeout=600)
        for statement in (HOURS, NUMBERS) if short else (HOURS, NUMBERS, FAILING, STOPPED):
            await connection.execute(statement, timeout=600)
        await connection.execute("DROP TABLE seeded_page")
        await connection.execute("VACUUM ANALYZE", timeout=1800)


async def _make_partitions(pool: asyncpg.Pool) -> None:
    """Make the partitions of the past week, as a worker would have made them day by day."""
    now, kept = datetime.now(UTC), timedelta(days=7)
    partitions = Partitions(pool, kept=kept)
    for days in range(kept.days, -1, -1):
        await partitions.make_ahead(now - timedelta(days=days))
