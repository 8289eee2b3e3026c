"""Who goes back to a form sees how things stand, not what the browser kept of how they stood."""

from __future__ import annotations

import orjson

from tests.browser.stage import SETTINGS, ask, count
from tests.browser.stage import connect as connect_by_api
from tests.browser.walking import name_field, press
from tests.support import EVENTS_CONFIGURATION, until

CONFIGURATION = "event.poller.configuration"
RESOURCES = {name: {"url": f"/hubs/documents/{name}"} for name in ("users", "groups")}


async def test_a_form_gone_back_to_reverts_nothing_that_was_changed_meanwhile(
    make_own_world, open_page, signed_in
):
    async with make_own_world() as world:
        before = EVENTS_CONFIGURATION | {"users": RESOURCES["users"]}
        place = f"/instances/{await connect_by_api(world, 'Acme Legal', **{CONFIGURATION: before})}"
        page = await open_page(world, await signed_in(world))
        await page.goto(f"{place}/edit")
        await page.get_by_role("link", name="Events", exact=True).click()
        await page.wait_for_url("**/events")
        wanted = EVENTS_CONFIGURATION | {"groups": RESOURCES["groups"]}
        changed = {
            CONFIGURATION: wanted,
            "event.poller.start": "oldest",
            "event.notification.format": "cloudevents",
        }
        await ask(world, "PATCH", place, {"configuration": changed})
        await page.go_back()
        await name_field(page, "event.poller.refresh_interval").fill("7")
        await press(page, "Save").click()
        await page.get_by_role("status").first.wait_for()
        stored = (await ask(world, "GET", place))["configuration"]
        assert stored["event.poller.refresh_interval"] == "7"
        assert set(orjson.loads(stored[CONFIGURATION])) == set(wanted)
        assert {key: stored[key] for key in changed if key != CONFIGURATION} == {
            key: text for key, text in changed.items() if key != CONFIGURATION
        }


async def test_a_list_gone_back_to_has_nothing_ticked_that_nobody_ticked(
    make_own_world, open_page, signed_in
):
    async with make_own_world(**SETTINGS) as world:
        await connect_by_api(world, "Acme Legal")
        world.listener.status = 422

        async def fail(wanted):
            await world.change(1)
            await until(lambda: _has_dead(world, wanted))

        for wanted in (1, 2):
            await fail(wanted)
        page = await open_page(world, await signed_in(world, "operator"))
        await page.goto("/deliveries")
        await page.locator("[data-one]").first.check()
        await press(page, "Send 1 selected again").wait_for()
        await page.locator("[data-one] >> xpath=ancestor::tr >> css=a.row-link").first.click()
        await page.get_by_role("heading", name="Attempts").wait_for()
        await fail(3)
        await page.go_back()
        await press(page, "Send selected again").wait_for()
        assert await page.locator("[data-one]").count() == 3
        assert await page.locator("input:checked").count() == 0


async def _has_dead(world, wanted):
    return await count(world, "state = 'dead'") == wanted
