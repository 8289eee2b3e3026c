"""The first use, from the one-time link to an event that arrives while one looks."""

from __future__ import annotations

from tests.browser.walking import connect, consent, fill_form, name_field, press
from tests.browser.watching import watch
from tests.support import until

PASSWORD = "correct horse battery"


async def test_from_the_one_time_link_to_a_delivered_event_seen_live(make_own_world, open_page):
    async with make_own_world() as world:
        page = await open_page(world)
        seen = watch(page)
        await page.goto(f"/setup/{await world.service.accounts.joining.make_set_up()}")
        await page.get_by_label("E-mail address").fill("ada@example.com")
        await page.get_by_label("Password", exact=True).fill(PASSWORD)
        await press(page, "Make the account").click()
        await page.wait_for_url(world.url + "/")
        assert "Acme" in await page.locator(".organization").inner_text()
        await page.get_by_role("link", name="Connect an instance").first.click()
        await page.wait_for_url("**/instances/new?connector=egnyte")
        instance_id = await connect(page, world)
        await page.get_by_role("heading", name="Acme Legal", level=1).wait_for()
        await world.wait_for_watermark(instance_id)
        await page.goto("/events")
        await world.change(3, actions=["create"])
        await until(lambda: world.listener.received)
        await page.get_by_role("button", name="3 new: show").click()
        rows = page.locator("tbody tr")
        await rows.nth(2).wait_for()
        assert await rows.count() == 3
        await page.locator("a.row-link").first.click()
        await page.get_by_text("delivered").first.wait_for()
        shown = await page.locator("main").inner_text()
        assert world.events()[-1]["objectId"] in shown
        assert seen == []


async def test_the_form_connects_without_scripts_and_keeps_what_was_typed(
    make_own_world, open_page, signed_in
):
    async with make_own_world() as world:
        page = await open_page(world, await signed_in(world), java_script_enabled=False)
        await page.goto("/instances/new?connector=egnyte")
        await fill_form(page, world, "Plain", subdomain="not a domain")
        await press(page, "Create Instance").click()
        problem = page.get_by_role("alert")
        await problem.wait_for()
        assert "not a domain" in await problem.inner_text()
        assert await name_field(page, "event.notification.callback.url").input_value() == world.listener.url
        await name_field(page, "subdomain").fill("acme")
        await press(page, "Create Instance").click()
        await consent(page, "Deny")
        await page.get_by_text("access_denied").or_(page.get_by_text("denied")).first.wait_for()
        await page.get_by_role("link", name="Change what was entered").click()
        assert await name_field(page, "subdomain").input_value() == "acme"
        await press(page, "Create Instance").click()
        await consent(page)
        await page.get_by_role("heading", name="Plain", level=1).wait_for()
