"""What holds of every page: for who cannot see it or cannot use a mouse, on a small window, with scripts or without."""

from __future__ import annotations

import re

from signalpost.web.routes import ROUTERS
from tests.browser.pages import PAGES
from tests.browser.walking import fill_form, press
from tests.browser.watching import find_violations, measure_overflow, watch

WIDE = {"width": 1280, "height": 800}
NARROW = {"width": 360, "height": 740}
# What a window of 1280 shows at 400 %.
NARROWEST = {"width": 320, "height": 256}
# From here on tables show all their columns.
MIDDLE = {"width": 1024, "height": 768}
# A window of 1280 by 1024 shown at 200 % has the room of one half as wide.
ZOOMED = {"width": 640, "height": 512}


# A label or a link with such an id belongs to the first that has it.
TWICE = """[...document.querySelectorAll("[id]")].map((each) => each.id)
    .filter((id, at, all) => all.indexOf(id) !== at)"""

# Words of ours in tables that stand in two lines; what others named is broken where there is no room.
BROKEN = r"""[...document.querySelectorAll("main td")].flatMap((cell) => {
    const walk = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT), range = document.createRange(), found = [];
    while (walk.nextNode()) {
        const node = walk.currentNode, holder = node.parentElement;
        if (!holder.checkVisibility() || holder.closest("bdi, code, .path")) continue;
        for (const word of node.data.matchAll(/(?<!\S)\p{L}{2,12}(?!\S)/gu)) {
            range.setStart(node, word.index);
            range.setEnd(node, word.index + word[0].length);
            if (range.getClientRects().length > 1) found.push(word[0]);
        }
    }
    return found;
})"""

# What has more in it than it shows.
CUT = """[...document.querySelectorAll("main :is(pre, .answer, .table)")]
    .filter((each) => each.scrollHeight > each.clientHeight + 1 && getComputedStyle(each).overflowY !== "visible")
    .map((each) => each.getAttribute("aria-label") ?? each.className)"""

# What a browser puts back by its place on the page: all by their form, and Firefox, when it opens its windows anew, each
# of these two kinds by itself.
PUT_BACK = """[...document.querySelectorAll("select, textarea, input:is([type=checkbox], [type=radio], [type=range])")]
    .filter((each) => each.form?.autocomplete !== "off"
        || (each.matches("select, textarea") && each.getAttribute("autocomplete") !== "off"))
    .map((each) => each.outerHTML.slice(0, 120))"""

# What answers a GET without being a page of its own: streams, downloads, ways that lead on.
NO_PAGES = {
    "/connect/continue/{number}",
    "/connect/{token}/go",
    "/deliveries/live",
    "/events/live",
    "/events/{event_id}/record",
    "/instances/{instance_id}/live",
    "/oauth/callback",
    "/overview/live",
}


async def open_each(stage, open_page, **options):
    """Go through all pages, each as who may see it; give page, its answer and what went wrong on it so far."""
    tabs = {}
    for each in PAGES:
        if each.role not in tabs:
            # With motion, colours are on their way for a while after the scheme was changed.
            page = await open_page(
                stage.world, stage.people.get(each.role), reduced_motion="reduce", **options
            )
            tabs[each.role] = (page, watch(page))
        page, seen = tabs[each.role]
        answer = await page.goto(each.locate(stage.ids), wait_until="load")
        yield each, page, answer, seen


async def test_axe_finds_nothing_on_any_page_in_light_or_dark(stage, open_page):
    found = {}
    async for each, page, answer, _ in open_each(stage, open_page, viewport=WIDE):
        assert answer.status == each.status, each
        found[each.name, "light"] = await find_violations(page)
        await page.emulate_media(color_scheme="dark")
        await page.set_viewport_size(NARROW)
        found[each.name, "dark"] = await find_violations(page, again=True)
        await page.emulate_media(color_scheme="light")
        await page.set_viewport_size(WIDE)
    assert {place: problems for place, problems in found.items() if problems} == {}


