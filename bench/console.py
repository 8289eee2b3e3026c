"""``python -m bench.console``: how long each page of the console takes, and how large it is, with a full log.

Every page that links lead to from the rail is asked for, each kind once, and those of the log with filters that have
it look as far as it ever does.
"""

from __future__ import annotations

import argparse
import asyncio
import re
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from html import unescape
from pathlib import Path

import aiohttp
import asyncpg
import uvloop
from cryptography.fernet import Fernet
from rich.console import Console

from bench.ground import write_url
from bench.instances import create_instances
from bench.machine import describe_machine
from bench.measures import Measure, bound, print_results, write_results
from bench.seeding import seed_events
from signalpost.api.server import bind, serve_app
from signalpost.settings import Settings
from signalpost.store.accounts.sessions import Sessions
from signalpost.store.database import migrate, open_pool
from signalpost.store.embedded import EmbeddedPostgres
from signalpost.store.vault import Vault
from signalpost.web.visits import SESSION_COOKIE
from signalpost.wiring.service import open_service

RESULTS = Path(__file__).parent / "results" / "console.json"
MOST_MILLISECONDS = 200.0
MOST_KILOBYTES = 100.0
MOST_PAGES = 120
ANSWERS = frozenset({200, 303})

NARROWED = (
    "/events?path=nothing+is+called+so",
    "/events?path=letter",
    "/events?state=dead",
    "/events?type=DELETED",
    "/events?resource=users",
    "/instances?search=nothing",
    "/deliveries?state=delivered",
    "/deliveries?state=dead",
    "/deliveries?state=pending",
)

LINK = re.compile(r'<a\b[^>]*\bhref="(/[^"#]*)"')
PART = re.compile(r"[0-9a-f]{8}-[0-9a-f-]{27}|[0-9]+")
QUERY_VALUE = re.compile(r"=[^&]*")


@dataclass(frozen=True, slots=True)
class Asked:
    """What one request took, in milliseconds, and gave."""

    milliseconds: float
    status: int
    text: str


class Visitor:
    """Somebody signed in, on loopback."""

    def __init__(self, http: aiohttp.ClientSession) -> None:
        self._http = http

    async def ask(self, path: str) -> Asked:
        """Ask for a page."""
        began = time.perf_counter()
        async with self._http.get(path, allow_redirects=False) as answer:
            text = await answer.text()
            took = 1000 * (time.perf_counter() - began)
        return Asked(took, answer.status, text)


async def measure_pages(visitor: Visitor, *, rounds: int) -> tuple[list[Measure], list[str]]:
    """Find every kind of page and measure each, but for its first answer; give also the paths that cannot be had."""
    waiting = deque(["/", *NARROWED])
    passed: set[str] = {name_kind(path) for path in waiting}
    measures: list[Measure] = []
    failed: list[str] = []
    while waiting and len(measures) < 2 * MOST_PAGES:
        path = waiting.popleft()
        first = await visitor.ask(path)
        if first.status not in ANSWERS:
            failed.append(f"{path} ({first.status})")
            continue
        asked = [await visitor.ask(path) for _ in range(rounds)]
        name = path if path in NARROWED else name_kind(path)
        times = [each.milliseconds for each in asked]
        sizes = [len(each.text.encode()) / 1000 for each in asked]
        measures.append(bound(f"GET {name}", times, MOST_MILLISECONDS, "ms"))
        measures.append(bound(f"GET {name}, size", sizes, MOST_KILOBYTES, "kB"))
        for link in LINK.findall(first.text):
            kind = name_kind(unescape(link))
            if kind not in passed:
                passed.add(kind)
                waiting.append(unescape(link))
    return measures, failed


def name_kind(path: str) -> str:
    """Name the kind of page: its path without ids, and what is asked of it without values."""
    place, mark, query = path.partition("?")
    return PART.sub("…", place) + mark + QUERY_VALUE.sub("", query)


@asynccontextmanager
async def open_console(
    directory: Path, *, instances: int, events: int
) -> AsyncIterator[tuple[Visitor, asyncpg.Pool]]:
    """Run the console alone on a database with so much in it, and sign somebody in."""
    key = Fernet.generate_key().decode()
    async with AsyncExitStack() as stack:
        postgres = await EmbeddedPostgres.start(directory)
        stack.push_async_callback(postgres.stop)
        await migrate(postgres.connect_arguments)
        pool = await stack.enter_async_context(await open_pool(postgres.connect_arguments, size=4))
        callbacks = ["https://example.com/callback"] * instances
        ids = await create_instances(pool, Vault([key]), "token", callbacks)
        await seed_events(pool, ids, events)
        settings = Settings(
            database_url=write_url(postgres.connect_arguments),
            encryption_keys=key,
            allow_private_networks=True,
        )
        service = await stack.enter_async_context(open_service(settings, frozenset()))
        stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
        serving = asyncio.create_task(serve_app(service.app, bind("127.0.0.1", 0), stop, ready.set_result))
        try:
            async with aiohttp.ClientSession(
                await ready,
                cookies={SESSION_COOKIE: await _sign_in(pool)},
                headers={"Accept": "text/html"},
                cookie_jar=aiohttp.CookieJar(unsafe=True),
            ) as http:
                yield Visitor(http), pool
        finally:
            stop.set()
            await serving


async def _sign_in(pool: asyncpg.Pool) -> str:
    member = await pool.fetchval("UPDATE member SET password_hash = 'none' RETURNING id")
    return await Sessions(pool).open(member, datetime.now(UTC), agent="bench", address="127.0.0.1")


async def measure(console: Console, results: Path, *, instances: int, events: int, rounds: int) -> None:
    """Fill a database, measure, and write the results.

    Raises:
        RuntimeError: a page that a link leads to cannot be had.
    """
    with tempfile.TemporaryDirectory() as directory:
        async with open_console(Path(directory), instances=instances, events=events) as (visitor, pool):
            measures, failed = await measure_pages(visitor, rounds=rounds)
            async with pool.acquire() as connection:
                machine = await describe_machine(connection)
    write_results(results, {**machine, "events": events, "instances": instances}, measures)
    print_results(console, measures)
    if failed:
        message = f"these pages cannot be had: {', '.join(failed)}"
        raise RuntimeError(message)


def main() -> None:
    """Read the command line and run."""
    parser = argparse.ArgumentParser(prog="bench.console", description="Measure the pages with a full log.")
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--instances", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--output", type=Path, default=RESULTS, help="where the JSON goes")
    given = parser.parse_args()
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(
            measure(
                Console(), given.output, instances=given.instances, events=given.events, rounds=given.rounds
            )
        )


if __name__ == "__main__":
    main()
