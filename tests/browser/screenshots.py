"""``make screenshots``: every page, light and dark, wide and narrow, into docs/images.

The same command makes the same pages each time: the sandbox's changes follow from its seed. Times and ids differ.
"""

from __future__ import annotations

import argparse
import asyncio
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
from playwright.async_api import Browser
from playwright.async_api import Page as Tab

from signalpost import runtime
from signalpost.observe import configure_logging
from signalpost.sandbox.egnyte import run_sandbox
from signalpost.store.database import migrate
from signalpost.store.embedded import EmbeddedPostgres
from tests.browser.chromium import open_chromium
from tests.browser.pages import PAGES, Page
from tests.browser.shrinking import Shrinker
from tests.browser.stage import SETTINGS, Stage, open_stage
from tests.support import open_world

FOLDER = Path(__file__).parents[2] / "docs" / "images"
WIDTHS = {"wide": 1280, "narrow": 360}
LEAST_HEIGHT, MOST_HEIGHT = 480, 1200
SCHEMES = ("light", "dark")


@asynccontextmanager
async def open_seeded() -> AsyncIterator[Stage]:
    """Run the seeded service on a database of its own."""
    with tempfile.TemporaryDirectory(prefix="signalpost-screenshots-") as folder:
        server = await EmbeddedPostgres.start(Path(folder), settings={"fsync": "off"})
        try:
            arguments = {**server.connect_arguments, "database": "screenshots"}
            admin = await asyncpg.connect(**server.connect_arguments)
            await admin.execute("CREATE DATABASE screenshots")
            await admin.close()
            await migrate(arguments)
            async with run_sandbox() as sandbox, open_world(arguments, sandbox, **SETTINGS) as world:
                async with open_stage(world) as stage:
                    yield stage
        finally:
            await server.stop()


class Tabs:
    """One open page for each who looks, width and scheme."""

    def __init__(self, browser: Browser, stage: Stage) -> None:
        self._browser = browser
        self._stage = stage
        self._open: dict[tuple[str | None, str, str], Tab] = {}

    async def give(self, role: str | None, width: str, scheme: str) -> Tab:
        """Give the page for these, with a low window."""
        if (role, width, scheme) not in self._open:
            context = await self._browser.new_context(
                base_url=self._stage.world.url,
                color_scheme="dark" if scheme == "dark" else "light",
                reduced_motion="reduce",
                device_scale_factor=1,
            )
            if role is not None:
                await context.add_cookies([self._stage.people[role].cookie(self._stage.world.url)])
            self._open[role, width, scheme] = await context.new_page()
        tab = self._open[role, width, scheme]
        await tab.set_viewport_size({"width": WIDTHS[width], "height": LEAST_HEIGHT})
        return tab


async def shoot(tabs: Tabs, page: Page, path: str, shrinker: Shrinker, folder: Path) -> list[Path]:
    """Show one page in all its forms; give the files."""
    made = []
    for width, pixels in WIDTHS.items():
        for scheme in SCHEMES:
            tab = await tabs.give(page.role, width, scheme)
            await tab.goto(path, wait_until="load")
            height = await tab.evaluate("document.documentElement.scrollHeight")
            await tab.set_viewport_size({"width": pixels, "height": min(height, MOST_HEIGHT)})
            made.append(folder / f"{page.name}-{width}-{scheme}.png")
            made[-1].write_bytes(await shrinker.shrink(await tab.screenshot()))
    return made


async def run(names: list[str], folder: Path) -> None:
    """Show the pages of these names; all, if none is named."""
    folder.mkdir(parents=True, exist_ok=True)
    async with open_seeded() as stage, open_chromium() as browser:
        shrinker, tabs = await Shrinker.open(browser), Tabs(browser, stage)
        for page in PAGES:
            if not names or page.name in names:
                made = await shoot(tabs, page, page.locate(stage.ids), shrinker, folder)
                print(f"{page.name}: {sum(file.stat().st_size for file in made) / 1000:.0f} kB", flush=True)


def main(given: Any = None) -> None:
    """Read the command line and make the pictures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", nargs="*", help="names of pages; all of them, if none is given")
    parser.add_argument("--folder", type=Path, default=FOLDER)
    options = parser.parse_args(given)
    configure_logging(level="error", json_lines=False)
    runtime.TICK_SECONDS = 0.1  # the scheduler need not be slow for pictures
    asyncio.run(run(options.names, options.folder))


if __name__ == "__main__":
    main()
