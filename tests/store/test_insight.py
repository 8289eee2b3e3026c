"""Figures for people: counted without reading what is counted, bounded, and each organization its own."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from signalpost.store.views import insight
from signalpost.store.views.insight import DeliveredCount, HourCount, Insight, Latency
from signalpost.store.views.troubles import Kind, Troubles
from tests.store.history import make_past

NOW = datetime(2026, 3, 10, 12, 30, tzinfo=UTC)
HOUR = timedelta(hours=1)


@pytest.fixture
def figures(pool):
    return Insight(pool, monotonic=iter(range(0, 10_000, 10)).__next__)


async def deliver(pool, page_id, milliseconds):
    await pool.execute(
        "UPDATE notification SET state = 'delivered', delivered_at = created_at + make_interval(secs => $2)"
        " WHERE page_id = $1",
        page_id,
        milliseconds / 1000,
    )


async def test_events_of_hours_are_those_of_the_organization_or_of_one_instance(pool, figures):
    one = await make_past(pool)
    two, other = await make_past(pool, one.organization_id), await make_past(pool)
    for past, hours, objects in ((one, 2, "abc"), (one, 0, "a"), (two, 2, "ab"), (other, 2, "abcdef")):
        await past.commit(NOW - hours * HOUR, objects)
    at = NOW.replace(minute=0)
    asked = (at - 48 * HOUR, at + HOUR)
    assert await figures.count_hours(one.organization_id, None, *asked) == [
        HourCount(at - 2 * HOUR, 5),
        HourCount(at, 1),
    ]
    assert await figures.count_hours(one.organization_id, two.instance_id, *asked) == [
        HourCount(at - 2 * HOUR, 2)
    ]
    assert await figures.count_hours(one.organization_id, other.instance_id, *asked) == []
    assert await figures.count_hours(one.organization_id, None, at, at + HOUR) == [HourCount(at, 1)]


async def test_latency_is_that_of_the_newest_deliveries(pool, figures, monkeypatch):
    past = await make_past(pool)
    assert await figures.measure_latency(past.instance_id) == Latency(None, None, 0, ())
    for number in range(1, 101):
        await deliver(pool, await past.commit(NOW + number * timedelta(seconds=1), ["o"]), number)
    await past.commit(NOW + HOUR, ["waits"])
    found = await figures.measure_latency(past.instance_id)
    assert (found.p50_milliseconds, found.p99_milliseconds, found.deliveries) == (50, 99, 100)
    assert [milliseconds for _, milliseconds in found.points] == list(range(1, 101))
    assert found.points[0][0] == NOW + timedelta(seconds=1, milliseconds=1)


async def test_attention_counts_instances_and_deliveries_of_the_organization(pool, figures, monkeypatch):
    past = await make_past(pool)
    other = await make_past(pool)
    organization_id = past.organization_id
    now = datetime.now(UTC)
    both = (organization_id, other.organization_id)

    async def look(at=now):
        return [tuple((await figures.count_attention(each, at)).values()) for each in both]

    assert await look() == [(0, 0), (0, 0)]
    await pool.execute("UPDATE instance SET next_poll_at = now()")
    assert await look() == [(0, 0), (0, 0)]
    assert await look(now + timedelta(minutes=4)) == [(1, 0), (1, 0)]  # three intervals without a success
    await pool.execute("UPDATE instance SET valid = false WHERE id = $1", past.instance_id)
    assert await look() == [(1, 0), (0, 0)]
    await pool.execute("UPDATE resource_poll SET disabled_at = now() WHERE id = $1", past.poll_id)
    assert await look() == [(1, 0), (0, 0)]
    await pool.execute("UPDATE instance SET valid = true")
    assert await look() == [(1, 0), (0, 0)]
    await pool.execute(
        "UPDATE endpoint SET failing_since = now(), state = 'deactivated' WHERE instance_id = $1",
        past.instance_id,
    )
    await past.end(await past.commit(NOW, ["o"] * 25), "dead")
    assert await look() == [(1, 4), (0, 0)]
    await past.end(await past.commit(NOW, ["o"]), "dead")
    monkeypatch.setattr(insight, "KEPT_SECONDS", 100)
    assert await look() == [(1, 4), (0, 0)]
    monkeypatch.setattr(insight, "KEPT_SECONDS", 5)
    assert await look() == [(1, 5), (0, 0)]
    await pool.execute("UPDATE instance SET disabled = true WHERE id = $1", past.instance_id)
    assert await look() == [(0, 4), (0, 0)]


async def test_what_became_of_todays_notifications_is_counted_up_to_a_limit(pool, figures):
    past = await make_past(pool)
    today = NOW.replace(hour=0, minute=0)
    await past.end(await past.commit(today - HOUR, [f"o{number}" for number in range(15)]))
    await past.end(await past.commit(NOW, [f"o{number}" for number in range(25)]))
    await past.end(await past.commit(NOW, ["o"]), "dead")
    await past.end(await past.commit(NOW, ["o"]), "unsent")
    await past.commit(NOW, ["o"])
    assert await figures.count_delivered(past.organization_id, today, most=100) == DeliveredCount(
        5, 3, cut_short=False
    )
    assert await figures.count_delivered(past.organization_id, today, most=2) == DeliveredCount(
        2, 2, cut_short=True
    )
    assert await figures.count_delivered((await make_past(pool)).organization_id, today, most=9) == (
        DeliveredCount(0, 0, cut_short=False)
    )


async def test_troubles_are_the_organizations_own_the_worst_kind_first_and_bounded(pool):
    past, other = await make_past(pool), await make_past(pool)
    more = [await make_past(pool, past.organization_id) for _ in range(3)]
    now = datetime.now(UTC)
    for number, each in enumerate([*more, past, other]):
        await pool.execute(
            "UPDATE endpoint SET failing_since = $2 WHERE instance_id = $1",
            each.instance_id,
            now - number * HOUR,
        )
    await past.commit(now, [f"o{number}" for number in range(25)])
    await pool.execute("UPDATE instance SET valid = false WHERE id = $1", more[0].instance_id)
    await pool.execute("UPDATE instance SET disabled = true WHERE id = $1", more[1].instance_id)
    found = await Troubles(pool).list_troubles(past.organization_id, now, limit=20, installed=["egnyte"])
    assert [(each.kind, each.instance_id) for each in found] == [
        (Kind.AUTHORISATION, more[0].instance_id),
        (Kind.HELD, past.instance_id),
        (Kind.HELD, more[2].instance_id),
        (Kind.HELD, more[0].instance_id),
    ]
    assert found[1].number == 3
    assert found[1].what == "https://example.com/"
    assert found[1].next_at == now
    assert (
        len(await Troubles(pool).list_troubles(past.organization_id, now, limit=1, installed=["egnyte"])) == 3
    )
