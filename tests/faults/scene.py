"""One scenario of the fault harness: a provider, callbacks, the service, a fault, and what came of it."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator, Collection, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import aiohttp

from signalpost.sandbox.egnyte import run_sandbox
from signalpost.store.embedded import find_running
from tests.faults.asking import AWAY, WAIT_SECONDS, open_connection, wait
from tests.faults.comparison import Lost, Tally, compare
from tests.faults.faulty import LEASE_SECONDS
from tests.faults.ground import Ground
from tests.faults.places import KEY
from tests.faults.receiving import Receiver, run_receiver
from tests.faults.servers import OwnServer
from tests.faults.services import Service
from tests.support import REDIRECT, write_url

KEYS = "MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="
SCHEDULE = ",".join(["0.2", "0.5", *["1"] * 200])
"""Retries are never spent: what is tested is that everything arrives."""

CALLBACKS = 2


@dataclass(slots=True)
class Scene:
    """What runs. Each callback is that of one instance, ``instance_ids`` in their order."""

    ground: Ground
    folder: Path
    sandbox: Any
    http: aiohttp.ClientSession
    arguments: Mapping[str, Any] | None
    headers: Mapping[str, str]
    settings: Mapping[str, Any]
    receivers: list[Receiver] = field(default_factory=list)
    instance_ids: list[int] = field(default_factory=list)
    services: list[Service] = field(default_factory=list)
    _connection: Any = None

    def add_service(self, name: str, *arguments: str) -> Service:
        """Add a program; the first one is asked by the API."""
        service = Service(self.folder, name, arguments, self.settings)
        self.services.append(service)
        return service

    async def start(self) -> None:
        """Run ``serve``."""
        data = ("--data-dir", str(self.folder / "data"))
        await self.add_service("serve", "serve", "--port", "0", *data).start()

    def read_arguments(self) -> Mapping[str, Any]:
        """Give the arguments that reach the database.

        Raises:
            OSError: the embedded one does not run now.
        """
        found = self.arguments or find_running(self.folder / "data")
        if found is None:
            raise ConnectionRefusedError("the embedded database does not run")
        return found

    async def fetch(self, query: str, *arguments: Any) -> list[Any]:
        """Ask the database; waits while it is away."""
        found: list[list[Any]] = []

        async def ask() -> bool:
            try:
                if self._connection is None:
                    self._connection = await open_connection(self.read_arguments())
                found.append(await self._connection.fetch(query, *arguments, timeout=WAIT_SECONDS))
            except AWAY:
                self._disconnect()
                return False
            return True

        await wait(ask)
        return found[0]

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None

    async def control(self, method: str, path: str, body: Any = None) -> Any:
        """Steer the provider."""
        async with self.http.request(method, f"{self.sandbox.url}/_sandbox/{path}", json=body) as answer:
            assert answer.status < 300, await answer.text()
            return await answer.json()

    async def call(self, method: str, path: str, body: Any = None, *, allowed: Collection[int] = ()) -> Any:
        """Call the API, again and again while it is away; what came of it is a success, or ``allowed`` besides."""
        given: list[Any] = []

        async def ask() -> bool:
            try:
                url = f"{self.services[0].url}/elements/api-v2/{path}"
                async with self.http.request(method, url, json=body, headers=self.headers) as answer:
                    if answer.status >= 500:
                        return False
                    assert answer.status < 300 or answer.status in allowed, await answer.text()
                    given.append(await answer.json())
            except aiohttp.ClientError:
                return False
            return True

        await wait(ask)
        return given[0]

    async def authorize(self) -> str:
        """Give a code of the provider's."""
        asked = {"client_id": "key", "redirect_uri": REDIRECT}
        return str((await self.control("POST", "authorize", asked))["code"])

    async def connect(self, count: int = CALLBACKS, **configuration: Any) -> None:
        """Connect instances; all that changes once this returns is to be delivered."""
        for receiver in self.receivers[len(self.instance_ids) :][:count]:
            body = {
                "element": {"key": "egnyte"},
                "providerData": {"code": await self.authorize()},
                "configuration": {
                    "oauth.callback.url": REDIRECT,
                    "oauth.api.key": "key",
                    "oauth.api.secret": "secret",
                    "subdomain": "acme",
                    "event.notification.enabled": True,
                    "event.notification.callback.url": receiver.url,
                    "event.notification.operations.url": f"{receiver.url}/notices",
                    "event.notification.signature.key": KEY,
                    "event.poller.refresh_interval": 0.2 / 60,
                    **configuration,
                },
            }
            self.instance_ids.append((await self.call("POST", "instances", body))["id"])

        async def started() -> bool:
            rows = await self.fetch("SELECT count(*) AS n FROM resource_poll WHERE watermark IS NOT NULL")
            return bool(rows[0]["n"] == len(self.instance_ids))

        await wait(started)

    async def authorize_again(self) -> None:
        """Authorise what needs it, as a person does that was told: a spent refresh token may be lost with us."""
        for row in await self.fetch("SELECT id FROM instance WHERE NOT valid"):
            await self.call(
                "PATCH", f"instances/{row['id']}", {"providerData": {"code": await self.authorize()}}
            )

    async def change(self, count: int) -> int:
        """Make changes; gives the first one's number."""
        made = await self.control("POST", "changes", {"count": count})
        return int(made["events"][0]["id"])

    def order(self, step: str, kind: str, *, skip: int = 0) -> None:
        """Have a fault strike once."""
        (self.folder / "struck").unlink(missing_ok=True)
        order = self.folder / "order.new"
        order.write_text(json.dumps({"step": step, "kind": kind, "skip": skip, "at": time.time()}))
        order.rename(self.folder / "order")

    def read_strike(self) -> float | None:
        """Say when the ordered fault struck; None: not yet."""
        try:
            return float(json.loads((self.folder / "struck").read_text())["at"])
        except FileNotFoundError:
            return None

    async def wait_for_strike(self, seconds: float) -> float | None:
        """Wait for the ordered fault, for so long; gives when it struck."""
        deadline = time.monotonic() + seconds
        await wait(lambda: self.read_strike() or time.monotonic() > deadline)
        return self.read_strike()

    def list_truth(self) -> list[int]:
        """Give the ids of all that happened at the provider, in order."""
        return [row["id"] for row in self.sandbox.state.log.list_after(0)]

    async def read_gaps(self, instance_id: int) -> list[Lost]:
        """Give the gaps that an instance tells of."""
        rows = await self.fetch("SELECT * FROM gap WHERE instance_id = $1 ORDER BY id", instance_id)
        return [Lost(row["sequence"], row["from_watermark"]["id"], row["to_watermark"]["id"]) for row in rows]

    async def wait_delivered(self, seconds: float = WAIT_SECONDS) -> None:
        """Wait until everything that happened arrived; what a gap tells of need not."""
        for receiver, instance_id in zip(self.receivers, self.instance_ids, strict=False):
            await wait(partial(self._is_delivered, receiver, instance_id), seconds)

    async def _is_delivered(self, receiver: Receiver, instance_id: int) -> bool:
        if len(receiver.seen) >= self.sandbox.state.log.latest_id:
            return True
        missing = set(self.list_truth()) - receiver.seen
        gaps = await self.read_gaps(instance_id)
        return all(any(gap.after_id < each <= gap.last_id for gap in gaps) for each in missing)

    def has_arrived(self, number: int) -> bool:
        """Say whether every callback took this event."""
        return all(number in receiver.seen for receiver in self.receivers)

    def has_everywhere(self, count: int) -> bool:
        """Say whether every callback took so many events."""
        return all(len(receiver.seen) >= count for receiver in self.receivers)

    def measure_recovery(self, struck_at: float, first: int) -> float:
        """Give the seconds from a fault until the change ``first`` that was made after it had arrived everywhere."""
        arrived = [
            min(each.at for each in receiver.arrivals if each.accepted and first in each.records)
            for receiver in self.receivers[: len(self.instance_ids)]
        ]
        return max(arrived) - struck_at

    async def compare(self) -> list[Tally]:
        """Compare what each callback got with what happened."""
        truth = self.list_truth()
        return [
            compare(receiver.arrivals, truth, await self.read_gaps(instance_id))
            for receiver, instance_id in zip(self.receivers, self.instance_ids, strict=False)
        ]

    async def stop(self) -> None:
        """Stop all programs in order."""
        self._disconnect()
        for service in self.services:
            await service.stop()


