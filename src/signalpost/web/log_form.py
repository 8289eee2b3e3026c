"""The filters above lists of events and deliveries: read from the address, kept as they were typed."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from urllib.parse import urlencode

from signalpost.model.delivery import State
from signalpost.model.errors import InvalidRequestError
from signalpost.model.event import EventType
from signalpost.store.views.delivery_list import DeliverySearch, Place
from signalpost.store.views.recent import LogSearch, Position

EVENT_FIELDS = ("instance", "resource", "type", "object", "state", "from", "to", "path")
DELIVERY_FIELDS = ("instance", "state", "from", "to")

STATE_WORDS = {
    State.DELIVERED: "Delivered",
    State.PENDING: "Waiting",
    State.DEAD: "Failed",
    State.CANCELLED: "Given up: too many waited",
    State.UNSENT: "Not sent: no callback URL",
}
"""The states to choose from."""

LONGEST_TEXT = 4000
LARGEST_ID = 2**62
LONGEST_NUMBER = len(str(LARGEST_ID))
_POSITION = re.compile(r"(\d{1,17})-(\d{1,19})-(\d{1,19})", re.ASCII)
_PLACE = re.compile(r"(\d{1,19})-(\d{1,19})", re.ASCII)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(slots=True)
class LogForm:
    """What was typed, by field, and what is wrong with it, by field."""

    values: dict[str, str]
    errors: dict[str, str] = field(default_factory=dict)

    @property
    def is_narrowed(self) -> bool:
        """Whether anything is asked for."""
        return any(self.values.values())

    @property
    def number(self) -> int:
        """How many fields are filled in."""
        return sum(bool(value) for value in self.values.values())

    def write_query(self, **more: str) -> str:
        """Give the query string that asks for the same, and for more."""
        return urlencode({name: value for name, value in (self.values | more).items() if value})

    def read_event_search(self) -> LogSearch:
        """Read what is asked of events; what is wrong stands in ``errors`` and is not asked."""
        begin_at, end_at = self._read_span()
        return LogSearch(
            instance_id=self._read_instance(),
            resource=self.values["resource"] or None,
            event_type=self._read_word("type", tuple(EventType)),
            object_id=self.values["object"] or None,
            state=self._read_state(),
            begin_at=begin_at,
            end_at=end_at,
            path=self.values["path"] or None,
        )

    def read_delivery_search(self) -> DeliverySearch:
        """Read what is asked of deliveries, as ``read_event_search``."""
        begin_at, end_at = self._read_span()
        return DeliverySearch(self._read_instance(), self._read_state(), begin_at, end_at)

    def _read_instance(self) -> int | None:
        text = self.values["instance"]
        if not text:
            return None
        number = read_number(text)
        if number is None:
            self.errors["instance"] = "Instance: give the number of an instance, as in 100001"
        return number

    def _read_word(self, name: str, words: tuple[str, ...]) -> str | None:
        text = self.values[name]
        if text and text not in words:
            self.errors[name] = f"{name.capitalize()}: give one of {', '.join(words)}"
            return None
        return text or None

    def _read_state(self) -> State | None:
        word = self._read_word("state", tuple(State))
        return None if word is None else State(word)

    def _read_span(self) -> tuple[datetime | None, datetime | None]:
        begin_at, end_at = self._read_time("from"), self._read_time("to")
        if begin_at is not None and end_at is not None and begin_at >= end_at:
            self.errors["to"] = "To: it is not after From; give a later time"
            return None, None
        return begin_at, end_at

    def _read_time(self, name: str) -> datetime | None:
        """Read what a field for date and time gives; without a zone it is UTC."""
        text = self.values[name]
        if not text:
            return None
        try:
            moment = datetime.fromisoformat(text)
            return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
        except (ValueError, OverflowError):
            self.errors[name] = f"{name.capitalize()}: give a date and a time in UTC, as in 2026-05-28T11:41"
            return None


def read_form(query: Mapping[str, str], names: tuple[str, ...]) -> LogForm:
    """Read the fields of a form from the address."""
    form = LogForm({name: query.get(name, "").strip()[:LONGEST_TEXT] for name in names})
    for name, value in form.values.items():
        if "\x00" in value:
            form.errors[name] = f"{name.capitalize()}: it holds a NUL character, which stands nowhere"
            form.values[name] = ""
    return form


def read_number(text: str) -> int | None:
    """Read a whole number below ``LARGEST_ID``; None: it is none."""
    number = int(text) if text.isascii() and text.isdigit() and len(text) <= LONGEST_NUMBER else LARGEST_ID
    return number if number < LARGEST_ID else None


def write_position(position: Position) -> str:
    """Write a place in the log for an address."""
    microseconds = (position.polled_at - _EPOCH) // (datetime.resolution)
    return f"{microseconds}-{position.instance_id}-{position.sequence}"


def read_position(text: str) -> Position | None:
    """Read what ``write_position`` wrote; None where nothing is given.

    Raises:
        InvalidRequestError: it is none of ours.
    """
    if not text:
        return None
    match = _POSITION.fullmatch(text)
    if match is None or max(map(int, match.groups())) >= LARGEST_ID:
        raise InvalidRequestError("this is no page of the list; go back to its start")
    microseconds, instance_id, sequence = map(int, match.groups())
    return Position(_EPOCH + microseconds * datetime.resolution, instance_id, sequence)


def write_place(place: Place) -> str:
    """Write a place in a list of deliveries for an address."""
    return f"{place.first}-{place.second}"


def read_place(text: str) -> Place | None:
    """Read what ``write_place`` wrote, as ``read_position``."""
    if not text:
        return None
    match = _PLACE.fullmatch(text)
    if match is None or max(map(int, match.groups())) >= LARGEST_ID:
        raise InvalidRequestError("this is no page of the list; go back to its start")
    return Place(int(match[1]), int(match[2]))
