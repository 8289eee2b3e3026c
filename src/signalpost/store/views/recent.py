"""The event log as people look through it: newest first over all instances of an organization, a page at a time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from signalpost.model.delivery import State
from signalpost.model.ids import OrganizationId
from signalpost.store.arguments import Arguments

LOOKED_AT = 20_000
"""Events that one page looks at, whatever it narrows them to."""

NEWS_LOOKED_AT = 2000
"""Events that one look for newer ones takes in."""

MOST_NEWS = 100
"""So many newer ones are told apart."""

MOST_CHOICES = 200
"""Instances that a list offers to choose from."""

NEWEST_FIRST = "event.polled_at DESC, event.instance_id DESC, event.sequence DESC"
BY_SEQUENCE = "event.instance_id DESC, event.sequence DESC"

COLUMNS = """
SELECT event.id, event.instance_id, instance.name AS instance_name, event.sequence, event.resource, event.object_id,
       event.object_type, event.event_type, event.label, event.polled_at, notification.state
"""

# LIMIT in what is joined keeps the planner to one look into an index for each row, in the order of the events: so the
# page's own limit ends the work.
JOINED = """
CROSS JOIN LATERAL (SELECT instance.name FROM instance
                    WHERE instance.id = event.instance_id AND instance.organization_id = {organization} LIMIT 1
                   ) AS instance
LEFT JOIN LATERAL (SELECT notification.state FROM notification
                   WHERE notification.id = event.notification_id LIMIT 1) AS notification ON true
WHERE {wanted}
"""

NEWS = f"""
WITH looked AS MATERIALIZED (
    SELECT * FROM event WHERE (polled_at, instance_id, sequence) > ($1::timestamptz, $2::bigint, $3::bigint)
    ORDER BY polled_at, instance_id, sequence LIMIT {NEWS_LOOKED_AT}
)
SELECT ARRAY(SELECT event.id FROM looked AS event {JOINED} LIMIT {MOST_NEWS}) AS ids,
       (SELECT count(*) FROM looked) AS looked_at, last.polled_at, last.instance_id, last.sequence
