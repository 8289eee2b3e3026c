"""What a page must never do, noted while it is open; and what axe-core finds on it."""

from __future__ import annotations

from axe_playwright_python.async_playwright import Axe

SCRIPT = Axe().axe_script
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What may be different where the colours or the width are: the rest need not be asked twice.
AGAIN = ["color-contrast", "target-size", "scrollable-region-focusable", "link-in-text-block"]
RUN = """async (only) => (await axe.run(document, {
    runOnly: only, resultTypes: ["violations"], preload: false, iframes: false })).violations"""


def watch(page):
    """Note what goes wrong on a page: refused by its security policy, errors of scripts, parts that are not there."""
    seen = []
    page.on("console", lambda message: message.type == "error" and seen.append(f"{page.url} {message.text}"))
    page.on("pageerror", lambda error: seen.append(f"{page.url} {error}"))
    page.on(
        "response",
        lambda answer: "/static/" in answer.url and answer.status >= 400 and seen.append(answer.url),
    )
    return seen


async def find_violations(page, *, again=False):
    """Have axe-core look at the page as it is; give what it finds, in words. ``again``: it looked before."""
    if not again:
        await page.evaluate(SCRIPT)
    only = {"type": "rule", "values": AGAIN} if again else {"type": "tag", "values": TAGS}
    found = await page.evaluate(RUN, only)
    return [
        f"{each['id']}: {node['html'][:160]} {node.get('failureSummary', '')[:200]}"
        for each in found
        for node in each["nodes"][:3]
    ]


async def measure_overflow(page):
    """Give by how many pixels the page is wider than the window, and what of it sticks out."""
    return await page.evaluate(
        """() => {
            const root = document.documentElement, width = root.clientWidth;
            if (root.scrollWidth <= width) return null;
            const out = [...document.querySelectorAll("body *")].filter(
                (each) => each.getBoundingClientRect().right > width + 1 && !each.closest(".table, .tabs, .rail, pre"));
            return `${root.scrollWidth - width}: ${out.slice(0, 4).map((each) => each.outerHTML.slice(0, 120)).join(" | ")}`;
        }"""
    )
