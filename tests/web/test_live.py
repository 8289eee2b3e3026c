"""What open pages are told: server-sent events, bounded, ended with the session and with the server."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime

import orjson
import pytest

from tests.processes import STOP_SECONDS
from tests.store.history import make_past
from tests.support import until


@pytest.fixture(autouse=True)
def quick_looks(monkeypatch):
    monkeypatch.setattr("signalpost.web.streams.LOOK_SECONDS", 0.05)
    monkeypatch.setattr("signalpost.web.streams.MOST_LOOKS", 1_000_000)  # however long a busy machine takes


class Told:
    """What a stream has told so far; ``looks`` that found nothing are told by a comment."""

    def __init__(self) -> None:
        self.messages: list[dict] = []
        self.looks = 0
        self.ended = False

    async def look_again(self) -> None:
        """Wait for a look that began after this."""
        seen = self.looks
        await until(lambda: self.looks >= seen + 2)


@asynccontextmanager
async def following(browser, path):
    told = Told()

    async def read() -> None:
        async with browser.client.stream("GET", path) as answer:
            assert answer.status_code == 200
            assert answer.headers["content-type"].startswith("text/event-stream")
            assert answer.headers["cache-control"] == "no-store"
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    told.messages.append(orjson.loads(line[6:]))
                told.looks += line == ":"
            told.ended = True

    reading = asyncio.create_task(read())
    try:
        yield told
    finally:
        reading.cancel()
        await asyncio.wait({reading})


def streams_of(world):
    return world.service.app.console.state.parts.streams


async def organization_of(world) -> int:
    return await world.pool.fetchval("SELECT id FROM organization WHERE name = 'Acme'")


async def test_the_log_tells_how_many_are_new_and_wanted(quiet, enter):
    past, other = await make_past(quiet.pool, await organization_of(quiet)), await make_past(quiet.pool)
    browser = await enter(quiet, "viewer")
    await past.commit(datetime.now(UTC), ["known"])
    page = await browser.read("/events?path=wanted")
    path = page.split('data-live="')[1].split('"')[0].replace("&amp;", "&")
    async with following(browser, path) as told:
        await until(lambda: streams_of(quiet).number == 1)
        await other.commit(datetime.now(UTC), ["wanted"])
        await past.commit(datetime.now(UTC), ["wanted 1", "not this one"])
        await until(lambda: told.messages == [{"new": 1}])
        await past.commit(datetime.now(UTC), ["wanted 2", "wanted 3"])
        await until(lambda: told.messages == [{"new": 1}, {"new": 3}])
        await past.commit(datetime.now(UTC), [f"wanted {number}" for number in range(200)])
        await until(lambda: told.messages[-1] == {"new": 100})
    await until(lambda: streams_of(quiet).number == 0)


async def test_pages_are_told_when_what_they_show_has_changed(quiet, enter):
    past = await make_past(quiet.pool, await organization_of(quiet))
    other = await make_past(quiet.pool)
    browser = await enter(quiet, "viewer")
    async with (
        following(browser, f"/instances/{past.instance_id}/live") as instance,
        following(browser, "/deliveries/live") as deliveries,
        following(browser, "/overview/live") as overview,
    ):
        for told in (instance, deliveries, overview):
            await told.look_again()
        await other.commit(datetime.now(UTC), ["theirs"])
        for told in (instance, deliveries, overview):
            await told.look_again()
        assert [*instance.messages, *deliveries.messages, *overview.messages] == []
        await past.commit(datetime.now(UTC), ["own"])
        for told in (instance, deliveries, overview):
            await until(lambda told=told: told.messages == [{"refresh": True}])
        await quiet.pool.execute("UPDATE instance SET last_poll_at = now() WHERE id = $1", past.instance_id)
        await until(lambda: len(instance.messages) == 2)
    # A page that says what it shows is told of what changed before it was followed.
    page = await browser.read("/deliveries")
    path = page.split('data-live="')[1].split('"')[0]
    await past.commit(datetime.now(UTC), ["meanwhile"])
    async with following(browser, path) as deliveries:
        await until(lambda: deliveries.messages == [{"refresh": True}])
    assert (await browser.client.get(f"/instances/{other.instance_id}/live")).status_code == 404


async def test_a_stream_ends_with_the_session(quiet, enter):
    browser = await enter(quiet)
    async with following(browser, "/overview/live") as told:
        await until(lambda: streams_of(quiet).number == 1)
        await quiet.pool.execute("DELETE FROM session")
        await until(lambda: told.ended)
    answer = await browser.client.get("/overview/live", headers={"Accept": "text/event-stream"})
    assert answer.status_code == 401


@pytest.mark.parametrize("bound", ["MOST_STREAMS", "MOST_OF_ONE"])
async def test_no_more_streams_are_open_than_may_and_one_organization_leaves_room(
    quiet, enter, monkeypatch, bound
):
    monkeypatch.setattr(f"signalpost.web.streams.{bound}", 1)
    browser, other = await enter(quiet), await enter(quiet, email="zoe@example.com")
    await quiet.pool.execute(
        "WITH other AS (INSERT INTO organization (name) VALUES ('Other') RETURNING id)"
        " UPDATE member SET organization_id = (SELECT id FROM other) WHERE email = 'zoe@example.com'"
    )
    async with following(browser, "/overview/live"):
        await until(lambda: streams_of(quiet).number == 1)
        answer = await browser.client.get("/events/live")
        assert (answer.status_code, answer.headers["retry-after"]) == (503, "60")
        if bound == "MOST_STREAMS":
            assert (await other.client.get("/overview/live")).status_code == 503
        else:
            async with following(other, "/overview/live") as told:
                await told.look_again()
    await until(lambda: streams_of(quiet).number == 0)
    async with following(browser, "/overview/live") as told:
        await told.look_again()


async def test_open_streams_do_not_hold_the_server_up(make_world, enter, monkeypatch):
    monkeypatch.setattr("signalpost.api.server.STOP_SECONDS", 3600)  # after which they would be cut off
    async with AsyncExitStack() as stack:
        world = await stack.enter_async_context(make_world(roles=frozenset()))
        browser = await enter(world)
        running = stack.pop_all()
        async with following(browser, "/overview/live") as told:
            await until(lambda: streams_of(world).number == 1)
            async with asyncio.timeout(STOP_SECONDS):
                await running.aclose()
            await until(lambda: told.ended)


async def test_a_stream_that_is_asked_for_by_head_ends_at_once(quiet, enter):
    browser = await enter(quiet, "viewer")
    answer = await browser.client.head("/overview/live")
    assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, "text/event-stream")
    await until(lambda: streams_of(quiet).number == 0)
