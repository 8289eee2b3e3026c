"""The event log: pages, events and notifications are written with the watermark, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import accumulate, chain
from typing import Any

import asyncpg
import orjson

from signalpost.model.delivery import MAX_EVENTS_PER_NOTIFICATION, PageContext, State
from signalpost.model.errors import ConnectorError, FencedError
from signalpost.model.event import Event, EventType, Gap, Remembered, Watermark
from signalpost.model.ids import EventId, InstanceId
from signalpost.model.instance import ResourcePoll
from signalpost.store.memory import write_memory
from signalpost.store.notices import add_notice
from signalpost.store.notifications import write_events

EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)

# One by one by the index, whatever the planner thinks of a partition that was empty when it looked.
FIND_STORED = """
SELECT wanted.id FROM unnest($1::uuid[]) AS wanted (id)
CROSS JOIN LATERAL (SELECT FROM event WHERE event.id = wanted.id LIMIT 1) AS stored
"""

MOVE_WATERMARK = """
UPDATE resource_poll SET watermark = $3, version = version + 1 WHERE id = $1 AND version = $2
"""

TAKE_NUMBERS = """
UPDATE endpoint SET last_sequence = last_sequence + $2,
       last_order = last_order + $3,
       due_at = CASE WHEN url IS NULL OR state <> 'active' THEN due_at ELSE least(due_at, $4) END
WHERE instance_id = $1 RETURNING last_sequence, last_order, url IS NOT NULL AS notified
"""

# The watermark first: who was overtaken waits for nothing else, and writes nothing. The records of all pages come as
# one array; $8 and $9 say where those of each page begin and end.
BEGIN_PAGES = """
WITH moved AS (
    UPDATE resource_poll SET watermark = $3, version = version + 1 WHERE id = $1 AND version = $2 RETURNING id
), written AS (
    INSERT INTO page (instance_id, polled_at, context, records)
    SELECT $4, $5, $6, ($7::text[])[begins + 1 : ends]
    FROM unnest($8::integer[], $9::integer[]) WITH ORDINALITY AS given (begins, ends, place)
    WHERE EXISTS (SELECT FROM moved) ORDER BY place RETURNING id
), numbered AS (
    UPDATE endpoint SET last_sequence = last_sequence + $10,
           last_order = last_order + $11,
           due_at = CASE WHEN url IS NULL OR state <> 'active' THEN due_at ELSE least(due_at, $5) END
    WHERE instance_id = $4 AND EXISTS (SELECT FROM written)
    RETURNING last_sequence, last_order, url IS NOT NULL AS notified
)
SELECT page_ids, last_sequence, last_order, notified
FROM (SELECT array_agg(id ORDER BY id) AS page_ids FROM written HAVING count(*) > 0) AS all_pages
LEFT JOIN numbered ON true
"""

# Each event says to which of the notifications it belongs ($11), each of these to which of the pages ($16), and what
# kind of event it is: one of the types of objects and events ($13, $14); all from 1 on. They are counted by the hour as
# they are written, so that nobody need count them afterwards. Their times come as microseconds since 1970, which the
# client writes three times as fast; whole seconds apart from the rest, as PostgreSQL multiplies in floating point.
INSERT_EVENTS = """
WITH counted AS (
    INSERT INTO event_hour (instance_id, begin_at, events)
    VALUES ($1, date_trunc('hour', $4::timestamptz, 'UTC'), cardinality($8::uuid[]))
    ON CONFLICT (instance_id, begin_at) DO UPDATE SET events = event_hour.events + excluded.events
), told AS (
    INSERT INTO notification (instance_id, lane_order, page_id, next_attempt_at, created_at, state, events)
    SELECT $1, $6 + place - 1, ($3::bigint[])[page], $4, $4, $5, events
    FROM unnest($7::bytea[], $16::integer[]) WITH ORDINALITY AS given (events, page, place)
    ORDER BY place RETURNING id, lane_order, page_id
)
INSERT INTO event (instance_id, resource, page_id, polled_at, id, sequence, record_index, notification_id,
                   object_id, object_type, event_type, occurred_at, label)
SELECT $1, $2, told.page_id, $4, given.id, $10 + place - 1, record_index, told.id, object_id,
       ($13::text[])[kind], ($14::text[])[kind],
       timestamptz 'epoch' + occurred / 1000000 * interval '1 second' + occurred % 1000000 * interval '1 microsecond',
       label
FROM unnest($8::uuid[], $9::integer[], $11::integer[], $12::integer[], $15::text[], $17::bigint[], $18::text[])
     WITH ORDINALITY AS given (id, record_index, told, kind, object_id, occurred, label, place)
