"""Events are found by what is asked of them, in a stable order, and by ranges of indexes."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from signalpost.model.delivery import State
from signalpost.model.event import EventType
from signalpost.store.arguments import Arguments
from signalpost.store.event_log import LIST, EventLog, EventSearch, _write_conditions
from tests.store.history import make_past
from tests.support import PATIENCE_SECONDS

NOW = datetime(2026, 3, 10, tzinfo=UTC)
ANYTHING = EventSearch()


async def read_all(log, past, size, *, instance_id=None, search=ANYTHING, between=None):
    found, after = [], (0, 0)
    while True:
        page = await log.list_events(
            past.organization_id, instance_id=instance_id, search=search, after=after, limit=size
        )
        found += page
        if len(page) < size:
            return found
        after = (page[-1].instance_id, page[-1].sequence)
        if between:
            await between()


@pytest.mark.parametrize("size", [1, 3, 7, 200])
async def test_nothing_comes_twice_or_is_missed_while_rows_arrive(pool, size):
    """Of every instance all that was there is shown, whatever is committed and removed meanwhile."""
    first = await make_past(pool)
    second = await make_past(pool, first.organization_id)
    stranger = await make_past(pool)
    for each in (second, first, stranger, first, second):
        await each.commit(NOW, [f"o{number}" for number in range(6)])
    log = EventLog(pool)
    before = await read_all(log, first, 200)
    assert len(before) == 24
    turns = iter(range(100))

    async def arrive():
        await (first, second)[next(turns) % 2].commit(NOW, ["late"])

    shown = await read_all(log, first, size, between=arrive if size > 1 else None)
    ids = [event.id for event in shown]
    assert len(set(ids)) == len(ids)
    assert [event for event in shown if event.object_id != "late"] == before
    assert [(event.instance_id, event.sequence) for event in shown] == sorted(
        (event.instance_id, event.sequence) for event in shown
    )


STATES = [*State]
TYPES = [*EventType][:3]


@pytest.fixture
async def mixed(pool):
    """Pages of two instances, at ten times, of three objects and types, in all the states."""
    first = await make_past(pool)
    second = await make_past(pool, first.organization_id)
    for number in range(20):
        past = (first, second)[number % 2]
        page_id = await past.commit(
            NOW + timedelta(minutes=number // 2), [f"o{number % 3}"], event_type=TYPES[number // 2 % 3]
        )
        if STATES[number % 5] is not State.PENDING:
            await past.end(page_id, STATES[number % 5].value)
    await pool.execute(
        "UPDATE event SET notification_id = NULL WHERE sequence = 5 AND instance_id = $1", first.instance_id
    )
    return first, await read_all(EventLog(pool), first, 200)


def matches(event, search, instance_id):
    state = State(event.state or State.UNSENT)
    return (
        search.object_id in {None, event.object_id}
        and search.event_type in {None, event.event_type}
        and (search.begin_at is None or event.polled_at >= search.begin_at)
        and (search.end_at is None or event.polled_at < search.end_at)
        and (search.states is None or state in search.states)
        and instance_id in {None, event.instance_id}
    )


minutes = st.none() | st.integers(-1, 11).map(lambda number: NOW + timedelta(minutes=number))
searches = st.builds(
    EventSearch,
    object_id=st.sampled_from([None, "o0", "o1", "o9"]),
    event_type=st.sampled_from([None, *[each.value for each in TYPES]]),
    resource=st.sampled_from([None, "events"]),
    object_type=st.sampled_from([None, "file"]),
    begin_at=minutes,
    end_at=minutes,
    states=st.none() | st.frozensets(st.sampled_from(State)),
)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
@given(search=searches, size=st.sampled_from([1, 4, 200]), of_one=st.booleans())
async def test_what_is_asked_for_is_what_is_found(mixed, search, size, of_one):
    past, everything = mixed
    instance_id = past.instance_id if of_one else None
    found = await read_all(EventLog(past.pool), past, size, instance_id=instance_id, search=search)
    assert found == [event for event in everything if matches(event, search, instance_id)]


FILL = """
WITH page AS (
    INSERT INTO page (instance_id, polled_at, context, records)
    SELECT instance.id, $1::timestamptz + make_interval(mins => number), '{}', '{x}'
    FROM generate_series(1, 400) AS number, instance ORDER BY number
    RETURNING id, instance_id, polled_at
), notification AS (
    INSERT INTO notification (instance_id, lane_order, page_id, state, next_attempt_at, created_at)
    SELECT instance_id, id, id, CASE WHEN id % 500 = 0 THEN 'pending' WHEN id % 501 = 0 THEN 'dead' ELSE 'delivered' END,
           polled_at, polled_at FROM page RETURNING id, page_id
)
INSERT INTO event (id, instance_id, sequence, page_id, record_index, notification_id, resource, object_id, object_type,
                   event_type, occurred_at, polled_at)
