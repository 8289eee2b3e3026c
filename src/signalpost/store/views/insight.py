"""What a glance needs: events of each hour, how long deliveries take, how much needs attention. All of it bounded."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from math import ceil
from typing import Any

import asyncpg

from signalpost.model.ids import InstanceId, OrganizationId
from signalpost.store.endpoints import IS_LATE
from signalpost.store.polling_status import IS_STALE, NEEDS_SOMEBODY

MOST_MEASURED = 1000
"""So many delivered notifications are measured, the newest."""

MOST_LOOKED_AT = 2000
"""So many notifications are looked at for these: where the newest wait, nothing is measured by older ones."""

MOST_COUNTED = 1000
"""So many dead letters are counted; more are not told apart."""

KEPT_SECONDS = 5.0
"""How long a count of what needs attention is shown before it is counted anew: every page shows it."""

MOST_KEPT = 1000

# An index range of each instance: as many rows as there are instances and hours.
COUNT_HOURS = """
SELECT event_hour.begin_at, sum(event_hour.events)::bigint AS events
FROM instance JOIN event_hour ON event_hour.instance_id = instance.id
WHERE instance.organization_id = $1 AND ($2::bigint IS NULL OR instance.id = $2)
  AND event_hour.begin_at >= $3 AND event_hour.begin_at < $4
GROUP BY 1 ORDER BY 1
"""

MEASURE = f"""
SELECT delivered_at, 1000 * extract(epoch FROM delivered_at - created_at)::float8 AS milliseconds
FROM (SELECT state, created_at, delivered_at FROM notification WHERE instance_id = $1
      ORDER BY id DESC LIMIT {MOST_LOOKED_AT}) AS newest
WHERE state = 'delivered' LIMIT {MOST_MEASURED}
"""

STALE = IS_STALE.format(now="$2::timestamptz")

# The instances of the organization once, and of their dead letters no more than are counted.
COUNT_ATTENTION = f"""
WITH own AS MATERIALIZED (
    SELECT id, {NEEDS_SOMEBODY.format(now="$2::timestamptz")} AS troubled
    FROM instance WHERE organization_id = $1 AND NOT disabled
)
SELECT (SELECT count(*) FROM own WHERE troubled) AS instances,
       (SELECT count(*) FROM endpoint JOIN own ON own.id = endpoint.instance_id
        WHERE failing_since IS NOT NULL OR url IS NULL AND EXISTS (
            SELECT FROM notification WHERE notification.instance_id = own.id AND state = 'pending')
           OR {IS_LATE})
       + (SELECT count(*) FROM (
              SELECT FROM instance CROSS JOIN LATERAL (
                  SELECT FROM notification WHERE notification.instance_id = instance.id AND state = 'dead'
                  LIMIT {MOST_COUNTED}) AS dead
              WHERE instance.organization_id = $1 LIMIT {MOST_COUNTED}) AS counted) AS deliveries
"""

# Ids of notifications rise with their age, but for pages that were committed at once: so the first one of the time is
# found by the first events, and of each instance those that follow are an index range.
COUNT_DELIVERED = """
WITH first AS MATERIALIZED (
    SELECT min(notification_id) AS id FROM (
        SELECT notification_id FROM event WHERE polled_at >= $2
        ORDER BY polled_at, instance_id, sequence LIMIT 100) AS early
), looked AS (
    SELECT newest.state, newest.created_at FROM instance CROSS JOIN LATERAL (
        SELECT state, created_at FROM notification
        WHERE notification.instance_id = instance.id AND notification.id >= (SELECT id FROM first) LIMIT $3) AS newest
    WHERE instance.organization_id = $1 LIMIT $3
)
SELECT count(*) FILTER (WHERE created_at >= $2 AND state <> 'unsent') AS made,
       count(*) FILTER (WHERE created_at >= $2 AND state = 'delivered') AS delivered, count(*) >= $3 AS cut_short
FROM looked
"""

COUNT_STANDING = """
SELECT count(*) AS instances, count(*) FILTER (WHERE disabled) AS disabled,
       (SELECT count(*) FROM (
            SELECT FROM instance CROSS JOIN LATERAL (
                SELECT FROM notification WHERE notification.instance_id = instance.id AND state = 'pending'
                LIMIT $2) AS waiting
            WHERE instance.organization_id = $1 LIMIT $2) AS counted) AS waiting
