"""What a list says to who points at it, and that its rows lead on there as well."""

from __future__ import annotations

from datetime import UTC, datetime

from tests.store.history import make_past

LIES_ON_TOP = """it => {
    it.scrollIntoView({ block: "center" });
    const { left, top, height } = it.getBoundingClientRect();
    return it.contains(document.elementFromPoint(left + 2, top + height / 2));
}"""


async def test_all_that_says_more_in_a_row_can_be_pointed_at_and_leads_on(
    make_own_world, open_page, signed_in
):
    async with make_own_world(roles=frozenset()) as world:
        organization_id = await world.pool.fetchval("SELECT id FROM organization WHERE name = 'Acme'")
        past = await make_past(world.pool, organization_id)
        await past.end(await past.commit(datetime.now(UTC), ["one"]), "dead")
        await world.pool.execute("UPDATE instance SET last_poll_at = now(), name = repeat('long ', 40)")
        page = await open_page(world, await signed_in(world), timezone_id="Asia/Kolkata", locale="en-GB")
        place = f"/instances/{past.instance_id}"
        for path in ("/", "/instances", "/events", "/deliveries", f"{place}/events", f"{place}/deliveries"):
            await page.goto(path)
            row = page.locator("tr:has(a.row-link)").first
            saying = row.locator("[title]:not(a)")
            assert await saying.count() > 0, path
            for each in await saying.all():
                assert await each.evaluate(LIES_ON_TOP), (path, await each.inner_text())
            time = row.locator("time").first
            exact = await time.get_attribute("title")
            await time.hover()
            said = await time.get_attribute("title")
            assert said.startswith(f"{exact}; here "), said
            assert said.endswith("GMT+5:30"), said
            leads_to = await row.locator("a.row-link").get_attribute("href")
            await time.click()
            await page.wait_for_url(f"**{leads_to}")
