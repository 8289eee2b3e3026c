"""The main job by two processes, their every statement through PgBouncer in transaction mode."""

from __future__ import annotations

import asyncio
import re
from contextlib import AsyncExitStack, asynccontextmanager
from types import SimpleNamespace

import httpx

from signalpost.cli.listen import run_listener
from signalpost.settings import Settings
from signalpost.store.database import open_pool
from signalpost.wiring.accounts import open_accounts
from tests.flows.test_tokens import KEY, count_refreshes, fail
from tests.pooler.conftest import SERVER_CONNECTIONS
from tests.processes import running
from tests.support import World, authorize, until, write_url
from tests.web.conftest import Browser

INSTANCES = 8
CHANGES = 30
MORE = 10
CONNECTIONS = 10
DIRECT = "signalpost-direct"

LOOK = """
SELECT count(*) FILTER (WHERE application_name <> $1) AS pooled, count(*) FILTER (WHERE application_name = $1) AS direct
FROM pg_stat_activity WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid()
"""


@asynccontextmanager
async def open_pooled_world(reached, sandbox, folder):
    """Run ``api`` and ``worker`` as an operator does; ``world.pool`` is the test's own, beside them."""
    direct, pooled = reached
    settings = {
        "database_url": write_url(pooled),
        "database_direct_url": f"{write_url(direct)}&application_name={DIRECT}",
        "database_connections": CONNECTIONS,
        "encryption_keys": KEY,
        "egnyte_url": sandbox.url,
        "allow_private_networks": "true",
        "min_poll_interval_seconds": 0.2,
        "data_dir": folder,
    }
    async with open_accounts(Settings(**settings)) as opened:
        secrets = await opened.organizations.create_credentials("Acme", "ada@example.com")
    async with AsyncExitStack() as stack:
        api, worker = await asyncio.gather(
            *(
                stack.enter_async_context(running(words, ready, folder / f"{words[0]}.log", settings))
                for words, ready in (
                    (["api", "--port", "0"], "signalpost ready on "),
                    (["worker"], "signalpost worker ready"),
                )
            )
        )
        pool = await open_pool(direct, size=1)
        stack.push_async_callback(pool.close)
        listener = await stack.enter_async_context(run_listener(key="a signature key"))
        client = await stack.enter_async_context(
            httpx.AsyncClient(
                base_url=f"{api.url}/elements/api-v2",
                headers={"Authorization": authorize(secrets)},
            )
        )
        world = World(SimpleNamespace(pool=pool), api.url, sandbox, listener, client, secrets)
        stack.push_async_callback(world.outside.aclose)
        yield world, api, worker


async def read_console(world, api):
    """Make the first account by the link that the process printed, and read pages."""
    path = re.search(r"(/setup/[\w-]+)", api.printed)[1]
    async with httpx.AsyncClient(base_url=world.url, headers={"Accept": "text/html"}) as client:
        browser = Browser(world.url, client)
        answer = await browser.send(
            path, path, organization="Acme", email="ada@example.com", password="four words in a row"
        )
        assert answer.status_code == 303
        return [await browser.read(page) for page in ("/", "/instances", "/operations")]


async def count_most(pool, done):
    """Give the most connections seen to the database: through the pooler, and directly, until the event is set."""
    seen = []
    while not done.is_set():
        seen.append(tuple(await pool.fetchrow(LOOK, DIRECT)))
        await asyncio.sleep(0.01)
    return [max(each) for each in zip(*seen, strict=True)]


async def do_main_job(world):
    """Connect instances, have changes delivered with a token that is renewed amid them, and all sent again."""
    instances = await asyncio.gather(*(world.connect() for _ in range(INSTANCES)))
    await asyncio.gather(*(world.wait_for_watermark(each["id"]) for each in instances))
    made = await world.change(CHANGES)
    await until(lambda: len(world.delivered()) >= CHANGES * INSTANCES)
    before = await count_refreshes(world)
    await fail(world, "expired_token")
    made += await world.change(MORE)
    await until(lambda: len(world.delivered()) >= (CHANGES + MORE) * INSTANCES)
    assert await count_refreshes(world) > before

    for each in instances:
        messages = [received["body"]["message"] for received in world.listener.received]
        events = [
            event
            for message in messages
            if message["instanceId"] == each["id"]
            for event in message["events"]
        ]
        assert [event["sequence"] for event in events] == list(range(1, CHANGES + MORE + 1))
    assert sorted(record["id"] for record in world.delivered()) == sorted(
        [row["id"] for row in made] * INSTANCES
    )
    assert all(received["valid"] is True for received in world.listener.received)

    sent = len(world.listener.received)
    replay = await world.client.post(f"/instances/{instances[0]['id']}/replays", json={"sequence": 1})
    assert replay.status_code == 202, replay.text
    await until(lambda: len(world.events()) >= (CHANGES + MORE) * (INSTANCES + 1))
    assert all("Signalpost-Replay" in each["headers"] for each in world.listener.received[sent:])


async def test_the_main_job_goes_through_a_pooler(reached, sandbox, tmp_path):
    async with open_pooled_world(reached, sandbox, tmp_path) as (world, api, worker):
        done = asyncio.Event()
        counting = asyncio.create_task(count_most(world.pool, done))
        try:
            await do_main_job(world)
            pages = await read_console(world, api)
        finally:
            done.set()
        pooled, direct = await counting
        assert all("Acme" in page for page in pages)
        assert "API_Polling" in pages[1]
        assert 1 < pooled <= SERVER_CONNECTIONS
        assert direct == 1  # the worker listens
        assert await api.stop() == 0
        assert await worker.stop() == 0
        for command in (api, worker):
            assert not re.search(r"\[(warning|error)", command.printed), command.printed
