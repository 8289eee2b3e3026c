"""A page that is left open: it tells what time alone changes, and when it cannot be renewed; its form loses nothing."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.browser.walking import consent, fill_form, press
from tests.browser.watching import find_violations
from tests.store.history import make_past

PASSWORD = "correct horse battery"
RENEWED_SECONDS = 31
# The browser of the tests has all of its windows in sight.
OUT_OF_SIGHT = """
let away = AWAY;
Object.defineProperty(document, "hidden", { get: () => away });
globalThis.turn = (out) => { away = out; document.dispatchEvent(new Event("visibilitychange")); };
"""
OLD = "UPDATE instance SET created_at = now() - interval '2 days', last_success_at = now() - interval '1 day'"


async def test_a_page_left_open_tells_that_polls_stopped_and_when_it_is_not_renewed(
    make_own_world, open_page, signed_in
):
    async with make_own_world(roles=frozenset()) as world:
        instance = await world.connect()
        member = await signed_in(world)
        page = await open_page(world, member)
        await page.clock.install()
        for path in ("/", f"/instances/{instance['id']}"):
            await page.goto(path)
            assert "Stale" not in await page.locator("main").inner_text()
            await world.pool.execute(OLD)
            await page.clock.fast_forward(RENEWED_SECONDS * 1000)
            await page.get_by_text("Stale").first.wait_for()
            await world.pool.execute("UPDATE instance SET last_success_at = now()")
            # Who comes back to the window sees how things stand.
            await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            await page.get_by_text("Stale").first.wait_for(state="detached")
        await world.pool.execute("DELETE FROM session")
        await page.clock.fast_forward(RENEWED_SECONDS * 1000)
        await page.get_by_text("is not renewed: you are signed out").wait_for()
        assert await find_violations(page) == []
        await page.context.add_cookies([(await signed_in(world)).cookie(world.url)])
        await page.clock.fast_forward(RENEWED_SECONDS * 1000)
        await page.get_by_text("is not renewed").wait_for(state="detached")


async def test_a_page_left_open_shows_nothing_of_who_signed_in_in_another_window(
    make_own_world, open_page, signed_in
):
    async with make_own_world(roles=frozenset()) as world:
        await world.connect()
        await world.service.organizations.create_credentials("Northwind", "api@example.com")
        other = await signed_in(world, "admin", "joan@example.com", "Northwind")
        page = await open_page(world, await signed_in(world))
        for path in ("/", "/operations", "/deliveries"):
            await page.context.add_cookies([(await signed_in(world)).cookie(world.url)])
            await page.goto(path)
            shown = await page.locator("body").inner_text()
            await page.context.add_cookies([other.cookie(world.url)])
            await page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
            await page.get_by_text("is not renewed: somebody else is signed in by now").wait_for()
            told = await page.locator(".age").inner_text()
            assert (await page.locator("body").inner_text()).replace(told, "").split() == shown.split(), path


async def test_what_was_typed_into_a_form_left_open_is_sent_after_signing_in_again(
    make_own_world, open_page, signed_in
):
    async with make_own_world(roles=frozenset()) as world:
        member = await signed_in(world)
        hashed = await world.service.accounts.joining._passwords.hash(PASSWORD)
        await world.pool.execute(
            "UPDATE member SET password_hash = $1 WHERE email = $2", hashed, member.email
        )
        page = await open_page(world, member)
        await page.goto("/instances/new?connector=egnyte")
        await fill_form(page, world, "Left open")
        await world.pool.execute("DELETE FROM session")
        await press(page, "Create Instance").click()
        await page.get_by_text("nothing was done yet").wait_for()
        assert await find_violations(page) == []
        await page.get_by_label("E-mail address").fill(member.email)
        await page.get_by_label("Password", exact=True).fill(PASSWORD)
        await page.keyboard.press("Enter")
        await press(page, "Send it now").wait_for()
        assert await find_violations(page) == []
        await press(page, "Send it now").click()
        await consent(page)
        await page.get_by_role("heading", name="Left open", level=1).wait_for()


async def test_pages_left_open_out_of_sight_keep_no_further_one_from_coming(
    make_own_world, open_page, signed_in
):
    """A browser has six connections to a server, for all of its windows together; who comes back is told what is new."""
    async with make_own_world(roles=frozenset()) as world:
        organization_id = await world.pool.fetchval("SELECT id FROM organization WHERE name = 'Acme'")
        past = await make_past(world.pool, organization_id)
        await past.end(await past.commit(datetime.now(UTC), ["known"]))
        paths = ("/", "/events", "/deliveries", "/operations", f"/instances/{past.instance_id}") * 2
        logs = []
        # Those of the second round are opened behind another window.
        for behind in (False, True):
            context = (await open_page(world, await signed_in(world))).context
            await context.add_init_script(OUT_OF_SIGHT.replace("AWAY", str(behind).lower()))
            for path in paths:
                tab = await context.new_page()
                await tab.goto(path)
                await tab.evaluate("turn(true)")
                if path == "/events":
                    logs.append(tab)
        await past.end(await past.commit(datetime.now(UTC), ["new"]))
        for tab in logs:
            await tab.evaluate("turn(false)")
            await tab.get_by_role("button", name="1 new: show").wait_for()
