"""An instance is deleted with whatever was logged for it, in steps: however much that is, and though one of them fails."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest

from signalpost.model.errors import FencedError
from signalpost.store import events
from signalpost.store.instances import Instances
from signalpost.store.vault import Vault
from tests.store.history import KEY, make_past
from tests.store.notified import NOW

TABLES = ("page", "event", "notification", "attempt")

# In place of a limit of time, which is of rows as well: what takes long is to delete many.
LIMIT = """
CREATE FUNCTION refuse_many() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM gone) > {most} THEN RAISE query_canceled; END IF;
    RETURN NULL;
END $$;
"""
WATCH = """
CREATE TRIGGER refuse_many AFTER DELETE ON {table} REFERENCING OLD TABLE AS gone FOR EACH STATEMENT
EXECUTE FUNCTION refuse_many();
"""
# A step fails as if its process were killed.
KILL = """
CREATE FUNCTION refuse_last() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT count(*) FROM page) < {least} THEN RAISE admin_shutdown; END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER refuse_last AFTER DELETE ON page FOR EACH STATEMENT EXECUTE FUNCTION refuse_last();
"""


@pytest.fixture(autouse=True)
def small_steps(monkeypatch):
    monkeypatch.setattr(events, "STEP_PAGES", 3)


@pytest.fixture
def instances(pool):
    return Instances(pool, Vault([KEY]))


async def log_much(pool, pages):
    """Give an instance, and how it stands in its row: of each page the two notifications were delivered, or wait."""
    past = await make_past(pool)
    for number in range(pages):
        page = await past.commit(NOW, [f"o{each}" for each in range(12)])
        if number < pages // 2:
            await past.end(page)
    return past


async def count(pool, instance_id):
    found = [
        await pool.fetchval(f"SELECT count(*) FROM {table} WHERE instance_id = $1", instance_id)
        for table in TABLES[:3]
    ]
    return [
        *found,
        await pool.fetchval(
            "SELECT count(*) FROM attempt JOIN notification ON id = notification_id WHERE instance_id = $1",
            instance_id,
        ),
    ]


@pytest.mark.parametrize("pages", [0, 2, 3, 4, 20])
async def test_no_statement_deletes_more_than_a_step(pool, instances, pages):
    past, other = await log_much(pool, pages), await log_much(pool, 4)
    before = await count(pool, other.instance_id)
    await pool.execute(LIMIT.format(most=3 * 12) + "".join(WATCH.format(table=table) for table in TABLES))
    instance = await instances.find(past.organization_id, past.instance_id)
    assert await instances.delete(instance)
    assert await instances.find(past.organization_id, past.instance_id) is None
    for table in TABLES[:3]:
        assert (
            await pool.fetchval(f"SELECT count(*) FROM {table} WHERE instance_id = $1", past.instance_id) == 0
        )
    assert await count(pool, other.instance_id) == before
    assert await pool.fetchval("SELECT count(*) FROM attempt") == before[3]
    assert not await instances.delete(instance)


async def test_after_a_step_that_failed_the_instance_is_disabled_and_can_be_deleted_again(pool, instances):
    past = await log_much(pool, 10)
    await pool.execute(KILL.format(least=5))
    instance = await instances.find(past.organization_id, past.instance_id)
    with pytest.raises(asyncpg.AdminShutdownError):
        await instances.delete(instance)
    # The oldest are gone with all of theirs; of what is left nothing is missing, and nothing is polled or sent.
    assert await count(pool, past.instance_id) == [7, 7 * 12, 7 * 2, 2 * 2]
    left = await instances.find(past.organization_id, past.instance_id)
    assert left.disabled
    assert await pool.fetchval("SELECT count(*) FROM instance WHERE next_poll_at IS NOT NULL") == 0
    assert await pool.fetchval("SELECT count(*) FROM endpoint WHERE due_at IS NOT NULL") == 0
    await pool.execute("DROP FUNCTION refuse_last() CASCADE")
    assert await instances.delete(left, exact=True)
    assert [await pool.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES] == [0] * 4


async def test_two_who_delete_it_at_once_are_both_done(pool, instances):
    past = await log_much(pool, 20)
    instance = await instances.find(past.organization_id, past.instance_id)
    assert sorted(await asyncio.gather(*(instances.delete(instance) for _ in range(2)))) == [False, True]
    assert [await pool.fetchval(f"SELECT count(*) FROM {table}") for table in TABLES] == [0] * 4


async def test_one_that_was_changed_meanwhile_keeps_all(pool, instances):
    past = await log_much(pool, 10)
    before = await count(pool, past.instance_id)
    instance = await instances.find(past.organization_id, past.instance_id)
    await instances.set_disabled(instance, disabled=True)
    with pytest.raises(FencedError):
        await instances.delete(instance, exact=True)
    assert await count(pool, past.instance_id) == before
