"""Strategy ``feed``: the provider's own cursor says what is new."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Sequence
from dataclasses import replace
from functools import partial

import orjson

from signalpost.connectors.containment import guard
from signalpost.connectors.resource import Feed
from signalpost.model.errors import ConnectorError, WatermarkLostError
from signalpost.model.event import Gap, Page, Watermark
from signalpost.polling.strategies.ahead import Ahead
from signalpost.polling.strategies.reading import Reading

MOST_GAPS = 4
"""Gaps in one reading: a provider may let go what it just said to be the oldest it keeps."""


async def read_feed(
    reading: Reading, feed: Feed, *, verify: bool
) -> AsyncGenerator[Sequence[Page] | Gap, None]:
    """Read page after page of what follows the watermark; a gap where the provider no longer keeps it.

    While pages are being committed the next are on their way (``Ahead``): whatever is here by then comes together.

    Raises:
        WatermarkLostError: it was lost again right after the gap, and there is no better place, or after ``MOST_GAPS``.
        ConnectorError: the provider says that more follows, but not where.
    """
    read_page = partial(_read_page, reading, feed, verify=verify)
    watermark = reading.poll.watermark
    if watermark is None:
        start_at = reading.start_at or reading.poll.starts_at
        start: Watermark = await guard(feed, "find_start", dict, reading.session, start_at)
        watermark = start
        yield (Page((), (), watermark, more=True),)
    gaps = 0
    while True:
        ahead: Ahead | None = None
        try:
            pages = [await read_page(watermark)]
            if pages[-1].more:
                ahead = Ahead(read_page, pages[-1], reading.room)
            yield pages
            while ahead is not None and pages[-1].more:
                assert pages[-1].watermark is not None
                watermark = pages[-1].watermark
                pages = await ahead.take()
                yield pages
        except WatermarkLostError:
            if gaps == MOST_GAPS:
                raise
            gap = await guard(feed, "recover", Gap, reading.session, _copy(watermark))
            if gaps and gap.to_watermark == watermark:
                raise
        else:
            return
        finally:
            if ahead is not None:
                await ahead.close()
        yield gap
        watermark, gaps = gap.to_watermark, gaps + 1


async def _read_page(reading: Reading, feed: Feed, after: Watermark, *, verify: bool) -> Page:
    # What a connector is given is its own: it may write the place to read on from into that.
    page = await guard(feed, "read", Page, reading.session, _copy(after), verify=verify)
    if page.more and page.watermark == after:
        message = "the provider says that more follows, but gives the same place to read on from"
        raise ConnectorError(message)
    if type(page.records) is tuple and type(page.changes) is tuple:
        return page
    # A list of the connector's may be filled anew for the next page, which is read while this one is committed.
    return replace(page, records=tuple(page.records), changes=tuple(page.changes))


def _copy(watermark: Watermark) -> Watermark:
    copied: Watermark = orjson.loads(orjson.dumps(watermark))  # a fifth of what ``deepcopy`` takes
    return copied
