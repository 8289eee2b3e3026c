"""Objects as two reads of a list show them: which are new or other versions, and how a change is named. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import orjson

from signalpost.connectors.resource import Resource
from signalpost.model.configuration import OLDEST
from signalpost.model.event import Change, EventType, Remembered
from signalpost.model.instance import ResourcePoll
from signalpost.polling.fields import find_values, spread
from signalpost.polling.records import ReadRecord

OVERLAP = timedelta(minutes=10)
"""How far clocks may be apart, and how late a record may appear under an earlier date, where the provider filters."""

WHOLE_DAYS = timedelta(days=2)
"""The same for a date that is probably that of a day: in any zone the day may not be over yet."""

INCOMPLETE = (
    "the list ended before the number of records that the provider told: nothing was concluded from that"
)

MOST_REMARKS = 5
# No, none and nothing, and a date of which all is zero, or the first that there is, as some databases write "never".
_SAYS_NO = re.compile(r"(?i:false|f|no?|null|none)|(?:[0.:\- ]|(?<=0)[TZ])*|0001-01-01.*", re.ASCII)
LONGEST_TYPE = 200


@dataclass(frozen=True, slots=True)
class Seen:
    """A record with what is known of its object: ``before`` is None when it was never seen.

    ``is_deleted``: the record itself says that its object is gone.
    """

    record: ReadRecord
    object_type: str
    before: Remembered | None
    is_deleted: bool = False

    @property
    def date(self) -> datetime | None:
        """The record's newest date."""
        return self.record.updated_at or self.record.created_at


def name_type(record: object, resource_name: str) -> str:
    """Name the kind of object: as the record says (``event_object_type``), else as the resource is called."""
    told = record.get("event_object_type") if isinstance(record, Mapping) else None
    # No database keeps a NUL in text.
    return told[:LONGEST_TYPE].replace("\x00", "\ufffd") if isinstance(told, str) and told else resource_name


def is_deleted(record: object, resource: Resource) -> bool:
    """Say whether a record says that its object is deleted, as where providers leave such records in their lists."""
    if not resource.deleted_field:
        return False
    told = [_write_plainly(each) for each in spread(find_values(record, resource.deleted_field))]
    if resource.deleted_values:
        return not resource.deleted_values.isdisjoint(told)
    return not all(map(_SAYS_NO.fullmatch, told))


