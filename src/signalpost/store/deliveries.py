"""Lanes as rows: who works which, what waits in them, what came of each attempt."""

from __future__ import annotations

from asyncio import Future
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import NamedTuple

import asyncpg

from signalpost.model.configuration import OPERATIONS_URL
from signalpost.model.delivery import Attempt, Outcome, State
from signalpost.model.ids import InstanceId, WorkerId
from signalpost.store.due import CLAIM_DUE_LANES, REST_LANES
from signalpost.store.gather import Gather, in_order
from signalpost.store.vault import ReadConfiguration, Vault
from signalpost.store.workers import write_free

GIVE_BACK = """
UPDATE endpoint SET due_at = $3
WHERE instance_id IN (SELECT instance_id FROM endpoint WHERE instance_id = ANY($1) AND due_at = $2
                      ORDER BY instance_id FOR UPDATE SKIP LOCKED)
"""

# The rows are locked in the order of their ids, here and wherever several are taken: no deadlocks.
# Who waited for a change of an endpoint has its row as it is now, and those of the instance and of the workers as they
# were before: another address would get the passwords of the one before, and the lane would be taken from a worker that
# began meanwhile. ``seen`` is as old as that; the lane is due, and comes again.
CLAIM_LANES = f"""
UPDATE endpoint SET leased_by = $2
FROM (SELECT endpoint.instance_id, instance.configuration, instance.secrets
      FROM endpoint JOIN instance ON instance.id = endpoint.instance_id
      JOIN endpoint AS seen ON seen.instance_id = endpoint.instance_id AND seen.generation = endpoint.generation
           AND seen.leased_by IS NOT DISTINCT FROM endpoint.leased_by
      WHERE endpoint.instance_id = ANY($1) AND endpoint.state = 'active' AND endpoint.url IS NOT NULL
        AND NOT instance.disabled
        AND {write_free("endpoint")}
      ORDER BY endpoint.instance_id FOR UPDATE OF endpoint) AS free
WHERE endpoint.instance_id = free.instance_id
RETURNING endpoint.instance_id, endpoint.url, endpoint.generation, endpoint.last_order, endpoint.failing_since,
          free.configuration, free.secrets
"""

# By its time of making a notification is found in its partition at once.
# The statement that records attempts is fenced: rows of lanes that we no longer hold are left alone. So is, but for
# the attempt itself, a notification whose endpoint was changed or released while an attempt was failing: amid the
# release only its row tells, of which other failures are known. What was given up may be removed while it is sent: of
# that nothing is left to write.
RECORD = f"""
WITH done AS (
    SELECT given.*, given.generation = endpoint.generation AS is_current
    FROM unnest($2::bigint[], $3::bigint[], $4::integer[], $5::timestamptz[], $6::integer[], $7::integer[],
                $8::text[], $9::text[], $10::text[], $11::timestamptz[], $12::boolean[], $13::bigint[],
                $14::timestamptz[], $15::integer[])
        AS given (instance_id, notification_id, number, started_at, duration, status, error, excerpt, state, next_at,
                  refused, generation, made_at, known_failures)
    JOIN endpoint ON endpoint.instance_id = given.instance_id AND endpoint.leased_by = $1
), there AS (
    SELECT done.*, is_current AND failures = known_failures AS goes_on,
           done.state = 'delivered' OR is_current AND failures = known_failures AS counts
    FROM done JOIN notification ON id = done.notification_id AND created_at = done.made_at
    ORDER BY id FOR NO KEY UPDATE OF notification
), changed AS (
    UPDATE notification SET state = CASE WHEN counts THEN there.state ELSE notification.state END,
           attempts = there.number,
           failures = failures + CASE WHEN counts AND there.state <> 'delivered' THEN 1 ELSE 0 END,
           refusals = refusals + CASE WHEN counts AND there.refused THEN 1 ELSE 0 END,
           next_attempt_at = CASE WHEN counts THEN coalesce(there.next_at, next_attempt_at) ELSE next_attempt_at END,
           delivered_at = CASE WHEN there.state = 'delivered'
                          THEN there.started_at + make_interval(secs => there.duration / 1000.0) END,
           dead_at = CASE WHEN counts AND there.state = 'dead'
                     THEN there.started_at + make_interval(secs => there.duration / 1000.0) END
    FROM there
    WHERE notification.id = there.notification_id AND notification.created_at = there.made_at
      AND notification.state = 'pending'
    RETURNING notification.id, there.instance_id, notification.state, there.status, there.error, notification.dead_at
), told AS (
    INSERT INTO operation_notice (instance_id, kind, body, created_at, due_at)
    SELECT changed.instance_id, 'notification.dead',
           jsonb_build_object('notificationId', changed.id::text, 'message', changed.error, 'status', changed.status),
           changed.dead_at, changed.dead_at
    FROM changed JOIN instance ON instance.id = changed.instance_id
    WHERE changed.state = 'dead' AND instance.configuration ? '{OPERATIONS_URL}'
), written AS (
    INSERT INTO attempt (notification_id, number, started_at, duration_milliseconds, status, error, excerpt)
    SELECT notification_id, number, started_at, duration, status, error, excerpt FROM there
    ON CONFLICT (notification_id, replay_id, number, started_at) DO NOTHING
)
SELECT notification_id FROM there WHERE goes_on
UNION ALL
SELECT notification_id FROM done WHERE is_current AND notification_id NOT IN (SELECT notification_id FROM there)
"""

