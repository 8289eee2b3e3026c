"""Replays as they are asked for, listed and cancelled. ``replays`` has what the worker does with them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import asyncpg

from signalpost.model.delivery import State
from signalpost.model.errors import ConflictError, NotFoundError
from signalpost.model.ids import InstanceId, NotificationId
from signalpost.store.replays import ReplayKind, ReplayState

MOST_RUNNING = 10
"""Replays of one instance that may run at a time."""

COLUMNS = (
    "id, instance_id, kind, url, failed_since, first_id, last_id, position, state, sent, dead, failures,"
    " next_attempt_at, last_error, created_at, ended_at"
)

# The instance's row first, as every change of an instance does: two who ask at once do not exceed the limit.
OPEN = """
SELECT endpoint.url,
       (SELECT count(*) FROM replay WHERE replay.instance_id = instance.id AND replay.state = 'running') AS running
FROM instance JOIN endpoint ON endpoint.instance_id = instance.id WHERE instance.id = $1
"""

DEAD_SPAN = """
SELECT min(id) AS first_id, max(id) AS last_id FROM notification
WHERE instance_id = $1 AND state = 'dead' AND ($2::timestamptz IS NULL OR dead_at >= $2)
"""

# Ids rise with time and with sequence numbers, as numbers are given under the endpoint's lock.
SPAN_FROM_INSTANT = """
SELECT (SELECT id FROM notification WHERE instance_id = $1 AND created_at >= $2 ORDER BY id LIMIT 1) AS first_id,
       (SELECT max(id) FROM notification WHERE instance_id = $1) AS last_id
"""
SPAN_FROM_SEQUENCE = """
SELECT (SELECT notification_id FROM event WHERE instance_id = $1 AND sequence >= $2 AND notification_id IS NOT NULL
        ORDER BY sequence LIMIT 1) AS first_id,
       (SELECT max(id) FROM notification WHERE instance_id = $1) AS last_id
"""

MOST_COUNTED = 10_000
"""So many notifications of a range are counted before it is replayed; more are not told apart."""

# As the replay itself would take them: what still waits comes by the lane, unless it goes elsewhere.
COUNT_RANGE = f"""
SELECT count(*) FROM (SELECT FROM notification WHERE instance_id = $1 AND id BETWEEN $2 AND $3
                      AND ($4 OR state <> 'pending') LIMIT {MOST_COUNTED}) AS counted
"""

INSERT = f"""
INSERT INTO replay (instance_id, kind, url, failed_since, first_id, last_id, position, due_at, next_attempt_at,
                    created_at)
VALUES ($1, $2, $3, $4, $5::bigint, $6, $5::bigint - 1, $7, $7, $7) RETURNING {COLUMNS}
"""

SAME = f"""
SELECT {COLUMNS} FROM replay
WHERE instance_id = $1 AND id > $2 AND kind = $3 AND url IS NOT DISTINCT FROM $4 AND first_id = $5 ORDER BY id LIMIT 1
"""

# One that is held does not count: who asks again has mended the receiver, and wants it tried now.
UNDER_WAY = f"""
SELECT {COLUMNS} FROM replay
WHERE instance_id = $1 AND state = 'running' AND kind = $2 AND url IS NULL AND failed_since IS NOT DISTINCT FROM $3
  AND position < $4 AND last_id >= $5 AND failures = 0 AND kind <> 'range' ORDER BY id LIMIT 1
"""

CANCEL = """
UPDATE replay SET state = 'cancelled', due_at = NULL, ended_at = $3
WHERE id = $1 AND instance_id = $2 AND state = 'running'
"""


@dataclass(frozen=True, slots=True)
class Replay:
    """A replay as it is kept. ``url`` None: the endpoint's own; ``position``: the last notification that is done."""

    id: int
    instance_id: int
    kind: ReplayKind
    url: str | None
    failed_since: datetime | None
    first_id: int
    last_id: int
    position: int
    state: ReplayState
    sent: int
    dead: int
    failures: int
    next_attempt_at: datetime
    last_error: str | None
    created_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReplayWish:
    """What a replay is to send: notifications with ids from first to last; to ``url``, None: the endpoint's own."""

    kind: ReplayKind
    first_id: int
    last_id: int
    url: str | None = None
    failed_since: datetime | None = None


