"""What is measured on: an embedded PostgreSQL, one real worker, the sandbox and the sink, each its own process."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
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
    """Everything that runs.

    ``lanes`` and the ``healthy`` are instances with a callback at the sink, ``idle`` ones without any. ``slow`` has one
    that answers after 25 s, ``dead`` one that never answers.
    """

    pool: asyncpg.Pool
    vault: Vault
    http: aiohttp.ClientSession
    sandbox: Process
    sink: Process
    worker: Process
    access_token: str
    lanes: Sequence[InstanceId]
    idle: Sequence[InstanceId]
    healthy: Sequence[InstanceId]
    slow: InstanceId
    dead: InstanceId

    async def make_changes(self, count: int) -> int:
        """Make changes in the sandbox (interfaces.md, Sandbox control); give the newest's id."""
        made = await _ask(self.http, "POST", f"{self.sandbox.url}/_sandbox/changes", json={"count": count})
        return int(made["events"][-1]["id"])

    async def read_sink(self, what: str = "summary") -> dict[str, Any]:
        """Read the sink's tally; ``reset`` also starts it anew."""
        return dict(await _ask(self.http, "GET", f"{self.sink.url}/{what}"))


@asynccontextmanager
async def open_ground(directory: Path, *, idle: int, healthy: int) -> AsyncIterator[Ground]:
    """Start everything in ``directory``, with the settings that a user has by default."""
    key = Fernet.generate_key().decode()
    vault = Vault([key])
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SIGNALPOST_")}
    async with AsyncExitStack() as stack:
        postgres = await EmbeddedPostgres.start(directory)
        stack.push_async_callback(postgres.stop)
        await migrate(postgres.connect_arguments)
        pool = await stack.enter_async_context(await open_pool(postgres.connect_arguments, size=8))
        http = await stack.enter_async_context(aiohttp.ClientSession())

        async def run(name: str, *arguments: str, **environment: str) -> Process:
            log = directory / f"{name}.log"
            running = run_process(arguments, environment={**kept, **environment}, log=log)
            return await stack.enter_async_context(running)

        sandbox = await run("sandbox", "signalpost", "sandbox", "egnyte", "--port", "0")
        sink = await run("sink", "bench.sink")
        access_token = await _prepare_sandbox(http, sandbox.url)
        callbacks = [f"{sink.url}/{number}" for number in range(LANES + healthy)]
        troubled = [f"{sink.url}/slow", f"{sink.url}/dead"]
        ids = await create_instances(pool, vault, access_token, [*callbacks, *troubled, *[None] * idle])
        free = LANES + healthy
        worker = await run(
            "worker",
            "signalpost",
            "worker",
            SIGNALPOST_DATABASE_URL=write_url(postgres.connect_arguments),
            SIGNALPOST_ENCRYPTION_KEYS=key,
            SIGNALPOST_EGNYTE_URL=sandbox.url,
            SIGNALPOST_ALLOW_PRIVATE_NETWORKS="true",
        )
        yield Ground(
            pool,
            vault,
            http,
            sandbox,
            sink,
            worker,
            access_token,
            lanes=ids[:LANES],
            healthy=ids[LANES:free],
            slow=ids[free],
            dead=ids[free + 1],
            idle=ids[free + 2 :],
        )


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
