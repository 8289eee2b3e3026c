"""One transaction per page: all of it or nothing, each event once, the watermark fenced."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from signalpost.model.delivery import PageContext
from signalpost.model.errors import ConnectorError, FencedError
from signalpost.model.event import Event, EventType, Gap
from signalpost.model.ids import InstanceId, OrganizationId, UserId, derive_event_id
from signalpost.model.instance import Account, ResourcePoll, Tokens
from signalpost.store.events import Events
from signalpost.store.instance_rows import InstanceDraft
from signalpost.store.instances import Instances
from signalpost.store.organizations import Organizations
from signalpost.store.page_commit import Contents, PageCommit, PageRows
from signalpost.store.vault import Vault, make_secret
from tests.store.history import change

NOW = datetime(2026, 3, 1, tzinfo=UTC)
CONTEXT = PageContext("egnyte", "documents", "events", "Name", ("tag",), 1, 1, full_raw=False)


@pytest.fixture
async def instance_id(pool):
    organizations = Organizations(pool)
    secrets = await organizations.create_credentials("Acme", "ada@example.com")
    caller = await organizations.find_user(secrets["organizationSecret"], secrets["userSecret"])
    draft = InstanceDraft(
        connector="egnyte",
        name="Name",
        tags=["tag"],
        configuration={"subdomain": "acme"},
        secret_keys=frozenset(),
        account=Account("a", "a"),
        interval_seconds=60,
        resources={"events": {"url": "/hubs/documents/events"}},
        callback_url="https://example.com/",
        full_raw=False,
    )
    instance = await Instances(pool, Vault(["MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="])).create(
        draft,
        organization_id=OrganizationId(caller.organization_id),
        user_id=UserId(caller.user_id),
        token=make_secret(),
        tokens=Tokens("t", None, None),
    )
    await pool.execute("UPDATE resource_poll SET watermark = '{\"id\": 0}', version = 1")
    return instance.id


@pytest.fixture
async def poll(pool, instance_id):
    row = await pool.fetchrow("SELECT id, version FROM resource_poll")
    return ResourcePoll(row["id"], "events", {}, {"id": 0}, row["version"])


def page(instance_id, version, numbers, **changes):
    events = [
        Event(
            id=derive_event_id(instance_id, "events", str(number)),
            object_id=changes.get("object_id", f"o{number}"),
            object_type="file",
            event_type=EventType.CREATED,
            occurred_at=NOW,
            record_index=index,
        )
        for index, number in enumerate(numbers)
    ]
    return PageCommit(
        instance_id=InstanceId(instance_id),
        poll_id=1,
        resource="events",
        version=version,
        watermark={"id": max(numbers, default=0)},
        polled_at=NOW,
        context=CONTEXT,
        contents=Contents(
            [PageRows([f'{{"id":{number}}}' for number in numbers], events, [""] * len(events))]
            if events
            else ()
        ),
    )


async def count(pool):
    return [
        await pool.fetchval(f"SELECT count(*) FROM {table}") for table in ("page", "event", "notification")
    ]


async def watermark(pool):
    return tuple(await pool.fetchrow("SELECT watermark, version FROM resource_poll"))


async def test_events_notifications_and_watermark_come_together(pool, instance_id):
    assert await Events(pool).commit_page(page(instance_id, 1, range(1, 26)))
    assert await count(pool) == [1, 25, 3]
    assert await watermark(pool) == ({"id": 25}, 2)
    rows = await pool.fetch("SELECT sequence, notification_id FROM event ORDER BY sequence")
    assert [row["sequence"] for row in rows] == list(range(1, 26))
    assert [row["notification_id"] for row in rows] == sorted(row["notification_id"] for row in rows)
    orders = await pool.fetch("SELECT lane_order FROM notification ORDER BY id")
    assert [row["lane_order"] for row in orders] == [1, 2, 3]


async def test_events_keep_their_times_to_the_microsecond_and_go_ten_to_a_notification(pool, instance_id):
    times = [
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2026, 3, 1, 2, 3, 4, 5, tzinfo=timezone(timedelta(hours=5, minutes=30))),
        datetime(2300, 1, 1, 0, 0, 0, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ] * 5
    whole = page(instance_id, 1, range(1, 26))
    [rows_of_page] = whole.contents.pages
    events = [event._replace(occurred_at=at) for event, at in zip(rows_of_page.events, times, strict=True)]
    assert await Events(pool).commit_page(change(whole, pages=[replace(rows_of_page, events=events)]))
    rows = await pool.fetch(
        "SELECT event.id, occurred_at, lane_order FROM event JOIN notification ON notification.id = notification_id"
        " ORDER BY sequence"
    )
    assert [str(row["id"]) for row in rows] == [event.id for event in events]
    assert [row["occurred_at"] for row in rows] == times
    assert [row["lane_order"] for row in rows] == [1] * 10 + [2] * 10 + [3] * 5


async def test_pages_committed_together_are_as_each_by_itself(pool, instance_id):
    sizes = [1, 25, 10, 0, 3]
    ends = [sum(sizes[: place + 1]) for place in range(len(sizes))]
    pages = [
        rows
        for size, end in zip(sizes, ends, strict=True)
        for rows in page(instance_id, 1, range(end - size + 1, end + 1)).contents.pages
    ]
    together = change(page(instance_id, 1, range(1, 40)), pages=pages)
    assert await Events(pool).commit_page(together)
    assert await count(pool) == [4, 39, 1 + 3 + 1 + 1]
    rows = await pool.fetch(
        "SELECT event.id, sequence, lane_order, page.records[record_index + 1] AS record"
        " FROM event JOIN page ON page.id = event.page_id"
        " JOIN notification ON notification.id = notification_id ORDER BY sequence"
    )
    assert [row["sequence"] for row in rows] == list(range(1, 40))
    assert [row["record"] for row in rows] == [f'{{"id":{number}}}' for number in range(1, 40)]
    assert [str(row["id"]) for row in rows] == [event.id for rows in pages for event in rows.events]
    assert [row["lane_order"] for row in rows] == [1] + [2] * 10 + [3] * 10 + [4] * 5 + [5] * 10 + [6] * 3
    assert await pool.fetchval(
        "SELECT bool_and(event.page_id = notification.page_id) FROM event"
        " JOIN notification ON notification.id = notification_id"
    )
    assert await pool.fetchval("SELECT array_agg(cardinality(records) ORDER BY id) FROM page") == [
        1,
        25,
        10,
        3,
    ]


async def test_a_stalled_worker_that_comes_back_is_refused(pool, instance_id, poll):
    events = Events(pool)
    await events.commit_page(page(instance_id, 1, range(1, 11)))
    with pytest.raises(FencedError):
        await events.commit_page(page(instance_id, 1, range(5, 15)))
    with pytest.raises(FencedError):
        await events.commit_gap(instance_id, poll, 1, Gap("x", {"id": 0}, {"id": 5}), NOW)
    assert await count(pool) == [1, 10, 1]
    assert await watermark(pool) == ({"id": 10}, 2)


async def test_of_many_at_once_one_commits(pool, instance_id):
    events = Events(pool)
    results = await asyncio.gather(
        *(events.commit_page(page(instance_id, 1, range(1, 31))) for _ in range(8)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["FencedError"] * 7 + ["bool"]
    assert await count(pool) == [1, 30, 3]


@pytest.mark.parametrize("object_id", ["a\x00b", "a\ud800b"], ids=["NUL", "half a character"])
async def test_what_cannot_be_stored_fails_the_whole_page_and_says_so(pool, instance_id, object_id):
    with pytest.raises(ConnectorError, match="cannot be stored"):
        await Events(pool).commit_page(page(instance_id, 1, range(1, 5), object_id=object_id))
    assert await count(pool) == [0, 0, 0]
    assert await watermark(pool) == ({"id": 0}, 1)


async def test_an_event_stored_before_is_found_and_never_stored_twice(pool, instance_id):
    import asyncpg

    events = Events(pool)
    first = page(instance_id, 1, range(1, 6))
    await events.commit_page(first)
    ids = {event.id for event in first.contents.pages[0].events}
    assert await events.find_stored([*ids]) == ids
    with pytest.raises(asyncpg.UniqueViolationError):
        await events.commit_page(page(instance_id, 2, range(5, 8)))
    assert await count(pool) == [1, 5, 1]


async def test_a_gap_takes_a_number_of_the_sequence(pool, instance_id, poll):
    events = Events(pool)
    await events.commit_page(page(instance_id, 1, [1, 2]))
    await events.commit_gap(instance_id, poll, 2, Gap("lost", {"id": 2}, {"id": 9}), NOW)
    await events.commit_page(page(instance_id, 3, [10]))
    assert [row["sequence"] for row in await pool.fetch("SELECT sequence FROM event ORDER BY 1")] == [1, 2, 4]
    assert await pool.fetchval("SELECT sequence FROM gap") == 3


async def test_events_are_counted_by_the_hour_they_were_polled_in(pool, instance_id):
    events = Events(pool)
    first = page(instance_id, 1, range(1, 26))
    await events.commit_page(first)
    await events.commit_page(change(page(instance_id, 2, [30]), polled_at=NOW + timedelta(minutes=59)))
    await events.commit_page(change(page(instance_id, 3, [31, 32]), polled_at=NOW + timedelta(minutes=61)))
    with pytest.raises(FencedError):
        await events.commit_page(page(instance_id, 1, [40]))
    rows = await pool.fetch("SELECT begin_at, events FROM event_hour ORDER BY 1")
    assert [tuple(row) for row in rows] == [(NOW, 26), (NOW + timedelta(hours=1), 2)]


async def test_an_event_keeps_what_people_call_its_object(pool, instance_id):
    commit = page(instance_id, 1, [1, 2])
    pages = [replace(commit.contents.pages[0], labels=["/Shared/<b>\u202e.txt", ""])]
    await Events(pool).commit_page(change(commit, pages=pages))
    rows = await pool.fetch("SELECT label FROM event ORDER BY sequence")
    assert [row["label"] for row in rows] == ["/Shared/<b>\u202e.txt", ""]