JOIN told ON lane_order = $6 + given.told - 1
"""

# The endpoint first, as whoever gives up notifications or revives them; pages before what hangs on them, as retention.
# Then notifications, in the order of ids, as whoever records attempts locks them: then what was recorded is seen.
DELETE_LOG = (
    "SELECT FROM endpoint WHERE instance_id = $1 FOR UPDATE",
    "DELETE FROM page WHERE instance_id = $1",
    "SELECT FROM notification WHERE instance_id = $1 ORDER BY id FOR UPDATE",
    "DELETE FROM attempt USING notification WHERE notification_id = notification.id AND notification.instance_id = $1",
    "DELETE FROM notification WHERE instance_id = $1",
    "DELETE FROM event WHERE instance_id = $1",
)


@dataclass(frozen=True, slots=True)
class PageRows:
    """What a page came from, and what it became."""

    records: Sequence[str]
    events: Sequence[Event]


@dataclass(frozen=True, slots=True)
class PageCommit:
    """Pages that follow each other, ready to be written, and where reading goes on after them; each has events.

    ``bounded``: the memory may drop its oldest objects for those of these pages.
    """

    instance_id: InstanceId
    poll_id: int
    resource: str
    version: int
    watermark: Watermark | None
    polled_at: datetime
    pages: Sequence[PageRows]
    context: PageContext
    remembered: Sequence[Remembered] = ()
    forgotten: Sequence[str] = ()
    bounded: bool = True


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
        return frozenset(EventId(row["id"]) for row in rows)

    async def commit_page(self, page: PageCommit) -> bool:
        """Write pages, events, notifications and watermark in one transaction. Says whether a notification waits.

        Without pages the watermark and the memory are moved alone. Cost: at most six statements, whatever the number of
        pages and events.

        Raises:
            FencedError: another worker has moved this watermark since it was read; nothing is written.
            ConnectorError: a value of the page cannot be stored; nothing is written.
        """
        try:
            async with self._pool.acquire() as connection, connection.transaction():
                begun = await _begin(connection, page)
                most = self._most_remembered if page.bounded else None
                await write_memory(connection, page.poll_id, page.remembered, page.forgotten, most=most)
                if begun is None:
                    return False
                await _write_events(connection, page, begun)
                return bool(begun["notified"])
        except (asyncpg.DataError, orjson.JSONEncodeError) as error:
            message = f"a page of {page.resource} holds what cannot be stored: {error}"
            raise ConnectorError(message) from error

    async def commit_gap(
        self, instance_id: InstanceId, poll: ResourcePoll, version: int, gap: Gap, now: datetime
    ) -> None:
        """Record a gap, with its notice, and move the watermark over it, in one transaction.

        One number of the event sequence is left out, so that the receiver sees the hole as well.

        Raises:
            FencedError: another worker has moved this watermark; nothing is written.
        """
        async with self._pool.acquire() as connection, connection.transaction():
            await _move(connection, poll.id, version, gap.to_watermark)
            numbers = await connection.fetchrow(TAKE_NUMBERS, instance_id, 1, 0, None)
            await connection.execute(
                "INSERT INTO gap (instance_id, resource, sequence, reason, from_watermark, to_watermark, detected_at)"
                " VALUES ($1, $2, $3, $4, $5, $6, $7)",
                instance_id,
                poll.resource,
                numbers["last_sequence"],
                gap.reason,
                gap.from_watermark,
                gap.to_watermark,
                now,
            )
            told = {
                "resource": poll.resource,
                "message": gap.reason,
                "sequence": numbers["last_sequence"],
                "fromWatermark": gap.from_watermark,
                "toWatermark": gap.to_watermark,
            }
            await add_notice(connection, instance_id, "gap.recorded", told, now)


async def delete_log(connection: Any, instance_id: InstanceId) -> None:
    """Delete all that was logged for an instance, in a transaction that keeps pages from being committed."""
    for statement in DELETE_LOG:
        await connection.execute(statement, instance_id)


async def _move(connection: Any, poll_id: int, version: int, watermark: Watermark | None) -> None:
    done = await connection.execute(MOVE_WATERMARK, poll_id, version, watermark)
    if done != "UPDATE 1":
        message = f"the watermark of poll {poll_id} was moved by another worker"
        raise FencedError(message)


async def _begin(connection: Any, commit: PageCommit) -> Any:
    """Move the watermark and write the pages, if there are any; give their ids and the numbers taken."""
    if not commit.pages:
        await _move(connection, commit.poll_id, commit.version, commit.watermark)
        return None
    ends = [*accumulate(len(page.records) for page in commit.pages)]
    row = await connection.fetchrow(
        BEGIN_PAGES,
        commit.poll_id,
        commit.version,
        commit.watermark,
        commit.instance_id,
        commit.polled_at,
        {name: value for name, value in asdict(commit.context).items() if value is not None},
        [*chain.from_iterable(page.records for page in commit.pages)],
        [0, *ends[:-1]],
        ends,
        sum(len(page.events) for page in commit.pages),
        sum(len(_group(page.events)) for page in commit.pages),
    )
    if row is None:
        message = f"the watermark of poll {commit.poll_id} was moved by another worker"
        raise FencedError(message)
    if row["last_sequence"] is None:
        message = f"instance {commit.instance_id} is gone"
        raise FencedError(message)
    return row


def _group(events: Sequence[Event]) -> range:
    """Give the places at which notifications begin."""
    return range(0, len(events), MAX_EVENTS_PER_NOTIFICATION)


async def _write_events(connection: Any, commit: PageCommit, begun: Any) -> None:
    groups = [
        (number, page.events[place : place + MAX_EVENTS_PER_NOTIFICATION])
        for number, page in enumerate(commit.pages, 1)
        for place in _group(page.events)
    ]
    events = [event for _, group in groups for event in group]
    first = begun["last_sequence"] - len(events) + 1
    begins = accumulate((len(group) for _, group in groups), initial=first)
    kinds: dict[tuple[str, EventType], int] = {}
    await connection.execute(
        INSERT_EVENTS,
        commit.instance_id,
        commit.resource,
        begun["page_ids"],
        commit.polled_at,
        (State.PENDING if begun["notified"] else State.UNSENT).value,
        begun["last_order"] - len(groups) + 1,
        [write_events(group, begin) for (_, group), begin in zip(groups, begins, strict=False)],
        [event.id for event in events],
        [event.record_index for event in events],
        first,
        [number for number, (_, group) in enumerate(groups, 1) for _ in group],
        [kinds.setdefault((event.object_type, event.event_type), len(kinds) + 1) for event in events],
        [object_type for object_type, _ in kinds],
        [event_type.value for _, event_type in kinds],
        [event.object_id for event in events],
        [page_number for page_number, _ in groups],
        [(event.occurred_at - EPOCH) // MICROSECOND for event in events],
        [event.label for event in events],
    )
