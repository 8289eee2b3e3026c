"""Where feeds are that are to be polled: found before that is answered, so that nothing falls before the first poll."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from signalpost.connectors.base import Connector
from signalpost.connectors.containment import contain, guard
from signalpost.connectors.resource import Session, Strategy
from signalpost.model.configuration import read_start
from signalpost.model.errors import SignalpostError
from signalpost.model.event import Watermark
from signalpost.observe import get_logger
from signalpost.polling.configuration import recall_resource
from signalpost.polling.strategies.asking import recall_asked

log = get_logger("polling")

START_SECONDS = 5.0
"""How long somebody who has an instance polled waits at most for its provider to say where each feed is."""


async def find_starts(
    session: Session,
    connector: Connector,
    configuration: Mapping[str, str],
    resources: Mapping[str, Mapping[str, Any]],
) -> dict[str, Watermark]:
    """Give the watermarks, by resource, of the feeds that are to tell what happens from now on.

    What is to start elsewhere, a list, a URL that holds the time of the last poll, and a feed of which the provider
    does not say it now, are left to the first poll.
    """
    if read_start(configuration) is not None:
        return {}
    starts: dict[str, Watermark] = {}
    for name, written in resources.items():
        await asyncio.sleep(0)  # there may be thousands
        polled = recall_resource(name, written, connector)
        if polled.strategy is not Strategy.FEED or polled.definition.varies:
            continue
        try:
            with contain("open_feed"):
                feed = connector.open_feed(polled.resource, recall_asked(polled).parameters, polled.id_field)
            async with asyncio.timeout(START_SECONDS):
                starts[name] = await guard(feed, "find_start", dict, session, None)
        except (SignalpostError, TimeoutError) as error:
            reason = str(error) or f"no answer within {START_SECONDS:g} s"
            log.info("poll.start_not_found", connector=connector.key, resource=name, reason=reason)
    return starts
