"""Migrations: numbered in a row, safe to run twice and at once, and what they make is what the code expects."""

from __future__ import annotations

import asyncio
import re
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import uuid4

import asyncpg

import signalpost.store
from signalpost.store.database import migrate, open_pool
from signalpost.store.replay_orders import ReplayOrders
from signalpost.store.retention import Retention
from signalpost.store.waiting import Waiting

VERSIONS = Path(signalpost.store.__file__).parent / "migrations" / "versions"


@asynccontextmanager
async def open_old(postgres, monkeypatch, version):
    """Make a database with the tables of an older version while the context is open; give its connect arguments."""
    admin = await asyncpg.connect(**postgres.connect_arguments)
    name = f"migrated_from_{version}"
    await admin.execute(f"CREATE DATABASE {name}")
    arguments = {**postgres.connect_arguments, "database": name}
    with monkeypatch.context() as patch:
        patch.setattr("signalpost.store.upgrading.NEWEST", version)
        await migrate(arguments)
    try:
        yield arguments
    finally:
        await admin.execute(f"DROP DATABASE {name} WITH (FORCE)")
        await admin.close()


def test_versions_are_numbered_in_a_row_and_each_follows_the_one_before():
    files = sorted(path for path in VERSIONS.glob("*.py") if path.name != "__init__.py")
    for number, path in enumerate(files, start=1):
        assert re.fullmatch(rf"{number:04d}_[a-z0-9_]+\.py", path.name)
        text = path.read_text()
        assert f'revision = "{number:04d}"' in text
        before = f'"{number - 1:04d}"' if number > 1 else "None"
        assert f"down_revision = {before}" in text


async def test_processes_that_start_at_once_migrate_one_after_the_other(postgres):
    admin = await asyncpg.connect(**postgres.connect_arguments)
    await admin.execute("CREATE DATABASE migrated_at_once")
    arguments = {**postgres.connect_arguments, "database": "migrated_at_once"}
    await asyncio.gather(*(migrate(arguments) for _ in range(4)))
    connection = await asyncpg.connect(**arguments)
    assert await connection.fetchval("SELECT version_num FROM alembic_version") >= "0001"
    assert await connection.fetchval("SELECT count(*) FROM pgqueuer") == 0
    await connection.close()
    await admin.execute("DROP DATABASE migrated_at_once WITH (FORCE)")
    await admin.close()


async def test_the_queues_tables_are_unlogged_as_they_hold_no_truth(pool):
    kinds = await pool.fetch("SELECT relname, relpersistence FROM pg_class WHERE relname = 'pgqueuer'")
    assert [bytes(row["relpersistence"]) for row in kinds] == [b"u"]
    logged = await pool.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relpersistence <> 'p' AND relname NOT LIKE 'pgqueuer%'"
        " AND relnamespace = 'public'::regnamespace"
    )
    assert logged == []


async def test_what_the_first_tables_knew_of_objects_becomes_their_memory(postgres, monkeypatch):
    """Of any history of an object its last event decides; watermarks stay."""
    async with open_old(postgres, monkeypatch, "0001") as arguments:
        connection = await asyncpg.connect(**arguments)
        await connection.execute(HISTORY)
        await migrate(arguments)
        rows = await connection.fetch(
            "SELECT object_id, object_type, version FROM object_memory ORDER BY object_id"
        )
        assert [tuple(row) for row in rows] == [("again", "file", ""), ("here", "file", "")]
        poll = await connection.fetchrow(
            "SELECT watermark, remembered, failures, disabled_at FROM resource_poll"
        )
        assert tuple(poll) == ('{"id": 5}', 2, 0, None)
        assert await connection.fetchval("SELECT last_success_at = last_poll_at FROM instance")
        await connection.close()


async def test_what_waited_before_dead_letters_came_is_delivered_and_sent_again_after(postgres, monkeypatch):
    """Events that were logged while there was no callback URL have no notification; a replay passes them over."""
    async with open_old(postgres, monkeypatch, "0002") as arguments:
        connection = await asyncpg.connect(**arguments)
        await connection.execute(HISTORY)
        await connection.execute(NOTIFIED)
        await connection.close()
        await migrate(arguments)
        pool = await open_pool(arguments, size=2)
        instance_id, delivered_id = await pool.fetchrow(
            "SELECT instance_id, id FROM notification WHERE state = 'delivered'"
        )
        [found] = await Waiting(pool, uuid4()).load_pending(instance_id, after_order=0, limit=10)
        assert (found.attempts, found.failures, found.refusals, found.context.instance_tags) == (
            1,
            1,
            0,
            ("t",),
        )
        assert [event.sequence for event in found.events] == [7]
        assert [tuple(row) for row in await pool.fetch("SELECT replay_id, number FROM attempt")] == [
            (0, 1)
        ] * 2
        replay = await ReplayOrders(pool, lambda: datetime.now(UTC)).ask_range(instance_id, 1, None)
        assert (replay.first_id, replay.last_id) == (delivered_id, found.id)
        await pool.close()


