"""Opens the strategy that a resource is read by."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from signalpost.connectors.base import Connector
from signalpost.connectors.resource import Session, Strategy
from signalpost.model.event import Gap, Page
from signalpost.model.instance import PollState
from signalpost.model.quota import Allowance
from signalpost.polling.hub import find_conditions
from signalpost.polling.records import RecordReader
from signalpost.polling.strategies.feed import read_feed
from signalpost.polling.strategies.reading import Reading
from signalpost.polling.strategies.snapshot import SnapshotReading
from signalpost.polling.strategies.timestamp import EPOCH, TimestampReading, find_last_at
from signalpost.polling.where import read_where


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
    polled, resource = reading.polled, reading.polled.resource
    asked = polled.definition.locate(find_last_at(reading), reading.started_at).parameters
    parameters = {name: asked[name] for name in resource.parameters | resource.required if name in asked}
    if polled.strategy is Strategy.FEED:
        return read_feed(reading, connector.open_feed(resource, parameters, polled.id_field), verify=verify)
    conditions = find_conditions(read_where(asked.get("where", "")), resource)
    listing = connector.open_listing(resource, parameters, conditions)
    # We compare as if all there ever was had been asked for: what is new is decided by the memory, not by the date
    # that the URL asks the provider to begin with.
    all_asked = polled.definition.locate(EPOCH, reading.started_at).parameters
    where = read_where(all_asked.get("where", ""))
    if polled.definition.varies:
        where = where.without({each.field for each in (polled.updated, polled.created) if each is not None})
    reader = RecordReader(polled.id_field, polled.updated, polled.created, reading.started_at)
    if polled.strategy is Strategy.SNAPSHOT:
        return SnapshotReading(reading, listing, reader, where).read()
    return TimestampReading(reading, listing, reader, where).read()
