"""What waits in lanes, loaded in its order."""

from __future__ import annotations

from datetime import datetime

import asyncpg

from signalpost.model.delivery import MOST_REFUSALS, REFUSED_IN_A_ROW, Notification
from signalpost.model.ids import InstanceId, NotificationId, WorkerId
from signalpost.store.deliveries import Lane
from signalpost.store.notifications import COLUMNS, load_notifications

PENDING = f"""
SELECT {COLUMNS} FROM notification WHERE instance_id = $1 AND state = 'pending' AND lane_order > $2
ORDER BY lane_order LIMIT $3
"""

DUE = f"""
SELECT {COLUMNS} FROM notification WHERE instance_id = $1 AND state = 'pending' AND lane_order > $2
AND next_attempt_at <= $4 ORDER BY lane_order LIMIT $3
"""

# A row of refused notifications that is long enough speaks of the endpoint: those given up wait again, in their old
# order. Where the order is strict the row lies before, else the last of it may lie in its midst, next to some that wait
# again already. Given up with more refusals: by the policy. The endpoint first, as with its release.
REVIVE = """
WITH mine AS (
    SELECT FROM endpoint WHERE instance_id = $2 AND leased_by = $1 AND generation = $7 FOR NO KEY UPDATE
), near AS (
    SELECT id, id < $3 AS before, row_number() OVER (PARTITION BY id < $3 ORDER BY abs(id - $3)) AS distance,
           refusals = $5 AND state = 'dead' OR refusals >= $5 AND state = 'pending' AS refused
    FROM ((SELECT id, state, refusals FROM notification WHERE instance_id = $2 AND id < $3 ORDER BY id DESC LIMIT $4)
          UNION ALL
          (SELECT id, state, refusals FROM notification WHERE instance_id = $2 AND id > $3 ORDER BY id LIMIT $4)) around
), adjoining AS (
    SELECT id FROM near WHERE NOT EXISTS (SELECT FROM near AS other WHERE NOT other.refused
                                          AND other.before = near.before AND other.distance <= near.distance)
), found AS (
    SELECT count(*) >= $4 AND EXISTS (SELECT FROM mine) AS is_long FROM adjoining
), revived AS (
    UPDATE notification SET state = 'pending', dead_at = NULL, next_attempt_at = $6
    WHERE id IN (SELECT id FROM adjoining) AND state = 'dead' AND (SELECT is_long FROM found)
)
SELECT is_long FROM found
"""


class Waiting:
    """Rows of notifications that wait, for one worker."""

    def __init__(self, pool: asyncpg.Pool, worker_id: WorkerId) -> None:
        self._pool = pool
        self._worker_id = worker_id

    async def load_pending(
        self, instance_id: InstanceId, *, after_order: int, limit: int
    ) -> list[Notification]:
        """Load what waits in the lane, in its order: three statements, whatever the number."""
        rows = await self._pool.fetch(PENDING, instance_id, after_order, limit)
        return await load_notifications(self._pool, rows)

    async def load_due(
        self, instance_id: InstanceId, *, after_order: int, limit: int, now: datetime
    ) -> list[Notification]:
        """Load what waits and may be tried now, leaving out what waits for its next attempt."""
        rows = await self._pool.fetch(DUE, instance_id, after_order, limit, now)
        return await load_notifications(self._pool, rows)

    async def find_next_attempt(self, instance_id: InstanceId) -> datetime | None:
        """Find when the first of all that waits may be tried; None when nothing waits."""
        found: datetime | None = await self._pool.fetchval(
            "SELECT min(next_attempt_at) FROM notification WHERE instance_id = $1 AND state = 'pending'",
            instance_id,
        )
        return found

    async def revive_refused(self, lane: Lane, *, around: NotificationId, next_attempt_at: datetime) -> bool:
        """Have the dead letters right before and after this notification wait again, if it makes their row long enough.

        Attempts recorded before must have been written. False: the row is shorter, or the lane is not ours any more, or
        its endpoint was changed or released since: nothing was changed.
        """
        is_long: bool = await self._pool.fetchval(
            REVIVE,
            self._worker_id,
            lane.instance_id,
            around,
            REFUSED_IN_A_ROW - 1,
            MOST_REFUSALS,
            next_attempt_at,
            lane.generation,
        )
        return is_long
