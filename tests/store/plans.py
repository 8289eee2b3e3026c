"""How PostgreSQL would run each hot statement with a million rows of everything.

Five thousand instances are real, with their statistics; then PostgreSQL is told that each table has as many rows as
a million instances have. It still sees the small files, which speak for reading them whole: a statement that uses its
index here uses it with real files as well.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Container
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from signalpost.store.partitions import Partitions

INSTANCES = 5_000
FACTOR = 200
MANY = 100_000
"""A table with so many rows is not to be read whole."""

NOT_EXPLAINED = ("begin", "commit", "rollback", "savepoint", "release", "set", "lock", "truncate", "explain")
OF_DRIVER = ("typeinfo_tree", "set_config")
"""What asyncpg asks for itself."""

# Half of all instances are of one organization. A fiftieth of what was made in a week waits or is dead.
SEED = """
INSERT INTO organization (name) SELECT 'Plans ' || each FROM generate_series(1, 200) AS each;
INSERT INTO member (organization_id, email) SELECT id, 'ada@example.com' FROM organization;
INSERT INTO instance (organization_id, user_id, connector, name, tags, configuration, secrets, token_hash, account_id,
                      account_label, interval_seconds, next_poll_at)
SELECT member.organization_id, member.id, 'egnyte', 'Name', '{}', '{}', '\\x00', sha256(each::text::bytea), 'a', 'a', 900,
       now() + make_interval(secs => each * 7919 % 900 - 1)
FROM generate_series(1, $INSTANCES) AS each
JOIN (SELECT *, row_number() OVER (ORDER BY id) AS place FROM member) AS member
     ON member.place = CASE WHEN each % 2 = 0 THEN 1 ELSE 2 + each % 199 END;
INSERT INTO credential (instance_id, tokens) SELECT id, '\\x00' FROM instance ON CONFLICT DO NOTHING;
INSERT INTO resource_poll (instance_id, resource, configuration, failures)
SELECT id, 'events', '{}', CASE WHEN id % 1000 = 0 THEN 1 ELSE 0 END FROM instance ON CONFLICT DO NOTHING;
INSERT INTO endpoint (instance_id, url, due_at, last_order, leased_by, failing_since)
SELECT id, 'https://example.com/', CASE WHEN id % 50 = 0 THEN now() - interval '1 s' * (id % 20) END, 10,
       CASE WHEN id % 100 = 0 THEN gen_random_uuid() END, CASE WHEN id % 100 = 0 THEN now() END
FROM instance ON CONFLICT DO NOTHING;
INSERT INTO page (instance_id, polled_at, context, records)
SELECT id, now() - make_interval(secs => id * 7919 % 600000), '{}', ARRAY['{}'] FROM instance ORDER BY 2;
INSERT INTO notification (instance_id, lane_order, page_id, state, next_attempt_at, created_at)
SELECT instance_id, 1, id, CASE instance_id % 100 WHEN 0 THEN 'pending' WHEN 1 THEN 'dead' ELSE 'delivered' END,
       polled_at, polled_at FROM page ORDER BY id;
INSERT INTO event (id, instance_id, sequence, page_id, record_index, notification_id, resource, object_id, object_type,
                   event_type, occurred_at, polled_at)
SELECT gen_random_uuid(), instance_id, each, page_id, each - 1, id, 'events', md5(id || '.' || each), 'file', 'CREATED',
       created_at, created_at FROM notification CROSS JOIN generate_series(1, 3) AS each ORDER BY id, each;
INSERT INTO attempt (notification_id, number, started_at, duration_milliseconds, status)
SELECT id, 1, created_at, 40, 200 FROM notification WHERE state <> 'pending';
INSERT INTO object_memory (poll_id, object_key, object_id, object_type, version, seen_at)
SELECT id, sha256((id * each)::text::bytea), 'o', 'file', '', now() FROM resource_poll, generate_series(1, 3) AS each;
INSERT INTO event_hour (instance_id, begin_at, events)
SELECT id, date_trunc('hour', now() - make_interval(hours => each), 'UTC'), 3 FROM instance, generate_series(1, 3) AS each;
INSERT INTO gap (instance_id, resource, sequence, reason, detected_at)
SELECT id, 'events', 1, 'lost', now() FROM instance WHERE id % 5 = 0;
INSERT INTO replay (instance_id, kind, first_id, last_id, position, state, due_at, next_attempt_at, created_at, ended_at)
SELECT id, 'one', 1, 1, 0, CASE WHEN id % 500 = 0 THEN 'running' ELSE 'done' END,
       CASE WHEN id % 500 = 0 THEN now() END, now(), now(), now() FROM instance WHERE id % 5 = 0;
