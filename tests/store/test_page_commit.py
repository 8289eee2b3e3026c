"""A page is one statement: who changes the same rows meanwhile is waited for, and of neither anything is lost."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import orjson
import pytest

from signalpost.model.errors import FencedError
from signalpost.store.events import Events
from signalpost.store.memory import Memory
from signalpost.store.waiting import Waiting
from tests.store.history import change
from tests.store.test_event_log import NOW, count, instance_id, page, poll  # noqa: F401 - fixtures
from tests.store.test_memory import entry
from tests.support import until

OF_ENDPOINT = "UPDATE endpoint SET {} WHERE instance_id = $1"
OF_POLL = "UPDATE resource_poll SET {} WHERE instance_id = $1"
CHANGES = {
    "a gap takes a number": (OF_ENDPOINT.format("last_sequence = 1"), {"last_sequence": 1}),
    "the lane fails": (OF_ENDPOINT.format("last_error = 'e'"), {"last_error": "e"}),
    "the callback is taken away": (OF_ENDPOINT.format("url = NULL"), {"url": None}),
    "reading failed": (OF_POLL.format("failures = 3, remark = 'r'"), {"failures": 3, "remark": "r"}),
    "memory was dropped": (OF_POLL.format("remembered = 7"), {"remembered": 7}),
}


async def read_numbers(pool, instance_id):  # noqa: F811
    return dict(
        await pool.fetchrow(
            "SELECT last_sequence, last_order, url, endpoint.last_error, version, failures, remark, remembered"
            " FROM endpoint JOIN resource_poll USING (instance_id) WHERE instance_id = $1",
            instance_id,
        )
    )


async def commit_beside(pool, commit, statement, *arguments, ending="commit"):
    """Begin a commit while another transaction has run a statement; end that, then wait for the commit."""
    async with pool.acquire() as other:
        transaction = other.transaction()
        await transaction.start()
        await other.execute(statement, *arguments)
        committing = asyncio.create_task(Events(pool).commit_page(commit))
        await until(lambda: pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
        assert not committing.done()
        await getattr(transaction, ending)()
    return await committing


@pytest.mark.parametrize(("statement", "changed"), CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("ending", ["commit", "rollback"])
async def test_what_is_changed_meanwhile_stays_and_is_counted_on(
    pool,
    instance_id,  # noqa: F811
    statement,
    changed,
    ending,
):
    before = await read_numbers(pool, instance_id)
    commit = change(page(instance_id, 1, range(1, 26)), remembered=[entry("a"), entry("b")])
    notified = await commit_beside(pool, commit, statement, instance_id, ending=ending)
    found = before | (changed if ending == "commit" else {})
    assert await read_numbers(pool, instance_id) == {
        **found,
        "last_sequence": found["last_sequence"] + 25,
        "last_order": 3,
        "version": 2,
        "remembered": found["remembered"] + 2,
    }
    assert notified == (found["url"] is not None)
    first = found["last_sequence"] + 1
    rows = await pool.fetch("SELECT sequence FROM event ORDER BY sequence")
    assert [row["sequence"] for row in rows] == list(range(first, first + 25))
    told = await pool.fetch("SELECT state, events, lane_order FROM notification ORDER BY id")
    assert [(row["state"], row["lane_order"]) for row in told] == [
        ("pending" if notified else "unsent", order) for order in (1, 2, 3)
    ]
    assert [orjson.loads(row["events"])[0] for row in told] == [first, first + 10, first + 20]


@pytest.mark.parametrize(
    "statement",
    ["UPDATE resource_poll SET version = 2 WHERE instance_id = $1", "DELETE FROM instance WHERE id = $1"],
    ids=["the watermark is moved", "the instance is deleted"],
)
async def test_who_is_overtaken_while_waiting_writes_nothing(pool, instance_id, poll, statement):  # noqa: F811
    commit = change(page(instance_id, 1, range(1, 26)), remembered=[entry("a")])
    with pytest.raises(FencedError, match="moved by another worker, or its instance is gone"):
        await commit_beside(pool, commit, statement, instance_id)
    assert await count(pool) == [0, 0, 0]
    assert await pool.fetchval("SELECT count(*) FROM event_hour") == 0
    assert await pool.fetchval("SELECT coalesce(sum(last_sequence), 0) FROM endpoint") == 0
    assert await Memory(pool).recall(poll.id, ["a"]) == {}


async def test_without_events_nothing_waits_and_no_number_is_taken(pool, instance_id, poll):  # noqa: F811
    before = await read_numbers(pool, instance_id)
    commit = change(page(instance_id, 1, []), watermark={"id": 9}, remembered=[entry("a")])
    assert await Events(pool).commit_page(commit) is False
    assert await read_numbers(pool, instance_id) == {**before, "version": 2, "remembered": 1}
    assert await pool.fetchval("SELECT watermark FROM resource_poll") == {"id": 9}
    assert await pool.fetchval("SELECT count(*) FROM endpoint WHERE due_at IS NOT NULL") == 0
    assert await count(pool) == [0, 0, 0]
    assert await pool.fetchval("SELECT count(*) FROM event_hour") == 0


async def test_a_notification_kept_when_each_event_said_its_own_number_is_read(pool, instance_id):  # noqa: F811
    await Events(pool).commit_page(page(instance_id, 1, range(1, 3)))
    await Events(pool).commit_page(page(instance_id, 2, range(3, 15)))

    async def load():
        return await Waiting(pool, None).load_pending(instance_id, after_order=0, limit=10)

    found = await load()
    assert [event.sequence for each in found for event in each.events] == list(range(1, 15))
    for row in await pool.fetch("SELECT id, events FROM notification"):
        first, rows = orjson.loads(row["events"])
        numbered = [[each[0], first + each[1], *each[2:]] for each in rows]
        await pool.execute(
            "UPDATE notification SET events = $2 WHERE id = $1", row["id"], orjson.dumps(numbered)
        )
    assert await load() == found
    assert found[0].polled_at == NOW


async def test_what_is_prepared_is_what_is_made_otherwise_and_is_not_kept(instance_id):  # noqa: F811
    contents = change(page(instance_id, 1, range(1, 26)), remembered=[entry("a")], forgotten=["b"]).contents
    made = contents.take_arguments()
    contents.prepare()
    assert contents.take_arguments() == made
    grown = replace(contents, pages=[*contents.pages, *contents.pages])
    assert grown.take_arguments() != made  # nothing prepared goes over to other contents
    unwritable = change(page(instance_id, 1, [1], object_id="\ud800")).contents
    unwritable.prepare()
    with pytest.raises(orjson.JSONEncodeError):
        unwritable.take_arguments()
