"""Strategy ``feed``: the provider's own cursor says what is new."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator

from signalpost.connectors.containment import guard
from signalpost.connectors.resource import Feed
from signalpost.model.errors import ConnectorError, WatermarkLostError
from signalpost.model.event import Gap, Page, Watermark
from signalpost.polling.strategies.reading import Reading


async def read_feed(reading: Reading, feed: Feed, *, verify: bool) -> AsyncGenerator[Page | Gap, None]:
    """Read page after page of what follows the watermark; a gap where the provider no longer keeps it.

    While a page is being committed the next one is on its way: one page ahead, and nothing of it is kept by then.

    Raises:
        WatermarkLostError: it was lost again right after the gap.
        ConnectorError: the provider says that more follows, but not where.
    """
    watermark = reading.poll.watermark
    if watermark is None:
        start: Watermark = await guard(feed, "find_start", dict, reading.session, reading.start_at)
        watermark = start
        yield Page((), (), watermark, more=True)
    recovered = False
    ahead: asyncio.Task[Page] | None = None
    try:
        while True:
            try:
                page = await (ahead or _read_page(reading, feed, watermark, verify=verify))
            except WatermarkLostError:
                if recovered:
                    raise
                gap = await guard(feed, "recover", Gap, reading.session, watermark)
                yield gap
                watermark, recovered, ahead = gap.to_watermark, True, None
                continue
            assert page.watermark is not None
            if page.more and page.watermark == watermark:
                message = "the provider says that more follows, but gives the same place to read on from"
                raise ConnectorError(message)
            watermark, ahead = page.watermark, None
            if page.more:
                ahead = asyncio.create_task(_read_page(reading, feed, watermark, verify=verify))
            yield page
            if not page.more:
                return
    finally:
        if ahead is not None:
            ahead.cancel()
            await asyncio.gather(ahead, return_exceptions=True)


async def _read_page(reading: Reading, feed: Feed, watermark: Watermark, *, verify: bool) -> Page:
    return await guard(feed, "read", Page, reading.session, watermark, verify=verify)
