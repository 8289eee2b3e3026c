"""What the fault harness stands on: migrated databases to copy, one server in common, and the secrets of a user."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

from signalpost.store.database import migrate, open_pool
from signalpost.store.embedded import EmbeddedPostgres
from signalpost.store.organizations import Organizations
from tests.support import authorize

TEMPLATE = "faults_template"
SIZES = {"fsync": "off", "max_connections": "300"}
"""Of the server in common, which nobody kills: its rows need not survive the machine."""


async def prepare(arguments: Mapping[str, Any]) -> dict[str, str]:
    """Migrate a database and make a user in it; gives the headers that the user calls with."""
    await migrate(arguments)
    pool = await open_pool(arguments, size=2)
    secrets = await Organizations(pool).create_credentials("Acme", "ada@example.com")
    await pool.close()
    return {"Authorization": authorize(secrets)}


class Ground:
    """Where scenarios get their databases, each made from a template. ``folder`` holds one folder a scenario."""

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.folder = folder
        self._stack = stack
        self._numbers = count(1)
        self._making = asyncio.Lock()
        self._shared: EmbeddedPostgres | None = None
        self._shared_headers: Mapping[str, str] = {}
        self._template_headers: Mapping[str, str] | None = None

    def make_folder(self, name: str) -> Path:
        """Make the folder of a scenario."""
        folder = self.folder / f"{next(self._numbers)}-{name[:20]}"
        folder.mkdir()
        return folder

    async def make_database(self) -> tuple[dict[str, Any], Mapping[str, str]]:
        """Give a fresh database on the server in common, and the headers of a user in it."""
        async with self._making:  # a template is copied by one at a time
            if self._shared is None:
                await self._start_shared()
            assert self._shared is not None
            reached = self._shared.connect_arguments
            name = f"faults_{next(self._numbers)}"
            connection = await asyncpg.connect(**{**reached, "database": "postgres"})
            await connection.execute(f"CREATE DATABASE {name} TEMPLATE {TEMPLATE}")
            await connection.close()
        return {**reached, "database": name}, self._shared_headers

    async def _start_shared(self) -> None:
        self._shared = await EmbeddedPostgres.start(self.folder / "shared", settings=SIZES)
        self._stack.push_async_callback(self._shared.stop)
        connection = await asyncpg.connect(**self._shared.connect_arguments)
        await connection.execute(f"CREATE DATABASE {TEMPLATE}")
        await connection.close()
        self._shared_headers = await prepare({**self._shared.connect_arguments, "database": TEMPLATE})

    async def copy_cluster(self, directory: Path) -> Mapping[str, str]:
        """Make a data directory whose database is ready; gives the headers of a user in it."""
        async with self._making:
            if self._template_headers is None:
                template = await EmbeddedPostgres.start(self.folder / "template")
                try:
                    self._template_headers = await prepare(template.connect_arguments)
                finally:
                    await template.stop()
        directory.mkdir(exist_ok=True)
        copying = await asyncio.create_subprocess_exec(
            "cp", "-a", str(self.folder / "template" / "postgres"), str(directory / "postgres")
        )
        assert await copying.wait() == 0
        return self._template_headers


@asynccontextmanager
async def open_ground() -> AsyncIterator[Ground]:
    """Open it; all is gone once the context ends."""
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="signalpost-faults-")))
        yield Ground(folder, stack)
