"""Lanes as rows: who works which, what waits in them, what came of each attempt."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from signalpost.model.delivery import Attempt, DeliveredEvent, Notification, Outcome, PageContext
from signalpost.model.ids import InstanceId, NotificationId, WorkerId
from signalpost.store.gather import Gather, in_order
from signalpost.store.vault import Vault

CLAIM_DUE = """
UPDATE endpoint SET due_at = $2
FROM (SELECT instance_id FROM endpoint WHERE due_at <= $1 AND state = 'active'
      ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED) AS due
WHERE endpoint.instance_id = due.instance_id RETURNING endpoint.instance_id
"""

# The rows are locked in the order of their ids, here and wherever several are taken: no deadlocks.
CLAIM_LANES = """
UPDATE endpoint SET leased_by = $2
FROM (SELECT endpoint.instance_id, instance.configuration, instance.secrets
      FROM endpoint JOIN instance ON instance.id = endpoint.instance_id
      WHERE endpoint.instance_id = ANY($1) AND endpoint.state = 'active' AND endpoint.url IS NOT NULL
        AND NOT instance.disabled
        AND (endpoint.leased_by IS NULL OR endpoint.leased_by = $2 OR NOT EXISTS
             (SELECT FROM worker WHERE worker.id = endpoint.leased_by
              AND worker.heartbeat_at > now() - make_interval(secs => $3)))
      ORDER BY endpoint.instance_id FOR UPDATE OF endpoint) AS free
WHERE endpoint.instance_id = free.instance_id
RETURNING endpoint.instance_id, endpoint.url, endpoint.generation, endpoint.last_order, endpoint.failing_since,
          free.configuration, free.secrets
"""

PENDING = """
SELECT notification.id, lane_order, attempts, failures, next_attempt_at, created_at, page_id
FROM notification WHERE instance_id = $1 AND state = 'pending' AND lane_order > $2 ORDER BY lane_order LIMIT $3
"""

EVENTS = """
SELECT id, sequence, object_id, object_type, event_type, occurred_at, record_index, notification_id
FROM event WHERE notification_id = ANY($1) ORDER BY sequence
"""

# The statement that records attempts is fenced: rows of lanes that we no longer hold are left alone.
RECORD = """
WITH mine AS (
    SELECT instance_id FROM endpoint WHERE instance_id = ANY($2) AND leased_by = $1
), done AS (
    SELECT * FROM unnest($2::bigint[], $3::bigint[], $4::integer[], $5::timestamptz[], $6::integer[], $7::integer[],
                         $8::text[], $9::text[], $10::text[], $11::timestamptz[])
        AS done (instance_id, notification_id, number, started_at, duration, status, error, excerpt, state, next_at)
    WHERE instance_id IN (SELECT instance_id FROM mine)
), changed AS (
    UPDATE notification SET state = done.state, attempts = done.number,
           failures = failures + CASE WHEN done.state = 'delivered' THEN 0 ELSE 1 END,
           next_attempt_at = coalesce(done.next_at, next_attempt_at),
           delivered_at = CASE WHEN done.state = 'delivered'
                          THEN done.started_at + make_interval(secs => done.duration / 1000.0) END
    FROM done WHERE notification.id = done.notification_id AND notification.state = 'pending'
)
INSERT INTO attempt (notification_id, number, started_at, duration_milliseconds, status, error, excerpt)
SELECT notification_id, number, started_at, duration, status, error, excerpt FROM done
ON CONFLICT (notification_id, number) DO NOTHING
RETURNING notification_id
"""

RELEASE = """
UPDATE endpoint SET leased_by = NULL,
    due_at = CASE WHEN endpoint.state <> 'active' THEN NULL
                  WHEN endpoint.generation <> done.generation THEN now()
                  WHEN done.deactivate THEN NULL
                  WHEN endpoint.last_order > done.seen_order THEN now()
                  ELSE done.next_at END,
    state = CASE WHEN endpoint.generation = done.generation AND done.deactivate THEN 'deactivated' ELSE state END,
    failing_since = CASE WHEN endpoint.generation = done.generation AND done.held
                    THEN coalesce(failing_since, now()) END,
    last_error = CASE WHEN endpoint.generation = done.generation AND done.held
                 THEN coalesce(done.error, last_error) END
FROM (SELECT endpoint.instance_id, done.* FROM unnest($2::bigint[], $3::bigint[], $4::bigint[], $5::timestamptz[],
             $6::boolean[], $7::boolean[], $8::text[])
             AS done (id, generation, seen_order, next_at, deactivate, held, error)
      JOIN endpoint ON endpoint.instance_id = done.id AND endpoint.leased_by = $1
      ORDER BY endpoint.instance_id FOR UPDATE OF endpoint) AS done
WHERE endpoint.instance_id = done.instance_id AND endpoint.leased_by = $1
"""


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane that this worker holds. ``seen_order``: no notification up to this order is still being written."""

    instance_id: InstanceId
    url: str
    configuration: Mapping[str, str]
    generation: int
    seen_order: int
    failing: bool


@dataclass(frozen=True, slots=True)
class AttemptRecord:
    """An attempt with what it means for its notification."""

    instance_id: InstanceId
    attempt: Attempt
    outcome: Outcome
    next_attempt_at: datetime | None


