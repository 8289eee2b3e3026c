"""The other versions of PostgreSQL that are found here: what is tested in this folder is tested on each."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from signalpost.store.database import migrate
from tests.conftest import find_memory
from tests.postgresql import run_postgresql
from tests.support import Server

OF_DEBIAN = Path("/usr/lib/postgresql")


def find_binaries() -> list[Path]:
    """Find folders with initdb and postgres: named by SIGNALPOST_TEST_POSTGRESQL, colons between, or Debian's."""
    named = os.environ.get("SIGNALPOST_TEST_POSTGRESQL", "").split(os.pathsep)
    found = [*map(Path, filter(None, named)), *sorted(OF_DEBIAN.glob("*/bin"))]
    return [folder for folder in found if (folder / "initdb").exists() and (folder / "postgres").exists()]


def name_version(binaries: Path | None) -> str:
    if binaries is None:
        return "none"
    said = subprocess.run([binaries / "postgres", "--version"], check=True, capture_output=True, text=True)
    return said.stdout.split()[2]


async def make_template(arguments: dict[str, Any]) -> None:
    connection = await asyncpg.connect(**arguments)
    await connection.execute("CREATE DATABASE template_migrated")
    await connection.close()
    await migrate({**arguments, "database": "template_migrated"})


@pytest.fixture(scope="session", params=find_binaries() or [None], ids=name_version)
def postgres(request) -> Iterator[Server]:
    """A server of each version, with a migrated template."""
    if request.param is None:
        pytest.skip(
            "NO OTHER VERSION OF POSTGRESQL IS TESTED HERE: SIGNALPOST_TEST_POSTGRESQL names none, and there is none of"
            f" Debian's in {OF_DEBIAN}"
        )
    with run_postgresql(request.param, find_memory()) as arguments, ThreadPoolExecutor(1) as apart:
        apart.submit(asyncio.run, make_template(arguments)).result()
        yield Server(arguments)
