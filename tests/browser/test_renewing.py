"""Pages that renew themselves: nothing moves under who reads, nothing chosen is lost, all of the page says the same."""

from __future__ import annotations

import re
from datetime import UTC, datetime

import pytest

from signalpost.web.routes.instances import NEWEST
from tests.browser.walking import press
from tests.browser.watching import find_violations
from tests.store.history import make_past
from tests.support import until

CALM_MILLISECONDS = 2000
LOOK_ANEW = "document.dispatchEvent(new Event('visibilitychange'))"
MEASURE = "row => [row.querySelector('a.row-link').getAttribute('href'), row.getBoundingClientRect().top]"
FAILING = "UPDATE endpoint SET failing_since = now(), last_error = 'the callback answered 503' WHERE instance_id = $1"


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch):
    """Have nothing kept for a moment that would be waited for."""
    monkeypatch.setattr("signalpost.store.views.insight.KEPT_SECONDS", 0.0)
    monkeypatch.setattr("signalpost.store.views.pulse.KEPT_SECONDS", 0.0)
    monkeypatch.setattr("signalpost.web.streams.LOOK_SECONDS", 0.1)


async def make_history(world):
    organization_id = await world.pool.fetchval("SELECT id FROM organization WHERE name = 'Acme'")
    return await make_past(world.pool, organization_id)


async def test_what_is_new_is_counted_and_moves_no_row_until_it_is_asked_for(
    make_own_world, open_page, signed_in
):
    async with make_own_world(roles=frozenset()) as world:
        past = await make_history(world)
        place = f"/instances/{past.instance_id}"
        page = await open_page(world, await signed_in(world, "viewer"))
        await page.goto(f"{place}/events")
        await past.end(await past.commit(datetime.now(UTC), ["known"]))
        # A list in which nothing stood moves nobody's eyes: it appears.
        await page.locator("tbody tr").first.wait_for()
        for path in ("/", "/events", "/deliveries", f"{place}/events", f"{place}/deliveries"):
            await page.goto(path)
            row = page.locator("tr:has(a.row-link)").first
            before = await row.evaluate(MEASURE)
            for name in ("new", "newer"):
                await past.end(await past.commit(datetime.now(UTC), [name]))
            new = page.get_by_role("button", name="new: show")
            await new.wait_for()
            assert await row.evaluate(MEASURE) == before, path
            assert await find_violations(page) == [], path
            await new.click()
            await new.wait_for(state="detached")
            assert await row.evaluate(MEASURE) != before, path


async def test_rows_that_have_left_a_list_are_struck_out_in_their_places_and_counted(
    make_own_world, open_page, signed_in
):
    async with make_own_world(roles=frozenset()) as world:
        past = await make_history(world)
        pages = [await past.commit(datetime.now(UTC), [name]) for name in ("one", "two", "three", "four")]
        for page_id in pages[:2]:
            await past.end(page_id, "dead")
        page = await open_page(world, await signed_in(world))
        await page.goto("/deliveries")
        rows = page.locator("tr:has(a.row-link)")
        before = [await row.evaluate(MEASURE) for row in await rows.all()]
        # All that had failed, and the last that waits.
        taken = "UPDATE notification SET state = 'delivered', delivered_at = now() WHERE page_id = ANY($1)"
        await world.pool.execute(taken, [*pages[:2], pages[3]])
        left = page.get_by_role("button", name="3 no longer here: show")
        await left.wait_for()
        assert [await row.evaluate(MEASURE) for row in await rows.all()] == before
        assert await page.locator("tr.gone").count() == 3
        assert await page.locator("tr.gone:has-text('three')").count() == 0
        assert await find_violations(page) == []
        await left.click()
        await page.locator(".gone").first.wait_for(state="detached")
        assert await page.locator("#rows-pending tbody tr").count() == 1


async def test_the_list_of_instances_says_how_they_stand_by_now(make_own_world, open_page, signed_in):
    async with make_own_world(roles=frozenset()) as world:
        past = await make_history(world)
        page = await open_page(world, await signed_in(world))
        await page.goto("/instances")
        await world.pool.execute(FAILING, past.instance_id)
        await page.locator("tbody").get_by_text("Held").wait_for()
        await world.pool.execute(
            "UPDATE endpoint SET failing_since = NULL; UPDATE instance SET valid = false"
        )
        await page.locator("#rail .count").wait_for()
        await page.goto("/instances?state=attention")
        assert await find_violations(page) == []
        await world.pool.execute("UPDATE instance SET valid = true")
        await page.get_by_role("button", name="1 no longer here: show").click()
        await page.get_by_role("heading", name="No instance matches").wait_for()


async def test_the_event_log_says_what_became_of_what_it_shows(make_own_world, open_page, signed_in):
    async with make_own_world(roles=frozenset()) as world:
        past = await make_history(world)
        pages = [await past.commit(datetime.now(UTC), [name]) for name in ("one", "two")]
        page = await open_page(world, await signed_in(world))
        await page.goto("/events")
        await page.locator("tr:has-text('two')").get_by_text("Waiting").wait_for()
        await past.end(pages[1])
        await past.commit(datetime.now(UTC), ["three"])
        await page.get_by_role("button", name="1 new: show").wait_for()
        await page.evaluate(LOOK_ANEW)
        await page.locator("tr:has-text('two')").get_by_text("Delivered").wait_for()
        assert await page.get_by_role("button", name="1 new: show").is_visible()
        assert await page.locator("tr:has-text('one')").get_by_text("Waiting").is_visible()
        await page.goto("/events?state=pending")
        assert await page.locator("tbody tr").count() == 2
        await world.pool.execute("UPDATE notification SET state = 'delivered' WHERE page_id = $1", pages[0])
        await page.evaluate(LOOK_ANEW)
        await page.locator("tr.gone:has-text('one')").wait_for()


