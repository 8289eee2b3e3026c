"""Data directories for the embedded PostgreSQL: an empty one, and one where the first start is already done."""

from __future__ import annotations

import asyncio
import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from signalpost.store.embedded import EmbeddedPostgres
from signalpost.store.embedded_account import SERVER_ACCOUNT, choose_account, open_passage
from signalpost.store.embedded_cluster import find_binaries
from tests.support import PATIENCE_SECONDS

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root, to act as other users")
IS_ROOT = os.geteuid() == 0


def wait_until(condition: Callable[[], object], *, within_seconds: float = PATIENCE_SECONDS) -> None:
    deadline = time.monotonic() + within_seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come to pass"
        time.sleep(0.01)


def server_user_id() -> int:
    return pwd.getpwnam(SERVER_ACCOUNT).pw_uid if IS_ROOT else os.geteuid()


def run_as(user_id: int, command: list[str | Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        user=user_id,
        group=user_id,
        extra_groups=[],
        cwd="/",
        capture_output=True,
        text=True,
        check=False,
    )


def ask_as(user_id: int, socket_folder: Path) -> subprocess.CompletedProcess[str]:
    """Try to connect as a user of the system, with PostgreSQL's own client."""
    address = f"host={socket_folder} user=signalpost dbname=signalpost"
    return run_as(user_id, [find_binaries() / "psql", "-Xtwc", "SELECT 42", address])


def choose_place() -> Path | None:
    """In memory, where there is room: a cluster is more than a thousand files, and each test has its own copy."""
    memory = Path("/dev/shm")
    return memory if memory.is_dir() and shutil.disk_usage(memory).free > 1_000_000_000 else None


@pytest.fixture
def folder() -> Iterator[Path]:
    # Not pytest's own: its path is long, and it takes away again the passage that the server's account was given.
    name = Path(tempfile.mkdtemp(prefix="sp-", dir=choose_place())).resolve()
    yield name

    def remove() -> bool:
        # The server of an owner that was killed ends a moment later, and writes until then.
        shutil.rmtree(name, ignore_errors=True)
        return not name.exists()

    wait_until(remove)


@pytest.fixture(scope="session")
def template() -> Iterator[Path]:
    async def initialise(data_directory: Path) -> None:
        server = await EmbeddedPostgres.start(data_directory)
        await server.stop()

    with tempfile.TemporaryDirectory(prefix="sp-", dir=choose_place()) as name:
        asyncio.run(initialise(Path(name) / "data"))
        yield Path(name) / "data"


@pytest.fixture
def data_directory(template: Path, folder: Path) -> Path:
    subprocess.run(["cp", "-a", template, folder], check=True)
    open_passage(folder / "data", choose_account())
    return folder / "data"