FROM instance WHERE organization_id = $1
"""


@dataclass(frozen=True, slots=True)
class HourCount:
    """The events committed in the hour from ``begin_at`` on."""

    begin_at: datetime
    events: int


@dataclass(frozen=True, slots=True)
class Latency:
    """How long notifications took from commit to the callback's answer, of the newest ``deliveries``.

    ``points`` are the times of delivery and the milliseconds, oldest first. The percentiles are None where nothing
    was delivered.
    """

    p50_milliseconds: float | None
    p99_milliseconds: float | None
    deliveries: int
    points: tuple[tuple[datetime, float], ...]


@dataclass(frozen=True, slots=True)
class DeliveredCount:
    """How many notifications were ``made`` since some time, and how many of these were delivered.

    ``cut_short``: there are more than were counted.
    """

    made: int
    delivered: int
    cut_short: bool


@dataclass(frozen=True, slots=True)
class Totals:
    """How many instances there are, how many of them are disabled, and how many notifications wait, up to a limit."""

    instances: int
    disabled: int
    waiting: int


class Insight:
    """Reads figures. Where no organization is named, who calls has found the instance as the organization's own."""

    def __init__(self, pool: asyncpg.Pool, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._pool = pool
        self._monotonic = monotonic
        self._kept: dict[OrganizationId, tuple[float, Mapping[str, int]]] = {}

    async def count_hours(
        self,
        organization_id: OrganizationId,
        instance_id: InstanceId | None,
        begin_at: datetime,
        end_at: datetime,
    ) -> list[HourCount]:
        """Count the events of the hours (in UTC) that have any, of one instance or of all. No event is read."""
        rows = await self._pool.fetch(COUNT_HOURS, organization_id, instance_id, begin_at, end_at)
        return [HourCount(*row) for row in rows]

    async def measure_latency(self, instance_id: InstanceId) -> Latency:
        """Measure the newest deliveries of an instance: at most ``MOST_LOOKED_AT`` rows of one index are read."""
        rows = await self._pool.fetch(MEASURE, instance_id)
        points = sorted((row["delivered_at"], row["milliseconds"]) for row in rows)
        taken = sorted(milliseconds for _, milliseconds in points)
        return Latency(_find_share(taken, 0.5), _find_share(taken, 0.99), len(points), tuple(points))

    async def count_attention(self, organization_id: OrganizationId, now: datetime) -> Mapping[str, int]:
        """Count what needs attention, by the key of the rail's word; no more often than every ``KEPT_SECONDS``.

        ``instances`` are those of ``NEEDS_SOMEBODY``. ``deliveries`` are endpoints that are held or deactivated, and
        dead letters up to ``MOST_COUNTED``.
        """
        moment = self._monotonic()
        kept = self._kept.get(organization_id)
        if kept is not None and moment - kept[0] < KEPT_SECONDS:
            return kept[1]
        row: Any = await self._pool.fetchrow(COUNT_ATTENTION, organization_id, now)
        counts = {"instances": int(row["instances"]), "deliveries": int(row["deliveries"])}
        if len(self._kept) >= MOST_KEPT:
            self._kept.clear()
        self._kept[organization_id] = (moment, counts)
        return counts

    async def count_delivered(
        self, organization_id: OrganizationId, begin_at: datetime, *, most: int
    ) -> DeliveredCount:
        """Count the notifications made since ``begin_at``, and those delivered; of ``most`` of them."""
        row: Any = await self._pool.fetchrow(COUNT_DELIVERED, organization_id, begin_at, most)
        return DeliveredCount(*row)

    async def count_standing(self, organization_id: OrganizationId, *, most: int) -> Totals:
        """Count instances, and notifications that wait, of these up to ``most``."""
        row: Any = await self._pool.fetchrow(COUNT_STANDING, organization_id, most)
        return Totals(*row)


def _find_share(ordered: list[float], share: float) -> float | None:
    return ordered[ceil(len(ordered) * share) - 1] if ordered else None