RELEASE = f"""
WITH changed AS (
    UPDATE endpoint SET leased_by = NULL,
        due_at = CASE WHEN endpoint.state <> 'active' OR endpoint.url IS NULL THEN NULL
                      WHEN endpoint.generation <> done.generation
                      THEN CASE WHEN done.disabled THEN endpoint.due_at ELSE now() END
                      WHEN done.deactivate OR done.disabled THEN NULL
                      WHEN endpoint.last_order > done.seen_order THEN now()
                      ELSE done.next_at END,
        state = CASE WHEN endpoint.generation = done.generation AND done.deactivate
                THEN 'deactivated' ELSE state END,
        deactivated_at = CASE WHEN endpoint.generation = done.generation AND done.deactivate
                         THEN now() ELSE deactivated_at END,
        failing_since = CASE WHEN endpoint.generation = done.generation AND done.held
                        THEN coalesce(failing_since, now()) END,
        last_error = CASE WHEN endpoint.generation = done.generation AND done.held
                     THEN coalesce(done.error, last_error) END
    FROM (SELECT endpoint.instance_id, instance.disabled, done.* FROM unnest($2::bigint[], $3::bigint[], $4::bigint[],
                 $5::timestamptz[], $6::boolean[], $7::boolean[], $8::text[])
                 AS done (id, generation, seen_order, next_at, deactivate, held, error)
          JOIN endpoint ON endpoint.instance_id = done.id AND endpoint.leased_by = $1
          JOIN instance ON instance.id = done.id
          ORDER BY endpoint.instance_id FOR UPDATE OF endpoint) AS done
    WHERE endpoint.instance_id = done.instance_id
    RETURNING endpoint.instance_id, endpoint.last_error,
              endpoint.generation = done.generation AND done.deactivate AS deactivated,
              endpoint.due_at <= now() + interval '50 ms' AS is_due
), told AS (
    INSERT INTO operation_notice (instance_id, kind, body, created_at, due_at)
    SELECT changed.instance_id, 'endpoint.deactivated', jsonb_build_object('message', changed.last_error), now(), now()
    FROM changed JOIN instance ON instance.id = changed.instance_id
    WHERE changed.deactivated AND instance.configuration ? '{OPERATIONS_URL}'
)
SELECT instance_id FROM changed WHERE is_due
"""


@dataclass(frozen=True, slots=True)
class Lane:
    """A lane that this worker holds. ``seen_order``: no notification up to this order is still being written.

    Its configuration is decrypted by whoever reads it: one that cannot be is no matter of the lanes beside it.
    """

    instance_id: InstanceId
    url: str
    read_configuration: ReadConfiguration = field(compare=False, repr=False)
    generation: int
    seen_order: int
    failing: bool


class AttemptRecord(NamedTuple):
    """An attempt with what it means for its notification, which was made at ``made_at``.

    ``generation``: that of its lane when it was claimed; ``known_failures``: those that it had when it was loaded.
    """

    instance_id: InstanceId
    generation: int
    made_at: datetime
    known_failures: int
    attempt: Attempt
    outcome: Outcome
    refused: bool
    next_attempt_at: datetime | None