async def test_every_page_fits_keeps_its_policy_is_small_and_has_a_title(stage, open_page):
    """From 320 px on nothing must be scrolled for sideways; no script or style is refused; < 100 kB."""
    wrong = {}
    async for each, page, answer, seen in open_each(stage, open_page, viewport=NARROW):
        for size in (NARROWEST, NARROW, ZOOMED, MIDDLE):
            await page.set_viewport_size(size)
            if out := await measure_overflow(page):
                wrong[each.name, size["width"]] = out
            if broken := await page.evaluate(BROKEN):
                wrong[each.name, size["width"], "broken"] = broken
        # Chromium says that a page was not found, which is what such a page is for.
        if told := [line for line in seen if each.status == 200 or "status of" not in line]:
            wrong[each.name, "console"] = told
        seen.clear()
        if (size := len(await answer.body())) > 100_000:
            wrong[each.name, "bytes"] = size
        title, headings = await page.title(), await page.locator("h1").all_inner_texts()
        if len(headings) != 1 or not headings[0].strip() or len(title) < 15:
            wrong[each.name, "title"] = (title, headings)
        if twice := await page.evaluate(TWICE):
            wrong[each.name, "ids"] = twice
        if back := await page.evaluate(PUT_BACK):
            wrong[each.name, "put back by browsers"] = back
    assert wrong == {}


async def test_the_head_of_a_long_table_stays_in_sight(stage, open_page):
    page = await open_page(stage.world, stage.people["admin"], viewport=WIDE)
    for path in ("/events", "/deliveries?state=delivered"):
        await page.goto(path)
        await page.locator("tbody tr").last.scroll_into_view_if_needed()
        assert await page.evaluate("scrollY") > 0, path
        assert await page.locator("thead th").last.evaluate("th => th.getBoundingClientRect().top") == 0, path


async def test_what_is_printed_is_dark_on_white_whatever_the_screen_is(stage, open_page):
    page = await open_page(stage.world, stage.people["admin"], color_scheme="dark")
    await page.goto("/me")
    for word in ("Dark", "As the system"):
        await press(page, word).click()
        await page.locator(f"button[aria-pressed=true]:has-text('{word}')").wait_for()
        await page.emulate_media(media="print")
        paper, ink = await page.evaluate(
            "['backgroundColor', 'color'].map((key) => Number(getComputedStyle(document.body)[key].match(/\\d+/)[0]))"
        )
        assert (paper > 240, ink < 40) == (True, True), word
        await page.emulate_media(media="screen")


async def test_letters_twice_as_large_cover_nothing(stage, open_page):
    """As where a browser enlarges the text alone."""
    page = await open_page(stage.world, stage.people["admin"], viewport=WIDE)
    await page.goto("/instances")
    covered = await page.evaluate(
        """() => {
            for (const each of document.querySelectorAll(".rail a, .filters *")) {
                each.style.fontSize = `${2 * parseFloat(getComputedStyle(each).fontSize)}px`;
            }
            const begin = document.querySelector("main").getBoundingClientRect().left;
            const low = (field) => field.clientHeight < 1.2 * parseFloat(getComputedStyle(field).fontSize);
            return [...document.querySelectorAll(".rail a")].filter((a) => a.getBoundingClientRect().right > begin)
                .concat([...document.querySelectorAll(".filters :is(input, select)")].filter(low))
                .map((each) => each.textContent);
        }"""
    )
    assert covered == []


async def test_where_the_browser_sets_all_colours_only_the_tab_shown_is_underlined(stage, open_page):
    page = await open_page(stage.world, stage.people["admin"], forced_colors="active")
    await page.goto(f"/instances/{stage.ids['legal']}")
    drawn, paper = await page.evaluate(
        """[[...document.querySelectorAll(".tabs a")].map((tab) => getComputedStyle(tab).borderBottomColor),
            getComputedStyle(document.body).backgroundColor]"""
    )
    assert [colour == paper for colour in drawn] == [False, True, True, True, True]


async def test_no_list_is_lost_in_print(stage, open_page):
    page = await open_page(stage.world, stage.people["admin"], viewport=WIDE)
    for path in ("/deliveries", "/events", "/instances", "/organization"):
        await page.emulate_media(media="screen")
        await page.goto(path)
        shown = await page.locator("main table:visible").count()
        assert shown, path
        await page.emulate_media(media="print")
        assert await page.locator("main table:visible").count() == shown, path


