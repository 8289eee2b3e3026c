"""Opens the strategy that a resource is read by."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from signalpost.connectors.base import Connector
from signalpost.connectors.resource import Session, Strategy
from signalpost.model.event import Gap, Page
from signalpost.model.instance import PollState
from signalpost.model.quota import Allowance
from signalpost.polling.records import RecordReader
from signalpost.polling.strategies.asking import ask
from signalpost.polling.strategies.feed import read_feed
from signalpost.polling.strategies.reading import Reading
from signalpost.polling.strategies.snapshot import SnapshotReading
from signalpost.polling.strategies.timestamp import TimestampReading, find_last_at


class PolledSession(Session, Protocol):
    """A session that counts its calls."""

    @property
    def calls(self) -> int:
        """How many calls were made."""
        ...

    @property
    def tokens_version(self) -> int:
        """The version of the tokens used last."""
        ...

    @property
    def allowance(self) -> Allowance | None:
        """What is known of the account's calls of this day by now."""
        ...


class OpenSession(Protocol):
    """Opens the provider session of an instance (wiring gives it)."""

    def __call__(self, connector: Connector, state: PollState) -> PolledSession:
        """Open it; no call is made yet."""
        ...


def open_strategy(
    reading: Reading, connector: Connector, *, verify: bool
) -> AsyncGenerator[Page | Gap, None]:
    """Open the reading of a resource by its strategy.

    Raises:
        InvalidRequestError: the connector does not take a parameter of the URL.
    """
    polled = reading.polled
    asked = ask(polled, find_last_at(reading), reading.started_at)
    if polled.strategy is Strategy.FEED:
        feed = connector.open_feed(polled.resource, asked.parameters, polled.id_field)
        return read_feed(reading, feed, verify=verify)
    listing = connector.open_listing(polled.resource, asked.parameters, asked.conditions)
    reader = RecordReader(polled.id_field, polled.updated, polled.created, reading.started_at)
    if polled.strategy is Strategy.SNAPSHOT:
        return SnapshotReading(reading, listing, reader, asked.where).read()
    return TimestampReading(reading, listing, reader, asked.where).read()
