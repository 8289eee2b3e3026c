"""Something else in the process that wants its turns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


@asynccontextmanager
async def take_turns() -> AsyncIterator[list[None]]:
    """Take whatever turns there are; the list has as many entries as were taken."""
    turns: list[None] = []

    async def take() -> None:
        while True:
            turns.append(None)
            await asyncio.sleep(0)

    taking = asyncio.create_task(take())
    yield turns
    taking.cancel()
