"""Egnyte's audit log: its rows become changes and records, and it is read as a feed (egnyte-api.md 3.2)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import blake2b
from typing import Any

import orjson

from signalpost.connectors.egnyte.changes import (
    Record,
    add_fields,
    describe_flaws,
    make_page,
    make_writable,
    pick_id,
)
from signalpost.connectors.egnyte.client import EgnyteClient, read_rows
from signalpost.connectors.egnyte.feeds import Clock
from signalpost.connectors.egnyte.values import format_timestamp, read_instant
from signalpost.connectors.resource import Session
from signalpost.model.errors import (
    ConnectorError,
    InvalidRequestError,
    RejectedError,
    WatermarkLostError,
    replace_unusable,
)
from signalpost.model.event import Change, EventType, Gap, Page, Watermark

KEPT = timedelta(days=7)
# How far back reading begins: an hour less, so that the log still goes back as far when the call arrives.
REACH = KEPT - timedelta(hours=1)
# Rows may come into the log late: what is read twice is known by its identity.
READ_AGAIN = timedelta(hours=1)
# A log that was read to its end holds nothing more of what is older than this, however late it came.
SETTLED_AFTER = timedelta(days=1)
NO_WAY_ON = "Egnyte's audit log says that there is more, but not how to go on: no new nextCursor"

AUDIT_ACTIONS = {
    "upload": EventType.CREATED,
    "create": EventType.CREATED,
    "add": EventType.CREATED,
    "copy": EventType.CREATED,
    "delete": EventType.DELETED,
    "move": EventType.MOVED,
    "rename": EventType.MOVED,
    "edit": EventType.UPDATED,
    "update": EventType.UPDATED,
    "modify": EventType.UPDATED,
    "change": EventType.UPDATED,
    "restore": EventType.UPDATED,
    "lock": EventType.UPDATED,
    "unlock": EventType.UPDATED,
    "add_users": EventType.UPDATED,
    "remove_users": EventType.UPDATED,
    "password_change": EventType.UPDATED,
    "permission_change": EventType.UPDATED,
}
"""Actions of the audit log, whole (``ADD_USERS``) or by their first word (``Create Folder``); others: ``UNKNOWN``."""


def read_audit_rows(rows: Sequence[Any], id_field: str, now: datetime) -> list[tuple[Record, Change]]:
    """Turn the rows of one page of the audit log into records and changes.

    They have no ids: a change is identified by its date, all of its content, and which of the page's equal rows it is.
    So rows equal in all, also in the millisecond, are told once if the edge of a page is between them: rare, and no
    count carried over the edge would hold when the log is read again by other pages.

    A row without a readable date is told as of ``now``, one nested too deeply to be written by its plain values.

    Raises:
        ConnectorError: a row is no object.
    """
    counts: Counter[str] = Counter()
    read = []
    for row in rows:
        if not isinstance(row, dict):
            message = f"a row of Egnyte's audit log is no object: {str(row)[:200]}"
            raise ConnectorError(message)
    for index, row in enumerate(make_writable(rows)):
        canonical = orjson.dumps(row, option=orjson.OPT_SORT_KEYS)
        content = blake2b(canonical, digest_size=16).hexdigest()
        change_id = f"{str(row.get('date'))[:40]}-{content}-{counts[content]}"
        counts[content] += 1
        source = replace_unusable(str(row.get("auditSource") or "audit"))
        object_type = source.lower().removesuffix("_audit")[:100] or "audit"
        names = ("targetPath", "sourcePath", "userId", "user")
        object_id = next((str(row[name]) for name in names if row.get(name)), f"audit-{content}")
        event_type = find_audit_type(str(row.get("action")))
        occurred_at = read_instant(row.get("date")) or now
        record = add_fields(row, object_id, object_type, event_type, occurred_at)
        change = Change(
            change_id=change_id,
            object_id=pick_id(record, id_field, object_id),
            object_type=object_type,
            event_type=event_type,
            occurred_at=occurred_at,
            record_index=index,
        )
        read.append((record, change))
    return read


def find_audit_type(action: str) -> EventType:
    """Map an action of the audit log, however it is written: ``Upload``, ``Create Folder``, ``ADD_USERS``."""
    words = re.findall(r"[a-z]+", action.lower())
    by_first_word = AUDIT_ACTIONS.get(words[0], EventType.UNKNOWN) if words else EventType.UNKNOWN
    return AUDIT_ACTIONS.get("_".join(words), by_first_word)


@dataclass(frozen=True, slots=True)
class AuditPart:
    """What one call of the audit log gave; ``following`` is the watermark after it, None if no new one was told."""

    rows: list[Any]
    following: Watermark | None
    more: bool


class AuditFeed:
    """Egnyte's audit log; the watermark is ``{"cursor": text, "at": ISO 8601}``, or ``{"start": ISO 8601}`` before.

    ``at`` is how far the log was read by its dates. By it reading goes on when Egnyte no longer takes the cursor, and
    loses nothing while that is within the log's 7 days. (Watermarks of old have none.)

    All of it is read and ``auditType`` applied here, by the rows' ``auditSource``: the calls are as many, for one
    covers half an hour of the log at most, whatever is in it.
    """

    def __init__(self, parameters: Mapping[str, str], id_field: str, clock: Clock) -> None:
        """Take ``auditType``.

        Raises:
            InvalidRequestError: it is wrong.
        """
        self._types = read_audit_types(parameters)
        self._id_field = id_field
        self._clock = clock
        self._restarted = False

    async def find_start(self, session: Session, start_at: datetime | None) -> Watermark:  # noqa: ARG002 - the contract
        """Start now, or at ``start_at`` as far as the log goes back: 7 days."""
        now = self._clock()
        return {"start": format_timestamp(min(max(start_at or now, now - REACH), now))}

    async def read(self, session: Session, watermark: Watermark, *, verify: bool) -> Page:  # noqa: ARG002 - the contract
        """Read what one call gives: up to half an hour of the log, often nothing with more behind it (3.2).

        A cursor that is refused is replaced by the date it stands for, once in the life of this feed.
        """
        now = self._clock()
        try:
            part = await self.fetch(session, watermark)
        except RejectedError as error:
            restart = _find_restart(watermark, now)
            if (restart and self._restarted) or ("start" in watermark and _is_kept(watermark["start"], now)):
                raise
            if restart is None:
                message = f"Egnyte's audit log no longer goes back to where we were: {error}"
                raise WatermarkLostError(message) from error
            self._restarted, watermark = True, restart
            part = await self.fetch(session, watermark)
        remarks = [NO_WAY_ON] if part.more and part.following is None else []
        remarks += describe_flaws(self._choose(part.rows), "date")
        return make_page(
            self.read_rows(part.rows),
            _follow(watermark, part, now),
            more=part.more and part.following is not None,
            remark="; ".join(remarks),
        )

    async def fetch(self, session: Session, watermark: Watermark) -> AuditPart:
        """Make one call for what follows ``watermark``.

        Raises:
            ConnectorError: the answer brings nothing and does not say how to go on, though there is more.
        """
        cursor = watermark.get("cursor")
        query = {"nextCursor": cursor} if cursor else {"startDate": watermark["start"]}
        answer = await EgnyteClient(session).read_audit(query)
        given = answer.get("nextCursor")
        is_new = isinstance(given, str) and given not in ("", cursor)
        rows, more = read_rows(answer, "events"), str(answer.get("moreEvents")).lower() == "true"
        if more and not rows and not is_new:
            raise ConnectorError(NO_WAY_ON)
        return AuditPart(rows, {"cursor": given} if is_new else None, more)

    def read_rows(self, rows: list[Any]) -> list[tuple[Record, Change]]:
        """Turn the rows that ``auditType`` asks for into records and changes."""
        return read_audit_rows(self._choose(rows), self._id_field, self._clock())

    def _choose(self, rows: list[Any]) -> list[Any]:
        return [row for row in rows if self._is_wanted(row)]

    def _is_wanted(self, row: Any) -> bool:
        source = row.get("auditSource") if isinstance(row, dict) else None
        return not self._types or not source or str(source).upper() in self._types

    async def recover(self, session: Session, watermark: Watermark) -> Gap:  # noqa: ARG002 - the contract
        """Go on as far back as the log goes."""
        start = format_timestamp(self._clock() - REACH)
        return Gap(
            reason=f"Egnyte's audit log goes 7 days back and no longer to where we were; reading goes on from {start}",
            from_watermark=watermark,
            to_watermark={"start": start},
        )


def read_audit_types(parameters: Mapping[str, str]) -> frozenset[str]:
    """Read the kinds of rows that are wanted, joined by commas or ``|``; none, or ANY among them, is all.

    Raises:
        InvalidRequestError: one is no name as ``FILE_AUDIT``.
    """
    text = parameters.get("auditType", "").upper()
    types = frozenset(each.strip() for each in text.replace("|", ",").split(",") if each.strip())
    if not all(each.isascii() and each.replace("_", "").isalpha() for each in types):
        message = f"auditType: {text[:200]!r} is wrong; give names as FILE_AUDIT, several joined by commas"
        raise InvalidRequestError(message)
    return frozenset() if "ANY" in types else types


def _is_kept(start: str, now: datetime) -> bool:
    moment = read_instant(start)
    return moment is not None and moment > now - KEPT


def _find_restart(watermark: Watermark, now: datetime) -> Watermark | None:
    """Give the watermark by date that stands for one by cursor; None: the log does not go back as far."""
    at = read_instant(watermark.get("at")) if "cursor" in watermark else None
    if at is None or at < now - KEPT:
        return None
    # Who reads from the oldest on may still be behind ``REACH``: what is kept is asked for, and no gap told.
    start = max(at - READ_AGAIN, min(at, now - REACH))
    return {"start": format_timestamp(start), "at": watermark["at"]}


def _follow(watermark: Watermark, part: AuditPart, now: datetime) -> Watermark:
    """Give the watermark after ``part``: its cursor, and how far the log was read by then."""
    following = part.following or watermark
    if "cursor" not in following:
        # Egnyte gave no cursor: the start moves on, or it would be too old some day, and a gap be told.
        settled = format_timestamp(now - SETTLED_AFTER)
        return following if part.more else {"start": max(following["start"], settled)}
    told = [watermark.get("at"), watermark.get("start")]
    told += [row.get("date") for row in part.rows if isinstance(row, dict)]
    # A date to come is wrong, and would have the log passed over up to it.
    moments = [moment for moment in map(read_instant, told) if moment is not None and moment <= now]
    if not part.more:
        moments.append(now - SETTLED_AFTER)
    return following | ({"at": format_timestamp(max(moments))} if moments else {})
