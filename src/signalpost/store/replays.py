"""Replays as rows, for the worker that sends: which are due, who works which, how far each came."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from functools import partial

import asyncpg

from signalpost.model.delivery import Attempt, Notification, Outcome
from signalpost.model.ids import InstanceId, WorkerId
from signalpost.store.notifications import COLUMNS, load_notifications
from signalpost.store.vault import ReadConfiguration, Vault
from signalpost.store.workers import write_free


class ReplayKind(StrEnum):
    """What a replay sends: one notification, the dead letters, or all of a range."""

    ONE = "one"
    FAILED = "failed"
    RANGE = "range"


class ReplayState(StrEnum):
    """Where a replay stands. ``FAILED``: its retries are spent, or the receiver answered that it is gone."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


# Those of disabled instances rest: they stay due.
CLAIM_DUE = """
UPDATE replay SET due_at = $2
FROM (SELECT replay.id FROM replay JOIN instance ON instance.id = replay.instance_id
      WHERE replay.due_at <= $1 AND NOT instance.disabled
      ORDER BY replay.due_at LIMIT $3 FOR UPDATE OF replay SKIP LOCKED) AS due
WHERE replay.id = due.id RETURNING replay.id
"""

GIVE_BACK = """
UPDATE replay SET due_at = $3
WHERE id IN (SELECT id FROM replay WHERE id = ANY($1) AND due_at = $2 ORDER BY id FOR UPDATE SKIP LOCKED)
"""

# As with lanes: who waited for the row knows no worker that began meanwhile.
CLAIM = f"""
UPDATE replay SET leased_by = $2
FROM replay AS seen, instance JOIN endpoint ON endpoint.instance_id = instance.id
WHERE seen.id = $1 AND seen.leased_by IS NOT DISTINCT FROM replay.leased_by
  AND replay.id = $1 AND replay.state = 'running' AND instance.id = replay.instance_id AND NOT instance.disabled
  AND {write_free("replay")}
RETURNING replay.id, replay.instance_id, replay.kind, replay.url IS NULL AS own,
          coalesce(replay.url, endpoint.url) AS url, replay.failed_since, replay.position, replay.last_id,
          replay.failures, replay.refusals, replay.next_attempt_at, instance.configuration, instance.secrets,
          endpoint.generation
"""

# What still waits comes by the lane; another address never had it.
ALL = "true"
NOT_WAITING = "state <> 'pending'"
DEAD = "state = 'dead' AND ($5::timestamptz IS NULL OR dead_at >= $5)"

# Fenced by the lease. The notification is locked first, as whoever deletes the instance comes to it first.
RECORD = """
WITH told AS (
    SELECT id FROM notification WHERE id = $3 FOR NO KEY UPDATE
), mine AS (
    UPDATE replay SET position = CASE WHEN $11 IN ('delivered', 'dead') THEN told.id ELSE position END,
           sent = sent + CASE WHEN $11 = 'delivered' THEN 1 ELSE 0 END,
           dead = dead + CASE WHEN $11 = 'dead' THEN 1 ELSE 0 END,
           failures = CASE WHEN $11 IN ('delivered', 'dead') THEN 0 ELSE $4::integer END,
           refusals = CASE WHEN $11 IN ('delivered', 'dead') THEN 0 WHEN $10 THEN refusals + 1 ELSE refusals END,
           last_error = $8
    FROM told WHERE replay.id = $2 AND leased_by = $1
    RETURNING replay.id, replay.instance_id, replay.url, replay.state
), mended AS (
    UPDATE notification SET state = 'delivered', dead_at = NULL,
           delivered_at = $5::timestamptz + make_interval(secs => $6::integer / 1000.0)
    FROM mine WHERE notification.id = $3 AND notification.state IN ('dead', 'cancelled', 'unsent')
        AND mine.url IS NULL AND $11 = 'delivered'
), written AS (
    INSERT INTO attempt (notification_id, replay_id, number, started_at, duration_milliseconds, status, error, excerpt)
    SELECT $3, mine.id, $4, $5, $6, $7, $8, $9 FROM mine ON CONFLICT DO NOTHING
)
SELECT state = 'running' AND EXISTS (SELECT FROM endpoint WHERE endpoint.instance_id = mine.instance_id
                                     AND generation = $12) FROM mine
"""

RELEASE = """
UPDATE replay SET leased_by = NULL, state = CASE WHEN state = 'running' THEN $3 ELSE state END,
    due_at = CASE WHEN state = 'running' THEN $4::timestamptz END, next_attempt_at = coalesce($4, next_attempt_at),
    ended_at = CASE WHEN $3 = 'running' THEN ended_at ELSE coalesce(ended_at, $5::timestamptz) END,
    last_error = coalesce($6, last_error)
WHERE id = $1 AND leased_by = $2
"""