async def test_the_page_of_one_says_what_became_of_it_and_counts_what_was_tried(
    make_own_world, open_page, signed_in
):
    async with make_own_world(roles=frozenset()) as world:
        past = await make_history(world)
        committed = await past.commit(datetime.now(UTC), ["one"])
        row = await world.pool.fetchrow("SELECT id, notification_id FROM event")
        page = await open_page(world, await signed_in(world))
        for path in (f"/events/{row['id']}", f"/deliveries/{row['notification_id']}"):
            await world.pool.execute("DELETE FROM attempt")
            await world.pool.execute("UPDATE notification SET state = 'pending', attempts = 0")
            await page.goto(path)
            assert await page.get_by_role("button", name="Send again").count() == 0
            await past.end(committed, "dead", attempts=2)
            await page.locator("#standing").get_by_text("Failed").wait_for()
            await page.get_by_role("button", name="Send again").wait_for()
            new = page.get_by_role("button", name="new: show")
            await new.wait_for()
            assert await page.locator("details.attempt").count() == 0
            await new.click()
            await page.locator("details.attempt").nth(1).wait_for()
            await page.get_by_role("button", name="new: show").wait_for(state="detached")


async def test_rows_that_new_ones_push_over_the_end_of_a_page_have_not_left(
    make_own_world, open_page, signed_in
):
    async with make_own_world(roles=frozenset()) as world:
        past = await make_history(world)
        for number in range(NEWEST):
            await past.end(await past.commit(datetime.now(UTC), [f"number {number}"]))
        page = await open_page(world, await signed_in(world))
        await page.goto(f"/instances/{past.instance_id}/deliveries")
        for _ in range(3):
            await past.end(await past.commit(datetime.now(UTC), ["new"]))
        await page.get_by_role("button", name="3 new: show").wait_for()
        assert await page.locator("tr.gone").count() == 0


async def test_renewing_takes_nothing_away_that_somebody_has_chosen(make_own_world, open_page, signed_in):
    async with make_own_world(roles=frozenset()) as world:
        past = await make_history(world)
        await past.end(await past.commit(datetime.now(UTC), ["refused"]), "dead")
        await world.pool.execute(FAILING, past.instance_id)
        page = await open_page(world, await signed_in(world))
        for path in ("/", "/deliveries", f"/instances/{past.instance_id}"):
            await page.goto(path)
            told = page.get_by_text("answered 503").first
            await told.evaluate("told => getSelection().selectAllChildren(told)")
            chosen = await page.evaluate("getSelection().toString()")
            if path == "/deliveries":
                await page.get_by_role("checkbox", name="Delivery").check()
            await world.pool.execute("UPDATE instance SET name = name || ' too'")
            async with page.expect_response(lambda answer: "/live" not in answer.url):
                await page.evaluate(LOOK_ANEW)
            await page.evaluate("new Promise(requestAnimationFrame)")
            assert await page.evaluate("getSelection().toString()") == chosen, path
        await page.goto("/deliveries")
        await page.get_by_role("checkbox", name="Delivery").check()
        await world.pool.execute("UPDATE instance SET name = 'Renamed'")
        await page.evaluate(LOOK_ANEW)
        await page.locator("tbody").get_by_text("Renamed").wait_for()
        assert await page.get_by_role("checkbox", name="Delivery").is_checked()


async def test_the_count_in_the_rail_is_renewed_with_the_page(make_own_world, open_page, signed_in):
    async with make_own_world(roles=frozenset()) as world:
        past = await make_history(world)
        page = await open_page(world, await signed_in(world))
        for path in ("/", "/deliveries", "/operations", f"/instances/{past.instance_id}/history"):
            await page.goto(path)
            count = page.locator("#rail").get_by_role("link", name="Deliveries").locator(".count")
            await world.pool.execute(FAILING, past.instance_id)
            await count.wait_for()
            await world.pool.execute("UPDATE endpoint SET failing_since = NULL")
            await count.wait_for(state="detached")


async def test_a_list_shown_with_an_error_of_its_form_is_renewed_as_well(
    make_own_world, open_page, signed_in
):
    async with make_own_world(roles=frozenset()) as world:
        past = await make_history(world)
        await past.end(await past.commit(datetime.now(UTC), ["refused"]), "dead")
        page = await open_page(world, await signed_in(world))
        await page.goto(f"/deliveries?instance={past.instance_id}")
        await press(page, "Send selected again").click()
        await page.get_by_role("alert").wait_for()
        await world.pool.execute(FAILING, past.instance_id)
        await page.get_by_text("answered 503").wait_for()
        assert await page.locator(".age").count() == 0


async def test_nothing_is_renewed_under_a_pointer_that_moves(make_own_world, open_page, signed_in):
    async with make_own_world(roles=frozenset()) as world:
        await make_history(world)
        page = await open_page(world, await signed_in(world))
        await page.clock.install()
        await page.goto("/")
        asked = []
        # The browser may still be asking for the page's icon.
        page.on("request", lambda sent: not re.search("/live|/static/", sent.url) and asked.append(sent.url))
        await page.mouse.move(300, 300)
        await page.evaluate(LOOK_ANEW)
        assert asked == []
        await page.clock.fast_forward(CALM_MILLISECONDS)
        await until(lambda: asked)
