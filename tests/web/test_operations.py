"""Operations: every trouble with its remedy, which works; figures of the installation for admins alone."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from signalpost.store.views import insight
from tests.support import until
from tests.web.conftest import sign_in

NASTY = "<script>alert(1)</script>"


@pytest.fixture(autouse=True)
def counted_anew(monkeypatch):
    monkeypatch.setattr(insight, "KEPT_SECONDS", 0)


def read_text(page):
    return re.sub(r"\s+", " ", re.sub(r"<[^>]*>", "", page.partition("<main")[2]))


async def test_when_nothing_is_wrong_that_is_said(world, browser):
    await world.connect()
    text = read_text(await browser.read("/operations"))
    for said in (
        "● On time. Every enabled instance",
        "● Delivering. No endpoint fails",
        "● None. No provider",
    ):
        assert said in text
    assert "● 1 running. The last sign of life" in text
    assert "7 days: events, pages" in text
    assert "Largest tables" in text
    assert "notification" in await browser.read("/operations")


async def test_only_admins_see_the_installation(world, browser):
    for role in ("viewer", "operator"):
        other = await sign_in(world, role, f"{role}@example.com")
        page = await other.read("/operations")
        assert "This installation" not in page
        assert "On time" in page
        await other.client.aclose()


async def test_a_given_up_poller_is_resumed_from_here(world, browser):
    number = (await world.connect())["id"]
    await world.wait_for_watermark(number)
    await world.pool.execute(
        "UPDATE resource_poll SET disabled_at = now(), failures = 100, last_error = $1", NASTY
    )
    page = await browser.read("/operations")
    assert "events failed too often and was given up" in read_text(page)
    assert NASTY not in page
    assert "reading goes on from the watermark" in page
    viewer = await sign_in(world, "viewer", "eva@example.com")
    assert "/resume" not in await viewer.read("/operations")
    await viewer.client.aclose()
    answer = await browser.send("/operations", f"/instances/{number}/resume", back="/operations")
    assert (answer.status_code, answer.headers["location"]) == (303, "/operations")
    assert "and was given up" not in read_text(await browser.read("/operations"))


async def test_a_failing_endpoint_is_tried_again_from_here(world, browser):
    number = (await world.connect())["id"]
    await world.wait_for_watermark(number)
    await world.pool.execute(
        "UPDATE endpoint SET failing_since = now() - interval '20 minutes', last_error = 'the callback answered 503',"
        " url = 'https://user:secret@example.com/hook?token=abc', state = 'deactivated', deactivated_at = now()"
    )
    page = await browser.read("/operations")
    text = read_text(page)
    assert "Deactivated API_Polling: https://***@example.com/hook?*** was given up" in text
    assert "(the callback answered 503)" in text
    assert "example.com/hook" in text
    assert "secret" not in page
    assert "token=abc" not in page
    assert "Nothing waits." in text
    await world.pool.execute("UPDATE endpoint SET url = $1", world.listener.url)
    answer = await browser.send("/operations", f"/instances/{number}/release", back="/operations")
    assert answer.status_code == 303
    assert "Deactivated" not in await browser.read("/operations")


async def test_the_other_troubles_are_told_as_well(world, browser):
    number = (await world.connect())["id"]
    await world.wait_for_watermark(number)
    now = datetime.now(UTC)
    await world.service.runtime.stop()
    await world.change(1)
    await world.pool.execute(
        "INSERT INTO gap (instance_id, resource, sequence, reason, from_watermark, to_watermark, detected_at)"
        " VALUES ($1, 'events', 1, 'Egnyte no longer keeps them', '{}', '{}', $2),"
        " ($1, 'events', 2, 'long ago', '{}', '{}', $3)",
        number,
        now - timedelta(hours=1),
        now - timedelta(hours=25),
    )
    await world.pool.execute(
        "UPDATE instance SET throttled_until = $1, next_poll_at = $2", now + timedelta(hours=1), now
    )
    text = read_text(await browser.read("/operations"))
    assert "Egnyte no longer keeps them" in text
    assert "long ago" not in text
    assert "◐ Throttled" in text
    assert "None runs. Nothing is polled or delivered until one runs" in text
    await world.pool.execute(
        "UPDATE instance SET throttled_until = NULL, last_success_at = now() - interval '1 hour', next_poll_at = $1",
        now - timedelta(minutes=5),
    )
    text = read_text(await browser.read("/operations"))
    assert "▲ Stale" in text
    assert "No worker may be running that polls" in text
    assert "Late. The oldest has been due for 5 min" in text
    await world.pool.execute("UPDATE resource_poll SET failures = 2, last_error = 'Egnyte answered 500'")
    assert "events cannot be read (Egnyte answered 500)" in read_text(await browser.read("/operations"))
    await world.pool.execute("UPDATE instance SET last_success_at = now()")
    assert "◐ Failing" in read_text(await browser.read("/operations"))
    await world.pool.execute("DELETE FROM gap")
    overview = read_text(await browser.read("/"))
    assert "Failing" not in overview
    assert "read on time" not in overview
    assert "cannot be read at present, and is tried again by itself: see Operations" in overview
    await world.pool.execute("UPDATE resource_poll SET failures = 0, last_error = NULL")
    assert "All that is connected is read on time" in read_text(await browser.read("/"))


async def test_dead_letters_are_counted_by_instance(world, browser):
    number = (await world.connect())["id"]
    await world.wait_for_watermark(number)
    await world.change(12)
    await until(lambda: len(world.events()) >= 12)
    await world.service.runtime.stop()
    await world.pool.execute("UPDATE notification SET state = 'dead', dead_at = now(), delivered_at = NULL")
    page = await browser.read("/operations")
    count = await world.pool.fetchval("SELECT count(*) FROM notification")
    assert f"{count} notifications were given up" in read_text(page)
    assert f'href="/deliveries?instance={number}&amp;state=dead"' in page