FROM (SELECT 1) AS one LEFT JOIN LATERAL (
    SELECT polled_at, instance_id, sequence FROM looked ORDER BY polled_at DESC, instance_id DESC, sequence DESC LIMIT 1
) AS last ON true
"""


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """A place in the log as people look through it."""

    polled_at: datetime
    instance_id: int
    sequence: int


@dataclass(frozen=True, slots=True)
class LogSearch:
    """What is asked of events; None: anything. Times are those of the poll: from ``begin_at``, before ``end_at``.

    ``path`` is a part of the label or of the object's id, in any letter case.
    """

    instance_id: int | None = None
    resource: str | None = None
    event_type: str | None = None
    object_id: str | None = None
    state: State | None = None
    begin_at: datetime | None = None
    end_at: datetime | None = None
    path: str | None = None


@dataclass(frozen=True, slots=True)
class SeenEvent:
    """An event in a list, with where its notification stands."""

    id: UUID
    instance_id: int
    instance_name: str
    sequence: int
    resource: str
    object_id: str
    object_type: str
    event_type: str
    label: str
    polled_at: datetime
    state: State

    @property
    def position(self) -> Position:
        """Where it stands in the log."""
        return Position(self.polled_at, self.instance_id, self.sequence)


@dataclass(frozen=True, slots=True)
class LogPage:
    """A page of the log. ``older``: where the next one goes on, None: there is nothing more.

    ``cut_short``: the page is not full, as ``LOOKED_AT`` events were looked at before.
    """

    events: Sequence[SeenEvent]
    older: Position | None
    cut_short: bool = False


@dataclass(frozen=True, slots=True)
class News:
    """What is newer and wanted (at most ``MOST_NEWS``), and how far was looked. ``all``: nothing newer is left."""

    ids: Sequence[UUID]
    last: Position | None
    all: bool


class _Source:
    """Which events are looked at, in which order; ``timed``: their time is minded already."""

    def __init__(self, statement: str, order: str = NEWEST_FIRST, *, timed: bool = False) -> None:
        self.text = f"{statement} ORDER BY {order}"
        self.order = order
        self.timed = timed


class Recent:
    """Looks through the log; every call names the organization."""

    def __init__(self, pool: asyncpg.Pool) -> None:
        self._pool = pool

    async def list_events(
        self, organization_id: OrganizationId, search: LogSearch, *, before: Position | None, limit: int
    ) -> LogPage:
        """List what is asked for before a position, newest first.

        What is committed meanwhile stands above: going on from ``older`` nothing comes twice.

        Cost: one index range of at most ``LOOKED_AT`` events, of the log or of the one instance, and two looks into an
        index for each; with an object id, the events of the object alone.
        """
        arguments = Arguments()
        source = await self._choose_source(search, before, arguments)
        of_source = list(arguments)
        wanted = _write_conditions(search, arguments, timed=source.timed)
        joined = JOINED.format(organization=arguments.place(organization_id), wanted=wanted)
        rows = await self._pool.fetch(
            f"{COLUMNS} FROM ({source.text} LIMIT {LOOKED_AT}) AS event {joined}"
            f" ORDER BY {source.order} LIMIT {limit + 1}",
            *arguments,
        )
        events = [_read(row) for row in rows]
        if len(events) > limit:
            return LogPage(events[:limit], events[limit - 1].position)
        end = await self._pool.fetchrow(
            f"SELECT polled_at, instance_id, sequence FROM ({source.text} OFFSET {LOOKED_AT - 1} LIMIT 1) AS event",
            *of_source,
        )
        if end is None or (search.begin_at is not None and end["polled_at"] < search.begin_at):
            return LogPage(events, None)
        return LogPage(events, Position(*end), cut_short=True)

    async def find_news(self, organization_id: OrganizationId, search: LogSearch, since: Position) -> News:
        """Find what came after a position and is asked for. Cost: one index range of ``NEWS_LOOKED_AT`` at most."""
        arguments = Arguments([since.polled_at, since.instance_id, since.sequence])
        wanted = _write_conditions(search, arguments, timed=False)
        statement = NEWS.replace("{organization}", arguments.place(organization_id)).replace(
            "{wanted}", wanted
        )
        row = await self._pool.fetchrow(statement, *arguments)
        last = None if row["polled_at"] is None else Position(*row[2:])
        return News(row["ids"], last, row["looked_at"] < NEWS_LOOKED_AT)

    async def list_choices(self, organization_id: OrganizationId) -> list[tuple[int, str]]:
        """List the instances to choose from, by name: ids and names, ``MOST_CHOICES`` and one more at most."""
        rows = await self._pool.fetch(
            "SELECT id, name FROM instance WHERE organization_id = $1 ORDER BY lower(name), id LIMIT $2",
            organization_id,
            MOST_CHOICES + 1,
        )
        return [(row["id"], row["name"]) for row in rows]

    async def _choose_source(
        self, search: LogSearch, before: Position | None, arguments: Arguments
    ) -> _Source:
        """Choose which events are looked at.

        Of an object by its index, unless there are more of it than are looked at anyway; of one instance by its
        sequence, unless there is an end to begin from; else by time.
        """
        if search.object_id is not None and await self._has_few(search.object_id):
            conditions = [f"object_id = {arguments.place(search.object_id)}"]
            conditions += _write_before(before, arguments)
            found = f"SELECT * FROM event WHERE {' AND '.join(conditions)} LIMIT {LOOKED_AT}"
            return _Source(
                f"SELECT * FROM (WITH found AS MATERIALIZED ({found}) SELECT * FROM found) AS event"
            )
        if search.instance_id is not None and search.end_at is None:
            conditions = [f"instance_id = {arguments.place(search.instance_id)}"]
            if before is not None:
                conditions.append(f"sequence < {arguments.place(before.sequence)}")
            return _Source(f"SELECT * FROM event WHERE {' AND '.join(conditions)}", BY_SEQUENCE)
        conditions = ["true", *_write_before(before, arguments)]
        for comparison, instant in ((">=", search.begin_at), ("<", search.end_at)):
            if instant is not None:
                conditions.append(f"polled_at {comparison} {arguments.place(instant)}")
        return _Source(f"SELECT * FROM event WHERE {' AND '.join(conditions)}", timed=True)

    async def _has_few(self, object_id: str) -> bool:
        """Say whether the log has fewer events of an object than a page looks at. Cost: a look at each of them."""
        number: int = await self._pool.fetchval(
            f"SELECT count(*) FROM (SELECT FROM event WHERE object_id = $1 LIMIT {LOOKED_AT}) AS found",
            object_id,
        )
        return number < LOOKED_AT


def _write_before(before: Position | None, arguments: Arguments) -> list[str]:
    if before is None:
        return []
    places = ", ".join(
        arguments.place(value) for value in (before.polled_at, before.instance_id, before.sequence)
    )
    return [f"(polled_at, instance_id, sequence) < ({places})"]


def _write_conditions(search: LogSearch, arguments: Arguments, *, timed: bool) -> str:
    """Write what is asked for; ``timed``: what is looked at minds the time already."""
    conditions = ["true"]
    for comparison, value in (
        ("instance_id =", search.instance_id),
        ("resource =", search.resource),
        ("event_type =", search.event_type),
        ("object_id =", search.object_id),
        ("polled_at >=", None if timed else search.begin_at),
        ("polled_at <", None if timed else search.end_at),
    ):
        if value is not None:
            conditions.append(f"event.{comparison} {arguments.place(value)}")
    if search.state is not None:
        # Events of older versions have no notification where there was no callback URL.
        state = arguments.place(search.state.value)
        conditions.append(f"coalesce(notification.state, 'unsent') = {state}")
    if search.path is not None:
        path = arguments.place(search.path.lower())
        conditions.append(
            f"(strpos(lower(event.label), {path}) > 0 OR strpos(lower(event.object_id), {path}) > 0)"
        )
    return " AND ".join(conditions)


def _read(row: Any) -> SeenEvent:
    return SeenEvent(**{**row, "state": State(row["state"] or State.UNSENT)})
