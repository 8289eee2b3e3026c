"""Migrations, the main job, its statements and retention, on each version of PostgreSQL that is found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from signalpost.store.retention import Retention
from signalpost.store.troubles import OLDEST_SUPPORTED

# The same tests as elsewhere: here they get the servers of this folder's conftest.
from tests.flows.test_main_job import (  # noqa: F401
    test_every_change_arrives_once_in_order_and_signed,
    test_what_was_delivered_can_be_read_back,
)
from tests.store.history import make_past
from tests.store.test_migrations import (  # noqa: F401
    test_processes_that_start_at_once_migrate_one_after_the_other,
    test_what_the_first_tables_knew_of_objects_becomes_their_memory,
    test_what_waited_before_dead_letters_came_is_delivered_and_sent_again_after,
)
from tests.store.test_partitions_made import (  # noqa: F401
    made,
    test_spans_are_read_alike_whatever_the_server_is_set_to,
)
from tests.store.test_queue import (  # noqa: F401
    test_the_log_is_emptied_and_waits_for_nobody,
    test_what_has_a_job_gets_no_second_and_is_named,
)
from tests.support import until
from tests.web.conftest import sign_in

PAGES = ("/", "/instances", "/events", "/deliveries", "/operations", "/organization/audit")
DAYS = 7


async def test_the_version_is_one_that_is_supported(pool):
    assert await pool.fetchval("SHOW server_version_num") >= f"{OLDEST_SUPPORTED}0000"


async def test_what_was_delivered_is_shown_and_sent_again(world):
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    await world.change(30)
    await until(lambda: len(world.delivered()) >= 30)
    browser = await sign_in(world)
    for page in PAGES:
        await browser.read(page)
    await browser.client.aclose()
    replay = await world.client.post(f"/instances/{instance['id']}/replays", json={"sequence": 1})
    assert replay.status_code == 202, replay.text
    await until(lambda: len(world.delivered()) >= 60)
    assert {event["sequence"] for event in world.events()[30:]} == set(range(1, 31))


async def test_what_is_old_goes_and_what_waits_stays(pool):
    past, now = await make_past(pool), datetime.now(UTC)
    retention = Retention(pool, retention_days=DAYS, most_waiting=1000)
    await retention.make_ahead(now)
    ended = await past.commit(now, ["one", "two"])
    await past.end(ended)
    waiting = await past.commit(now, ["three"])
    for hours in range(0, 24 * 2 * DAYS, 12):
        await retention.tidy(now + timedelta(hours=hours))
    assert [row["id"] for row in await pool.fetch("SELECT id FROM page")] == [waiting]
    assert await pool.fetchval("SELECT count(*) FROM event") == 1
    assert await pool.fetchval("SELECT count(*) FROM notification WHERE state = 'pending'") == 1
    assert await pool.fetchval("SELECT count(*) FROM attempt") == 0
