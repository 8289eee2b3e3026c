"""What the tests of the Egnyte connector share: a session on the sandbox, and one on answers that no sandbox gives."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import aiohttp
import orjson
from aiohttp import web
from hypothesis import strategies as st

from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.outbound import Answer
from tests.sandbox.conftest import START, Egnyte, open_egnyte

NOW = datetime.fromtimestamp(START, UTC)

json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


class Calls:
    """A session (``resource.Session``) that notes the calls it makes."""

    def __init__(self, http: aiohttp.ClientSession, url: str, connector: EgnyteConnector) -> None:
        self.made: list[tuple[str, dict[str, str]]] = []
        self.connector = connector
        self._http = http
        self._url = url
        self.token = ""

    async def get(self, path: str, parameters: Any) -> Answer:
        self.made.append((path, dict(parameters)))
        url = f"{self._url}{path}?{urlencode(parameters)}" if parameters else self._url + path
        headers = {"Authorization": f"Bearer {self.token}"}
        async with self._http.get(url, headers=headers, allow_redirects=False) as response:
            answer = Answer(
                response.status, response.headers, await response.read(), truncated=False, seconds=0
            )
        failure = self.connector.classify(answer)
        if failure is not None:
            raise failure
        return answer

    def list(self, name: str, *conditions: Any, **parameters: str) -> Any:
        """Open one of the connector's resources as a list."""
        return self.connector.open_listing(find(name), parameters, conditions)

    def feed(self, name: str, id_field: str = "", **parameters: str) -> Any:
        """Open one of the connector's feeds."""
        return self.connector.open_feed(find(name), parameters, id_field)


def find(name: str) -> Any:
    return next(each for each in EgnyteConnector.resources if each.name == name)


@asynccontextmanager
async def open_calls() -> AsyncIterator[tuple[Egnyte, Calls]]:
    """Run a sandbox whose clock stands still, and connect to it with all scopes."""
    async with open_egnyte() as egnyte:
        await egnyte.connect()
        clock = egnyte.clock
        connector = EgnyteConnector(egnyte.sandbox.url, lambda: datetime.fromtimestamp(clock.now, UTC))
        calls = Calls(egnyte.session, egnyte.sandbox.url, connector)
        calls.token = egnyte.token or ""
        yield egnyte, calls


@asynccontextmanager
async def open_answers(*answers: Any, path: str = "/{any:.*}") -> AsyncIterator[Calls]:
    """Serve ``answers`` one after the other, the last again and again.

    Bytes are bodies with status 200, whole numbers are statuses, all else is JSON.
    """
    waiting = list(answers)

    async def answer(_: web.Request) -> web.Response:
        given = waiting.pop(0) if len(waiting) > 1 else waiting[0]
        if isinstance(given, int):
            return web.Response(status=given)
        body = given if isinstance(given, bytes) else orjson.dumps(given)
        return web.Response(body=body, headers={"Content-Type": "text/html"})

    app = web.Application()
    app.add_routes([web.get(path, answer)])
    runner = web.AppRunner(app)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        async with aiohttp.ClientSession() as http:
            yield Calls(http, url, EgnyteConnector(url, lambda: NOW))
    finally:
        await runner.cleanup()


async def read_all(calls: Calls, listing: Any, size: int | None = None) -> list[Any]:
    """Read a list to its end."""
    records: list[Any] = []
    position = None
    for _ in range(200):
        page = await listing.read(calls, position, size)
        records += page.records
        position = page.next
        if position is None:
            return records
    raise AssertionError("the list has no end")


async def read_feed(calls: Calls, feed: Any, watermark: Any) -> tuple[list[Any], list[Any], Any]:
    """Read a feed until nothing more is there; give records, changes and the watermark."""
    records: list[Any] = []
    changes: list[Any] = []
    for _ in range(1000):
        page = await feed.read(calls, watermark, verify=False)
        records += [orjson.loads(each) for each in page.records]
        changes += page.changes
        watermark = page.watermark
        if not page.more:
            return records, changes, watermark
    raise AssertionError("the feed has no end")


def nest(levels: int) -> Any:
    """Give an object of lists and objects in each other."""
    value: Any = {}
    for _ in range(levels):
        value = {"in": [value]}
    return value
