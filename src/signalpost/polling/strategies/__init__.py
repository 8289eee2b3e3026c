"""Opens the strategy that a resource is read by."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping, Sequence
from typing import Any, Protocol

from signalpost.connectors.base import Connector
from signalpost.connectors.containment import contain
from signalpost.connectors.resource import Session, Strategy
from signalpost.model.crowds import Caller
from signalpost.model.errors import SignalpostError
from signalpost.model.event import Gap, Page
from signalpost.model.instance import PollState
from signalpost.model.quota import Allowance
from signalpost.outbound import Answer
from signalpost.polling.records import RecordReader
from signalpost.polling.strategies.asking import ask, recall_asked
from signalpost.polling.strategies.feed import read_feed
from signalpost.polling.strategies.reading import Reading
from signalpost.polling.strategies.snapshot import SnapshotReading
from signalpost.polling.strategies.timestamp import TimestampReading, find_last_at


class PolledSession(Session, Caller, Protocol):
    """A session that counts its calls."""

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


class UnopenedSession:
    """Stands for a session that could not be opened: each resource that is read through it says why."""

    base_url = ""
    calls = 0
    is_calling = was_answered = False
    tokens_version = 0
    allowance: Allowance | None = None

    def __init__(self, failure: SignalpostError) -> None:
        """Take the reason."""
        self._failure = failure

    async def get(self, path: str, parameters: Mapping[str, str]) -> Answer:  # noqa: ARG002 - the protocol's
        """Raise the reason."""
        raise self._failure

    async def post(self, path: str, parameters: Mapping[str, str], body: Any) -> Answer:  # noqa: ARG002 - the protocol's
        """Raise the reason."""
        raise self._failure


def open_contained(open_session: OpenSession, connector: Connector, state: PollState) -> PolledSession:
    """Open an instance's session; where the connector fails at that, give one that says so at each call."""
    try:
        with contain("find_host"):
            return open_session(connector, state)
    except SignalpostError as failure:
        return UnopenedSession(failure)


def open_strategy(
    reading: Reading, connector: Connector, *, verify: bool
) -> AsyncGenerator[Sequence[Page] | Gap, None]:
    """Open the reading of a resource by its strategy.

    Raises:
        InvalidRequestError: the connector does not take a parameter of the URL.
    """
    polled = reading.polled
    varies = polled.definition.varies
    asked = ask(polled, find_last_at(reading), reading.started_at) if varies else recall_asked(polled)
    if polled.strategy is Strategy.FEED:
        with contain("open_feed"):
            feed = connector.open_feed(polled.resource, asked.parameters, polled.id_field)
        return read_feed(reading, feed, verify=verify)
    with contain("open_listing"):
        listing = connector.open_listing(polled.resource, asked.parameters, asked.conditions)
    reader = RecordReader(polled.id_field, polled.updated, polled.created, reading.started_at)
    if polled.strategy is Strategy.SNAPSHOT:
        return SnapshotReading(reading, listing, reader, asked.where).read()
    return TimestampReading(reading, listing, reader, asked.where).read()