@asynccontextmanager
async def open_scene(
    ground: Ground,
    name: str,
    *,
    embedded: bool,
    callbacks: int = CALLBACKS,
    server: OwnServer | None = None,
    **settings: Any,
) -> AsyncIterator[Scene]:
    """Prepare a scene: on an embedded database of its own, on a server of its own, or on that in common."""
    folder = ground.make_folder(name)
    arguments = None
    if embedded:
        headers = await ground.copy_cluster(folder / "data")
    elif server is not None:
        arguments, headers = server.arguments, server.headers
    else:
        arguments, headers = await ground.make_database()
    async with AsyncExitStack() as stack:
        sandbox = await stack.enter_async_context(run_sandbox(qps=100_000))
        http = await stack.enter_async_context(aiohttp.ClientSession())
        given = {
            "egnyte_url": sandbox.url,
            "allow_private_networks": "true",
            "min_poll_interval_seconds": 0.2,
            "retry_schedule_seconds": SCHEDULE,
            "lease_seconds": LEASE_SECONDS,
            "encryption_keys": KEYS,
            **({} if arguments is None else {"database_url": write_url(arguments)}),
            **settings,
        }
        scene = Scene(ground, folder, sandbox, http, arguments, headers, given)
        for _ in range(callbacks):
            scene.receivers.append(await stack.enter_async_context(run_receiver()))
        stack.push_async_callback(scene.stop)
        yield scene
