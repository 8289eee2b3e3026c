"""Fixtures: one instance on a provider in memory."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest
import structlog

from signalpost.store.database import open_pool
from tests.polling.databases import make_database
from tests.polling.machine import Machine


@pytest.fixture(scope="session")
def polling_database(postgres) -> Iterator[dict[str, Any]]:
    """One database for these tests: each leaves it without instances."""
    with make_database(postgres) as database:
        yield database


@pytest.fixture
async def pool(polling_database) -> AsyncIterator[Any]:
    pool = await open_pool(polling_database, size=6)
    yield pool
    await pool.execute("DELETE FROM instance")
    await pool.execute("TRUNCATE page, event, notification, attempt, object_memory")
    await pool.close()


@pytest.fixture
def open_machine(pool) -> Callable[..., Any]:
    """Give a function that connects an instance for a strategy and polls it once."""

    async def connect(
        strategy: str, *, provider: Any = None, configuration: Any = None, **more: str
    ) -> Machine:
        from tests.polling.provider import Provider

        machine = Machine(provider or Provider(), pool, strategy)
        await machine.connect(configuration, **more)
        await machine.poll()
        machine.provider.now += machine.interval
        return machine

    return connect


@pytest.fixture(autouse=True)
def quiet() -> None:
    """Log nothing: these tests fail on purpose, hundreds of times, and a traceback takes a second to draw."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
