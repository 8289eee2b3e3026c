"""The steps that stories share: filling in the form that connects, and consenting at the sandbox."""

from __future__ import annotations

import re

INSTANCE = re.compile(r"/instances/\d+$")
KEY = "event.notification.signature.key"


def name_field(page, key):
    """The field of a configuration value."""
    return page.locator(f'[name="configuration.{key}"]:not([type=hidden])').first


def press(page, word):
    """The button of that word."""
    return page.get_by_role("button", name=word)


async def open_group(page, key):
    """Open what a field is folded into, if it is."""
    folded = page.locator(f'details:not([open]):has([name="configuration.{key}"]) > summary')
    if await folded.count():
        await folded.first.click()


async def fill_form(page, world, name="Acme Legal", **values):
    """Fill in the form that connects, for the sandbox, polling often."""
    values = {
        "subdomain": "acme",
        "oauth.api.key": "key",
        "oauth.api.secret": "secret",
        "event.notification.callback.url": world.listener.url,
        KEY: "a signature key",
        **values,
    }
    await page.get_by_label("Name", exact=False).first.fill(name)
    for key, value in values.items():
        await open_group(page, key)
        await name_field(page, key).fill(value)
    interval = page.locator('[name="configuration.event.poller.refresh_interval"]:not([type=range])').first
    await interval.fill("0.01")


async def consent(page, decision="Allow"):
    """Answer on the provider's page, and come back."""
    await page.wait_for_url("**/puboauth/token**")
    await press(page, decision).click()


async def connect(page, world, name="Acme Legal", **values):
    """Connect an instance, from the form to its page; give its number."""
    await page.goto("/instances/new?connector=egnyte")
    await fill_form(page, world, name, **values)
    await press(page, "Create Instance").click()
    await consent(page)
    await page.wait_for_url(INSTANCE)
    return int(page.url.rsplit("/", 1)[1])


# A field of date and time has parts that show by themselves which of them has the focus.
FOCUSED = """() => {
    const at = document.activeElement, box = at.getBoundingClientRect(), style = getComputedStyle(at);
    return {
        tag: at.tagName, id: at.id, name: at.name ?? "", text: at.textContent.trim().slice(0, 60),
        seen: box.width > 0 && box.bottom > 0 && (style.outlineStyle !== "none" || at.type === "datetime-local"),
    };
}"""


async def tab_to(page, wanted, most=120):
    """Press Tab until what has the focus is wanted; each on the way must be seen to have it."""
    for _ in range(most):
        await page.keyboard.press("Tab")
        focused = await page.evaluate(FOCUSED)
        assert focused["seen"] or focused["tag"] == "BODY", focused
        if wanted(focused):
            return focused
    raise AssertionError(f"not reached by {most} Tabs")
