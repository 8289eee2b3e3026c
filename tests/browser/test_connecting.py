"""The form that connects, with its scripts; a look at real events first; a customer's admin who has no account here."""

from __future__ import annotations

from tests.browser.walking import INSTANCE, KEY, consent, fill_form, name_field, open_group, press
from tests.browser.watching import find_violations
from tests.support import until


async def test_a_key_is_made_the_callback_tried_and_real_events_looked_at_before_anything_is_made(
    make_own_world, open_page, signed_in
):
    async with make_own_world() as world:
        await world.change(3, folder="/Shared/Before")
        page = await open_page(world, await signed_in(world, "operator"))
        await page.goto("/instances/new?connector=egnyte")
        await fill_form(page, world)
        await name_field(page, KEY).fill("")
        await press(page, "Generate a key").click()
        await open_group(page, KEY)
        assert len(await name_field(page, KEY).input_value()) > 20
        await name_field(page, KEY).fill("a signature key")
        await press(page, "Send a test notification").click()
        await page.get_by_text("200").first.wait_for()
        assert len(world.listener.received) == 1
        await page.get_by_label("Look at real events first").check()
        await press(page, "Create Instance").click()
        await consent(page)
        await page.get_by_role("heading", name="Real events").wait_for()
        assert "/Shared/Before" in await page.locator("#preview").inner_text()
        assert await world.pool.fetchval("SELECT count(*) FROM instance") == 0
        await press(page, "Create Instance").click()
        await page.wait_for_url(INSTANCE)


async def test_a_customers_admin_connects_by_link_without_an_account(make_own_world, open_page, signed_in):
    async with make_own_world() as world:
        page = await open_page(world, await signed_in(world, "operator"))
        await page.goto("/instances/new?connector=egnyte")
        await fill_form(page, world, "Northwind")
        await press(page, "Make a connect link").click()
        link = await page.locator(".code code").inner_text()
        customer = await open_page(world, viewport={"width": 360, "height": 740})
        await customer.goto(link)
        assert "Acme" in await customer.locator("main").inner_text()
        await customer.get_by_role("link", name="Go on at").click()
        await consent(customer, "Deny")
        await customer.get_by_text("Nothing was connected").wait_for()
        assert await find_violations(customer) == []
        await customer.get_by_role("link", name="Go on at").click()
        await consent(customer)
        await customer.get_by_text("You can close this page").wait_for()
        assert await find_violations(customer) == []
        await customer.goto("/instances")
        assert "/sign-in" in customer.url
        instance_id = await world.pool.fetchval("SELECT id FROM instance WHERE name = 'Northwind'")
        await world.wait_for_watermark(instance_id)
        await world.change(1)
        await until(lambda: world.listener.received)
        await customer.goto(link)
        assert await customer.get_by_role("link", name="Go on at").count() == 0
