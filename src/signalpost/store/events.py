"""The event log: pages, events and notifications are written with the watermark, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import asyncpg
import orjson

from signalpost.model.errors import ConnectorError, FencedError
from signalpost.model.event import Gap
from signalpost.model.ids import EventId, InstanceId
from signalpost.model.instance import ResourcePoll
from signalpost.store.memory import drop_oldest
from signalpost.store.notices import add_gap
from signalpost.store.page_commit import COMMIT, PageCommit, list_arguments

# One by one by the index, whatever the planner thinks of a partition that was empty when it looked.
FIND_STORED = """
SELECT wanted.id FROM unnest($1::uuid[]) AS wanted (id)
CROSS JOIN LATERAL (SELECT FROM event WHERE event.id = wanted.id LIMIT 1) AS stored
"""

MOVE_WATERMARK = """
UPDATE resource_poll SET watermark = $3, version = version + 1 WHERE id = $1 AND version = $2
"""

TAKE_NUMBER = """
UPDATE endpoint SET last_sequence = last_sequence + 1 WHERE instance_id = $1 RETURNING last_sequence
"""

STEP_PAGES = 200
"""Pages of an instance that is deleted which go in one transaction, with whatever hangs on them."""

# The endpoint first, as whoever gives up notifications or revives them; pages before what hangs on them, as retention.
# Then notifications, in the order of ids, as whoever records attempts locks them: then what was recorded is seen.
LOCK_ENDPOINT = "SELECT FROM endpoint WHERE instance_id = $1 FOR UPDATE"
LOCK_PAGES = "SELECT id, polled_at FROM page WHERE instance_id = $1 ORDER BY id LIMIT $2 FOR UPDATE"
LOCK_NOTIFICATIONS = """
SELECT id FROM notification WHERE instance_id = $1 AND id = ANY(ARRAY(
    SELECT event.notification_id FROM unnest($2::bigint[], $3::timestamptz[]) AS page (id, polled_at)
    JOIN event ON event.polled_at = page.polled_at AND event.instance_id = $1 AND event.page_id = page.id
)) ORDER BY id FOR UPDATE
"""
DELETE_PAGES = """
WITH gone AS (
    DELETE FROM page USING unnest($2::bigint[], $3::timestamptz[]) AS given (id, polled_at)
    WHERE page.id = given.id AND page.polled_at = given.polled_at
), events AS (
    DELETE FROM event USING unnest($2::bigint[], $3::timestamptz[]) AS page (id, polled_at)
    WHERE event.polled_at = page.polled_at AND event.instance_id = $1 AND event.page_id = page.id
), attempts AS (
    DELETE FROM attempt WHERE notification_id = ANY($4)
)
DELETE FROM notification WHERE id = ANY($4)
"""
# What hangs on no page any more.
DELETE_REST = (
    "SELECT FROM notification WHERE instance_id = $1 ORDER BY id FOR UPDATE",
    "DELETE FROM attempt USING notification WHERE notification_id = notification.id AND notification.instance_id = $1",
    "DELETE FROM notification WHERE instance_id = $1",
    "DELETE FROM event WHERE instance_id = $1",
)

MOST_REMEMBERED = 100_000
"""How many objects of one resource are remembered."""


class Events:
    """Writes the event log."""

    def __init__(self, pool: asyncpg.Pool, *, most_remembered: int = MOST_REMEMBERED) -> None:
        self._pool = pool
        self._most_remembered = most_remembered

    async def find_stored(self, event_ids: Sequence[EventId]) -> frozenset[EventId]:
        """Find which of these events are stored already."""
        if not event_ids:
            return frozenset()
        rows = await self._pool.fetch(FIND_STORED, event_ids)
        return frozenset(EventId(str(row["id"])) for row in rows)

    async def commit_page(self, page: PageCommit) -> bool:
        """Write pages, events, notifications, memory and watermark, all or nothing. Says whether a notification waits.

        Without pages the watermark and the memory are changed alone. Cost: one statement, whatever the number of pages
        and events. Another one where the memory has grown beyond its bound, which need not be kept in the same moment.

        Raises:
            FencedError: another worker has moved this watermark since it was read; nothing is written.
            ConnectorError: a value of the page cannot be stored; nothing is written.
        """
        try:
            # The connection first: while many wait for one, none of them holds its arguments.
            async with self._pool.acquire() as connection:
                row = await connection.fetchrow(COMMIT, *list_arguments(page))
        except (asyncpg.DataError, orjson.JSONEncodeError) as error:
            message = f"a page of {page.resource} holds what cannot be stored: {error}"
            raise ConnectorError(message) from error
        if row is None:
            message = f"the watermark of {page.resource} was moved by another worker, or its instance is gone"
            raise FencedError(message)
        if page.bounded and row["remembered"] > self._most_remembered:
            await drop_oldest(self._pool, page.poll_id, row["remembered"], self._most_remembered)
        return bool(page.contents.pages and row["notified"])

    async def commit_gap(
        self, instance_id: InstanceId, poll: ResourcePoll, version: int, gap: Gap, now: datetime
    ) -> None:
        """Record a gap, with its notice, and move the watermark over it, in one transaction.

        One number of the event sequence is left out, so that the receiver sees the hole as well.

        Raises:
            FencedError: another worker has moved this watermark; nothing is written.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            done = await connection.execute(MOVE_WATERMARK, poll.id, version, gap.to_watermark)
            if done != "UPDATE 1":
                message = f"the watermark of {poll.resource} was moved by another worker"
                raise FencedError(message)
            sequence = await connection.fetchval(TAKE_NUMBER, instance_id)
            await add_gap(connection, instance_id, poll.resource, sequence, gap, "gap.recorded", now)


async def delete_log(connection: Any, instance_id: InstanceId) -> bool:
    """Delete the oldest of what was logged for an instance, in a transaction that keeps pages from being committed.

    Says whether nothing is left. Cost: ``STEP_PAGES`` pages at most, whatever was logged.
    """
    await connection.execute(LOCK_ENDPOINT, instance_id)
    pages = await connection.fetch(LOCK_PAGES, instance_id, STEP_PAGES)
    keys = [row["id"] for row in pages], [row["polled_at"] for row in pages]
    notifications = [row["id"] for row in await connection.fetch(LOCK_NOTIFICATIONS, instance_id, *keys)]
    await connection.execute(DELETE_PAGES, instance_id, *keys, notifications)
    if len(pages) == STEP_PAGES:
        return False
    for statement in DELETE_REST:
        await connection.execute(statement, instance_id)
    return True