@dataclass(frozen=True, slots=True)
class ReplayLane:
    """A replay that this worker holds. ``own``: it goes to the endpoint's own URL; ``url`` None: that has none.

    ``position`` is the last notification that is done; ``failures`` and ``refusals`` are those of the one after it.
    ``generation`` is that of the endpoint when this was claimed.
    """

    id: int
    instance_id: InstanceId
    kind: ReplayKind
    own: bool
    url: str | None
    failed_since: datetime | None
    position: int
    last_id: int
    failures: int
    refusals: int
    next_attempt_at: datetime
    generation: int
    read_configuration: ReadConfiguration = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class ReplayBatch:
    """What follows in a replay; ``last_id`` is how far it reaches, None when nothing follows."""

    notifications: Sequence[Notification]
    last_id: int | None


@dataclass(frozen=True, slots=True)
class ReplayRelease:
    """How a turn ends: due again at ``next_at``, or for good with another state than running, at ``ended_at``."""

    next_at: datetime | None = None
    state: ReplayState = ReplayState.RUNNING
    ended_at: datetime | None = None
    error: str | None = None


class Replays:
    """Rows of replays, for one worker. Rows of lanes are not touched."""

    def __init__(
        self, pool: asyncpg.Pool, vault: Vault, worker_id: WorkerId, *, lease_seconds: float
    ) -> None:
        self._pool = pool
        self._vault = vault
        self._worker_id = worker_id
        self._lease_seconds = lease_seconds

    async def claim_due(self, now: datetime, *, until: datetime, limit: int) -> list[int]:
        """Take the replays that are due; each comes up again at ``until`` unless a worker sets its time."""
        return [row["id"] for row in await self._pool.fetch(CLAIM_DUE, now, until, limit)]

    async def give_back(self, replay_ids: Sequence[int], *, until: datetime, at: datetime) -> None:
        """Have replays that were claimed ``until`` then come up ``at`` an earlier time, if nothing else was set."""
        await self._pool.execute(GIVE_BACK, replay_ids, until, at)

    async def claim(self, replay_id: int) -> ReplayLane | None:
        """Take a replay for this worker.

        None: it has ended, its instance is disabled, or a living worker has it.
        """
        row = await self._pool.fetchrow(CLAIM, replay_id, self._worker_id, self._lease_seconds)
        if row is None:
            return None
        return ReplayLane(
            id=row["id"],
            instance_id=InstanceId(row["instance_id"]),
            kind=ReplayKind(row["kind"]),
            own=row["own"],
            url=row["url"],
            failed_since=row["failed_since"],
            position=row["position"],
            last_id=row["last_id"],
            failures=row["failures"],
            refusals=row["refusals"],
            next_attempt_at=row["next_attempt_at"],
            generation=row["generation"],
            read_configuration=partial(self._vault.join_configuration, row),
        )

    async def load_next(self, lane: ReplayLane, *, after_id: int, limit: int) -> ReplayBatch:
        """Load what follows ``after_id``, in the order of ids: three statements, whatever the number.

        ``failures`` and ``refusals`` of the notifications are none: those of the lane say nothing here.
        """
        wanted = NOT_WAITING if lane.own else ALL
        since: tuple[datetime | None, ...] = ()
        if lane.kind is ReplayKind.FAILED:
            wanted, since = DEAD, (lane.failed_since,)
        rows = await self._pool.fetch(
            f"SELECT {COLUMNS} FROM notification WHERE instance_id = $1 AND id > $2 AND id <= $3 AND {wanted}"
            " ORDER BY id LIMIT $4",
            lane.instance_id,
            after_id,
            lane.last_id,
            limit,
            *since,
        )
        found = await load_notifications(self._pool, rows)
        return ReplayBatch(
            [replace(each, attempts=0, failures=0, refusals=0) for each in found],
            rows[-1]["id"] if rows else None,
        )

    async def record(self, lane: ReplayLane, attempt: Attempt, outcome: Outcome, *, refused: bool) -> bool:
        """Record an attempt with what it means. Says whether the turn goes on.

        It does not when the replay was cancelled, or its endpoint was changed, released or disabled since the claim:
        the next turn goes by what is set then. Nor when it is another worker's, or the notification was removed: then
        nothing is written. A dead letter that reached the endpoint's own URL is delivered.
        """
        goes_on: bool | None = await self._pool.fetchval(
            RECORD,
            self._worker_id,
            lane.id,
            attempt.notification_id,
            attempt.number,
            attempt.started_at,
            attempt.duration_milliseconds,
            attempt.status,
            attempt.error,
            attempt.excerpt,
            refused,
            outcome.value,
            lane.generation,
        )
        return bool(goes_on)

    async def release(self, lane: ReplayLane, release: ReplayRelease) -> None:
        """Give the replay back, if it is still ours. One that was cancelled meanwhile stays so."""
        await self._pool.execute(
            RELEASE,
            lane.id,
            self._worker_id,
            release.state.value,
            release.next_at,
            release.ended_at,
            release.error,
        )
