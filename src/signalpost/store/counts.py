"""What the gauges count, of all organizations: rows in trouble, what is overdue, the queue, the database."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import asyncpg

from signalpost.model.ids import InstanceId
from signalpost.observe.counted import Value
from signalpost.store.polling_status import IS_STALE, STALE_SECONDS
from signalpost.store.queue import DELIVER, POLL, REPLAY

MOST_COUNTED = 100_000
"""Of each kind of row no more are counted: whoever sees so many need not know how many more there are."""

MOST_SUSPECT = 10_000
"""Of each kind of sign that polling is stale no more instances are looked at."""

KINDS = (POLL, DELIVER, REPLAY)
QUEUED = "queued"
STATES = {QUEUED: "queued", "picked": "running"}


def _write_count(rows: str) -> str:
    return f"(SELECT count(*) FROM (SELECT FROM {rows} LIMIT {MOST_COUNTED}) AS counted)"


def _write_enabled(rows: str) -> str:
    """Write the condition that the instance of one of ``rows`` is enabled: of others nobody wants to hear.

    As an array the instances are looked up by their ids; a join would read all there are.
    """
    ids = f"ARRAY(SELECT instance_id FROM {rows})"
    return f"instance_id NOT IN (SELECT id FROM instance WHERE id = ANY ({ids}) AND disabled)"


# Each has an index of its own that holds these rows alone. Only those are looked at for being stale that are overdue,
# are handed out, are in this process's hands or have a resource that fails; OFFSET 0 has them looked up one by one,
# where a join would read all instances.
POLLING = f"""
WITH given_up AS MATERIALIZED (
    SELECT instance_id FROM resource_poll WHERE disabled_at IS NOT NULL LIMIT {MOST_COUNTED}
), suspect AS MATERIALIZED (
    (SELECT id FROM instance WHERE next_poll_at < now() - make_interval(secs => {STALE_SECONDS})
     ORDER BY next_poll_at LIMIT {MOST_SUSPECT})
    UNION
    (SELECT split_part(each, ' ', 1)::bigint
     FROM pgqueuer, regexp_split_to_table(convert_from(payload, 'UTF8'), ';') AS each
     WHERE entrypoint = '{POLL}' LIMIT {MOST_SUSPECT})
    UNION
    (SELECT instance_id FROM resource_poll WHERE failures > 0 LIMIT {MOST_SUSPECT})
    UNION
    SELECT unnest($1::bigint[])
)
SELECT (SELECT count(*) FROM given_up WHERE {_write_enabled("given_up")}) AS pollers_disabled,
       (SELECT count(*) FROM suspect
        CROSS JOIN LATERAL (SELECT * FROM instance WHERE instance.id = suspect.id OFFSET 0) AS found
        WHERE {IS_STALE.format(now="now()")}) AS pollers_stale,
       {_write_count("instance WHERE throttled_until > now()")} AS accounts_throttled,
       {_write_count("instance WHERE NOT valid AND NOT disabled")} AS authorisations_needed
"""

DELIVERY = f"""
WITH failing AS MATERIALIZED (
    SELECT instance_id, state FROM endpoint WHERE failing_since IS NOT NULL LIMIT {MOST_COUNTED}
)
SELECT count(*) AS endpoints_failing, count(*) FILTER (WHERE state = 'deactivated') AS endpoints_deactivated
FROM failing WHERE {_write_enabled("failing")}
"""

# The first entry of each index of what is due; replays of disabled instances rest, though they stay due.
OVERDUE = """
SELECT stage, greatest(extract(epoch FROM now() - due_at), 0)::float8 AS seconds FROM (VALUES
    ('poll', (SELECT min(next_poll_at) FROM instance WHERE next_poll_at IS NOT NULL)),
    ('deliver', (SELECT min(due_at) FROM endpoint WHERE due_at IS NOT NULL)),
    ('replay', (SELECT due_at FROM replay JOIN instance ON instance.id = replay.instance_id
                WHERE due_at IS NOT NULL AND NOT instance.disabled ORDER BY due_at LIMIT 1)),
    ('notice', (SELECT min(due_at) FROM operation_notice))
) AS stages (stage, due_at)
"""

QUEUE = f"""
SELECT entrypoint, status, count(*) AS number, extract(epoch FROM now() - min(created))::float8 AS seconds
FROM (SELECT entrypoint, status, created FROM pgqueuer LIMIT {MOST_COUNTED}) AS jobs GROUP BY entrypoint, status
"""

# Of sessions of other users PostgreSQL tells nothing, unless ours may read all statistics.
DATABASE = """
SELECT (SELECT count(*) FROM worker WHERE heartbeat_at > now() - make_interval(secs => $1)) AS workers,
       pg_database_size(current_database()) AS database_size_bytes,
       (SELECT coalesce(extract(epoch FROM max(now() - xact_start)), 0)::float8 FROM pg_stat_activity
        WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid())
           AS database_oldest_transaction_seconds,
       (SELECT coalesce(sum(n_dead_tup), 0)::bigint FROM pg_stat_user_tables) AS database_dead_rows,
       extract(epoch FROM now())::float8 AS counted_timestamp_seconds
"""


class Counts:
    """Counts rows for the gauges. ``lease_seconds``: a worker that was silent for so long is not alive."""

    def __init__(self, pool: asyncpg.Pool, *, lease_seconds: float) -> None:
        self._pool = pool
        self._lease_seconds = lease_seconds

    async def count(self, polled: Collection[InstanceId] = ()) -> dict[str, Value]:
        """Count them, by the names of ``observe.counted.GAUGES``; ``polled`` are being polled by this process.

        Five statements. What they read grows with the rows in trouble and the jobs in the queue, up to
        ``MOST_COUNTED`` of a kind, not with the instances or with what is kept.
        """
        polling: Any = await self._pool.fetchrow(POLLING, list(polled))
        delivery: Any = await self._pool.fetchrow(DELIVERY)
        overdue: Any = await self._pool.fetch(OVERDUE)
        jobs: Any = await self._pool.fetch(QUEUE)
        database: Any = await self._pool.fetchrow(DATABASE, self._lease_seconds)
        found = {(row["entrypoint"], row["status"]): row for row in jobs}
        return {
            **polling,
            **delivery,
            **database,
            "overdue_seconds": {(row["stage"],): row["seconds"] for row in overdue},
            "queue_jobs": {
                (kind, shown): found[kind, status]["number"] if (kind, status) in found else 0
                for kind in KINDS
                for status, shown in STATES.items()
            },
            "queue_oldest_seconds": {
                (kind,): max(found[kind, QUEUED]["seconds"], 0) if (kind, QUEUED) in found else 0
                for kind in KINDS
            },
        }
