"""A PostgreSQL with PgBouncer before it, in transaction mode, as Debian packs it."""

from __future__ import annotations

from itertools import count
from pathlib import Path

import asyncpg
import pytest

from signalpost.store.embedded_cluster import find_binaries
from tests.conftest import find_memory
from tests.debian import look_for
from tests.postgresql import run_pooler, run_postgresql

HERE = Path(__file__).parent
SERVER_CONNECTIONS = 4

_numbers = count(1)


def pytest_collection_finish(session):
    """Install PgBouncer before any test's time is counted."""
    if not session.config.option.collectonly and any(HERE in item.path.parents for item in session.items):
        look_for("pgbouncer")


@pytest.fixture(scope="session")
def behind():
    """Arguments that reach the server itself."""
    with run_postgresql(find_binaries(), find_memory()) as server:
        yield server


@pytest.fixture(scope="session")
def before(behind):
    """Arguments that reach it through the pooler."""
    program, said = look_for("pgbouncer")
    if program is None:
        pytest.skip(f"NOTHING IS TESTED THROUGH A POOLER HERE: pgbouncer could not be installed: {said}")
    with run_pooler(program, behind, size=SERVER_CONNECTIONS) as pooler:
        yield pooler


@pytest.fixture
async def reached(behind, before):
    """Give arguments for a fresh database: directly, and through the pooler."""
    name = f"pooled_{next(_numbers)}"
    admin = await asyncpg.connect(**behind)
    await admin.execute(f"CREATE DATABASE {name}")
    await admin.close()
    return {**behind, "database": name}, {**before, "database": name}