async def test_what_scrolls_or_is_folded_on_the_screen_is_whole_in_print(stage, open_page):
    page = await open_page(stage.world, stage.people["admin"], viewport=WIDE)
    ids = stage.ids
    places = (f"/events/{ids['event']}", f"/deliveries/{ids['dead']}", f"/instances/{ids['legal']}")
    cut = {}
    for path in places:
        await page.emulate_media(media="screen")
        await page.goto(path)
        for summary in await page.get_by_text("As a table").all():
            await summary.click()
        assert await page.evaluate(CUT), f"nothing of {path} is longer than what the screen shows"
        await page.emulate_media(media="print")
        cut[path] = await page.evaluate(CUT)
        answers = page.get_by_text("Request header")
        cut[path] += [
            f"attempt {at}" for at, each in enumerate(await answers.all()) if not await each.is_visible()
        ]
    assert {path: found for path, found in cut.items() if found} == {}


async def test_axe_finds_nothing_on_what_forms_answer(stage, open_page):
    page = await open_page(stage.world, stage.people["admin"], viewport=NARROW)
    stranger = await open_page(stage.world, viewport=NARROW)
    found = {}

    async def look(tab, name, words):
        await tab.get_by_text(words).first.wait_for()
        found[name] = [*await find_violations(tab), await measure_overflow(tab)]

    await page.goto("/instances/new?connector=egnyte")
    await fill_form(page, stage.world, subdomain="not a domain")
    await press(page, "Send a test notification").click()
    await look(page, "tested", "200")
    await press(page, "Generate a key").click()
    await look(page, "key made", "Signature Key")
    await press(page, "Create Instance").click()
    await look(page, "refused", "There is a problem")
    await page.goto("/organization")
    await press(page, "Make a link").click()
    await look(page, "invited", "/invitation/")
    await stranger.goto("/sign-in")
    await stranger.get_by_label("E-mail address").fill("nobody@example.com")
    await stranger.get_by_label("Password", exact=True).fill("a wrong password")
    await press(stranger, "Sign in").click()
    await look(stranger, "not signed in", "There is a problem")
    await stranger.goto(f"/setup/{stage.ids['setup']}")
    await stranger.get_by_label("E-mail address").fill("ada@example.com")
    await stranger.get_by_label("Password", exact=True).fill("short")
    await press(stranger, "Make the account").click()
    await look(stranger, "weak password", "There is a problem")
    assert {name: problems for name, problems in found.items() if any(problems)} == {}


def test_no_page_is_forgotten():
    """Every page of the console is looked at by these tests, and shown under docs/images."""
    wanted = {
        route.path
        for router in ROUTERS
        for route in router.routes
        if "GET" in route.methods and route.path not in NO_PAGES
    }
    shapes = {re.sub(r"\{\w+\}", r"[^/]+", path): path for path in wanted}
    looked = {re.sub(r"\{\w+\}", "x", each.path).partition("?")[0] for each in PAGES}
    missing = {
        path for shape, path in shapes.items() if not any(re.fullmatch(shape, each) for each in looked)
    }
    assert missing == set()


async def test_what_looks_at_pages_would_see_what_is_wrong(stage, open_page):
    page = await open_page(stage.world, stage.people["admin"], viewport=NARROW)
    seen = watch(page)
    await page.goto("/me")
    await page.evaluate(
        """() => {
            const wrong = document.createElement("div");
            wrong.innerHTML = '<input><p style="color:#ccc">pale</p><div class="wide">x</div>';
            wrong.querySelector(".wide").style.width = "900px";
            wrong.querySelector("p").style.color = "#ccc";
            const script = document.createElement("script");
            script.textContent = "window.ran = 1";
            document.querySelector("main").append(wrong, script);
        }"""
    )
    rules = {line.partition(":")[0] for line in await find_violations(page)}
    assert {"label", "color-contrast"} <= rules
    assert await measure_overflow(page) is not None
    assert await page.evaluate("window.ran") is None
    assert any("Content Security Policy" in line for line in seen)


async def test_a_link_that_was_sent_is_withdrawn_only_after_it_is_said_what_that_means(stage, open_page):
    page = await open_page(stage.world, stage.people["admin"])
    for path in ("/organization", "/connectors/egnyte"):
        await page.goto(path)
        button = page.get_by_role("button", name="Withdraw it").first
        assert not await button.is_visible()
        await page.locator("summary", has_text="Withdraw").first.press("Enter")
        assert await button.is_visible()
