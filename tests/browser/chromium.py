"""The browser of the tests: Debian's Chromium, installed when it is missing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

from tests.debian import look_for

NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ARGUMENTS = (
    "--no-sandbox",
    "--no-proxy-server",
    "--disable-gpu",
    "--font-render-hinting=none",
    "--hide-scrollbars",
)


class NoBrowserError(Exception):
    """There is no Chromium here and none could be installed; says what was tried."""


def look_for_chromium() -> tuple[str | None, str]:
    """Find a browser, or install Debian's: the one without windows, which takes less, where there is that."""
    found, _ = look_for(NAMES[0], *NAMES)
    return (found, "") if found else look_for("chromium", *NAMES)


def require_chromium() -> str:
    """Give the browser's path.

    Raises:
        NoBrowserError: none is here, and none could be installed.
    """
    found, said = look_for_chromium()
    if not found:
        message = f"no Chromium ({', '.join(NAMES)}) is installed, and apt-get could not install it: {said}"
        raise NoBrowserError(message)
    return found


@asynccontextmanager
async def open_chromium() -> AsyncIterator[Browser]:
    """Run a headless browser while the context is open.

    Raises:
        NoBrowserError: there is none.
    """
    path = require_chromium()
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=[*ARGUMENTS])
        try:
            yield browser
        finally:
            await browser.close()
