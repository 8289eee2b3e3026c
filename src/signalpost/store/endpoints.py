"""Endpoints as people see them: how one stands, and its release. ``deliveries`` has what workers do with them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from signalpost.model.ids import InstanceId
from signalpost.store.queue import DELIVER

MOST_COUNTED = 10_000
"""So many that wait are counted; more are not told apart."""

LATE_SECONDS = 60
"""What is due, or was handed out, so long ago and was taken by nobody is late: no worker delivers, or all are busy."""

# Whichever worker looks for what is due sets another time for it, and hands it out by a job.
IS_LATE = f"""
endpoint.state = 'active' AND endpoint.url IS NOT NULL AND endpoint.failing_since IS NULL
    AND (endpoint.due_at < now() - make_interval(secs => {LATE_SECONDS}) OR endpoint.instance_id IN (
        SELECT convert_from(payload, 'UTF8')::bigint FROM pgqueuer WHERE entrypoint = '{DELIVER}'
        AND status = 'queued' AND created < now() - make_interval(secs => {LATE_SECONDS})))
    AND NOT EXISTS (SELECT FROM worker WHERE worker.id = endpoint.leased_by
                    AND heartbeat_at > now() - make_interval(secs => {LATE_SECONDS}))
    AND EXISTS (SELECT FROM notification WHERE notification.instance_id = endpoint.instance_id AND state = 'pending')
"""
"""The condition that what waits for an endpoint is late."""

IS_TRIED = "endpoint.state = 'active' AND endpoint.url IS NOT NULL AND NOT instance.disabled"
"""The condition that what waits for an endpoint is tried by itself."""

ENDPOINT = f"""
SELECT url, endpoint.state, failing_since, deactivated_at, last_error, first.created_at AS oldest_waiting_at,
       CASE WHEN {IS_TRIED} THEN first.next_attempt_at END AS next_attempt_at,
       (SELECT count(*) FROM (SELECT FROM notification WHERE instance_id = $1 AND state = 'pending'
                              LIMIT {MOST_COUNTED}) AS counted) AS waiting
FROM endpoint JOIN instance ON instance.id = endpoint.instance_id
LEFT JOIN LATERAL (SELECT created_at, next_attempt_at FROM notification WHERE instance_id = $1 AND state = 'pending'
                   ORDER BY lane_order LIMIT 1) AS first ON true
WHERE endpoint.instance_id = $1
"""


@dataclass(frozen=True, slots=True)
class EndpointStatus:
    """How an endpoint stands; ``waiting`` counts up to ``MOST_COUNTED``."""

    url: str | None
    state: str
    failing_since: datetime | None
    deactivated_at: datetime | None
    last_error: str | None
    oldest_waiting_at: datetime | None
    next_attempt_at: datetime | None
    waiting: int


class Endpoints:
    """Reads and releases endpoints. Who calls has found the instance as the organization's own."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def read(self, instance_id: InstanceId) -> EndpointStatus | None:
        """Read how the endpoint of an instance stands; None when the instance is gone."""
        row = await self._pool.fetchrow(ENDPOINT, instance_id)
        return None if row is None else EndpointStatus(**row)

    async def release(self, instance_id: InstanceId) -> bool:
        """Have it start afresh: failures and refusals count from none, what waits is due at once.

        False when the instance is disabled, or gone: nothing was changed.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            # The instance's row first, as every change of an instance does.
            enabled = await connection.fetchval(
                "SELECT NOT disabled FROM instance WHERE id = $1 FOR NO KEY UPDATE", instance_id
            )
            if enabled:
                await activate_endpoint(connection, instance_id)
        return bool(enabled)


async def activate_endpoint(connection: Any, instance_id: int) -> None:
    """Have the endpoint start afresh: what failed before is forgotten, what waits is due at once."""
    await connection.execute(
        "UPDATE endpoint SET state = 'active', failing_since = NULL, last_error = NULL, deactivated_at = NULL,"
        " generation = generation + 1, due_at = CASE WHEN url IS NOT NULL AND NOT instance.disabled THEN now() END"
        " FROM instance WHERE instance_id = $1 AND instance.id = $1",
        instance_id,
    )
    # In the order of ids, as whoever records attempts takes them.
    await connection.execute(
        "UPDATE notification SET failures = 0, refusals = 0, next_attempt_at = now() WHERE id = ANY(ARRAY("
        "SELECT id FROM notification WHERE instance_id = $1 AND state = 'pending' AND failures > 0"
        " ORDER BY id FOR NO KEY UPDATE))",
        instance_id,
    )


async def rest_endpoint(connection: Any, instance_id: int) -> None:
    """Have nothing be due for the endpoint; a turn that runs ends with the attempts that it is in."""
    await connection.execute(
        "UPDATE endpoint SET due_at = NULL, generation = generation + 1 WHERE instance_id = $1", instance_id
    )
