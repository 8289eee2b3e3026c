"""Events are shown as they come, whatever the server does meanwhile; and notifications are sent again, with progress."""

from __future__ import annotations

import asyncio
import json
import os
import pty
import signal
from contextlib import asynccontextmanager
from datetime import UTC, datetime

import pytest

from signalpost.api.server import bind, serve_app
from tests.api.test_events_found import connect_past
from tests.cli.commands import of, open_server, run, start
from tests.ports import hold_ports
from tests.processes import START_SECONDS
from tests.support import until

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


@asynccontextmanager
async def serve_again(world, port):
    """The same service at another port, which can go away and come back."""
    stop, ready = asyncio.Event(), asyncio.get_running_loop().create_future()
    serving = asyncio.create_task(
        serve_app(world.service.app, bind("127.0.0.1", port), stop, ready.set_result)
    )
    try:
        yield await ready
    finally:
        stop.set()
        await serving


async def read_lines(process, count):
    lines = [await asyncio.wait_for(process.stdout.readline(), START_SECONDS) for _ in range(count)]
    return [json.loads(line)["sequence"] for line in lines]


@pytest.fixture
def port():
    with hold_ports(1) as (held,):
        yield held


async def test_a_tail_shows_each_event_once_though_the_server_goes_away_meanwhile(make_world, port):
    async with make_world(roles=frozenset()) as world:
        past, instance = await connect_past(world)
        await past.commit(NOON, [f"early/{number}" for number in range(12)])
        async with serve_again(world, port) as url:
            tail = await start(
                *("events", "tail", instance["id"], "--json"), env=open_server(url, world.secrets)
            )
            assert await read_lines(tail, 10) == list(range(3, 13))
            await past.commit(NOON, [f"later/{number}" for number in range(3)])
            assert await read_lines(tail, 3) == [13, 14, 15]
        said = await asyncio.wait_for(tail.stderr.readline(), START_SECONDS)
        assert said.decode().endswith("; trying again\n")
        await past.commit(NOON, [f"away/{number}" for number in range(2)])
        async with serve_again(world, port):
            assert await read_lines(tail, 2) == [16, 17]
            tail.send_signal(signal.SIGINT)
            out, err = await asyncio.wait_for(tail.communicate(), START_SECONDS)
        assert (tail.returncode, out) == (130, b"")
        assert b"Traceback" not in err


@pytest.fixture
async def delivered(world):
    instance = await world.connect()
    await world.wait_for_watermark(instance["id"])
    await world.change(5)
    query = "SELECT count(*) FROM notification WHERE state = 'delivered'"
    await until(lambda: world.pool.fetchval(query))
    await until(lambda: len(world.events()) >= 5)
    await until(lambda: world.pool.fetchval("SELECT bool_and(state = 'delivered') FROM notification"))
    return instance["id"]


async def test_notifications_are_sent_again_and_waited_for(world, delivered):
    env, before = of(world), len(world.listener.received)
    notification = await world.pool.fetchval("SELECT min(id) FROM notification")
    sent, refused, both = await asyncio.gather(
        run("deliveries", "send", delivered, notification, "--json", env=env),
        run("deliveries", "send", delivered, 1, env=env),
        run("deliveries", "replay", delivered, "--sequence", 1, "--from", "x", env=env),
    )
    assert sent.code == 0, sent.err
    [replay] = sent.values
    assert (replay["kind"], replay["state"], replay["sent"]) == ("one", "done", 1)
    assert len(world.listener.received) == before + 1
    assert refused.code == 5
    assert (both.code, "--sequence" in both.err) == (2, True)
    await world.pool.execute("UPDATE notification SET state = 'dead', dead_at = now()")
    failed = await run("deliveries", "send-failed", delivered, env=env)
    assert (failed.code, failed.err) == (0, "")
    assert await world.pool.fetchval("SELECT bool_and(state = 'delivered') FROM notification")
    at_once = await run("deliveries", "replay", delivered, "--sequence", 1, "--no-wait", "--json", env=env)
    [ordered] = at_once.values
    listed, cancelled = await asyncio.gather(
        run("deliveries", "replays", delivered, "--json", env=env),
        run("deliveries", "cancel", delivered, ordered["id"], env=env),
    )
    assert [each["id"] for each in listed.values][-1] == ordered["id"]
    assert len(listed.values) == 3
    assert cancelled.out.startswith(f"replay {ordered['id']} is ")


async def test_a_replay_that_fails_says_why_and_what_it_came_to(world, delivered):
    gone = await run(
        *("deliveries", "replay", delivered, "--sequence", 1, "--url", "http://127.0.0.1:1/"),
        *("--no-wait", "--json"),
        env=of(world),
    )
    [replay] = gone.values
    watching = await start(
        *("deliveries", "replay", delivered, "--sequence", 1, "--url", "http://127.0.0.1:1/"), env=of(world)
    )
    query = "SELECT max(id) FROM replay WHERE instance_id = $1 AND failures > 0 AND id > $2"
    number = await until(lambda: world.pool.fetchval(query, delivered, replay["id"]))
    cancelled = await run("deliveries", "cancel", delivered, number, env=of(world))
    assert cancelled.code == 0
    _, err = await asyncio.wait_for(watching.communicate(), START_SECONDS)
    assert watching.returncode == 1
    assert b"the replay is cancelled: " in err


async def test_progress_is_shown_on_a_terminal_alone(world, delivered):
    ours, theirs = pty.openpty()
    try:
        shown = await start(
            *("deliveries", "replay", delivered, "--sequence", 1, "--json"),
            env=of(world) | {"TERM": "xterm"},
            stderr=theirs,
        )
        out, _ = await asyncio.wait_for(shown.communicate(), START_SECONDS)
        terminal = os.read(ours, 100_000).decode()
    finally:
        os.close(ours)
        os.close(theirs)
    assert json.loads(out)["state"] == "done"
    assert f"replay {json.loads(out)['id']}" in terminal
    assert "%" in terminal
    piped = await run("deliveries", "replay", delivered, "--sequence", 1, "--json", env=of(world))
    assert (piped.code, piped.err) == (0, "")
