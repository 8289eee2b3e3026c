"""The browser of the tests: Debian's Chromium, installed when it is missing."""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import cache
from pathlib import Path

from playwright.async_api import Browser, async_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
LOCK = Path(tempfile.gettempdir()) / f"signalpost-chromium-{os.geteuid()}.lock"
INSTALL_SECONDS = 300
ARGUMENTS = (
    "--no-sandbox",
    "--no-proxy-server",
    "--disable-gpu",
    "--font-render-hinting=none",
    "--hide-scrollbars",
)


class NoBrowserError(Exception):
    """There is no Chromium here and none could be installed; says what was tried."""


def find_chromium() -> str | None:
    """Find a browser on this machine."""
    return next(filter(None, map(shutil.which, NAMES)), None)


@cache
def look_for_chromium() -> tuple[str | None, str]:
    """Find a browser, or install Debian's: by one process at a time, as several may run tests, and tried once in each.

    Gives its path, and what was said where there is none.
    """
    with LOCK.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        found, said = find_chromium(), ""
        if not found:
            said = _install()
            found = find_chromium()
    return found, said


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


def _install() -> str:
    prefix = [] if os.geteuid() == 0 else ["sudo", "-n"]
    said = ""
    for words in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", "chromium"]):
        try:
            done = subprocess.run(
                [*prefix, "apt-get", *words],
                check=False,
                capture_output=True,
                text=True,
                timeout=INSTALL_SECONDS,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return str(error)
        said = (done.stderr or done.stdout).strip()[-300:]
    return said


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