class ReplayOrders:
    """Asks for, lists and cancels replays. Who calls has found the instance as the organization's own."""

    def __init__(self, pool: asyncpg.Pool, clock: Callable[[], datetime]) -> None:
        self._pool = pool
        self._clock = clock

    async def ask_one(self, instance_id: InstanceId, notification_id: NotificationId) -> Replay:
        """Have one notification sent again.

        Raises:
            NotFoundError: the instance has no such notification.
            ConflictError: it still waits in the lane; or as ``ask`` says.
        """
        state = await self._pool.fetchval(
            "SELECT state FROM notification WHERE id = $1 AND instance_id = $2", notification_id, instance_id
        )
        if state is None:
            message = f"there is no delivery {notification_id}"
            raise NotFoundError(message)
        if state == State.PENDING:
            message = (
                f"delivery {notification_id} still waits in its lane and comes in its turn;"
                f" PUT /instances/{instance_id}/endpoint has the lane tried at once"
            )
            raise ConflictError(message)
        return await self.ask(instance_id, ReplayWish(ReplayKind.ONE, notification_id, notification_id))

    async def ask_failed(self, instance_id: InstanceId, since: datetime | None) -> Replay:
        """Have all dead letters sent again, or those that died since an instant. Raises as ``ask``."""
        span = await self._pool.fetchrow(DEAD_SPAN, instance_id, since)
        # Without any the replay is done as soon as it is looked at.
        first_id, last_id = (1, 0) if span["first_id"] is None else span
        return await self.ask(
            instance_id, ReplayWish(ReplayKind.FAILED, first_id, last_id, failed_since=since)
        )

    async def ask_range(self, instance_id: InstanceId, start: datetime | int, url: str | None) -> Replay:
        """Have all that was made from an instant or a sequence number on sent again, up to what there is now.

        Cost: from an instant, one index range over the notifications of the instance that are older. Raises as ``ask``.
        """
        return (await self.ask_range_once(instance_id, start, url, after_id=None))[0]

    async def ask_range_once(
        self, instance_id: InstanceId, start: datetime | int, url: str | None, *, after_id: int | None
    ) -> tuple[Replay, bool]:
        """Ask as ``ask_range`` does; says also whether the replay is a new one.

        Where the same was asked for after replay ``after_id``, that one is given, and none is made.
        """
        statement = SPAN_FROM_INSTANT if isinstance(start, datetime) else SPAN_FROM_SEQUENCE
        span = await self._pool.fetchrow(statement, instance_id, start)
        first_id, last_id = (1, 0) if span["first_id"] is None else span
        wish = ReplayWish(ReplayKind.RANGE, first_id, last_id, url=url)
        return await self._ask(instance_id, wish, after_id)

    async def find_last_id(self, instance_id: InstanceId) -> int:
        """Give the number of the newest replay of an instance; 0 where it has none."""
        found = await self._pool.fetchval("SELECT max(id) FROM replay WHERE instance_id = $1", instance_id)
        return int(found or 0)

    async def count_range(self, instance_id: InstanceId, start: datetime | int, *, elsewhere: bool) -> int:
        """Count what ``ask_range`` would have sent, up to 10,000. Cost: as that, and the rows that are counted."""
        statement = SPAN_FROM_INSTANT if isinstance(start, datetime) else SPAN_FROM_SEQUENCE
        span = await self._pool.fetchrow(statement, instance_id, start)
        if span["first_id"] is None:
            return 0
        return int(await self._pool.fetchval(COUNT_RANGE, instance_id, *span, elsewhere))

    async def ask(self, instance_id: InstanceId, wish: ReplayWish) -> Replay:
        """Write a replay; it is due at once.

        Of one notification, or of dead letters, which a replay is just about to send: that one is given, as a button
        that is pressed twice means one thing.

        Raises:
            ConflictError: too many run already, or there is no URL to send to.
            NotFoundError: the instance was deleted meanwhile.
        """
        return (await self._ask(instance_id, wish, None))[0]

    async def _ask(
        self, instance_id: InstanceId, wish: ReplayWish, after_id: int | None
    ) -> tuple[Replay, bool]:
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute("SELECT FROM instance WHERE id = $1 FOR NO KEY UPDATE", instance_id)
            found = await connection.fetchrow(OPEN, instance_id)
            if found is None:
                message = f"there is no instance {instance_id}"
                raise NotFoundError(message)
            url = None if wish.url == found["url"] else wish.url
            if after_id is not None:
                same = instance_id, after_id, wish.kind.value, url, wish.first_id
                row = await connection.fetchrow(SAME, *same)
                if row is not None:
                    return read_replay(row), False
            span = wish.failed_since, wish.first_id, wish.last_id
            row = await connection.fetchrow(UNDER_WAY, instance_id, wish.kind.value, *span)
            if row is not None:
                return read_replay(row), False
            if found["running"] >= MOST_RUNNING:
                message = (
                    f"{found['running']} replays of instance {instance_id} run already, and no more may;"
                    f" wait for one to end, or DELETE /instances/{instance_id}/replays/<id>"
                )
                raise ConflictError(message)
            if wish.url is None and found["url"] is None:
                message = f"instance {instance_id} has no callback URL to send to; set event.notification.callback.url"
                raise ConflictError(message)
            row = await connection.fetchrow(
                INSERT,
                instance_id,
                wish.kind.value,
                url,
                wish.failed_since,
                wish.first_id,
                wish.last_id,
                self._clock(),
            )
        return read_replay(row), True

    async def list_replays(
        self, instance_id: InstanceId, *, after_id: int, limit: int, offset: int = 0
    ) -> list[Replay]:
        """List the replays of an instance, oldest first."""
        rows = await self._pool.fetch(
            f"SELECT {COLUMNS} FROM replay WHERE instance_id = $1 AND id > $2 ORDER BY id LIMIT $3 OFFSET $4",
            instance_id,
            after_id,
            limit,
            offset,
        )
        return [read_replay(row) for row in rows]

    async def list_running(self, instance_id: InstanceId) -> list[Replay]:
        """List the replays of an instance that run: ten at most."""
        rows = await self._pool.fetch(
            f"SELECT {COLUMNS} FROM replay WHERE instance_id = $1 AND state = 'running' ORDER BY id",
            instance_id,
        )
        return [read_replay(row) for row in rows]

    async def find(self, instance_id: InstanceId, replay_id: int) -> Replay | None:
        """Find one replay of an instance."""
        row = await self._pool.fetchrow(
            f"SELECT {COLUMNS} FROM replay WHERE id = $1 AND instance_id = $2", replay_id, instance_id
        )
        return None if row is None else read_replay(row)

    async def cancel(self, instance_id: InstanceId, replay_id: int) -> tuple[Replay | None, bool]:
        """End a replay that runs, after the attempt that it is in; one that has ended stays as it is.

        Says also whether it ran until now.
        """
        done = await self._pool.execute(CANCEL, replay_id, instance_id, self._clock())
        return await self.find(instance_id, replay_id), str(done) == "UPDATE 1"


def read_replay(row: Any) -> Replay:
    """Read a row that has ``COLUMNS``."""
    return Replay(**{**row, "kind": ReplayKind(row["kind"]), "state": ReplayState(row["state"])})
