"""The other versions of PostgreSQL that are found here: what is tested in this folder is tested on each."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.conftest import find_memory
from tests.databases import Server
from tests.postgresql import run_postgresql

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


@pytest.fixture(scope="session", params=find_binaries() or [None], ids=name_version)
def postgres(request) -> Iterator[Server]:
    """A server of each version, with its templates."""
    if request.param is None:
        pytest.skip(
            "NO OTHER VERSION OF POSTGRESQL IS TESTED HERE: SIGNALPOST_TEST_POSTGRESQL names none, and there is none of"
            f" Debian's in {OF_DEBIAN}"
        )
    with run_postgresql(request.param, find_memory()) as arguments, ThreadPoolExecutor(1) as apart:
        server = Server(arguments)
        apart.submit(asyncio.run, server.make_templates()).result()
        yield server
