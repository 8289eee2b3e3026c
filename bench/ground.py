"""What is measured on: an embedded PostgreSQL, the sandbox, the sink and real workers, each its own process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aiohttp
import asyncpg
from cryptography.fernet import Fernet

from bench.instances import REDIRECT, create_instances
from bench.processes import Process, run_process
from signalpost.model.ids import InstanceId
from signalpost.store.database import migrate, open_pool
from signalpost.store.embedded import EmbeddedPostgres
from signalpost.store.vault import Vault

LANES = 50
NO_LIMITS = {"qps": 1_000_000, "quota_per_day": 1_000_000_000, "retention": 1_000_000}
WAIT_SECONDS = 120


@dataclass(frozen=True, slots=True)
class Ground:
    """Everything that runs, but for the workers: each measure has its own.

    ``lanes`` and the ``healthy`` are instances with a callback at the sink, ``idle`` ones without any. ``slow`` has one
    that answers after 25 s, ``dead`` one that never answers. ``environment`` has the settings of workers, otherwise
    those that a user has by default; ``peaks`` gets the largest memory, in megabytes, of each that ran, by command.
    """

    directory: Path
    environment: Mapping[str, str]
    pool: asyncpg.Pool
    vault: Vault
    http: aiohttp.ClientSession
    postgres_id: int
    sandbox: Process
    sink: Process
    access_token: str
    lanes: Sequence[InstanceId]
    idle: Sequence[InstanceId]
    healthy: Sequence[InstanceId]
    slow: InstanceId
    dead: InstanceId
    peaks: dict[str, list[float]] = field(default_factory=dict)
    numbers: count[int] = field(default_factory=partial(count, 1_000_000))

    @asynccontextmanager
    async def work(self, command: str = "worker", *arguments: str) -> AsyncIterator[Process]:
        """Run a command of the product on this database while the context is open."""
        log = self.directory / f"{command}-{next(self.numbers)}.log"
        async with run_process(
            ["signalpost", command, *arguments], environment=self.environment, log=log
        ) as running:
            try:
                yield running
            finally:
                peak = running.read_peak_megabytes()
                if peak is not None:
                    self.peaks.setdefault(command, []).append(peak)

    async def make_changes(self, count: int) -> int:
        """Make changes in the sandbox (interfaces.md, Sandbox control); give the newest's id."""
        made = await _ask(self.http, "POST", f"{self.sandbox.url}/_sandbox/changes", json={"count": count})
        return int(made["events"][-1]["id"])

    async def append_rows(self, rows: Sequence[Mapping[str, Any]]) -> int:
        """Append exactly these events in the sandbox; give the newest's id."""
        made = await _ask(self.http, "POST", f"{self.sandbox.url}/_sandbox/events", json=rows)
        return int(made["events"][-1]["id"])

    async def read_sink(self, what: str = "summary") -> Any:
        """Read the sink's tally; ``reset`` also starts it anew, ``arrivals`` says when each first came."""
        return await _ask(self.http, "GET", f"{self.sink.url}/{what}")


@asynccontextmanager
async def open_ground(
    directory: Path, *, idle: int, healthy: int, settings: Mapping[str, str] | None = None
) -> AsyncIterator[Ground]:
    """Start everything in ``directory``; ``settings`` are PostgreSQL's, over those that a user has by default."""
    key = Fernet.generate_key().decode()
    vault = Vault([key])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SIGNALPOST_")}
    async with AsyncExitStack() as stack:
        postgres = await EmbeddedPostgres.start(directory, settings=settings)
        stack.push_async_callback(postgres.stop)
        await migrate(postgres.connect_arguments)
        pool = await stack.enter_async_context(await open_pool(postgres.connect_arguments, size=8))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        run = partial(run_process, environment=kept)
        sandbox = await stack.enter_async_context(
            run(["signalpost", "sandbox", "egnyte", "--port", "0"], log=directory / "sandbox.log")
        )
        sink = await stack.enter_async_context(run(["bench.sink"], log=directory / "sink.log"))
        access_token = await _prepare_sandbox(http, sandbox.url)
        callbacks = [f"{sink.url}/{number}" for number in range(LANES + healthy)]
        troubled = [f"{sink.url}/slow", f"{sink.url}/dead"]
        ids = await create_instances(pool, vault, access_token, [*callbacks, *troubled, *[None] * idle])
        free = LANES + healthy
        environment = {
            **kept,
            "SIGNALPOST_DATABASE_URL": write_url(postgres.connect_arguments),
            "SIGNALPOST_ENCRYPTION_KEYS": key,
            "SIGNALPOST_EGNYTE_URL": sandbox.url,
            "SIGNALPOST_ALLOW_PRIVATE_NETWORKS": "true",
        }
        yield Ground(
            directory,
            environment,
            pool,
            vault,
            http,
            _read_server_id(directory),
            sandbox,
            sink,
            access_token,
            lanes=ids[:LANES],
            healthy=ids[LANES:free],
            slow=ids[free],
            dead=ids[free + 1],
            idle=ids[free + 2 :],
        )


def _read_server_id(directory: Path) -> int:
    return int((directory / "postgres" / "postmaster.pid").read_text().split()[0])


def write_url(arguments: Mapping[str, Any]) -> str:
    """Give connect arguments as a URL."""
    user, password = arguments["user"], arguments.get("password") or ""
    host = quote(str(arguments["host"]))
    return (
        f"postgresql://{user}:{quote(password)}@/{arguments['database']}?host={host}&port={arguments['port']}"
    )


async def until(condition: Callable[[], Awaitable[bool]], pause_seconds: float) -> None:
    """Wait until ``condition`` holds.

    Raises:
        TimeoutError: it never did.
    """
    async with asyncio.timeout(WAIT_SECONDS):
        while not await condition():
            await asyncio.sleep(pause_seconds)


async def _prepare_sandbox(http: aiohttp.ClientSession, url: str) -> str:
    await _ask(http, "PATCH", f"{url}/_sandbox/settings", json=NO_LIMITS)
    consent = {"client_id": "key", "redirect_uri": REDIRECT}
    code = (await _ask(http, "POST", f"{url}/_sandbox/authorize", json=consent))["code"]
    form = {**consent, "client_secret": "secret", "code": code, "grant_type": "authorization_code"}
    answer = await _ask(http, "POST", f"{url}/puboauth/token", data=form)
    return str(answer["access_token"])


async def _ask(http: aiohttp.ClientSession, method: str, url: str, **sent: Any) -> Any:
    async with http.request(method, url, **sent) as response:
        response.raise_for_status()
        return await response.json(content_type=None)