SELECT gen_random_uuid(), page.instance_id, page.id * 10 + number, page.id, 0, notification.id, 'events',
       'o' || page.id, 'file', 'CREATED', page.polled_at, page.polled_at
FROM page JOIN notification ON notification.page_id = page.id, generate_series(1, 3) AS number ORDER BY page.id
"""


@pytest.fixture
async def filled(pool):
    """A log of fifty instances of ten organizations, 60,000 events, as a week leaves it."""
    pasts = []
    for number in range(50):
        pasts.append(await make_past(pool, pasts[-1].organization_id if number % 5 else None))
    await pool.execute(FILL, NOW)
    for table in ("page", "event", "notification", "instance"):
        await pool.execute(f"VACUUM ANALYZE {table}")
    return pasts


async def explain(pool, past, search, *, instance_id=None, after=(0, 0), direction=""):
    arguments = Arguments([past.organization_id, *after, 200, 0])
    of_event, of_instance = _write_conditions(search, instance_id, arguments)
    statement = LIST.format(
        of_event=" ".join(of_event), of_instance=" ".join(of_instance), direction=direction
    )
    rows = await pool.fetch(f"EXPLAIN {statement}", *arguments)
    plan = "\n".join(row[0] for row in rows)
    for table in ("event", "page", "notification"):
        assert f"Seq Scan on {table}_rest " not in plan, plan
    return plan


async def test_every_search_is_an_index_range(pool, filled):
    past = filled[7]
    whole = await explain(pool, past, EventSearch())
    assert "event_of_instance" in whole, whole
    one = await explain(
        pool, past, EventSearch(), instance_id=past.instance_id, after=(past.instance_id, 5000)
    )
    assert "event_of_instance" in one, one
    newest = await explain(pool, past, EventSearch(), instance_id=past.instance_id, direction="DESC")
    assert "event_of_instance" in newest, newest
    assert "Backward" in newest, newest
    by_object = await explain(pool, past, EventSearch(object_id="o77"))
    assert "event_object" in by_object, by_object
    by_time = await explain(
        pool,
        past,
        EventSearch(begin_at=NOW + timedelta(minutes=100), end_at=NOW + timedelta(minutes=102)),
    )
    assert "event_recent" in by_time, by_time
    waiting = await explain(
        pool, past, EventSearch(states=frozenset({State.PENDING})), instance_id=past.instance_id
    )
    assert "notification_pending" in waiting, waiting
    dead = await explain(
        pool, past, EventSearch(states=frozenset({State.DEAD})), instance_id=past.instance_id
    )
    assert "notification_dead" in dead, dead


async def test_events_are_counted_without_a_look_at_their_notifications(pool):
    """They are most of the work, and nobody asks here what became of the events."""
    past, now = await make_past(pool), datetime.now(UTC)
    await past.end(await past.commit(now, ["a", "b", "c"]))
    span = {
        "interval": "year",
        "begin_at": now - timedelta(days=1),
        "end_at": now + timedelta(days=1),
        "limit": 9,
    }

    async def count_events(**asked):
        counts = await EventLog(pool).analytics.count_events(
            past.organization_id, instance_id=None, by_instance=False, **asked, **span
        )
        return sum(each.events for each in counts), sum(each.succeeded for each in counts)

    assert await count_events(outcomes=True) == (3, 3)
    async with pool.acquire() as connection, connection.transaction():
        await connection.execute("LOCK TABLE notification IN ACCESS EXCLUSIVE MODE")
        counted = await asyncio.wait_for(count_events(outcomes=False), PATIENCE_SECONDS)
    assert counted == (3, 0)
