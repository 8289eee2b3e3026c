"""Time partitions of what grows: made ahead, and dropped whole once all in them is old, so that nothing is vacuumed.

The four tables have the same partitions, each with the same ending of its name. What fits in none (made by a clock
that is far off, or kept as it still waits) stands in the rest, the default partition.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg

from signalpost.observe import get_logger

log = get_logger("retention")

TIMES = {"page": "polled_at", "event": "polled_at", "notification": "created_at", "attempt": "started_at"}
"""The partitioned tables, and the column of each by which it is."""

OPTIONS = {"notification": "WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05)"}
"""Notifications change once or twice, the others never."""

SPANS = 4
"""Partitions that the time of retention is divided into: what is old goes a quarter of it later at most."""

SHORTEST = timedelta(hours=1)
"""For less no partition is made: all stands in the rest, and goes row by row."""

LONG_AGO = datetime(1970, 1, 1, tzinfo=UTC)

MOST_MOVED = 500
"""Pages that may be moved to the rest, as something of them waits, for their partition to be dropped: so many for each
that stayed at the last run. One endpoint that nobody mends would have one more stay with every span, and every
statement looks into each."""

MOST_MOVED_EVER = 20_000
"""Not more in any case: the tables are locked meanwhile, for these about three seconds."""

# Partitioned tables are locked for a moment; who reads them for longer (a backup) is not kept waiting for.
LOCK = "SET LOCAL lock_timeout = '300ms'"
ONE_AT_A_TIME = "SELECT pg_try_advisory_xact_lock(x'5167'::int, x'7061'::int)"

# Bounds are read once: of a partition that another process is dropping they are there at one moment, not at the next.
# Of them there is only their text, in the form of the session: not in each of these can it be read again, and a zone's
# letters, as CST, may be taken for another's.
PLAINLY = "SET LOCAL datestyle = 'ISO'"
LIST = """
SELECT ending, substring(bounds FROM 'FROM [(]''([^'']+)''')::timestamptz AS begin_at,
       substring(bounds FROM 'TO [(]''([^'']+)''')::timestamptz AS end_at
FROM (SELECT substr(child.relname, 6) AS ending, pg_get_expr(child.relpartbound, child.oid) AS bounds
      FROM pg_inherits JOIN pg_class AS child ON child.oid = pg_inherits.inhrelid
      WHERE pg_inherits.inhparent = 'page'::regclass OFFSET 0) AS listed
WHERE bounds <> 'DEFAULT' ORDER BY end_at
"""

MET_ANOTHER = (
    asyncpg.LockNotAvailableError,
    asyncpg.DuplicateTableError,
    asyncpg.InvalidObjectDefinitionError,
    asyncpg.CheckViolationError,
)
"""Somebody uses the table for long; made this partition just before; made one of another length around it; or wrote
into the rest what belongs there."""

# Of a partition: its indexes as they were named for it, and the names of those of the whole.
INDEXES = """
SELECT part.relname AS name, whole.relname AS whole FROM pg_index JOIN pg_inherits ON inhrelid = indexrelid
JOIN pg_class AS part ON part.oid = inhrelid JOIN pg_class AS whole ON whole.oid = inhparent
WHERE indrelid = $1::text::regclass
"""

# Of a partition: the pages of which something waits, or may be sent by a replay that still runs.
FIND_WAITING = """
SELECT page_id FROM {notification} WHERE state = 'pending'
UNION SELECT notification.page_id FROM replay JOIN {notification} AS notification
      ON notification.instance_id = replay.instance_id AND notification.id > replay.position
         AND notification.id <= replay.last_id
      WHERE replay.state = 'running'
LIMIT $1
"""

# By indexes, as nobody else can read or write meanwhile: of a page the events were polled when it was.
OF_PAGES = """
FROM {page} AS page JOIN {event} AS event
    ON event.polled_at = page.polled_at AND event.instance_id = page.instance_id AND event.page_id = page.id
WHERE page.id = ANY($1)
"""
FIND_NOTIFICATIONS = f"SELECT DISTINCT event.notification_id {OF_PAGES} AND event.notification_id IS NOT NULL"
MOVE_EVENTS = f"INSERT INTO event SELECT event.* {OF_PAGES}"
MOVE_PAGES = "INSERT INTO page SELECT * FROM {page} WHERE id = ANY($1)"
MOVE_NOTIFICATIONS = "INSERT INTO notification SELECT * FROM {notification} WHERE id = ANY($1)"

# Those of what waits from before as well: it is tried again and again.
MOVE_ATTEMPTS = """
INSERT INTO attempt SELECT * FROM {attempt} WHERE notification_id = ANY($1) OR notification_id = ANY(ARRAY(
    SELECT id FROM notification WHERE created_at < $2 AND state = 'pending' AND attempts > 0))
