"""Fixtures of the faults' tests."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from tests.faults.ground import Ground, open_ground


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def ground() -> AsyncIterator[Ground]:
    """Templates of databases, once for a module's scenarios."""
    async with open_ground() as opened:
        yield opened
