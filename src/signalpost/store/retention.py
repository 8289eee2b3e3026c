"""Retention: what is old goes, a partition at once or in small steps; what waits is kept, or given up and told."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import asyncpg

from signalpost.store.backlog import Backlog
from signalpost.store.kept_answers import trim_answers
from signalpost.store.partitions import Partitions

STEP_ROWS = 200
"""Rows that one statement looks at. Whatever hangs on a page goes with it."""

RUN_SECONDS = 2.0
"""How long one run goes on; what is left is for the next."""

SWEEP_SECONDS = 3600.0
"""After so long a walk begins anew, for what was passed over as something of it waited."""

# Only rows that nobody else has in hand are taken: two processes share the work, and nobody waits for either.
# The rows' ids rise with their age, but for clocks that differ: the position stays before the first young row. One that
# lies ahead of now, by a clock that was, is passed over: else all behind it would stay until then.
# Given as arrays the ids are looked up one by one, whatever the planner thinks of the table.
STEP = """
WITH looked AS (
    SELECT id, {age} < $2 AS old, {age} > $4 AS ahead FROM {table} WHERE id > $1 ORDER BY id LIMIT $3
), free AS (
    SELECT id FROM {table} WHERE id = ANY(ARRAY(SELECT id FROM looked WHERE old)) AND {free}
    ORDER BY id FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM {table} WHERE id = ANY(ARRAY(SELECT id FROM free)) RETURNING id
)
SELECT (SELECT count(*) FROM gone) AS removed, count(*) FILTER (WHERE old OR ahead) AS passed,
       coalesce(min(id) FILTER (WHERE NOT old AND NOT ahead) - 1, max(id), $1) AS position
FROM looked
"""

# What hangs on a page goes with it. A replay that still runs may be about to send any of its instance's notifications.
# Notifications are held before it is settled: dead letters that were revived while we waited for them stay, with their
# page.
PAGES = """
WITH looked AS (
    SELECT id, polled_at < $2 AS old, polled_at > $4 AS ahead FROM page WHERE id > $1 ORDER BY id LIMIT $3
), free AS (
    SELECT id, instance_id, polled_at FROM page WHERE id = ANY(ARRAY(SELECT id FROM looked WHERE old))
    AND NOT EXISTS (SELECT FROM notification WHERE page_id = page.id AND state = 'pending')
    AND NOT EXISTS (SELECT FROM replay WHERE replay.instance_id = page.instance_id AND replay.state = 'running')
    ORDER BY id FOR UPDATE SKIP LOCKED
), held AS (
    SELECT page_id, state FROM notification WHERE id = ANY(ARRAY(
        SELECT notification_id FROM event JOIN free ON event.polled_at = free.polled_at
            AND event.instance_id = free.instance_id AND event.page_id = free.id))
    ORDER BY id FOR UPDATE
), done AS (
    SELECT * FROM free WHERE id <> ALL(ARRAY(SELECT page_id FROM held WHERE state = 'pending'))
), events AS (
    DELETE FROM event USING done WHERE event.polled_at = done.polled_at AND event.instance_id = done.instance_id
        AND event.page_id = done.id RETURNING notification_id
), attempts AS (
    DELETE FROM attempt WHERE notification_id = ANY(ARRAY(SELECT notification_id FROM events))
), notifications AS (
    DELETE FROM notification WHERE id = ANY(ARRAY(SELECT notification_id FROM events))
), gone AS (
    DELETE FROM page WHERE id = ANY(ARRAY(SELECT id FROM done)) RETURNING id
)
SELECT (SELECT count(*) FROM gone) AS removed, count(*) FILTER (WHERE old OR ahead) AS passed,
       coalesce(min(id) FILTER (WHERE NOT old AND NOT ahead) - 1, max(id), $1) AS position