"""

# What was tried later than in the partition that went, and stands in the rest, whence it goes with its page only.
FORGET_ATTEMPTS = """
DELETE FROM attempt_rest WHERE NOT EXISTS (SELECT FROM notification WHERE notification.id = notification_id)
"""


@dataclass(frozen=True, slots=True)
class Span:
    """A partition of each table; ``begin_at`` None: all that was before there were partitions."""

    ending: str
    begin_at: datetime | None
    end_at: datetime


class Partitions:
    """Makes and drops partitions, one process at a time. Whoever is kept from it tries again at the next run."""

    def __init__(self, pool: asyncpg.Pool, *, kept: timedelta) -> None:
        self._pool = pool
        self._span = kept / SPANS
        self._stayed = 0

    async def list_spans(self) -> list[Span]:
        """List the partitions there are, oldest first."""
        async with self._pool.acquire() as connection, connection.transaction():
            await connection.execute(PLAINLY)
            return [Span(*row) for row in await connection.fetch(LIST)]

    async def make_ahead(self, now: datetime) -> int:
        """Make the partitions of now and of the next span, where they are missing; give the number made."""
        if self._span < SHORTEST:
            return 0
        made = 0
        spans = await self.list_spans()
        # From the end of what is over on: the time before has been written to the rest, if anywhere.
        begin_at = max([self._floor(now), *(span.end_at for span in spans if span.end_at <= now)])
        while begin_at <= now + self._span:
            there = [span for span in spans if span.end_at > begin_at]
            if there and (there[0].begin_at or LONG_AGO) <= begin_at:
                begin_at = there[0].end_at
                continue
            # A clock that was ahead, or a moment without the lock, may have left a hole before what is there.
            ends = [self._floor(begin_at) + self._span, *(span.begin_at for span in there if span.begin_at)]
            end_at = min(ends)
            made += await self._make(begin_at, end_at)
            begin_at = end_at
        return made

    async def drop_old(self, before: datetime) -> tuple[int, datetime]:
        """Drop the partitions of which all is older than ``before``.

        Gives about how many pages that were, and before when rows are to go one by one: those in the rest, in
        partitions of which too much still waits, and in those that a longer retention made, which are not all old for
        long. Not in those that are, or will soon be, for dropping; none as long as that is there which is older than
        partitions are.
        """
        pages = 0
        row_by_row = before
        most = min(MOST_MOVED * max(self._stayed, 1), MOST_MOVED_EVER)
        for span in await self.list_spans():
            dropped = await self._drop(span, most) if span.end_at <= before else None
            if dropped is not None:
                pages += dropped
            elif span.begin_at is None:
                row_by_row = LONG_AGO
            elif span.end_at - before <= self._span:
                row_by_row = min(row_by_row, span.begin_at)
        self._stayed = sum(span.end_at <= before for span in await self.list_spans())
        return pages, row_by_row

    def _floor(self, moment: datetime) -> datetime:
        # In whole microseconds: a span that was rounded would begin before the end of the one before.
        return LONG_AGO + (moment - LONG_AGO) // self._span * self._span

    async def _make(self, begin_at: datetime, end_at: datetime) -> int:
        ending = f"{begin_at:%Y%m%d_%H%M%S}"
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                if not await _take_turn(connection):
                    return 0
                for table, time in TIMES.items():
                    # A partition cannot be made around rows that stand in the rest: they stay there.
                    if await connection.fetchval(
                        f"SELECT EXISTS (SELECT FROM {table}_rest WHERE {time} >= $1 AND {time} < $2)",
                        begin_at,
                        end_at,
                    ):
                        return 0
                for table in TIMES:
                    name = f"{table}_{ending}"
                    await connection.execute(
                        f"CREATE TABLE {name} (LIKE {table} INCLUDING ALL) {OPTIONS.get(table, '')}"
                    )
                    await connection.execute(
                        f"ALTER TABLE {table} ATTACH PARTITION {name}"
                        f" FOR VALUES FROM ('{begin_at.isoformat()}') TO ('{end_at.isoformat()}')"
                    )
                    for index in await connection.fetch(INDEXES, name):
                        await connection.execute(
                            f'ALTER INDEX "{index["name"]}" RENAME TO "{index["whole"]}_{ending}"'
                        )
        except MET_ANOTHER:
            return 0
        log.info("partition.made", begin_at=str(begin_at), end_at=str(end_at))
        return 1

    async def _drop(self, span: Span, most: int) -> int | None:
        """Drop the partitions of a span; give the pages that are gone, 0: more than ``most`` wait, None: not now."""
        names = {table: f"{table}_{span.ending}" for table in TIMES}
        find = FIND_WAITING.format(**names)
        try:
            if len(await self._pool.fetch(find, most + 1)) > most:
                return 0
            async with self._pool.acquire() as connection, connection.transaction():
                if not await _take_turn(connection):
                    return None
                await connection.execute(f"LOCK TABLE {', '.join(TIMES)} IN ACCESS EXCLUSIVE MODE")
                # Only now nobody can have a dead letter wait again, or ask for a replay of it.
                waiting = [row["page_id"] for row in await connection.fetch(find, most + 1)]
                if len(waiting) > most:
                    return 0
                pages: int = await connection.fetchval(
                    "SELECT greatest(reltuples, 0)::bigint FROM pg_class WHERE oid = $1::regclass",
                    names["page"],
                )
                await _take_off(connection, names, waiting, span.end_at)
        except (asyncpg.LockNotAvailableError, asyncpg.UndefinedTableError):
            return None
        await self._pool.execute(FORGET_ATTEMPTS)
        log.info("partition.dropped", end_at=str(span.end_at), pages=pages, kept=len(waiting))
        return max(pages - len(waiting), 0)


async def _take_turn(connection: Any) -> bool:
    await connection.execute(LOCK)
    return bool(await connection.fetchval(ONE_AT_A_TIME))


async def _take_off(connection: Any, names: dict[str, str], waiting: Sequence[int], end_at: datetime) -> None:
    """Detach the partitions, bring what waits to the rest, and drop them."""
    for table, name in names.items():
        await connection.execute(f"ALTER TABLE {table} DETACH PARTITION {name}")
    found = await connection.fetch(FIND_NOTIFICATIONS.format(**names), waiting)
    notification_ids = [row["notification_id"] for row in found]
    for statement in (MOVE_EVENTS, MOVE_PAGES):
        await connection.execute(statement.format(**names), waiting)
    await connection.execute(MOVE_NOTIFICATIONS.format(**names), notification_ids)
    await connection.execute(MOVE_ATTEMPTS.format(**names), notification_ids, end_at)
    for name in names.values():
        await connection.execute(f"DROP TABLE {name}")
