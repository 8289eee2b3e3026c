"""What a connector's resources are: how each is declared, and the two ways in which one is read, feed and listing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Protocol

from signalpost.model.event import EventType, Gap, Page, Watermark
from signalpost.outbound import Answer


class Strategy(StrEnum):
    """How changes of a resource are found (architecture, section 6)."""

    FEED = "feed"
    """The provider's own cursor."""
    TIMESTAMP = "timestamp"
    """The records' dates, and which versions of them were seen."""
    SNAPSHOT = "snapshot"
    """The whole list, compared with what it was: the only way to see deletions where the provider tells none."""


@dataclass(frozen=True, slots=True)
class Resource:
    """A kind of thing that is read and polled, at ``/hubs/{hub}/{path}`` in our API.

    ``strategies`` are those that suit it; the first is used unless a configuration names another. ``id_field``,
    ``updated_field`` and ``created_field`` name fields of its records ("" where they have none), ``date_format``
    is the format of both dates, ``date_zone`` the zone of those that name none ("": UTC). ``label_fields`` name what
    people call the object, its path or its name: the first that has a text counts. ``parameters`` are the query
    parameters it takes, ``required`` those it cannot do without, ``filters`` the fields that the provider itself can
    compare. Those of them that are ``uncompared`` are the provider's alone, for records have no such field.
    ``deleted_field`` names the field by which a record of a list says that its object is deleted, by one of
    ``deleted_values`` (none: by any that says something). ``appears_as`` is what a record means that was not there
    before: of a list of deleted things, DELETED. ``feed_tells_deletions`` says whether its feed does; where there is a
    feed it must be said, for nobody can see what a feed leaves out.
    """

    name: str
    path: str
    description: str
    strategies: tuple[Strategy, ...]
    id_field: str
    updated_field: str = ""
    created_field: str = ""
    date_format: str = ""
    parameters: frozenset[str] = frozenset()
    required: frozenset[str] = frozenset()
    filters: frozenset[str] = frozenset()
    uncompared: frozenset[str] = frozenset()
    appears_as: EventType = EventType.CREATED
    label_fields: tuple[str, ...] = ()
    feed_tells_deletions: bool | None = None
    deleted_field: str = ""
    deleted_values: frozenset[str] = frozenset()
    date_zone: str = ""

    @property
    def deletions_seen_by(self) -> tuple[Strategy, ...]:
        """Those of ``strategies`` by which deletions are seen, in their order; none: they are not."""
        seen = {
            Strategy.FEED: bool(self.feed_tells_deletions),
            Strategy.TIMESTAMP: self.appears_as is EventType.DELETED or bool(self.deleted_field),
            Strategy.SNAPSHOT: True,
        }
        return tuple(each for each in self.strategies if seen[each])

    @property
    def event_types(self) -> tuple[EventType, ...]:
        """The kinds of events that come of it, by one of ``strategies`` or another."""
        possible = {
            self.appears_as,
            EventType.UPDATED,
            *({EventType.DELETED} if self.deletions_seen_by else ()),
        }
        if Strategy.FEED in self.strategies:  # the provider's own words for what happened
            possible |= {EventType.CREATED, EventType.MOVED, EventType.UNKNOWN}
        return tuple(each for each in EventType if each in possible)


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison of a ``where``: ``operator`` is ``=``, ``!=``, ``<``, ``<=``, ``>``, ``>=`` or ``like``."""

    field: str
    operator: str
    value: str


@dataclass(frozen=True, slots=True)
class ListPage:
    """One page of a list: ``records`` as the provider gave them, decoded, in its order.

    ``next`` is the position to read on from, None after the last page; ``total`` how many records there are in all,
    where the provider tells. Whether there is a next page is judged by the raw page, whatever was filtered out of it.
    ``complete`` is False on a last page where the provider told more records than it gave.
    """

    records: Sequence[Any]
    next: str | None
    total: int | None = None
    complete: bool = True


class Session(Protocol):
    """Authenticated calls to the provider for one instance; paced and classified (``connectors.session``)."""

    @property
    def base_url(self) -> str:
        """What every path is put behind."""
        ...

    async def get(self, path: str, parameters: Mapping[str, str]) -> Answer:
        """GET ``path`` of the provider. The answer's status is 2xx.

        Raises:
            ProviderError: one of its subclasses, as ``Connector.classify`` judged the answer.
        """
        ...

    async def post(self, path: str, parameters: Mapping[str, str], body: Any) -> Answer:
        """POST ``body`` as JSON (None: without any), where the provider is read so; all else as ``get``.

        Nothing may come of it at the provider: a call is made again wherever a poll is, or after a broken connection.
        """
        ...


class Feed(Protocol):
    """A resource that has the provider's own cursor (strategy ``feed``)."""

    async def find_start(self, session: Session, start_at: datetime | None) -> Watermark:
        """Give the watermark before the first change at or after ``start_at``; None: before what comes from now on.

        A time before the oldest change kept (``OLDEST``) means that one.
        """
        ...

    async def read(self, session: Session, watermark: Watermark, *, verify: bool) -> Page:
        """Read one page of what follows ``watermark``.

        ``verify`` asks, about once an hour, to make sure that an empty page does not come from a provider that
        counts anew from lower numbers: that may cost another call.

        Raises:
            WatermarkLostError: the provider no longer keeps what follows it.
        """
        ...

    async def recover(self, session: Session, watermark: Watermark) -> Gap:
        """Find the oldest change the provider still keeps, after ``watermark`` was lost."""
        ...


class Listing(Protocol):
    """A resource read as a list, page by page."""

    async def read(self, session: Session, position: str | None, size: int | None) -> ListPage:
        """Read the page at ``position`` (None: the first), of up to ``size`` records (None: what suits).

        A ``size`` beyond what the provider gives at once is lowered, not refused.

        Raises:
            RejectedError: ``position`` is none that a page of this list gave.
            ConnectorError: the provider's answer holds no list.
        """
        ...
