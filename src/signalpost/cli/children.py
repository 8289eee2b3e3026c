"""The demonstration's other processes, and a plain client to speak to them."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

import orjson

from signalpost.model.errors import SignalpostError
from signalpost.outbound import Outbound

START_SECONDS = 60
STOP_SECONDS = 15
MOST_BYTES = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Child:
    """A ``signalpost`` command that runs and said that it is ready at ``url``."""

    url: str


def children_environment(*, egnyte_url: str) -> dict[str, str]:
    """Give the environment of a service that may talk to this machine alone, on a database of its own."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("SIGNALPOST_")}
    return {
        **kept,
        "SIGNALPOST_EGNYTE_URL": egnyte_url,
        "SIGNALPOST_ALLOW_PRIVATE_NETWORKS": "true",
        "SIGNALPOST_MIN_POLL_INTERVAL_SECONDS": "1",
        "SIGNALPOST_LOG_LEVEL": "warning",
    }


@asynccontextmanager
async def start_child(
    arguments: Sequence[str], ready: str, environment: Mapping[str, str] | None = None
) -> AsyncIterator[Child]:
    """Run ``signalpost`` with ``arguments`` until the block ends; its line ``<ready><url>`` says that it is up.

    Raises:
        SignalpostError: it ended, or said nothing, before it was ready.
    """
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "signalpost", *arguments, stdout=asyncio.subprocess.PIPE, env=environment
    )
    assert child.stdout is not None
    draining: asyncio.Task[bytes] | None = None
    try:
        async with asyncio.timeout(START_SECONDS):
            line = ""
            while not line.startswith(ready):
                raw = await child.stdout.readline()
                if not raw:
                    message = f"signalpost {arguments[0]} ended before it was ready"
                    raise SignalpostError(message)
                line = raw.decode()
        draining = asyncio.create_task(child.stdout.read())
        yield Child(line.removeprefix(ready).strip())
    finally:
        if child.returncode is None:
            child.terminate()
            try:
                await asyncio.wait_for(child.wait(), STOP_SECONDS)
            except TimeoutError:
                child.kill()
                await child.wait()
        if draining is not None:
            await draining


class Client:
    """Speaks JSON to the service and to the sandbox, within ``async with``."""

    def __init__(self, authorization: str) -> None:
        self._outbound = Outbound(
            allow_private=True, connect_timeout_seconds=5, total_timeout_seconds=30, connections=10
        )
        self._headers = {"Authorization": authorization, "Content-Type": "application/json"}

    async def get(self, url: str) -> Any:
        """GET ``url``."""
        return await self._ask("GET", url, None)

    async def post(self, url: str, value: Any) -> Any:
        """POST ``value`` as JSON."""
        return await self._ask("POST", url, orjson.dumps(value))

    async def __aenter__(self) -> Self:
        await self._outbound.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._outbound.close()

    async def _ask(self, method: str, url: str, body: bytes | None) -> Any:
        answer = await self._outbound.request(
            method, url, headers=self._headers, body=body, max_bytes=MOST_BYTES
        )
        if answer.status >= 300:  # noqa: PLR2004 - not a success
            message = (
                f"{method} {url.split('?', maxsplit=1)[0]} answered {answer.status}: {answer.excerpt(500)}"
            )
            raise SignalpostError(message)
        return orjson.loads(answer.body)
