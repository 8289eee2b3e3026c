"""The domain's events: appended once, numbered, kept for a while, read after a cursor. Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from signalpost.model.errors import InvalidRequestError
from signalpost.sandbox.fields import read_whole

Row: TypeAlias = dict[str, Any]
"""An event as JSON (egnyte-api.md 2.2-2.4). An ``object_detail`` that starts with ``/`` lacks its base."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One event with what the API does not tell: when it was made and which API key caused it, if one did.

    Times are seconds since the epoch; ``happened_at`` is the row's own timestamp.
    """

    row: Row
    made_at: float
    happened_at: float
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class Selection:
    """What a caller asks of the events: those after an id, at most ``count``, through filters.

    ``types`` None is no filter; ``without_user_id`` narrows ``without_client_id`` to that user; ``visible_to`` is the
    user whose permissions count (None: all is visible).
    """

    after: int
    count: int
    types: tuple[str, ...] | None = None
    hidden_types: tuple[str, ...] = ()
    folder: str | None = None
    without_client_id: str | None = None
    without_user_id: int | None = None
    visible_to: str | None = None
    newest_first: bool = False

    @property
    def takes_all(self) -> bool:
        """Whether no filter is set, so that rows need not be looked at."""
        return (
            self.types is None
            and not self.hidden_types
            and self.folder is None
            and self.without_client_id is None
            and self.visible_to is None
        )

    def matches(self, entry: Entry) -> bool:
        """Say whether the filters let ``entry`` pass."""
        row = entry.row
        kind = row.get("type")
        if kind in self.hidden_types or (self.types is not None and kind not in self.types):
            return False
        paths = _list_paths(row)
        if self.folder is not None and not _lie_in(paths, self.folder):
            return False
        if self.visible_to is not None and paths and not _may_see(paths, self.visible_to):
            return False
        if self.without_client_id is None or entry.client_id != self.without_client_id:
            return True
        return self.without_user_id is not None and row.get("actor") != self.without_user_id


def _list_paths(row: Row) -> list[str]:
    details = row.get("data")
    if not isinstance(details, dict):
        return []
    return [path for name in ("target_path", "source_path") if isinstance(path := details.get(name), str)]


def _lie_in(paths: Sequence[str], folder: str) -> bool:
    folded = folder.casefold()
    return any(path == folded or path.startswith(folded + "/") for path in map(str.casefold, paths))


def _may_see(paths: Sequence[str], username: str) -> bool:
    return any(_lie_in(paths, folder) for folder in ("/Shared", f"/Private/{username}"))


def write_timestamp(at: float) -> str:
    """Write a time as events carry it: whole seconds, shown with milliseconds (egnyte-api.md 2.3)."""
    return datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%S.000Z")


def _read_timestamp(text: Any, otherwise: float) -> float:
    try:
        return datetime.fromisoformat(text).timestamp()
    except (TypeError, ValueError):
        return otherwise


class EventLog:
    """All events ever, in the order of their ids. Retention hides the oldest but never drops them."""

    def __init__(self) -> None:
        self._ids: list[int] = []
        self._entries: list[Entry] = []
        self._first_kept = 0

    @property
    def latest_id(self) -> int:
        """The highest id given so far; 0 when there was none."""
        return self._ids[-1] if self._ids else 0

    @property
    def oldest_kept_id(self) -> int:
        """The lowest id that the API still tells; one above the latest when none is kept."""
        return self._ids[self._first_kept] if self._first_kept < len(self._ids) else self.latest_id + 1

    def append(self, row: Row, *, now: float, client_id: str | None = None) -> None:
        """Take a new event in. Its id, not in use, may be below the latest: then it arrives late."""
        place = bisect_left(self._ids, row["id"])
        self._ids.insert(place, row["id"])
        entry = Entry(row, now, _read_timestamp(row.get("timestamp"), now), client_id)
        self._entries.insert(place, entry)
        if place < self._first_kept:
            self._first_kept += 1

    def number(self, rows: Sequence[Row]) -> list[Row]:
        """Give ``rows`` as they can be appended: those without an id get the next ones.

        Raises:
            InvalidRequestError: an id is not a positive whole number, or is in use, or stands twice.
        """
        numbered: list[Row] = []
        latest_id, fresh = self.latest_id, set[int]()
        for given in rows:
            row = given if "id" in given else {"id": latest_id + 1, **given}
            event_id = read_whole("id", row["id"], least=1)
            if event_id in fresh or self._has(event_id):
                raise InvalidRequestError(f"id is {event_id}: there is an event with this id already")
            fresh.add(event_id)
            latest_id = max(latest_id, event_id)
            numbered.append(row)
        return numbered

    def hide_before(self, event_id: int) -> None:
        """Hide the events before ``event_id``, for good."""
        self._first_kept = bisect_left(self._ids, event_id)

    def let_go(self, *, retention: int, retention_seconds: float, now: float) -> None:
        """Hide for good what is beyond the newest ``retention`` or older than ``retention_seconds``."""
        first = max(self._first_kept, len(self._ids) - retention)
        while first < len(self._entries) and self._entries[first].happened_at < now - retention_seconds:
            first += 1
        self._first_kept = first

    def is_lost(self, after: int) -> bool:
        """Say whether events that follow ``after`` are no longer kept (egnyte-api.md section 9, rule 1)."""
        return bool(self._ids) and after < self.oldest_kept_id - 1

    def find_newest(self, *, visible_at: float) -> Entry | None:
        """Give the newest event that was made by ``visible_at``, kept or not."""
        end = self._count_visible(visible_at)
        return self._entries[end - 1] if end else None

    def select(self, selection: Selection, *, visible_at: float) -> list[Entry]:
        """Give the kept events that were made by ``visible_at`` and that ``selection`` asks for."""
        start = max(bisect_right(self._ids, selection.after), self._first_kept)
        end = self._count_visible(visible_at)
        if start >= end:
            return []
        if selection.takes_all and not selection.newest_first:
            return self._entries[start : min(end, start + selection.count)]
        places = range(end - 1, start - 1, -1) if selection.newest_first else range(start, end)
        found = []
        for place in places:
            if selection.matches(self._entries[place]):
                found.append(self._entries[place])
                if len(found) == selection.count:
                    break
        return found

    def list_after(self, after: int) -> list[Row]:
        """Give every event after ``after``, whatever retention, lag and filters say."""
        return [entry.row for entry in self._entries[bisect_right(self._ids, after) :]]

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def _has(self, event_id: int) -> bool:
        place = bisect_left(self._ids, event_id)
        return place < len(self._ids) and self._ids[place] == event_id

    def _count_visible(self, visible_at: float) -> int:
        end = len(self._entries)
        while end and self._entries[end - 1].made_at > visible_at:
            end -= 1
        return end
