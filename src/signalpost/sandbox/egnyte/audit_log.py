"""The audit log: rows by date, read in windows from a position (egnyte-api.md 3.2). Pure."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from signalpost.sandbox.egnyte.dates import read_moment, write_milliseconds
from signalpost.sandbox.egnyte.event_log import Row
from signalpost.sandbox.egnyte.records import Draft, Kind, Record
from signalpost.sandbox.egnyte.users import BY_ID, USERS, User
from signalpost.sandbox.fields import read_any_text, read_text

AuditRow: TypeAlias = dict[str, Any]
"""One row as JSON. It has no id; ``date`` is in milliseconds since the epoch."""

ANY = "ANY"
ACCESSES = {"WebUI": "Web", "SyncEngine": "Desktop", "Mobile": "Mobile", "PublicAPI": "API"}


@dataclass(frozen=True, slots=True)
class Position:
    """Where reading goes on: after the first ``seen`` rows of ``date`` (milliseconds)."""

    date: int
    seen: int = 0


@dataclass(frozen=True, slots=True)
class Slice:
    """Rows read in one call, where to go on, and whether there is more up to the end that was asked for."""

    rows: Sequence[AuditRow]
    position: Position
    has_more: bool


class AuditLog:
    """All rows ever, by date; rows of one date stay in the order in which they came."""

    def __init__(self) -> None:
        self._dates: list[int] = []
        self._rows: list[AuditRow] = []

    def append(self, row: AuditRow) -> None:
        """Take a row in, at its date."""
        place = bisect_right(self._dates, row["date"])
        self._dates.insert(place, row["date"])
        self._rows.insert(place, row)

    def list_all(self) -> list[AuditRow]:
        """Give every row."""
        return list(self._rows)

    def read(
        self, position: Position, *, until: int, window: int, count: int, sources: Collection[str]
    ) -> Slice:
        """Read what follows ``position``, up to and with the millisecond ``until``.

        One call gives at most ``count`` rows of ``sources`` (ANY: of all), and looks at ``window`` milliseconds
        of the log.
        """
        last_date = min(position.date + window, until)
        first = bisect_left(self._dates, position.date) + position.seen
        end = max(bisect_right(self._dates, last_date), first)
        found: list[AuditRow] = []
        for place in range(first, end):
            if len(found) == count:
                return Slice(found, self._locate(place), has_more=True)
            if ANY in sources or self._rows[place].get("auditSource") in sources:
                found.append(self._rows[place])
        if last_date <= position.date:
            return Slice(found, Position(position.date, position.seen + end - first), has_more=False)
        passed = end - bisect_left(self._dates, last_date)
        return Slice(found, Position(last_date, passed), has_more=last_date < until)

    def _locate(self, place: int) -> Position:
        """Give the position from which the row at ``place`` is the next."""
        date = self._dates[place]
        return Position(date, place - bisect_left(self._dates, date))


def tell_change(event: Row, now: float) -> AuditRow | None:
    """Give the row of a change to a file or folder, by its event; None for other events."""
    if event["type"] != "file_system":
        return None
    details, user = event["data"], BY_ID[event["actor"]]
    source_path = details.get("source_path")
    action = event["action"].capitalize()
    if action == "Create":
        action = "Create Folder" if details["is_folder"] else "Upload"
    return {
        "date": write_milliseconds(now),
        "sourcePath": source_path or details["target_path"],
        "targetPath": details["target_path"] if source_path else "",
        **_tell_user(user),
        "action": action,
        "access": ACCESSES.get(event["action_source"], event["action_source"]),
        "ipAddress": "192.0.2.1",
        "actionInfo": "",
        "auditSource": "FILE_AUDIT",
    }


def _tell_user(user: User) -> AuditRow:
    return {"user": f"{user.full_name} ({user.email})", "userId": str(user.id)}


def _fill_login(draft: Draft) -> Record:
    return {
        "date": write_milliseconds(draft.now),
        **_tell_user(USERS[0]),
        "action": "Login",
        "access": "Web",
        "ipAddress": "192.0.2.1",
        "actionInfo": "",
        "auditSource": "LOGIN_AUDIT",
    }


TEXTS = ("sourcePath", "targetPath", "user", "userId", "actor", "subject", "source", "action", "access")

AUDIT = Kind(
    readers={
        "date": lambda name, value: write_milliseconds(read_moment(name, value)),
        **dict.fromkeys((*TEXTS, "ipAddress", "actionInfo"), read_any_text),
        "auditSource": read_text,
    },
    fill=_fill_login,
)
"""Rows that a control appends: logins, unless they say otherwise."""
