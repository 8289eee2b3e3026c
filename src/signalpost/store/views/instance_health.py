"""How instances stand, for people: polling and delivery of many of them in three statements."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

import asyncpg

from signalpost.model.ids import InstanceId
from signalpost.store.endpoints import IS_LATE, IS_TRIED, MOST_COUNTED
from signalpost.store.polling_status import PollingRow, Schedule

COUNTED_IN_LISTS = 1000
"""So many that wait are counted of each instance of a list; more are not told apart."""

SCHEDULES = """
SELECT id, interval_seconds, created_at, next_poll_at, last_poll_at, last_success_at, throttled_until, quota
FROM instance WHERE id = ANY($1)
"""

RESOURCES = """
SELECT instance_id, resource, configuration, watermark, failures, last_error, last_error_at, last_success_at, retry_at,
       disabled_at, remark, remembered
FROM resource_poll WHERE instance_id = ANY($1) ORDER BY instance_id, resource
"""

LANES = f"""
SELECT endpoint.instance_id, url, endpoint.state, failing_since, deactivated_at, last_error, last_sequence,
       NOT instance.disabled AND {IS_LATE} AS late,
       first.created_at AS oldest_waiting_at, coalesce(first.failures, 0) AS failures,
       CASE WHEN {IS_TRIED} THEN first.next_attempt_at END AS next_attempt_at,
       (SELECT count(*) FROM (SELECT FROM notification WHERE instance_id = endpoint.instance_id AND state = 'pending'
                              LIMIT $2) AS counted) AS waiting
FROM endpoint JOIN instance ON instance.id = endpoint.instance_id
LEFT JOIN LATERAL (SELECT created_at, failures, next_attempt_at FROM notification
                   WHERE instance_id = endpoint.instance_id AND state = 'pending'
                   ORDER BY lane_order LIMIT 1) AS first ON true
WHERE endpoint.instance_id = ANY($1)
"""


@dataclass(frozen=True, slots=True)
class LaneStatus:
    """How the endpoint of an instance stands.

    ``failures`` are those of the first that waits, since the endpoint was last changed or released; ``waiting`` is
    counted up to a bound; ``late``: no worker takes what waits; ``last_sequence`` is the number of the newest event.
    """

    url: str | None
    state: str
    late: bool
    failing_since: datetime | None
    deactivated_at: datetime | None
    last_error: str | None
    last_sequence: int
    oldest_waiting_at: datetime | None
    failures: int
    next_attempt_at: datetime | None
    waiting: int


@dataclass(frozen=True, slots=True)
class Health:
    """How polling and delivery of an instance stand."""

    schedule: Schedule
    lane: LaneStatus


class InstanceHealth:
    """Reads how instances stand. Who calls has found them as the organization's own."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def read(self, instance_id: InstanceId) -> Health | None:
        """Read how one instance stands; None when it is gone. Cost: as ``read_many``, with up to 10,000 that wait."""
        return (await self._read([instance_id], MOST_COUNTED)).get(instance_id)

    async def read_many(self, instance_ids: Collection[InstanceId]) -> dict[InstanceId, Health]:
        """Read how instances stand; those that are gone are left out.

        Cost: three statements; of each instance its row, its resources, and up to 1,000 entries of the index of what
        waits.
        """
        return await self._read(instance_ids, COUNTED_IN_LISTS)

    async def _read(self, instance_ids: Collection[InstanceId], most: int) -> dict[InstanceId, Health]:
        ids = list(instance_ids)
        async with self._pool.acquire() as connection:
            schedules = await connection.fetch(SCHEDULES, ids)
            resources = await connection.fetch(RESOURCES, ids)
            lanes = await connection.fetch(LANES, ids, most)
        rows: dict[int, list[PollingRow]] = {}
        for each in resources:
            instance_id, *values = each
            rows.setdefault(instance_id, []).append(PollingRow(*values))
        lane_of = {}
        for each in lanes:
            values = dict(each)
            instance_id = values.pop("instance_id")
            lane_of[instance_id] = LaneStatus(**values)
        found = {}
        for each in schedules:
            values = dict(each)
            instance_id = InstanceId(values.pop("id"))
            if instance_id in lane_of:
                schedule = Schedule(**values, resources=tuple(rows.get(instance_id, ())))
                found[instance_id] = Health(schedule, lane_of[instance_id])
        return found
