"""Everything by keyboard alone: ways past the frame, the search, connecting."""

from __future__ import annotations

from tests.browser.walking import INSTANCE, tab_to
from tests.store.history import make_past

IN_SIGHT = """() => {
    const at = document.activeElement, box = at.getBoundingClientRect();
    return at.contains(document.elementFromPoint(box.left + 2, (box.top + box.bottom) / 2));
}"""


async def test_an_instance_is_connected_by_keyboard_alone(make_own_world, open_page, signed_in):
    async with make_own_world() as world:
        page = await open_page(world, await signed_in(world, "operator"))
        await page.goto("/instances/new?connector=egnyte")
        typed = {
            "name": "By keyboard",
            "configuration.subdomain": "acme",
            "configuration.oauth.api.key": "key",
            "configuration.oauth.api.secret": "secret",
            "configuration.event.notification.callback.url": world.listener.url,
        }
        for name, value in typed.items():
            await tab_to(page, lambda at, name=name: at["name"] == name)
            await page.keyboard.press("Control+A")
            await page.keyboard.type(value)
        await tab_to(page, lambda at: at["text"] == "Create Instance")
        await page.keyboard.press("Enter")
        await page.wait_for_url("**/puboauth/token**")
        await page.get_by_role("button", name="Allow").press("Enter")
        await page.wait_for_url(INSTANCE)


async def test_the_head_of_a_long_list_covers_nothing_that_the_keyboard_goes_back_to(stage, open_page):
    page = await open_page(stage.world, stage.people["admin"], viewport={"width": 1280, "height": 600})
    await page.goto("/events")
    rows = await page.locator("a.row-link").count()
    await page.locator("a.row-link").last.focus()
    for step in range(1, rows):
        await page.keyboard.press("Shift+Tab")
        assert await page.evaluate(IN_SIGHT), f"row {rows - step}"


async def test_who_presses_a_button_is_led_to_what_came_of_it(make_own_world, open_page, signed_in):
    async with make_own_world(roles=frozenset()) as world:
        organization_id = await world.pool.fetchval("SELECT id FROM organization WHERE name = 'Acme'")
        past = await make_past(world.pool, organization_id)
        page = await open_page(world, await signed_in(world))
        await page.goto(f"/instances/{past.instance_id}")
        await page.get_by_role("button", name="Pause").press("Enter")
        await page.get_by_role("button", name="Resume").wait_for()
        await page.locator(".notice:focus").wait_for()
        await page.locator("a.me").press("Enter")
        await page.get_by_role("button", name="Sign out", exact=True).press("Enter")
        await page.get_by_text("You are signed out").wait_for()
        await page.locator("#email:focus").wait_for()
