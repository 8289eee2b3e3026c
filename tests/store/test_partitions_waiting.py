"""Where much waits for long, partitions do not pile up: the more of them stay, the more is moved out of one at once."""

from __future__ import annotations

import pytest

from signalpost.store import partitions
from signalpost.store.retention import Retention
from signalpost.store.waiting import Waiting
from tests.store.history import make_past
from tests.store.test_partitions import DAY, KEPT, NOW, count, made, week  # noqa: F401 - fixtures


@pytest.fixture
def retention(pool):
    return Retention(pool, retention_days=KEPT / DAY, most_waiting=1000)


async def test_where_much_waits_for_long_partitions_do_not_pile_up(pool, made, retention, monkeypatch):  # noqa: F811
    """A callback that nobody mends: of each day more waits than is moved at once, and each is older than the last."""
    monkeypatch.setattr(partitions, "MOST_MOVED", 2)
    past, days = await make_past(pool), 20
    for day in range(days):
        now = NOW + day * DAY
        await made.make_ahead(now)
        for number in range(5):
            await past.commit(now, [f"{day}-{number}"])
        await retention.tidy(now)
    spans = await made.list_spans()
    assert sum(span.end_at <= now - KEPT for span in spans) <= 3
    assert await count(pool, "page", "event", "notification") == [5 * days] * 3
    waiting = await Waiting(pool, None).load_pending(past.instance_id, after_order=0, limit=1000)
    assert [event.object_id for each in waiting for event in each.events] == [
        f"{day}-{number}" for day in range(days) for number in range(5)
    ]


async def test_no_more_are_moved_at_once_than_hold_nobody_up_for_long(pool, week, retention, monkeypatch):  # noqa: F811
    monkeypatch.setattr(partitions, "MOST_MOVED", 2)
    monkeypatch.setattr(partitions, "MOST_MOVED_EVER", 3)
    for day, pages in ((7, 4), (6, 3)):
        for _ in range(pages):
            await week.commit(NOW - day * DAY, ["waits"])
    for _ in range(3):
        await retention.tidy(NOW)
    assert await count(pool, "page_20260303_000000", "page_rest") == [4, 3]