STATE_AFTER = {Outcome.DELIVERED: State.DELIVERED, Outcome.DEAD: State.DEAD}
"""After any other outcome the notification still waits."""


@dataclass(frozen=True, slots=True)
class Release:
    """How a lane is left: when it is due again (None: when something new comes), and whether its endpoint is given up.

    Where the endpoint was changed, enabled or disabled since the claim (its ``generation`` is another), none of it
    counts: the lane is due at once.

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
        self._claims: Gather[InstanceId, Lane | None] = Gather(self._claim_all, window_seconds=0.0)
        self._records: Gather[AttemptRecord, bool] = Gather(self._record_all, window_seconds=0.01)
        self._releases: Gather[Release, bool] = Gather(self._release_all)

    async def claim_due(
        self, now: datetime, *, since: datetime, until: datetime, limit: int
    ) -> list[InstanceId]:
        """Take the lanes that are due, at most ``limit`` that came due after ``since`` and as many from before.

        Each comes up again at ``until`` unless a worker sets its time. Those of disabled instances are left to rest.
        """
        rows = await self._pool.fetch(CLAIM_DUE_LANES, now, since, until, limit)
        disabled = [row["instance_id"] for row in rows if row["disabled"]]
        rests = await self._pool.fetch(REST_LANES, disabled, until) if disabled else ()
        rested = {row["instance_id"] for row in rests}
        return [InstanceId(row["instance_id"]) for row in rows if row["instance_id"] not in rested]

    async def give_back(self, instance_ids: Sequence[InstanceId], *, until: datetime, at: datetime) -> None:
        """Have lanes that were claimed ``until`` then come up ``at`` an earlier time, if nothing else was set."""
        await self._pool.execute(GIVE_BACK, instance_ids, until, at)

    async def claim(self, instance_id: InstanceId) -> Lane | None:
        """Take the lane for this worker; None when there is none to work or a living worker has it."""
        return await self._claims.ask(instance_id)

    async def _claim_all(self, instance_ids: Sequence[InstanceId]) -> list[Lane | None]:
        rows = await self._pool.fetch(CLAIM_LANES, instance_ids, self._worker_id, self._lease_seconds)
        found = {
            InstanceId(row["instance_id"]): Lane(
                instance_id=InstanceId(row["instance_id"]),
                url=row["url"],
                read_configuration=partial(self._vault.join_configuration, row),
                generation=row["generation"],
                seen_order=row["last_order"],
                failing=row["failing_since"] is not None,
            )
            for row in rows
        }
        return in_order(instance_ids, found)

    def record(self, record: AttemptRecord) -> Future[bool]:
        """Record an attempt, soon. False when the lane is not to go on.

        That is when it is no longer ours, and nothing was written; or when the endpoint was changed, released or
        disabled since the claim: of what went to it then a delivery counts, and no failure.
        """
        return self._records.ask(record)

    async def _record_all(self, records: Sequence[AttemptRecord]) -> list[bool]:
        instance_ids, generations, made_at, failures, attempts, outcomes, refused, next_at = zip(
            *records, strict=True
        )
        ids, numbers, started_at, durations, statuses, errors, excerpts = zip(*attempts, strict=True)
        rows = await self._pool.fetch(
            RECORD,
            self._worker_id,
            instance_ids,
            ids,
            numbers,
            started_at,
            durations,
            statuses,
            errors,
            excerpts,
            [STATE_AFTER.get(outcome, State.PENDING).value for outcome in outcomes],
            next_at,
            refused,
            generations,
            made_at,
            failures,
        )
        written = {row["notification_id"] for row in rows}
        return [each in written for each in ids]

    async def release(self, release: Release) -> bool:
        """Give the lane back, if it is still ours. Says whether it is due again at once, and somebody is to be told."""
        return await self._releases.ask(release)

    async def _release_all(self, releases: Sequence[Release]) -> list[bool]:
        rows = await self._pool.fetch(
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
        due = {row["instance_id"] for row in rows}
        return [release.instance_id in due for release in releases]
