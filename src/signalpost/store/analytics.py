"""Counts the event log: how many events in each interval, of each instance, and what became of them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import asyncpg

from signalpost.model.ids import InstanceId, OrganizationId

COUNT = """
SELECT date_trunc($2, event.polled_at, 'UTC') AS begin_at, {instance} AS instance_id, count(*) AS events, {outcomes}
WHERE instance.organization_id = $1 AND event.polled_at >= $3 AND event.polled_at < $4 {condition}
GROUP BY 1, 2 ORDER BY 1, 2 LIMIT $5
"""

# Without them an index of the events has all that is asked for.
NO_OUTCOMES = """0 AS succeeded, 0 AS failed
FROM instance JOIN event ON event.instance_id = instance.id"""
OUTCOMES = """
       count(*) FILTER (WHERE notification.state = 'delivered') AS succeeded,
       count(*) FILTER (WHERE notification.state IN ('dead', 'cancelled')) AS failed
FROM instance JOIN event ON event.instance_id = instance.id
LEFT JOIN notification ON notification.id = event.notification_id"""


@dataclass(frozen=True, slots=True)
class EventCount:
    """The events polled in one interval, from ``begin_at`` on; of one instance, or of all (``instance_id`` None).

    ``succeeded`` were delivered, ``failed`` are dead letters or were given up; the others wait, or were for nobody.
    """

    begin_at: datetime
    instance_id: int | None
    events: int
    succeeded: int
    failed: int


class Analytics:
    """Counts events; every call names the organization. The cost is that of reading the events that are counted."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def count_events(
        self,
        organization_id: OrganizationId,
        *,
        instance_id: InstanceId | None,
        by_instance: bool,
        outcomes: bool,
        interval: str,
        begin_at: datetime,
        end_at: datetime,
        limit: int,
    ) -> list[EventCount]:
        """Count in the intervals (a unit of ``date_trunc``, in UTC) that have events, in their order.

        Without ``outcomes`` it is not looked at what became of them, which is most of the work, and said to be nothing.
        """
        chosen = () if instance_id is None else (instance_id,)
        statement = COUNT.format(
            instance="instance.id" if by_instance else "NULL::bigint",
            outcomes=OUTCOMES if outcomes else NO_OUTCOMES,
            condition="AND instance.id = $6" if chosen else "",
        )
        rows = await self._pool.fetch(statement, organization_id, interval, begin_at, end_at, limit, *chosen)
        return [EventCount(*row) for row in rows]
