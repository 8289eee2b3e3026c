"""Looking at one seeded service with scripts on: the panes of the form in step, the keyboard past the frame.

Beside the other tests that only look, so that one process seeds it for all of them.
"""

from __future__ import annotations

import json

from tests.browser.walking import FOCUSED, fill_form, name_field, open_group, press, tab_to
from tests.browser.watching import watch

PANE = "event.poller.configuration"


async def test_check_boxes_and_json_say_the_same_and_the_interval_says_what_it_costs(stage, open_page):
    page = await open_page(stage.world, stage.people["operator"])
    seen = watch(page)
    await page.goto("/instances/new?connector=egnyte")
    pane = name_field(page, PANE)
    users = page.locator('[data-resource="users"]')
    await users.get_by_role("checkbox").check()
    assert set(json.loads(await pane.input_value())) == {"events", "users"}
    await users.locator("summary").click()
    await users.locator('[data-column="url"]').fill("/hubs/documents/users?where=active='true'")
    assert json.loads(await pane.input_value())["users"]["url"].endswith("active='true'")
    told = page.locator("[data-arithmetic]")
    await page.locator("[data-minutes]").fill("5")
    assert "576 of 1,000 calls a day" in await told.inner_text()
    await pane.fill('{"events": {"url": "/hubs/documents/events"}}')
    assert not await users.get_by_role("checkbox").is_checked()
    assert "288 of 1,000 calls a day" in await told.inner_text()
    await page.locator("[data-slider] input").fill("15")
    assert await page.locator("[data-minutes]").input_value() == "15"
    await fill_form(page, stage.world)
    await pane.fill('{"events": {\n  "url" 5\n}}')
    await page.locator("[data-json-error]").get_by_text("not JSON").wait_for()
    await press(page, "Create Instance").click()
    await page.locator(".wrong-line").wait_for()
    assert (await page.locator(".wrong-line").inner_text()).startswith("2 |")
    assert seen == [line for line in seen if "status of 400" in line]


async def test_what_is_no_number_stays_in_its_field_and_is_told_there(stage, open_page):
    """Of what is no number a browser would send nothing, and that stands for the usual one."""
    page = await open_page(stage.world, stage.people["operator"])
    typed = {
        "event.poller.refresh_interval": "0,5",
        "event.notification.concurrency": "a few",
        "event.notification.rate": "10/s",
    }
    for key, text in typed.items():
        await page.goto("/instances/new?connector=egnyte")
        await fill_form(page, stage.world)
        await open_group(page, key)
        await name_field(page, key).press("Control+A")
        await page.keyboard.type(text)
        assert await page.locator("[data-arithmetic]").is_hidden() == ("interval" in key)
        await press(page, "Create Instance").click()
        told = page.locator(f'[id="configuration.{key}-error"]')
        await told.wait_for()
        assert text in await told.inner_text()
        assert await name_field(page, key).input_value() == text


async def test_a_keyboard_goes_past_the_frame_and_to_the_search(stage, open_page):
    page = await open_page(stage.world, stage.people["admin"])
    await page.goto("/instances")
    await page.keyboard.press("Tab")
    assert (await page.evaluate(FOCUSED))["text"] == "Skip to content"
    await page.keyboard.press("Enter")
    assert (await page.evaluate("document.activeElement.id")) == "content"
    await page.keyboard.press("/")
    assert (await page.evaluate("document.activeElement.id")) == "search-events"
    await page.keyboard.type("legal")
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/events?path=legal")
    await tab_to(page, lambda at: at["tag"] == "A" and "/Shared" in at["text"])
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/events/*-*")


async def test_a_menu_opens_inside_of_the_window(stage, open_page):
    page = await open_page(stage.world, stage.people["admin"])
    for width in (320, 360, 390, 640, 1280):
        await page.set_viewport_size({"width": width, "height": 740})
        for name in ("legal", "scans", "archive"):
            await page.goto(f"/instances/{stage.ids[name]}")
            await page.locator(".menu > summary").click()
            box = await page.locator(".menu > ul").bounding_box()
            assert box["x"] >= 0, (width, name)
            assert box["x"] + box["width"] <= width, (width, name)


async def test_a_problem_leads_to_its_field_with_label_and_error_in_sight(stage, open_page):
    page = await open_page(
        stage.world, stage.people["operator"], viewport={"width": 360, "height": 740}, reduced_motion="reduce"
    )
    await page.goto("/instances/new?connector=egnyte")
    await press(page, "Create Instance").click()
    problems = page.get_by_role("alert").get_by_role("link")
    await problems.first.wait_for()
    told = await problems.all_inner_texts()
    assert told[0].startswith("Name: it is missing")
    assert len(told) > 3
    for number in range(len(told)):
        await problems.nth(number).click()
        tops = await page.evaluate(
            """() => [...document.activeElement.closest(".field").querySelectorAll("label, .error")]
                .map((each) => each.getBoundingClientRect().top)"""
        )
        assert len(tops) == 2
        assert all(0 <= top < 740 for top in tops), (told[number], tops)