@dataclass(frozen=True, slots=True)
class Release:
    """How a lane is left: when it is due again (None: when something new comes), and whether its endpoint is given up.

    Where the endpoint was changed or enabled since the claim (its ``generation`` is another), none of it counts: the
    lane is due at once.

    ``held``: its last attempt failed; ``error`` says why, None when that is known from an earlier turn.
    """

    instance_id: InstanceId
    generation: int
    seen_order: int
    next_at: datetime | None
    deactivate: bool
    held: bool
    error: str | None


class Deliveries:
    """Rows of lanes, for one worker. Claims, records and releases of the lanes in flight go out together."""

    def __init__(
        self, pool: asyncpg.Pool, vault: Vault, worker_id: WorkerId, *, lease_seconds: float
    ) -> None:
        self._pool = pool
        self._vault = vault
        self._worker_id = worker_id
        self._lease_seconds = lease_seconds
        self._claims: Gather[InstanceId, Lane | None] = Gather(self._claim_all)
        self._records: Gather[AttemptRecord, bool] = Gather(self._record_all, window_seconds=0.01)
        self._releases: Gather[Release, None] = Gather(self._release_all)

    async def claim_due(self, now: datetime, *, until: datetime, limit: int) -> list[InstanceId]:
        """Take the lanes that are due; each comes up again at ``until`` unless a worker sets its time."""
        rows = await self._pool.fetch(CLAIM_DUE, now, until, limit)
        return [InstanceId(row["instance_id"]) for row in rows]

    async def give_back(self, instance_ids: Sequence[InstanceId], *, until: datetime, at: datetime) -> None:
        """Have lanes that were claimed ``until`` then come up ``at`` an earlier time, if nothing else was set."""
        await self._pool.execute(
            "UPDATE endpoint SET due_at = $3 WHERE instance_id = ANY($1) AND due_at = $2",
            instance_ids,
            until,
            at,
        )

    async def claim(self, instance_id: InstanceId) -> Lane | None:
        """Take the lane for this worker; None when there is none to work or a living worker has it."""
        return await self._claims.ask(instance_id)

    async def _claim_all(self, instance_ids: Sequence[InstanceId]) -> list[Lane | None]:
        rows = await self._pool.fetch(CLAIM_LANES, instance_ids, self._worker_id, self._lease_seconds)
        found = {
            InstanceId(row["instance_id"]): Lane(
                instance_id=InstanceId(row["instance_id"]),
                url=row["url"],
                configuration={
                    **row["configuration"],
                    **self._vault.unseal(row["secrets"])["configuration"],
                },
                generation=row["generation"],
                seen_order=row["last_order"],
                failing=row["failing_since"] is not None,
            )
            for row in rows
        }
        return in_order(instance_ids, found)

    async def load_pending(
        self, instance_id: InstanceId, *, after_order: int, limit: int
    ) -> list[Notification]:
        """Load what waits in the lane, in its order: three statements, whatever the number."""
        rows = await self._pool.fetch(PENDING, instance_id, after_order, limit)
        if not rows:
            return []
        events: dict[int, list[DeliveredEvent]] = {row["id"]: [] for row in rows}
        for event in await self._pool.fetch(EVENTS, list(events)):
            events[event[-1]].append(DeliveredEvent(*event[:-1]))
        pages = await self._pool.fetch(
            "SELECT id, polled_at, context, records FROM page WHERE id = ANY($1)",
            list({row["page_id"] for row in rows}),
        )
        by_id = {page["id"]: page for page in pages}
        contexts = {page["id"]: _read_context(page["context"]) for page in pages}
        return [
            Notification(
                id=NotificationId(row["id"]),
                instance_id=instance_id,
                lane_order=row["lane_order"],
                attempts=row["attempts"],
                failures=row["failures"],
                next_attempt_at=row["next_attempt_at"],
                created_at=row["created_at"],
                polled_at=by_id[row["page_id"]]["polled_at"],
                context=contexts[row["page_id"]],
                events=events[row["id"]],
                records=by_id[row["page_id"]]["records"],
            )
            for row in rows
        ]

    def record(self, record: AttemptRecord) -> Future[bool]:
        """Record an attempt, soon. False when the lane is no longer ours: then nothing was written."""
        return self._records.ask(record)

    async def _record_all(self, records: Sequence[AttemptRecord]) -> list[bool]:
        rows = await self._pool.fetch(
            RECORD,
            self._worker_id,
            [record.instance_id for record in records],
            [record.attempt.notification_id for record in records],
            [record.attempt.number for record in records],
            [record.attempt.started_at for record in records],
            [record.attempt.duration_milliseconds for record in records],
            [record.attempt.status for record in records],
            [record.attempt.error for record in records],
            [record.attempt.excerpt for record in records],
            ["delivered" if record.outcome is Outcome.DELIVERED else "pending" for record in records],
            [record.next_attempt_at for record in records],
        )
        written = {row["notification_id"] for row in rows}
        return [record.attempt.notification_id in written for record in records]

    async def release(self, release: Release) -> None:
        """Give the lane back, if it is still ours."""
        await self._releases.ask(release)

    async def _release_all(self, releases: Sequence[Release]) -> list[None]:
        await self._pool.execute(
            RELEASE,
            self._worker_id,
            [release.instance_id for release in releases],
            [release.generation for release in releases],
            [release.seen_order for release in releases],
            [release.next_at for release in releases],
            [release.deactivate for release in releases],
            [release.held for release in releases],
            [release.error for release in releases],
        )
        return [None] * len(releases)


def _read_context(value: Mapping[str, Any]) -> PageContext:
    return PageContext(**{**value, "instance_tags": tuple(value["instance_tags"])})
