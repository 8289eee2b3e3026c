"""Fixtures: the real PostgreSQL, the real service, the sandbox and a receiver, all on this machine."""

from __future__ import annotations

import asyncio
import importlib.metadata
import logging
import os
import re
import shutil
import signal
import sys
import tempfile
import threading
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from functools import cache, partial
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import structlog
from argon2 import PasswordHasher
from hypothesis import HealthCheck, settings

from signalpost.accounts.passwords import Passwords
from signalpost.connectors import registry
from signalpost.sandbox.egnyte import run_sandbox
from signalpost.store.embedded import EmbeddedPostgres
from tests.databases import Server
from tests.support import PATIENCE_SECONDS, World, open_world

# What the shell says in which the tests are started is meant for other things; what they start gets it from here.
FOREIGN = re.compile(
    r"(?!SIGNALPOST_TEST_)(SIGNALPOST|PG|OTEL|UVICORN)_?[A-Z_]+"
    r"|COLUMNS|LINES|FORCE_COLOR|NO_COLOR|CLICOLOR(_FORCE)?|PY_COLORS|TTY_(COMPATIBLE|INTERACTIVE)|GITHUB_ACTIONS"
)
for _name in [name for name in os.environ if FOREIGN.fullmatch(name)]:
    del os.environ[_name]
os.environ["NO_PROXY"] = os.environ["no_proxy"] = "127.0.0.1,localhost,::1"

# Every client would load all certificates of the machine anew, and no test speaks TLS by it.
httpx._transports.default.create_ssl_context = cache(httpx._config.create_ssl_context)

# Where a test says nothing else, clients wait as long as all else here: five seconds are soon over on a busy machine.
for _phase in ("connect", "read", "write", "pool"):
    setattr(httpx._config.DEFAULT_TIMEOUT_CONFIG, _phase, PATIENCE_SECONDS)

# What its types are each connection would ask its server anew, which takes longer than a test's own questions. Databases
# that are made from one have the same types, and those of one server have numbers of their own.
_introspect = asyncpg.Connection._introspect_types
_known_types: dict[Any, Any] = {}


async def introspect_once(connection, type_oids, timeout):
    asked = (str(connection._addr), *sorted(type_oids))
    if asked not in _known_types:
        _known_types[asked] = await _introspect(connection, type_oids, timeout)
    return _known_types[asked]


asyncpg.Connection._introspect_types = introspect_once

# The packages of the machine stay as they are, but for what a test puts before them; each service looks through all.
_known_entry_points: dict[Any, Any] = {}


def find_entry_points_once(group):
    asked = (group, *sys.path)
    if asked not in _known_entry_points:
        _known_entry_points[asked] = importlib.metadata.entry_points(group=group)
    return _known_entry_points[asked]


registry.entry_points = find_entry_points_once

# How fast a busy machine draws examples says nothing about the product. The same commit gives the same examples: what
# failed here fails there. Others are looked for by ``pytest --hypothesis-profile=search``.
settings.register_profile("search", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.register_profile("suite", settings.get_profile("search"), derandomize=True, database=None)
settings.load_profile("suite")

# Shells have what they start behind them ignore it, and whatever that starts inherits this.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def find_memory() -> str | None:
    """Find a place in memory for data that need not survive; None where there is not plenty of it."""
    shared = Path("/dev/shm")
    return str(shared) if shared.is_dir() and shutil.disk_usage(shared).free > 8e9 else None


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """One PostgreSQL for the whole run of this test process, with templates of its databases."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def run(coroutine: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result(120)

    # Not below pytest's own folder: another run of pytest closes that to the server's account, when we are root.
    folder = tempfile.TemporaryDirectory(prefix="signalpost-tests-", dir=find_memory())
    directory = Path(folder.name)
    sizes = {
        "fsync": "off",
        "full_page_writes": "off",
        "max_connections": "200",
        "max_wal_size": "256MB",
    }  # a test's data need not survive the machine
    server = run(EmbeddedPostgres.start(directory, settings=sizes))

    tested = Server(server.connect_arguments)
    run(tested.make_templates())
    yield tested
    run(server.stop())
    folder.cleanup()
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture
async def database(postgres) -> AsyncIterator[dict[str, Any]]:
    """Give arguments for ``asyncpg.connect`` to a fresh, migrated database."""
    async with postgres.open_database() as arguments:
        yield arguments


@pytest.fixture
async def pool(database) -> AsyncIterator[asyncpg.Pool]:
    from signalpost.store.database import open_pool

    pool = await open_pool(database, size=8)
    yield pool
    await pool.close()


@pytest.fixture(autouse=True)
def logging_as_it_was() -> Iterator[None]:
    """Undo what a test, or a command that it runs in this process, has made of logging: others read lines, too."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    structlog.reset_defaults()
    root.handlers[:], root.level = handlers, level


@pytest.fixture(autouse=True)
def quick_ticks(monkeypatch) -> None:
    """Let the scheduler look more often than once a second, so that tests wait less."""
    monkeypatch.setattr("signalpost.runtime.TICK_SECONDS", 0.1)


@pytest.fixture(autouse=True)
def quick_hashes(monkeypatch) -> None:
    """Let a password cost a hundredth of what it costs in service: most tests of the console sign somebody in."""
    hasher = PasswordHasher(time_cost=1, memory_cost=1024, parallelism=1)
    monkeypatch.setattr("signalpost.wiring.accounts.Passwords", partial(Passwords, hasher))


@pytest.fixture
async def sandbox() -> AsyncIterator[Any]:
    async with run_sandbox() as running:
        yield running


@pytest.fixture
def make_world(database, sandbox):
    """Give a context manager that runs the whole service on the sandbox; keywords are settings."""

    @asynccontextmanager
    async def make(**settings: Any) -> AsyncIterator[World]:
        async with open_world(database, sandbox, **settings) as world:
            yield world

    return make


@pytest.fixture
async def world(make_world) -> AsyncIterator[World]:
    async with make_world() as world:
        yield world
