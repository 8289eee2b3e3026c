"""What the database's clock put off while it was ahead: once it is set back, that would wait for it to catch up."""

from __future__ import annotations

from datetime import datetime

import asyncpg

AT_ONCE = 10_000
"""Rows that one statement takes back."""

# Polls keep their phase: they come at the first of their turns after now. All else that waits is tried at once, as how
# long it was to wait is not known. Rows that others have in hand are about to get their new time. Each is looked at
# once, in the order of its key: what is put off anew meanwhile is put off by the right clock.
TAKE_BACK = (
    """
UPDATE resource_poll SET retry_at = NULL
WHERE id IN (SELECT id FROM resource_poll WHERE retry_at > $1 AND id > $2
             ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING id
""",
    """
UPDATE instance SET next_poll_at = next_poll_at - make_interval(
    secs => interval_seconds * floor(extract(epoch FROM next_poll_at - $1::timestamptz)::float8 / interval_seconds))
WHERE id IN (SELECT id FROM instance
             WHERE next_poll_at > $1::timestamptz + make_interval(secs => interval_seconds) AND id > $2
             ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING id
""",
    """
UPDATE instance SET last_poll_at = $1, last_success_at = least(last_success_at, $1)
WHERE id IN (SELECT id FROM instance WHERE last_poll_at > $1 AND id > $2 ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING id
""",
    """
UPDATE notification SET next_attempt_at = $1
WHERE id IN (SELECT id FROM notification WHERE state = 'pending' AND next_attempt_at > $1 AND id > $2
             ORDER BY id LIMIT $3 FOR NO KEY UPDATE SKIP LOCKED)
RETURNING id
""",
    """
UPDATE endpoint SET due_at = $1
WHERE instance_id IN (SELECT instance_id FROM endpoint WHERE due_at > $1 AND instance_id > $2
                      ORDER BY instance_id LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING instance_id AS id
""",
    """
UPDATE replay SET due_at = $1, next_attempt_at = least(next_attempt_at, $1)
WHERE id IN (SELECT id FROM replay WHERE due_at > $1 AND id > $2 ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING id
""",
    """
UPDATE operation_notice SET due_at = $1
WHERE id IN (SELECT id FROM operation_notice WHERE due_at > $1::timestamptz + interval '2 minutes' AND id > $2
             ORDER BY id LIMIT $3 FOR UPDATE SKIP LOCKED)
RETURNING id
""",
)

LATEST = "SELECT max(last_poll_at) FROM instance"

# A dead worker's lease must end.
END_LEASES = "UPDATE worker SET heartbeat_at = $1 WHERE heartbeat_at > $1::timestamptz + interval '1 minute'"

# What is counted from a moment is counted from now: a request that was cut off is no longer taken for one that runs,
# and sign-ins that failed lock nobody out for longer than they do.
COUNT_FROM_NOW = (
    "UPDATE kept_answer SET claimed_at = $1 WHERE claimed_at > $1",
    "UPDATE sign_in_failure SET failed_at = $1 WHERE failed_at > $1",
)

# What jobs that the queue would hold back were for is found by the tick again.
DROP_JOBS = "DELETE FROM pgqueuer WHERE execute_after > $1::timestamptz + interval '1 minute'"


async def read_latest(pool: asyncpg.Pool) -> datetime | None:
    """Read what time it was when something was polled last, which may lie ahead; None: nothing was.

    It reads all instances: for a start, not for each tick.
    """
    latest: datetime | None = await pool.fetchval(LATEST)
    return latest


async def take_back(pool: asyncpg.Pool, now: datetime) -> None:
    """Have nothing wait for a time that a clock ahead has set; it is ``now``. Twice, or by several, it does no harm."""
    for statement in TAKE_BACK:
        last = 0
        while rows := await pool.fetch(statement, now, last, AT_ONCE):
            last = max(row["id"] for row in rows)
    for statement in (END_LEASES, *COUNT_FROM_NOW, DROP_JOBS):
        await pool.execute(statement, now)
