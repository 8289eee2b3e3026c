"""Pages ready to be written, and the one statement that writes all they became, with the watermark."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate, chain
from typing import Any

import orjson

from signalpost.model.delivery import MAX_EVENTS_PER_NOTIFICATION, PageContext, State
from signalpost.model.event import Event, EventType, Remembered, Watermark
from signalpost.model.ids import InstanceId
from signalpost.store.memory import CHANGE, list_changes
from signalpost.store.notifications import write_events

EPOCH, MICROSECOND = datetime(1970, 1, 1, tzinfo=UTC), timedelta(microseconds=1)

# One statement is one transaction, and never waits for its client. First (``held``) it takes the rows of poll and
# endpoint, in this order: who was overtaken finds none, and writes nothing.
#
# The records of all pages come as one array; $20 and $21 say where those of each page begin and end. A notification
# says to which of the pages it belongs ($23) and how many events were before ($24): that tells of each event to which
# notification it belongs. An event says what kind it is: one of the types of objects and events ($28, $29). Pages and
# kinds count from 1 on.
# Events are counted by the hour as they are written, so that nobody need count them afterwards. Their times come as
# microseconds since 1970, which the client writes three times as fast; whole seconds apart from the rest, as PostgreSQL
# multiplies in floating point.
COMMIT = f"""
WITH held AS (
    SELECT last_sequence, last_order, url IS NOT NULL AS notified
    FROM resource_poll AS poll JOIN endpoint ON endpoint.instance_id = $4
    WHERE poll.id = $1 AND poll.version = $2 FOR UPDATE
), {CHANGE}, moved AS (
    UPDATE resource_poll SET watermark = $3, version = version + 1,
           remembered = remembered + (SELECT count(*) FILTER (WHERE fresh) FROM kept) - (SELECT count(*) FROM gone)
    WHERE id = $1 AND EXISTS (SELECT FROM held) RETURNING remembered
), numbered AS (
    UPDATE endpoint SET last_sequence = last_sequence + cardinality($25::uuid[]),
           last_order = last_order + cardinality($22::bytea[]),
           due_at = CASE WHEN url IS NULL OR state <> 'active' THEN due_at ELSE least(due_at, $5) END
    WHERE instance_id = $4 AND cardinality($25::uuid[]) > 0 AND EXISTS (SELECT FROM held)
), written AS (
    INSERT INTO page (instance_id, polled_at, context, records)
    SELECT $4, $5, $6, ($19::text[])[begins + 1 : ends]
    FROM unnest($20::integer[], $21::integer[]) WITH ORDINALITY AS given (begins, ends, place)
    WHERE EXISTS (SELECT FROM held) ORDER BY place RETURNING id
), listed AS (
    SELECT array_agg(id ORDER BY id) AS page_ids FROM written
), counted AS (
    INSERT INTO event_hour (instance_id, begin_at, events)
    SELECT $4, date_trunc('hour', $5::timestamptz, 'UTC'), cardinality($25::uuid[])
    FROM held WHERE cardinality($25::uuid[]) > 0
    ON CONFLICT (instance_id, begin_at) DO UPDATE SET events = event_hour.events + excluded.events
), told AS (
    INSERT INTO notification (instance_id, lane_order, page_id, next_attempt_at, created_at, state, events)
    SELECT $4, last_order + place, page_ids[page], $5, $5,
           CASE WHEN notified THEN '{State.PENDING.value}' ELSE '{State.UNSENT.value}' END,
           convert_to('[' || last_sequence + before + 1 || ',', 'UTF8') || events || ']'
    FROM held, listed, unnest($22::bytea[], $23::integer[], $24::integer[])
         WITH ORDINALITY AS given (events, page, before, place)
    ORDER BY place RETURNING id, lane_order, page_id
), logged AS (
    INSERT INTO event (instance_id, resource, page_id, polled_at, id, sequence, record_index, notification_id,
                       object_id, object_type, event_type, occurred_at, label)
    SELECT $4, $7, told.page_id, $5, given.id, last_sequence + place, record_index, told.id, object_id,
           ($28::text[])[kind], ($29::text[])[kind],
           timestamptz 'epoch' + occurred / 1000000 * interval '1 second'
               + occurred % 1000000 * interval '1 microsecond',
           label
    FROM held CROSS JOIN unnest($25::uuid[], $26::integer[], $27::integer[], $30::text[], $31::bigint[], $32::text[])
         WITH ORDINALITY AS given (id, record_index, kind, object_id, occurred, label, place)
    JOIN told ON told.lane_order = last_order + width_bucket((place - 1)::integer, $24::integer[])
)
SELECT notified, remembered FROM held, moved
"""


@dataclass(frozen=True, slots=True)
class PageRows:
    """What a page came from, and what it became.

    ``labels`` say what people call the object of each event, its path or its name; "" where the record tells none.
    """

    records: Sequence[str]
    events: Sequence[Event]
    labels: Sequence[str]


@dataclass(slots=True)
class Contents:
    """What pages that follow each other became: those with events, and what all of them change in the memory.

    ``remembered`` is by object id; what is ``forgotten`` and remembered anew is remembered.
    """

    pages: Sequence[PageRows] = ()
    remembered: Mapping[str, Remembered] = field(default_factory=dict)
    forgotten: Collection[str] = ()
    _prepared: tuple[Any, ...] | None = field(default=None, init=False, compare=False, repr=False)

    @property
    def events(self) -> int:
        """How many events there are."""
        return sum(len(page.events) for page in self.pages)

    def prepare(self) -> None:
        """Make the arguments now, while there is time. Why they cannot be made is told to whoever takes them."""
        with suppress(orjson.JSONEncodeError):
            self._prepared = self._list_arguments()

    def take_arguments(self) -> tuple[Any, ...]:
        """Give the arguments of ``COMMIT`` from $8 on. They are not kept: of many pages they are much.

        Raises:
            orjson.JSONEncodeError: a text is not Unicode.
        """
        prepared, self._prepared = self._prepared, None
        return self._list_arguments() if prepared is None else prepared

    def _list_arguments(self) -> tuple[Any, ...]:
        ends = [*accumulate(len(page.records) for page in self.pages)]
        groups = [
            (number, page.events[place : place + MAX_EVENTS_PER_NOTIFICATION])
            for number, page in enumerate(self.pages, 1)
            for place in range(0, len(page.events), MAX_EVENTS_PER_NOTIFICATION)
        ]
        events = [event for _, group in groups for event in group]
        kinds: dict[tuple[str, EventType], int] = {}
        return (
            *list_changes(self.remembered.values(), self.forgotten),
            [*chain.from_iterable(page.records for page in self.pages)],
            [0, *ends][: len(ends)],
            ends,
            [write_events(group) for _, group in groups],
            [page_number for page_number, _ in groups],
            [*accumulate((len(group) for _, group in groups), initial=0)][: len(groups)],
            [event.id for event in events],
            [event.record_index for event in events],
            [kinds.setdefault((event.object_type, event.event_type), len(kinds) + 1) for event in events],
            [object_type for object_type, _ in kinds],
            [event_type.value for _, event_type in kinds],
            [event.object_id for event in events],
            [(event.occurred_at - EPOCH) // MICROSECOND for event in events],
            [*chain.from_iterable(page.labels for page in self.pages)],
        )


@dataclass(frozen=True, slots=True)
class PageCommit:
    """What pages became, ready to be written, and where reading goes on after them.

    ``bounded``: the memory may drop its oldest objects for those of these pages.
    """

    instance_id: InstanceId
    poll_id: int
    resource: str
    version: int
    watermark: Watermark | None
    polled_at: datetime
    context: PageContext
    contents: Contents
    bounded: bool = True


def list_arguments(commit: PageCommit) -> tuple[Any, ...]:
    """Give the arguments of ``COMMIT``; raises as ``Contents.take_arguments``."""
    return (
        commit.poll_id,
        commit.version,
        commit.watermark,
        commit.instance_id,
        commit.polled_at,
        {name: value for name, value in asdict(commit.context).items() if value is not None},
        commit.resource,
        *commit.contents.take_arguments(),
    )