FROM looked
"""
GAPS = STEP.format(table="gap", age="detected_at", free="true")
REPLAYS = STEP.format(table="replay", age="created_at", free="state <> 'running' AND ended_at < $2")

# Instance by instance: of each the first hours by its key. Only hours that ended before ``$2``.
HOURS = """
WITH looked AS (
    SELECT id FROM instance WHERE id > $1 ORDER BY id LIMIT $3
), free AS (
    SELECT instance_id, begin_at FROM event_hour
    WHERE instance_id = ANY(ARRAY(SELECT id FROM looked)) AND begin_at <= $2::timestamptz - interval '1 hour'
    ORDER BY instance_id, begin_at LIMIT 10 * $3 FOR UPDATE SKIP LOCKED
), gone AS (
    DELETE FROM event_hour USING free
    WHERE event_hour.instance_id = free.instance_id AND event_hour.begin_at = free.begin_at RETURNING 1
)
SELECT (SELECT count(*) FROM gone) AS removed, count(*) AS passed, coalesce(max(id), $1) AS position FROM looked
"""


@dataclass(frozen=True, slots=True)
class Tidied:
    """What a run removed; ``pages`` with their events, notifications and attempts.

    Of partitions that were dropped ``pages`` is the database's estimate.
    """

    pages: int
    gaps: int
    replays: int


class Walk:
    """A walk over one table by rising id. Its position is kept between runs, so that none looks at all anew."""

    def __init__(self, pool: asyncpg.Pool, statement: str) -> None:
        self._pool = pool
        self._statement = statement
        self._position = 0
        self._began_at = float("-inf")

    async def go(self, before: datetime, *now: datetime, monotonic: Callable[[], float], until: float) -> int:
        """Remove what is older than ``before``, as far as it comes ``until`` then; give the number of rows.

        ``now`` is given where the statement asks for it.
        """
        if monotonic() - self._began_at >= SWEEP_SECONDS:
            self._position, self._began_at = 0, monotonic()
        removed = 0
        while True:
            row: Any = await self._pool.fetchrow(self._statement, self._position, before, STEP_ROWS, *now)
            self._position = row["position"]
            removed += int(row["removed"])
            if row["passed"] < STEP_ROWS or monotonic() >= until:
                return removed


class Retention:
    """Keeps the tables from growing. One of these a process, its runs one after the other.

    ``note_cancelled`` is told how many notifications were given up, whatever becomes of the rest of the run.
    """

    def __init__(
        self,
        pool: asyncpg.Pool,
        *,
        retention_days: float,
        most_waiting: int,
        monotonic: Callable[[], float] = time.monotonic,
        note_cancelled: Callable[[int], object] = lambda _: None,
    ) -> None:
        self._pool = pool
        self._kept = timedelta(days=retention_days)
        self._monotonic = monotonic
        self._partitions = Partitions(pool, kept=self._kept)
        self._backlog = Backlog(
            pool, most_waiting=most_waiting, monotonic=monotonic, note_cancelled=note_cancelled
        )
        self._pages, self._gaps, self._replays, self._hours = (
            Walk(pool, each) for each in (PAGES, GAPS, REPLAYS, HOURS)
        )

    async def make_ahead(self, now: datetime) -> None:
        """Make the partitions that will be written to, where they are missing."""
        await self._partitions.make_ahead(now)

    async def tidy(self, now: datetime) -> Tidied:
        """Give up what exceeds the limits of endpoints, and remove what is older than the days it is kept.

        Partitions of time go whole. Of what is in none a page goes with its events, notifications and attempts, and
        not before nothing of it waits any more. The counts of hours go by their age alone. Cheap where there is
        nothing to do: one statement a table, each an index range, and two of the catalogue.
        Answers kept by idempotency key go after a day.
        """
        until = self._monotonic() + RUN_SECONDS
        await self._backlog.limit(now)
        await self.make_ahead(now)
        before = now - self._kept
        dropped, row_by_row = await self._partitions.drop_old(before)
        await trim_answers(self._pool)
        gaps, replays, _, pages = [
            await walk.go(*times, monotonic=self._monotonic, until=until)
            for walk, *times in (
                (self._gaps, before, now),
                (self._replays, before, now),
                (self._hours, before),
                (self._pages, row_by_row, now),
            )
        ]
        return Tidied(pages=pages + dropped, gaps=gaps, replays=replays)
