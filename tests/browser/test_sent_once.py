"""A button that is pressed twice, because the answer takes a while, does what it does once."""

from __future__ import annotations

from tests.browser.walking import press

PATIENCE_MILLISECONDS = 10_000
PRESS = """button => {
    let refused = null;
    document.addEventListener("submit", (event) => { refused = event.defaultPrevented; }, { once: true });
    button.click();
    return refused;
}"""


async def test_a_form_on_its_way_is_sent_again_only_where_no_answer_comes(
    make_own_world, open_page, signed_in
):
    async with make_own_world(roles=frozenset()) as world:
        page = await open_page(world, await signed_in(world))
        await page.clock.install()
        await page.goto("/organization/secrets")
        # The page stays, as where no answer comes.
        await page.route("**/organization/secrets", lambda route: route.fulfill(status=204))
        button = press(page, "Make a new pair")
        assert await button.evaluate(PRESS) is False
        assert await button.evaluate(PRESS) is True
        await page.clock.fast_forward(PATIENCE_MILLISECONDS)
        assert await button.evaluate(PRESS) is False
