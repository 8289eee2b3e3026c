"""The limit of what may wait for one endpoint: the oldest notifications beyond it are given up, and told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from signalpost.model.event import Gap
from signalpost.model.ids import InstanceId
from signalpost.observe import get_logger
from signalpost.store.notices import add_gap

log = get_logger("retention")

LOOK_SECONDS = 600.0
"""How often the lanes are looked at: what one exceeds meanwhile is told in one gap."""

LANES = 1000
"""Lanes that one statement looks at."""

MOST_CANCELLED = 10_000
"""Notifications given up in one transaction, which holds the row of their endpoint."""

# Hops from lane to lane through the index of what waits; its first order and the last one given bound the number
# that waits, so that hardly any must be counted.
FIND_LONG = """
WITH RECURSIVE lane AS (
    (SELECT instance_id, lane_order, 1 AS number FROM notification
     WHERE state = 'pending' AND instance_id > $1 ORDER BY instance_id, lane_order LIMIT 1)
    UNION ALL
    SELECT following.*, lane.number + 1 FROM lane, LATERAL (
        SELECT instance_id, lane_order FROM notification
        WHERE state = 'pending' AND instance_id > lane.instance_id ORDER BY instance_id, lane_order LIMIT 1
    ) AS following WHERE lane.number < $2
)
SELECT count(*) AS lanes, max(lane.instance_id) AS position,
       array_agg(lane.instance_id ORDER BY lane.instance_id) FILTER (
           WHERE endpoint.last_order - lane.lane_order >= $3) AS long
FROM lane JOIN endpoint ON endpoint.instance_id = lane.instance_id
"""

# The newest notification that is beyond the limit.
FIND_BEYOND = """
SELECT lane_order FROM notification WHERE instance_id = $1 AND state = 'pending'
ORDER BY lane_order DESC OFFSET $2 LIMIT 1
"""

LOCK_ENDPOINT = "SELECT true FROM endpoint WHERE instance_id = $1 FOR UPDATE"

CANCEL = """
WITH beyond AS (
    SELECT id FROM notification WHERE instance_id = $1 AND state = 'pending' AND lane_order <= $2
    ORDER BY lane_order LIMIT $3 FOR UPDATE
), gone AS (
    UPDATE notification SET state = 'cancelled' WHERE id = ANY(ARRAY(SELECT id FROM beyond)) RETURNING id
)
SELECT event.resource, count(DISTINCT gone.id) AS notifications, count(*) AS events,
       min(event.sequence) AS first, max(event.sequence) AS last
FROM gone JOIN event ON event.notification_id = gone.id GROUP BY event.resource ORDER BY first
"""


@dataclass(frozen=True, slots=True)
class GivenUp:
    """What was given up of one resource: how many, and the first and last number of the event sequence."""

    resource: str
    notifications: int
    events: int
    first: int
    last: int


class Backlog:
    """Looks at the lanes in turn, a thousand a run."""

    def __init__(
        self,
        pool: asyncpg.Pool,
        *,
        most_waiting: int,
        monotonic: Callable[[], float],
        note_cancelled: Callable[[int], object],
    ) -> None:
        self._pool = pool
        self._most_waiting = most_waiting
        self._monotonic = monotonic
        self._note_cancelled = note_cancelled
        self._position = 0
        self._began_at = float("-inf")

    async def limit(self, now: datetime) -> None:
        """Look at the next lanes, and give up what exceeds the limit.

        The number of notifications is noted as each transaction ends: what fails after it takes nothing back.
        """
        if self._position == 0:
            if self._monotonic() - self._began_at < LOOK_SECONDS:
                return
            self._began_at = self._monotonic()
        row: Any = await self._pool.fetchrow(FIND_LONG, self._position, LANES, self._most_waiting)
        for instance_id in row["long"] or ():
            await self._shorten(InstanceId(instance_id), now)
        self._position = row["position"] if row["lanes"] == LANES else 0

    async def _shorten(self, instance_id: InstanceId, now: datetime) -> None:
        # Not under a lock: what comes meanwhile is newer, and what is delivered meanwhile is older.
        beyond = await self._pool.fetchval(FIND_BEYOND, instance_id, self._most_waiting)
        if beyond is None:
            return
        cancelled = 0
        while True:
            given_up = await self._cancel(instance_id, beyond, now)
            number = sum(each.notifications for each in given_up)
            self._note_cancelled(number)
            cancelled += number
            if number < MOST_CANCELLED:
                break
        if cancelled:
            log.error("lane.shortened", instance=instance_id, cancelled=cancelled)

    async def _cancel(self, instance_id: InstanceId, beyond: int, now: datetime) -> list[GivenUp]:
        """Give up the oldest up to ``beyond``, with a gap and a notice for each resource, in one transaction.

        A worker that is sending one of them finds it no longer waiting, and records its attempt alone.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            if not await connection.fetchval(LOCK_ENDPOINT, instance_id):
                return []
            rows = await connection.fetch(CANCEL, instance_id, beyond, MOST_CANCELLED)
            given_up = [GivenUp(*row) for row in rows]
            for each in given_up:
                gap = self._tell(each)
                await add_gap(
                    connection, instance_id, each.resource, each.first, gap, "backlog.cancelled", now
                )
        return given_up

    def _tell(self, given_up: GivenUp) -> Gap:
        reason = (
            f"more than {self._most_waiting:,} notifications waited for the endpoint: the oldest were given up,"
            f" {given_up.notifications:,} of {given_up.resource} with {given_up.events:,} events"
            f" (sequence {given_up.first:,} to {given_up.last:,})"
        )
        return Gap(reason, {"sequence": given_up.first}, {"sequence": given_up.last})
