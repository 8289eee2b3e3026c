"""What the sandbox's tests share: a clock that stands still, a running sandbox, and a client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest

from signalpost.sandbox.egnyte import RunningSandbox, run_sandbox

REDIRECT_URI = "https://app.example/cb?tenant=1"
MIDNIGHT = 1_779_926_400.0  # 2026-05-28T00:00:00Z
START = MIDNIGHT + 12 * 3600


@dataclass(slots=True)
class StoppedClock:
    """Tells the time that it was set to."""

    now: float = START

    def __call__(self) -> float:
        return self.now


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer, read to its end. ``json`` is None where the body is not JSON."""

    status: int
    headers: Any
    text: str
    json: Any


@dataclass(slots=True)
class Egnyte:
    """A sandbox as its tests use it: calls by path, with ``token`` once there is one."""

    sandbox: RunningSandbox
    session: aiohttp.ClientSession
    clock: StoppedClock
    slept: list[float] = field(default_factory=list)
    token: str | None = None

    async def call(self, method: str, path: str, *, token: str | None = None, **options: Any) -> Reply:
        bearer = token or self.token
        headers = {"Authorization": f"Bearer {bearer}"} if bearer else {}
        url = self.sandbox.url + path
        async with self.session.request(
            method, url, headers=headers, allow_redirects=False, **options
        ) as response:
            text = await response.text()
            is_json = "json" in response.headers.get("Content-Type", "")
            try:
                content = await response.json() if is_json and text else None
            except ValueError:
                content = None
            return Reply(response.status, response.headers, text, content)

    async def get(self, path: str, **query: Any) -> Reply:
        return await self.call("GET", path, params=query)

    async def control(self, method: str, path: str, body: Any = None, *, status: int = 200) -> Any:
        reply = await self.call(method, f"/_sandbox/{path}", json=body)
        assert reply.status == status, reply.text
        return reply.json

    async def make_changes(self, count: int, *actions: str, **more: Any) -> list[dict[str, Any]]:
        body = {"count": count, "actions": list(actions), **more}
        events: list[dict[str, Any]] = (await self.control("POST", "changes", body))["events"]
        return events

    async def change_records(self, kind: str, **wish: Any) -> list[dict[str, Any]]:
        """Give the records created and updated."""
        records: list[dict[str, Any]] = (await self.control("POST", f"records/{kind}", wish))["records"]
        return records

    async def list_records(self, kind: str) -> list[dict[str, Any]]:
        """Give the whole truth."""
        records: list[dict[str, Any]] = (await self.control("GET", f"records/{kind}"))["records"]
        return records

    async def ask_token(self, grant_type: str, **form: str) -> Reply:
        base = {"client_id": "key", "client_secret": "secret", "grant_type": grant_type}
        return await self.call("POST", "/puboauth/token", data=base | form)

    async def authorize(self, **body: str) -> str:
        given = {"client_id": "key", "redirect_uri": REDIRECT_URI, **body}
        code: str = (await self.control("POST", "authorize", given))["code"]
        return code

    async def connect(self, **body: str) -> Any:
        """Give what the token endpoint answers, and use its token from here on."""
        code = await self.authorize(**body)
        form = {"code": code, "redirect_uri": REDIRECT_URI, "client_id": body.get("client_id", "key")}
        reply = await self.ask_token("authorization_code", **form)
        assert reply.status == 200, reply.text
        self.token = reply.json["access_token"]
        return reply.json


@asynccontextmanager
async def open_egnyte(**options: Any) -> AsyncIterator[Egnyte]:
    """Run a sandbox on a stopped clock; what it sleeps is only noted."""
    clock = StoppedClock()
    slept: list[float] = []

    async def note_sleep(seconds: float) -> None:
        slept.append(seconds)

    async with (
        run_sandbox(clock=clock, sleep=note_sleep, **options) as sandbox,
        aiohttp.ClientSession() as session,
    ):
        yield Egnyte(sandbox, session, clock, slept)


@pytest.fixture
async def fresh_egnyte() -> AsyncIterator[Egnyte]:
    """A sandbox to which nobody is connected."""
    async with open_egnyte() as egnyte:
        yield egnyte


@pytest.fixture
async def egnyte(fresh_egnyte: Egnyte) -> Egnyte:
    """A sandbox with a token of the administrator."""
    await fresh_egnyte.connect()
    return fresh_egnyte