INSERT INTO operation_notice (instance_id, kind, body, created_at, due_at)
SELECT id, 'gap.recorded', '{}', now(), now() + interval '1 hour' FROM instance WHERE id % 5 = 0
"""

# The density of rows is what PostgreSQL takes from here; the size of the files it looks up itself.
PRETEND = """
UPDATE pg_class SET reltuples = reltuples * $1
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i') AND reltuples > 0
"""


async def seed(pool: asyncpg.Pool) -> None:
    """Fill the database, in partitions of a week, and make it believe in two hundred times as much."""
    now = datetime.now(UTC)
    for days in range(7, -1, -1):
        await Partitions(pool, kept=timedelta(days=7)).make_ahead(now - timedelta(days=days))
    async with pool.acquire() as connection:
        for statement in SEED.replace("$INSTANCES", str(INSTANCES)).split(";\n"):
            await connection.execute(statement)
        tables = await connection.fetch(
            "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
        )
        for table in tables:  # it would count the rows again
            await connection.execute(f'ALTER TABLE "{table["relname"]}" SET (autovacuum_enabled = false)')
        await connection.execute("VACUUM ANALYZE")
        await connection.execute(PRETEND, FACTOR)


@dataclass(frozen=True, slots=True)
class Statement:
    """What was sent to the database."""

    text: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """How PostgreSQL would run a statement: the tables that it would read whole, and the indexes that it would use.

    ``compared`` are conditions that each row of one list would be tried by with each row of another: what a thousand
    rows take a million times.
    """

    text: str
    cost: float
    read_whole: set[str] = field(default_factory=set)
    indexes: set[str] = field(default_factory=set)
    compared: set[str] = field(default_factory=set)


@asynccontextmanager
async def watch(pool: asyncpg.Pool) -> AsyncIterator[list[Statement]]:
    """Note what is sent over the one connection of the pool meanwhile, but for what has no plan."""
    sent: list[Statement] = []

    def note(record: Any) -> None:
        text = record.query.lstrip().lower()
        if not text.startswith(NOT_EXPLAINED) and not any(word in text for word in OF_DRIVER):
            sent.append(Statement(record.query, tuple(record.args or ())))

    async with pool.acquire() as connection:
        connection.add_query_logger(note)
    yield sent
    async with pool.acquire() as connection:
        connection.remove_query_logger(note)


async def explain(connection: Any, statement: Statement, *, all_large: bool = False) -> Plan:
    """Ask for the plan; nothing is run. ``all_large``: every table counts as large."""
    found = json.loads(
        await connection.fetchval(f"EXPLAIN (FORMAT JSON) {statement.text}", *statement.arguments)
    )
    rows = await connection.fetch("SELECT relname FROM pg_class WHERE reltuples >= $1", MANY)
    return _read_plan(statement, found, None if all_large else {row["relname"] for row in rows})


async def explain_kept(pool: asyncpg.Pool, statement: Statement) -> Plan:
    """Ask for the plan that is kept with a statement, whatever its arguments; every table counts as large."""
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        await connection.execute(f"PREPARE kept AS {statement.text}")
        nothing = ", ".join(["NULL"] * len(statement.arguments))
        execute = f"EXECUTE kept ({nothing})" if nothing else "EXECUTE kept"
        found = json.loads(await connection.fetchval(f"EXPLAIN (FORMAT JSON) {execute}"))
        await connection.execute("DEALLOCATE kept")
    return _read_plan(statement, found, None)


def _read_plan(statement: Statement, found: Any, large: Container[str] | None) -> Plan:
    plan = Plan(statement.text, found[0]["Plan"]["Total Cost"])
    waiting = [found[0]["Plan"]]
    while waiting:
        node = waiting.pop()
        waiting += node.get("Plans", [])
        if node["Node Type"] == "Seq Scan" and (large is None or node["Relation Name"] in large):
            plan.read_whole.add(node["Relation Name"])
        if "Index Name" in node:
            plan.indexes.add(node["Index Name"])
        if node["Node Type"] == "Nested Loop" and "Join Filter" in node and _reads_list(node["Plans"][1]):
            plan.compared.add(node["Join Filter"])
    return plan


def _reads_list(node: Any) -> bool:
    below = node.get("Plans", [])
    return any(map(_reads_list, below)) if below else node["Node Type"] in {"CTE Scan", "Function Scan"}
