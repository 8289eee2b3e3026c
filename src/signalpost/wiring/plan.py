"""Reads the event part of a configuration: it spans polling and delivery."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from functools import partial

from signalpost.connectors.base import Connector
from signalpost.delivery.configuration import read_delivery_settings
from signalpost.delivery.notices import read_operations_url
from signalpost.instances.drafts import EventPlan
from signalpost.model.configuration import CALLBACK_URL, OPERATIONS_URL, POLLER_CONFIGURATION
from signalpost.model.errors import AddressRefusedError, InvalidRequestError
from signalpost.outbound import Outbound
from signalpost.polling.configuration import read_poll_settings
from signalpost.settings import Settings

MOST_AT_ONCE = 20_000
"""Characters of a configuration of polls that are read at once: a longer one may take seconds, beside all else."""


class PlanReader:
    """Reads the event part of a configuration; it spans polling and delivery (``instances.drafts.ReadPlan``)."""

    def __init__(self, settings: Settings, outbound: Outbound) -> None:
        self._minimum_seconds = settings.min_poll_interval_seconds
        self._outbound = outbound

    async def __call__(self, configuration: Mapping[str, str], connector: Connector) -> EventPlan:
        """Read and check it; the addresses that are to be called are looked up and judged.

        Raises:
            InvalidRequestError: a value is wrong, or an address must not be called.
        """
        read = partial(
            read_poll_settings, configuration, connector, minimum_interval_seconds=self._minimum_seconds
        )
        is_long = len(configuration.get(POLLER_CONFIGURATION, "")) > MOST_AT_ONCE
        polls = await asyncio.to_thread(read) if is_long else read()
        delivery = read_delivery_settings(configuration)
        await self.vet(f"configuration.{CALLBACK_URL}", delivery.callback_url)
        await self.vet(f"configuration.{OPERATIONS_URL}", read_operations_url(configuration))
        return EventPlan(
            interval_seconds=polls.interval_seconds,
            resources=polls.resources,
            sources=polls.sources,
            callback_url=delivery.callback_url,
            full_raw=delivery.full_raw,
        )

    async def vet(self, field: str, url: str | None) -> None:
        """Have the address of a URL judged before anything is stored; it is judged again whenever we connect.

        Raises:
            InvalidRequestError: it must not be called; ``field`` is named.
        """
        try:
            if url is not None:
                await self._outbound.vet(url)
        except AddressRefusedError as error:
            message = f"{field}: {error}"
            raise InvalidRequestError(message) from error
