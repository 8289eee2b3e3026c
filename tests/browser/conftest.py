"""One browser for the process, one seeded service for all that only looks, a service of its own for each story."""

from __future__ import annotations

from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import pytest_asyncio
from pytest_asyncio import is_async_test

from signalpost.sandbox.egnyte import run_sandbox
from tests.browser.chromium import NoBrowserError, open_chromium
from tests.browser.people import sign_in
from tests.browser.stage import SETTINGS, open_stage
from tests.debian import look_for_chromium
from tests.support import PATIENCE_SECONDS, open_world

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items):
    """Run these tests in one event loop: the browser and the seeded service live longer than one of them."""
    for item in items:
        if HERE in item.path.parents and is_async_test(item):
            item.add_marker(pytest.mark.asyncio(loop_scope="session"), append=False)
            item.add_marker(pytest.mark.browser)


def pytest_collection_finish(session):
    """Install the browser before any test's time is counted: that can take longer than one may."""
    if not session.config.option.collectonly and any(HERE in item.path.parents for item in session.items):
        look_for_chromium()


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def chromium():
    try:
        opened = open_chromium()
        browser = await opened.__aenter__()
    except NoBrowserError as error:
        pytest.skip(f"THE CONSOLE IS NOT TESTED IN A BROWSER HERE: {error}")
    yield browser
    await opened.__aexit__(None, None, None)


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def stage(postgres, chromium):
    """The seeded service: for tests that look and change nothing."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("signalpost.runtime.TICK_SECONDS", 0.1)
        async with postgres.open_database() as database, run_sandbox() as sandbox:
            async with open_world(database, sandbox, **SETTINGS) as world, open_stage(world) as stage:
                yield stage


@pytest.fixture
def make_own_world(postgres, chromium):
    """Give a context manager that runs a service of the test's own, without an instance; keywords are settings."""

    @asynccontextmanager
    async def make(**settings):
        async with postgres.open_database() as database, run_sandbox() as sandbox:
            async with open_world(database, sandbox, **settings) as world:
                yield world

    return make


@pytest_asyncio.fixture(loop_scope="session")
async def open_page(chromium):
    """Give a function that opens a page, of a member where one is given; all are closed in the end."""
    contexts = []

    async def open_one(world, member=None, **options):
        context = await chromium.new_context(base_url=world.url, **options)
        context.set_default_timeout(PATIENCE_SECONDS * 1000)
        contexts.append(context)
        if member is not None:
            await context.add_cookies([member.cookie(world.url)])
        return await context.new_page()

    yield open_one
    for context in contexts:
        await context.close()


@pytest.fixture
def signed_in():
    """Give the function that signs a member in."""
    return sign_in
