"""A PostgreSQL of one scenario alone, beside the service: stopped, killed and started again; its disk may be full."""

from __future__ import annotations

import asyncio
import contextlib
import os
import shutil
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from signalpost.model.errors import ConfigurationError
from signalpost.store.embedded import EmbeddedPostgres
from tests.faults.ground import Ground

MOST_STARTS = 100
DISK_MEGABYTES = 160


class OwnServer:
    """A server on a data directory; it is found at the same place after each start."""

    def __init__(self, directory: Path, headers: Mapping[str, str]) -> None:
        self._directory = directory
        self.headers = headers
        self._server: EmbeddedPostgres | None = None

    @property
    def arguments(self) -> Mapping[str, Any]:
        """What reaches it."""
        assert self._server is not None
        return self._server.connect_arguments

    async def start(self) -> None:
        """Start it; that fails for as long as what was killed is not wholly gone."""
        for _ in range(MOST_STARTS):
            try:
                self._server = await EmbeddedPostgres.start(self._directory)
            except ConfigurationError:
                await asyncio.sleep(0.1)
            else:
                return
        raise AssertionError("the server does not start again")

    async def stop(self) -> None:
        """Stop it in order, cutting off whoever is connected."""
        assert self._server is not None
        await self._server.stop()

    async def kill(self) -> None:
        """SIGKILL."""
        assert self._server is not None
        self._server._process.kill()
        await self._server.wait()
        await self._server.stop()


@asynccontextmanager
async def run_own_server(ground: Ground, directory: Path) -> AsyncIterator[OwnServer]:
    """Run a server with a migrated database."""
    server = OwnServer(directory, await ground.copy_cluster(directory))
    await server.start()
    try:
        yield server
    finally:
        await server.stop()


class SmallDisk:
    """A file system that can be filled."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave no room. The database may take some between our look and our taking: then there is less to take."""
        taken = 0
        with self._ballast.open("wb") as file:
            while room := shutil.disk_usage(self.folder).free:
                with contextlib.suppress(OSError):
                    os.posix_fallocate(file.fileno(), taken, room)
                    taken += room

    def clear(self) -> None:
        """Make room."""
        self._ballast.unlink()


@asynccontextmanager
async def mount_small_disk(folder: Path) -> AsyncIterator[SmallDisk | None]:
    """Mount a small file system; None where that is not allowed."""
    folder.mkdir()
    mounting = await asyncio.create_subprocess_exec(
        "mount",
        "-t",
        "tmpfs",
        "-o",
        f"size={DISK_MEGABYTES}m",
        "tmpfs",
        str(folder),
        stderr=asyncio.subprocess.DEVNULL,
    )
    if await mounting.wait() != 0:
        yield None
        return
    try:
        yield SmallDisk(folder)
    finally:
        unmounting = await asyncio.create_subprocess_exec("umount", str(folder))
        await unmounting.wait()


async def move_log_away(cluster: Path, folder: Path) -> None:
    """Keep the write-ahead log of a stopped cluster on another disk: a full one then fails statements, not the server."""
    moving = await asyncio.create_subprocess_exec("cp", "-a", str(cluster / "pg_wal"), str(folder))
    assert await moving.wait() == 0
    shutil.rmtree(cluster / "pg_wal")
    (cluster / "pg_wal").symlink_to(folder)