async def test_what_was_logged_before_there_were_partitions_is_delivered_and_goes_with_its_time(
    postgres, monkeypatch
):
    """Old rows and some that a clock ahead has dated: what waits is kept in its order, all else goes once it is old."""
    async with open_old(postgres, monkeypatch, "0004") as arguments:
        connection = await asyncpg.connect(**arguments)
        await connection.execute(HISTORY + OF_MANY_DAYS)
        await connection.close()
        await migrate(arguments)
        pool = await open_pool(arguments, size=2)
        now = await pool.fetchval("SELECT now()")
        instance_id = await pool.fetchval("SELECT id FROM instance")
        tables = ("page", "event", "notification", "attempt")

        async def tidy(days):
            await Retention(pool, retention_days=7, most_waiting=1000).tidy(now + timedelta(days=days))
            waiting = await Waiting(pool, uuid4()).load_pending(instance_id, after_order=0, limit=10)
            told = [event.object_id for each in waiting for event in each.events]
            return told, [await pool.fetchval(f"SELECT count(*) FROM {table}") for table in tables]

        waits = ["waits 30", "waits 8", "waits 0", "waits -3"]
        assert await tidy(0) == (waits, [8, 8, 8, 8])
        assert await pool.fetchval("SELECT count(*) FROM page_rest") == 2
        # All of before there were partitions goes at once; the one that comes from ahead a moment after its time.
        assert await tidy(8.5) == (waits, [5, 5, 5, 5])
        assert "page_before" not in [row[0] for row in await pool.fetch("SELECT relname FROM pg_class")]
        assert await tidy(13) == (waits, [4, 4, 4, 4])
        first = await pool.fetchval("SELECT max(id) FROM notification")
        assert await pool.fetchval("SELECT nextval('notification_number')") > first
        await pool.execute("UPDATE notification SET state = 'delivered'")
        assert await tidy(13) == ([], [0, 0, 0, 0])
        await pool.close()


OF_MANY_DAYS = """
DELETE FROM page;
INSERT INTO endpoint (instance_id, url, last_sequence, last_order) SELECT id, 'https://example.com/', 8, 8 FROM instance;
INSERT INTO page (instance_id, polled_at, context, records)
SELECT id, now() - make_interval(days => ago), '{"connector": "egnyte", "hub": "documents", "resource": "events",
    "instance_name": "n", "instance_tags": ["t"], "organization_id": 1, "user_id": 1, "full_raw": false}', '{"{}"}'
FROM instance, unnest(ARRAY[30, 30, 8, 8, 0, 0, -3, -3]) AS ago;
INSERT INTO notification (instance_id, lane_order, page_id, state, attempts, next_attempt_at, created_at)
SELECT instance_id, id, id, CASE WHEN id % 2 = 0 THEN 'pending' ELSE 'delivered' END, 1, now(), polled_at
FROM page ORDER BY id;
INSERT INTO attempt (notification_id, number, started_at, duration_milliseconds, status)
SELECT id, 1, created_at + interval '1 minute', 1, CASE state WHEN 'delivered' THEN 200 ELSE 500 END FROM notification;
INSERT INTO event (id, instance_id, sequence, page_id, record_index, resource, object_id, object_type, event_type,
                   occurred_at, polled_at, notification_id)
SELECT gen_random_uuid(), page.instance_id, page.id, page.id, 0, 'events', CASE state WHEN 'pending' THEN 'waits' ELSE
    'went' END || ' ' || extract(day FROM now() - polled_at)::text, 'file', 'CREATED', polled_at, polled_at, notification.id
FROM page JOIN notification ON page_id = page.id;
"""

NOTIFIED = """
INSERT INTO endpoint (instance_id, url, last_sequence, last_order) SELECT id, 'https://example.com/', 7, 2 FROM instance;
UPDATE page SET context = '{"connector": "egnyte", "hub": "documents", "resource": "events", "instance_name": "n",
    "instance_tags": ["t"], "organization_id": 1, "user_id": 1, "full_raw": false}';
INSERT INTO notification (instance_id, lane_order, page_id, state, attempts, failures, next_attempt_at, created_at)
SELECT instance_id, waits.lane_order, id, waits.state, 1, waits.failures, now(), now()
FROM page, (VALUES (1, 'delivered', 0), (2, 'pending', 1)) AS waits (lane_order, state, failures) ORDER BY 2;
UPDATE event SET notification_id = notification.id FROM notification WHERE sequence = 5 + lane_order;
INSERT INTO attempt (notification_id, number, started_at, duration_milliseconds, status)
SELECT id, 1, now(), 1, CASE state WHEN 'delivered' THEN 200 ELSE 500 END FROM notification;
"""

HISTORY = """
INSERT INTO organization (name) VALUES ('Acme');
INSERT INTO member (organization_id, email) SELECT id, 'ada@example.com' FROM organization;
INSERT INTO instance (organization_id, user_id, connector, name, tags, configuration, secrets, token_hash, account_id,
                      account_label, interval_seconds, last_poll_at)
SELECT organization.id, member.id, 'egnyte', 'n', '{}', '{}', '', '', 'a', 'a', 900, now() FROM organization, member;
INSERT INTO resource_poll (instance_id, resource, configuration, watermark)
SELECT id, 'events', '{}', '{"id": 5}' FROM instance;
INSERT INTO page (instance_id, polled_at, context, records) SELECT id, now(), '{}', '{"{}"}' FROM instance;
INSERT INTO event (id, instance_id, sequence, page_id, record_index, resource, object_id, object_type, event_type,
                   occurred_at, polled_at)
SELECT gen_random_uuid(), instance.id, told.sequence, page.id, 0, 'events', told.object_id, 'file', told.type, now(), now()
FROM instance, page, (VALUES (1, 'here', 'CREATED'), (2, 'gone', 'CREATED'), (3, 'again', 'CREATED'),
                             (4, 'gone', 'DELETED'), (5, 'again', 'DELETED'), (6, 'again', 'UPDATED'),
                             (7, 'here', 'MOVED')) AS told (sequence, object_id, type);
"""
