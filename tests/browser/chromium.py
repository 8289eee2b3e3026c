"""The browser of the tests: Debian's Chromium, installed when it is missing."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from playwright.async_api import Browser, async_playwright

from tests.debian import BROWSERS, look_for_chromium

ARGUMENTS = (
    "--no-sandbox",
    "--no-proxy-server",
    "--disable-gpu",
    "--font-render-hinting=none",
    "--hide-scrollbars",
)


class NoBrowserError(Exception):
    """There is no Chromium here and none could be installed; says what was tried."""


def require_chromium() -> str:
    """Give the browser's path.

    Raises:
        NoBrowserError: none is here, and none could be installed.
    """
    found, said = look_for_chromium()
    if not found:
        message = (
            f"no Chromium ({', '.join(BROWSERS)}) is installed, and apt-get could not install it: {said}"
        )
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
