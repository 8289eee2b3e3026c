"""The memory of objects: changes with its page or not at all, knows any id, and stays within its bound."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from signalpost.model.errors import FencedError
from signalpost.model.event import Remembered
from signalpost.store.events import Events
from signalpost.store.instances import Instances
from signalpost.store.memory import Memory, make_key
from signalpost.store.vault import Vault
from tests.store.history import KEY, change
from tests.store.test_event_log import instance_id, page, poll  # noqa: F401 - fixtures

NOW = datetime(2026, 3, 1, tzinfo=UTC)


def entry(object_id, version="1", *, days=0):
    return Remembered(object_id, "file", version, NOW + timedelta(days=days), NOW)


async def number(pool):
    row = await pool.fetchrow("SELECT remembered, forgotten_before FROM resource_poll")
    assert row["remembered"] == await pool.fetchval("SELECT count(*) FROM object_memory")
    return tuple(row)


async def test_what_was_seen_is_recalled_whatever_its_id(pool, instance_id, poll):  # noqa: F811
    ids = ["a", "/Shared/" + "long/" * 5000, "\U0001f680 'quoted' \\ %", ""]
    entries = [entry(each, f"v{place}") for place, each in enumerate(ids)]
    await Events(pool).commit_page(change(page(instance_id, 1, [1]), poll_id=poll.id, remembered=entries))
    assert await Memory(pool).recall(poll.id, [*ids, "never"]) == {each.object_id: each for each in entries}
    assert await Memory(pool).list_keys(poll.id) == {make_key(each) for each in ids}
    assert await Memory(pool).recall(poll.id + 1, ids) == {}
    assert await number(pool) == (4, None)


@pytest.mark.parametrize("dates", [(None, None), (NOW, NOW), (NOW, None), (NOW, NOW + timedelta(days=1))])
async def test_each_keeps_its_own_dates_be_they_all_alike_or_none(pool, instance_id, poll, dates):  # noqa: F811
    entries = [
        Remembered(f"o{place}", "file", "1", dated_at, NOW + timedelta(hours=place * hours))
        for hours in (0, 1)
        for place, dated_at in enumerate(dates)
    ]
    for version, two in enumerate((entries[:2], entries[2:]), start=1):
        written = change(page(instance_id, version, [version]), poll_id=poll.id, remembered=two)
        await Events(pool).commit_page(written)
        assert await Memory(pool).recall(poll.id, ["o0", "o1"]) == {each.object_id: each for each in two}
    assert await number(pool) == (2, None)


async def test_it_changes_with_the_page_or_not_at_all(pool, instance_id, poll):  # noqa: F811
    events = Events(pool)
    await events.commit_page(change(page(instance_id, 1, [1]), poll_id=poll.id, remembered=[entry("a")]))
    late = change(page(instance_id, 1, [2]), poll_id=poll.id, remembered=[entry("b")], forgotten=["a"])
    with pytest.raises(FencedError):
        await events.commit_page(late)
    assert set(await Memory(pool).recall(poll.id, ["a", "b"])) == {"a"}
    await events.commit_page(change(late, version=2, remembered=[entry("b"), entry("b", "2")]))
    assert await Memory(pool).recall(poll.id, ["a", "b"]) == {"b": entry("b", "2")}
    assert await number(pool) == (1, None)


async def test_beyond_its_bound_the_oldest_are_dropped_and_it_is_known_up_to_when(pool, instance_id, poll):  # noqa: F811
    events = Events(pool, most_remembered=20)
    for version in range(1, 8):
        days = range(version * 10, version * 10 + 10)
        seen = [entry(f"o{day}", days=day) for day in reversed(days)]
        await events.commit_page(
            change(
                page(instance_id, version, []), poll_id=poll.id, remembered=seen, watermark={"id": version}
            )
        )
        remembered, forgotten_before = await number(pool)
        assert remembered <= 20
        kept = await pool.fetchval("SELECT min(dated_at) FROM object_memory")
        assert forgotten_before is None or forgotten_before < kept
    assert forgotten_before is not None


async def test_it_goes_with_its_resource(pool, instance_id, poll):  # noqa: F811
    await Events(pool).commit_page(
        change(page(instance_id, 1, [1]), poll_id=poll.id, remembered=[entry("a")])
    )
    instances = Instances(pool, Vault([KEY]))
    organization_id = await pool.fetchval("SELECT organization_id FROM instance")
    assert await instances.delete(await instances.find(organization_id, instance_id))
    assert await pool.fetchval("SELECT count(*) FROM object_memory") == 0