def _write_plainly(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case Mapping():
            return "an object" if value else ""
    return str(value).strip()


def write_version(seen: Seen, *, by_date: bool) -> str:
    """Write the version of a record: its date where dates tell versions apart, and its content."""
    date = seen.date if by_date else None
    return f"{date.isoformat() if date else ''}|{seen.record.content}"


def is_other_version(seen: Seen, *, by_date: bool) -> bool:
    """Say whether a record differs from the version remembered.

    By date, if there is one. Of equal dates the contents decide where the date was fresh when the record was last
    seen (``is_fresh``).
    """
    before = seen.before
    if before is None:
        return True
    version = write_version(seen, by_date=by_date)
    if version == before.version:
        return False
    date, content = version.split("|", 1)
    date_before, content_before = (
        before.version.split("|", 1) if "|" in before.version else (before.version, "")
    )
    if not by_date or not date or date != date_before:
        return True
    assert seen.date is not None
    return content != content_before and is_fresh(seen.date, before.seen_at)


def has_same_content(seen: Seen) -> bool:
    """Say whether a record is as it is remembered, by whatever strategy that was noted."""
    return seen.before is not None and seen.before.version.partition("|")[2] == seen.record.content


def is_fresh(date: datetime, seen_at: datetime) -> bool:
    """Say whether a date was young when its record was seen: the provider's clock may not have ticked since.

    So is one that lies ahead, however far: by the provider's clock it may be of just now. A date on a full quarter of
    an hour, which all whole days are in any zone, is taken for one of a day.
    """
    whole = not date.second and not date.microsecond and not date.minute % 15
    return seen_at - date <= (WHOLE_DAYS if whole else OVERLAP)


@dataclass(frozen=True, slots=True)
class Told:
    """What is told of a list taken in: what is dated from ``since`` (None: nothing) up to ``until`` (None: no end)."""

    since: datetime | None
    until: datetime | None = None

    def includes(self, seen: Seen) -> bool:
        """Say whether a record is told. Without a date nobody knows: then it is where all there is was asked for."""
        if self.since is None:
            return False
        if seen.date is None:
            return self.since == OLDEST
        return seen.date >= self.since and (self.until is None or seen.date <= self.until)


def judge_new(
    seen: Seen, resource: Resource, *, since: datetime | None, tolerance_seconds: float
) -> EventType:
    """Say what an object means that was never seen: it is new, or it is older and was changed.

    It is new if it has one date alone, if it was created after all that was seen before (``since``; None: nothing
    was), or if its two dates are no more than the tolerance apart (open-connectors.md 2.1, createdCheckTolerance).
    It may also say itself that it is deleted.
    """
    if seen.is_deleted:
        return EventType.DELETED
    created, updated = seen.record.created_at, seen.record.updated_at
    if created is not None and updated is not None and since is not None and created < since:
        apart = abs((updated - created).total_seconds())
        if apart > tolerance_seconds:
            return EventType.UPDATED
    return resource.appears_as


def name_change(seen: Seen, poll: ResourcePoll, *, by_date: bool) -> str:
    """Name a change so that reading it again gives the same name, and another change another.

    An object's date names its versions, as long as it rises above all it had; of an object without dates, its first
    content does. Where neither tells it from an earlier version, the version of the poll does. The poll's own number
    is part of it: after a resource was taken out and added again its objects are told anew.
    """
    date = seen.date if by_date else None
    stem = f"{poll.id}/{seen.record.object_id}@{date.isoformat() if date else seen.record.content}"
    before = seen.before
    risen = before is None or (date is not None and (before.dated_at is None or date > before.dated_at))
    return stem if risen else f"{stem}#{poll.version}"


def write_deletion(gone: Remembered, id_field: str, now: datetime) -> str:
    """Write the record of an object that is no longer there, as JSON: its id is all that is left of it."""
    record = {
        id_field or "id": gone.object_id,
        "event_object_id": gone.object_id,
        "event_object_type": gone.object_type,
        "event_type": EventType.DELETED.value,
        "event_date": now,
    }
    return orjson.dumps(record, option=orjson.OPT_UTC_Z).decode()


def remember(seen: Seen, now: datetime, *, by_date: bool) -> Remembered:
    """Give the memory of a record just seen; its date is the newest that the object ever had."""
    dates = [date for date in (seen.date, seen.before.dated_at if seen.before else None) if date is not None]
    return Remembered(
        object_id=seen.record.object_id,
        object_type=seen.object_type,
        version=write_version(seen, by_date=by_date),
        dated_at=max(dates, default=None),
        seen_at=now,
    )


def make_change(
    seen: Seen, event_type: EventType, change_id: str, *, index: int, occurred_at: datetime
) -> Change:
    """Make the change of a record."""
    return Change(
        change_id=change_id,
        object_id=seen.record.object_id,
        object_type=seen.object_type,
        event_type=event_type,
        occurred_at=occurred_at,
        record_index=index,
    )


class Remarks:
    """What was odd about the records of a list: each kind once, the first few of many."""

    def __init__(self) -> None:
        self._kinds: dict[str, None] = {}

    def add(self, *problems: str) -> None:
        """Note problems; beyond the first ``MOST_REMARKS`` kinds they are not kept."""
        for problem in problems:
            if len(self._kinds) <= MOST_REMARKS:
                self._kinds[problem] = None

    def __bool__(self) -> bool:
        return bool(self._kinds)

    def write(self) -> str | None:
        """Put them together for people; None where there are none."""
        kinds = list(self._kinds)
        more = "; and more" if len(kinds) > MOST_REMARKS else ""
        return "; ".join(kinds[:MOST_REMARKS]) + more or None
