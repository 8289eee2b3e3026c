"""What tests stand on: the whole service in this process, with a client, the sandbox and a receiver."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import asyncpg
import httpx

from signalpost.api.server import bind, serve_app
from signalpost.cli.listen import run_listener
from signalpost.settings import Settings
from signalpost.wiring.service import Service, open_service
from tests.schemas import Checked

INTERVAL_SECONDS = 0.2
PATIENCE_SECONDS = 120.0
"""How long is waited for what comes at once on an idle machine: one that is busy may need a hundred times as long."""
REDIRECT = "https://app.example.com/connected"
EVENTS_CONFIGURATION = {
    "events": {
        "url": "/hubs/documents/events",
        "idField": "event_object_id",
        "datesConfiguration": {
            "updatedAtField": "event_date",
            "updatedAtFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSX",
            "updatedAtTimezone": "GMT",
            "createdAtField": "event_date",
            "createdAtFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSX'",
            "createdAtTimezone": "GMT",
        },
    }
}


async def until(condition: Callable[[], Any | Awaitable[Any]], seconds: float = PATIENCE_SECONDS) -> Any:
    """Wait until ``condition`` (a function, or a coroutine function) gives something true, and give that."""
    deadline = time.monotonic() + seconds
    while True:
        found = condition()
        if asyncio.iscoroutine(found):
            found = await found
        if found:
            return found
        if time.monotonic() > deadline:
            raise AssertionError(f"not true after {seconds:g} s: {condition}")
        await asyncio.sleep(0.02)


def write_url(arguments: Mapping[str, Any]) -> str:
    """Give connect arguments as the URL that a person would set."""
    user, password = arguments["user"], arguments.get("password") or ""
    return f"postgresql://{user}:{quote(password)}@/{arguments['database']}?host={quote(str(arguments['host']))}&port={arguments['port']}"


@dataclass
class World:
    """The service, running, and what is around it."""

    service: Service
    url: str
    sandbox: Any
    listener: Any
    client: httpx.AsyncClient
    secrets: dict[str, str]
    outside: httpx.AsyncClient = field(default_factory=httpx.AsyncClient)

    @property
    def pool(self) -> asyncpg.Pool:
        return self.service.pool

    async def authorize(self, client_id: str = "key") -> str:
        answer = await self.outside.post(
            f"{self.sandbox.url}/_sandbox/authorize", json={"client_id": client_id, "redirect_uri": REDIRECT}
        )
        return answer.json()["code"]

    async def exchange(self, code: str) -> dict[str, str]:
        """Exchange a code for tokens, as somebody does who brings them along."""
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "client_id": "key",
            "client_secret": "secret",
        }
        answer = await self.outside.post(
            f"{self.sandbox.url}/puboauth/token", data={**form, "redirect_uri": REDIRECT}
        )
        return answer.json()

    async def body(self, **configuration: Any) -> dict[str, Any]:
        """The seed's request, for the sandbox, polling often; ``configuration`` goes over it."""
        return {
            "element": {"key": "egnyte"},
            "providerData": {"code": await self.authorize()},
            "configuration": {
                "oauth.callback.url": REDIRECT,
                "oauth.api.key": "key",
                "oauth.api.secret": "secret",
                "subdomain": "acme",
                "event.notification.enabled": True,
                "event.notification.callback.url": self.listener.url,
                "event.notification.signature.key": "a signature key",
                "event.poller.refresh_interval": INTERVAL_SECONDS / 60,
                "event.poller.configuration": EVENTS_CONFIGURATION,
                **configuration,
            },
            "tags": ["Test"],
            "name": "API_Polling",
        }

    async def connect(self, **configuration: Any) -> dict[str, Any]:
        answer = await self.client.post("/instances", json=await self.body(**configuration))
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def change(self, count: int, **options: Any) -> list[dict[str, Any]]:
        answer = await self.outside.post(
            f"{self.sandbox.url}/_sandbox/changes", json={"count": count, **options}
        )
        assert answer.status_code == 200, answer.text
        return answer.json()["events"]

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        answer = await self.outside.request(method, f"{self.sandbox.url}/_sandbox/{path}", json=body)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.content else None

    async def watermark(self, instance_id: int) -> Any:
        row = await self.pool.fetchrow(
            "SELECT watermark FROM resource_poll WHERE instance_id = $1", instance_id
        )
        return row and row["watermark"]

    async def wait_for_watermark(self, instance_id: int) -> Any:
        """Wait for the end of the first poll: a list tells what is changed afterwards. Gives the watermark."""
        query = (
            "SELECT watermark FROM resource_poll JOIN instance ON instance.id = instance_id"
            " WHERE instance_id = $1 AND last_poll_at IS NOT NULL"
        )
        return await until(lambda: self.pool.fetchval(query, instance_id))

    def delivered(self) -> list[dict[str, Any]]:
        """The records delivered, in order of arrival, repetitions included."""
        return [
            record
            for received in self.listener.received
            for record in received["body"]["message"]["raw"][received["body"]["message"]["raw"]["objectType"]]
        ]

    def events(self) -> list[dict[str, Any]]:
        """The events delivered, in order of arrival, repetitions included."""
        return [
            event for received in self.listener.received for event in received["body"]["message"]["events"]
        ]


@asynccontextmanager
async def open_world(
    database: Mapping[str, Any],
    sandbox: Any,
    *,
    roles: frozenset[str] = frozenset({"poll", "deliver"}),
    **given: Any,
) -> AsyncIterator[World]:
    """Run the service on ``database`` and ``sandbox``."""
    settings = Settings(
        **{
            "database_url": write_url(database),
            "egnyte_url": sandbox.url,
            "allow_private_networks": True,
            "min_poll_interval_seconds": INTERVAL_SECONDS,
            "encryption_keys": "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE=",
            **given,
        }
    )
    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    checked = Checked()
    async with (
        open_service(settings, roles) as service,
        run_listener(key="a signature key", on_notification=checked.take) as listener,
    ):
        await service.runtime.start()
        trusted = settings.read_trusted_proxies()
        serving = asyncio.create_task(
            serve_app(service.app, bind("127.0.0.1", 0), stop, ready.set_result, trusted)
        )
        url = await ready
        secrets = await service.organizations.create_credentials("Acme", "ada@example.com")
        client = httpx.AsyncClient(
            base_url=f"{url}/elements/api-v2", headers={"Authorization": authorize(secrets)}
        )
        world = World(service, url, sandbox, listener, client, secrets)
        try:
            yield world
            checked.raise_first()
        finally:
            await client.aclose()
            await world.outside.aclose()
            stop.set()
            await serving
            await service.runtime.stop()


def authorize(secrets: Mapping[str, str]) -> str:
    return f"User {secrets['userSecret']}, Organization {secrets['organizationSecret']}"
