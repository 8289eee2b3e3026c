"""Fixtures of the tests of the database's troubles."""

from __future__ import annotations

import tempfile
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from structlog.testing import capture_logs

from tests.conftest import find_memory
from tests.troubles.ground import Ground, open_ground


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def ground() -> AsyncIterator[Ground]:
    """A server of these tests alone."""
    with tempfile.TemporaryDirectory(prefix="signalpost-troubles-", dir=find_memory()) as folder:
        async with open_ground(Path(folder)) as opened:
            yield opened


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch) -> None:
    """Let troubles be seen, and their end believed, sooner."""
    monkeypatch.setattr("signalpost.runtime.LOOK_SECONDS", 0.2)
    monkeypatch.setattr("signalpost.store.health.CALM_SECONDS", 0.5)
    monkeypatch.setattr("signalpost.polling.scheduler.POLL_GRACE_SECONDS", 1.0)
    monkeypatch.setattr("signalpost.polling.scheduler.LANE_GRACE_SECONDS", 1.0)


@pytest.fixture
def logged():
    """What is logged, as a list of names and facts."""
    with capture_logs() as lines:
        yield lines
