"""What failed is found and mended: a callback that is down, notifications it refused, an account that withdrew."""

from __future__ import annotations

import re

from tests.browser.stage import SETTINGS, ask, count
from tests.browser.stage import connect as connect_by_api
from tests.browser.walking import consent, press
from tests.support import until


async def test_a_failing_callback_is_found_mended_and_its_deliveries_sent_again(
    make_own_world, open_page, signed_in
):
    async with make_own_world(**SETTINGS) as world:
        instance_id = await connect_by_api(world, "Acme Legal")
        world.listener.status = 422
        for wanted in (1, 2):
            await world.change(1)
            await until(lambda n=wanted: _has(world, "dead", n))
        world.listener.status = 503
        await world.change(2)
        await until(
            lambda: world.pool.fetchval(
                "SELECT count(*) FROM endpoint WHERE failing_since IS NOT NULL AND due_at > now() + interval '1 min'"
            )
        )
        page = await open_page(world, await signed_in(world, "operator"))
        await page.goto("/")
        await page.get_by_text("503").first.wait_for()
        await page.get_by_role("link", name="Acme Legal").first.click()
        await page.wait_for_url(f"**/instances/{instance_id}")
        assert "none is lost" in await page.locator("#health").inner_text()
        world.listener.status = 200
        await press(page, "Try now").first.click()
        await until(lambda: _has(world, "delivered", 1))
        # Now what was refused.
        await page.goto("/deliveries?state=dead")
        await page.get_by_text("422").first.wait_for()
        await press(page, re.compile("Send all .*failed again")).first.click()
        await until(lambda: _has(world, "delivered", 3))
        assert await count(world, "state = 'dead'") == 0
        await page.goto("/")
        await page.get_by_text("Nothing needs you").wait_for()
        refused = {received["headers"]["webhook-id"] for received in world.listener.received[:6]}
        assert (
            refused
            <= {received["headers"]["webhook-id"] for received in world.listener.received[-3:]} | refused
        )


async def _has(world, state, wanted):
    return await count(world, "state = $1", state) >= wanted


async def test_an_account_that_withdrew_is_authorised_again_and_nothing_is_lost(
    make_own_world, open_page, signed_in
):
    async with make_own_world() as world:
        instance_id = await connect_by_api(world, "Acme Legal")
        await world.control("POST", "revoke", {})
        await until(lambda: _is_invalid(world, instance_id))
        made = await world.change(3)
        page = await open_page(world, await signed_in(world, "operator"))
        await page.goto(f"/instances/{instance_id}")
        await page.get_by_text("authorisation").first.wait_for()
        await press(page, "Authorise again").locator("visible=true").first.click()
        await consent(page)
        await page.wait_for_url(f"**/instances/{instance_id}")
        await until(lambda: len(world.events()) >= len(made))
        await page.goto("/")
        await page.get_by_text("Nothing needs you").wait_for()


async def _is_invalid(world, instance_id):
    return not (await ask(world, "GET", f"/instances/{instance_id}"))["valid"]
