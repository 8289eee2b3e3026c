"""Has a transaction stop before its commit, and something else run into it: what both leave is then looked at."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager

from tests.support import until


class Stopping:
    """A pool whose transactions end when ``go_on`` is set, and say at ``is_done`` that nothing else is left."""

    def __init__(self, pool):
        self.pool = pool
        self.is_done, self.go_on = asyncio.Event(), asyncio.Event()

    @asynccontextmanager
    async def acquire(self):
        async with self.pool.acquire() as connection:
            yield _Stopping(connection, self)


class _Stopping:
    def __init__(self, connection, stopping):
        self._connection, self._stopping = connection, stopping

    def __getattr__(self, name):
        return getattr(self._connection, name)

    @asynccontextmanager
    async def transaction(self):
        async with self._connection.transaction():
            yield
            self._stopping.is_done.set()
            await self._stopping.go_on.wait()


async def act_amid(stopping, change, act):
    """Run ``act`` while all of ``change`` is done but its commit."""
    changing = asyncio.ensure_future(change)
    await stopping.is_done.wait()
    acting = asyncio.ensure_future(act)
    await until(lambda: stopping.pool.fetchval("SELECT count(*) FROM pg_locks WHERE NOT granted"))
    stopping.go_on.set()
    return await asyncio.gather(changing, acting)
