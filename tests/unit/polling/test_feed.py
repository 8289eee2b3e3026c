"""A feed is read one page ahead: what the page ahead brings comes in its turn, and nothing of it is left behind."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
from types import SimpleNamespace
from typing import Any

import pytest

from signalpost.model.errors import NeedsAuthorisationError, WatermarkLostError
from signalpost.model.event import Gap, Page
from signalpost.polling.strategies.ahead import Room
from signalpost.polling.strategies.feed import read_feed

READING: Any = SimpleNamespace(
    poll=SimpleNamespace(watermark={"id": 0}), session=None, start_at=None, room=Room()
)
PAGES = 4


class Feed:
    """Gives pages of one change; reading after some of them fails, or takes until the test lets it."""

    def __init__(self, failures=None, held=()):
        self.failures = failures or {}
        self.held = held
        self.asked = []
        self.under_way = 0

    async def read(self, _session, watermark, *, verify):
        after = watermark["id"]
        self.asked.append(after)
        self.under_way += 1
        try:
            await asyncio.sleep(3600 if after in self.held else 0)
        finally:
            self.under_way -= 1
        if after in self.failures:
            raise self.failures.pop(after)
        return Page((), (), {"id": after + 1}, more=after + 1 < PAGES)

    async def recover(self, _session, watermark):
        return Gap("gone", watermark, {"id": watermark["id"] + 1})


async def read(feed, seen):
    async with aclosing(read_feed(READING, feed, verify=False)) as steps:
        async for step in steps:
            for _ in range(5):  # as long as a commit takes, the page ahead may come or fail
                await asyncio.sleep(0)
            seen += (
                [step.to_watermark["id"]]
                if isinstance(step, Gap)
                else [page.watermark["id"] for page in step]
            )


async def test_each_page_is_read_once_and_the_next_while_one_is_committed():
    feed, seen = Feed(), []
    await read(feed, seen)
    assert seen == [1, 2, 3, 4]
    assert feed.asked == [0, 1, 2, 3]


async def test_a_failure_of_the_page_ahead_comes_after_the_pages_before_it():
    feed, seen = Feed({2: NeedsAuthorisationError("again")}), []
    with pytest.raises(NeedsAuthorisationError):
        await read(feed, seen)
    assert seen == [1, 2]
    assert feed.asked == [0, 1, 2]


async def test_where_the_page_ahead_is_lost_the_gap_follows_the_pages_before_it():
    feed, seen = Feed({2: WatermarkLostError("gone")}), []
    await read(feed, seen)
    assert seen == [1, 2, 3, 4]
    assert feed.asked == [0, 1, 2, 3]


async def test_whoever_stops_leaves_no_reading_under_way():
    feed = Feed(held={1})
    async with aclosing(read_feed(READING, feed, verify=False)) as steps:
        async for _ in steps:
            await asyncio.sleep(0)
            assert feed.under_way == 1
            break
    assert feed.under_way == 0


async def test_whoever_is_cut_off_leaves_no_reading_under_way():
    feed, seen = Feed(held={1}), []
    reading = asyncio.create_task(read(feed, seen))
    while seen != [1]:
        await asyncio.sleep(0)
    reading.cancel()
    with pytest.raises(asyncio.CancelledError):
        await reading
    assert feed.under_way == 0
