"""The event log counted (``/instances/events/analytics``), and what became of each event (``.../dispositions``)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Response

from signalpost.api.events import find_page
from signalpost.api.paging import Pages, Paging
from signalpost.api.parts import Asking, Named, Parts, Scope, read_id
from signalpost.api.reading import JsonRoute
from signalpost.api.search import From, To, read_span
from signalpost.api.shapes import show_time
from signalpost.model.delivery import State
from signalpost.model.errors import ForbiddenError, InvalidRequestError
from signalpost.model.ids import InstanceId
from signalpost.model.instance import Caller
from signalpost.store.analytics import EventCount
from signalpost.store.event_log import EventSearch, LoggedAttempt, LoggedEvent

router = APIRouter(prefix="/instances", tags=["events"], route_class=JsonRoute)

INTERVAL_SECONDS = {
    "second": 1,
    "minute": 60,
    "hour": 3600,
    "day": 86_400,
    "week": 7 * 86_400,
    "month": 30 * 86_400,
    "year": 365 * 86_400,
}
MOST_INTERVALS = 10_000
MOST_COUNTS = 50_000
DEFAULT_SPAN = timedelta(days=7)

UNTRIED = {
    State.PENDING: "waits for delivery",
    State.UNSENT: "was for nobody: the instance had no callback URL",
    State.CANCELLED: "was given up, as too many waited",
}
"""What is said of an event that no attempt tells of."""


@dataclass(frozen=True, slots=True)
class Span:
    """What is counted: from ``begin_at``, before ``end_at``, in intervals."""

    begin_at: datetime
    end_at: datetime
    interval: str


def read_counted(
    parts: Parts,
    caller: Asking,
    begin: From = None,
    end: To = None,
    interval: str | None = None,
    account_ids: Annotated[list[str] | None, Query(alias="accountIds[]")] = None,
) -> Span:
    """Read what is to be counted; the last seven days, by day, if nothing is said.

    Raises:
        InvalidRequestError: a value is wrong, or there are too many intervals in the span.
        ForbiddenError: an account is another's: an account is an organization.
    """
    given_begin, given_end = read_span(begin, end)
    if given_begin is not None:
        begin_at = given_begin
        end_at = given_end or max(parts.clock(), begin_at)
    else:
        end_at = given_end or parts.clock()
        begin_at = end_at - DEFAULT_SPAN if end_at.year > 1 else end_at
    unit = interval or "day"
    if unit not in INTERVAL_SECONDS:
        message = f"interval: {unit[:50]!r} is none of {', '.join(INTERVAL_SECONDS)}"
        raise InvalidRequestError(message)
    number = (end_at - begin_at).total_seconds() / INTERVAL_SECONDS[unit]
    if number > MOST_INTERVALS:
        message = (
            f"interval: {unit!r} is too short for {number:,.0f} of them, at most {MOST_INTERVALS:,};"
            " ask for a longer interval, or let from and to be nearer to each other"
        )
        raise InvalidRequestError(message)
    for each in account_ids or ():
        if each and read_id("accountIds[]", each) != caller.organization_id:
            message = f"accountIds[]: {each[:50]!r} is not your account, {caller.organization_id}"
            raise ForbiddenError(message)
    return Span(begin_at, end_at, unit)


Counted = Annotated[Span, Depends(read_counted)]


@router.get("/events/analytics")
async def count_events(parts: Parts, caller: Asking, scope: Scope, counted: Counted) -> list[dict[str, Any]]:
    """Count the events in each interval; intervals without events are left out."""
    counts = await _count(parts, caller, scope, counted, outcomes=False)
    return [{"count": each.events, "timestamp": show_time(each.begin_at)} for each in counts]


@router.get("/events/analytics/instances")
async def count_events_by_instance(
    parts: Parts, caller: Asking, scope: Scope, counted: Counted
) -> list[dict[str, Any]]:
    """Count the events of each instance in each interval, and what became of them."""
    counts = await _count(parts, caller, scope, counted, by_instance=True)
    return [
        _show_interval(begin_at, [({"instanceId": each.instance_id}, each) for each in group])
        for begin_at, group in groupby(counts, key=lambda each: each.begin_at)
    ]


@router.get("/events/analytics/accounts")
async def count_events_by_account(
    parts: Parts, caller: Asking, scope: Scope, counted: Counted
) -> list[dict[str, Any]]:
    """Count the events of the organization, which is the one account it sees, in each interval."""
    account = {"accountId": caller.organization_id}
    counts = await _count(parts, caller, scope, counted)
    return [_show_interval(each.begin_at, [(account, each)]) for each in counts]


@router.get("/{instance_id}/events/analytics")
async def count_events_of_instance(
    parts: Parts, caller: Asking, instance: Named, counted: Counted
) -> list[dict[str, Any]]:
    """Count the events of one instance in each interval."""
    return await count_events(parts, caller, instance.id, counted)


@router.get("/events/dispositions")
async def list_dispositions(
    parts: Parts,
    caller: Asking,
    scope: Scope,
    response: Response,
    paging: Pages,
    begin: From = None,
    end: To = None,
) -> list[dict[str, Any]]:
    """Say in words what became of each event, in the order of the list of events."""
    begin_at, end_at = read_span(begin, end)
    search = EventSearch(begin_at=begin_at, end_at=end_at)
    return await _tell(parts, caller, response, paging, scope, search)


@router.get("/{instance_id}/events/dispositions")
async def list_instance_dispositions(
    parts: Parts,
    caller: Asking,
    instance: Named,
    response: Response,
    paging: Pages,
    begin: From = None,
    end: To = None,
) -> list[dict[str, Any]]:
    """Say in words what became of each event of one instance."""
    return await list_dispositions(parts, caller, instance.id, response, paging, begin, end)


async def _count(
    parts: Parts,
    caller: Caller,
    instance_id: InstanceId | None,
    span: Span,
    *,
    by_instance: bool = False,
    outcomes: bool = True,
) -> list[EventCount]:
    counts = await parts.event_log.analytics.count_events(
        caller.organization_id,
        instance_id=instance_id,
        by_instance=by_instance,
        outcomes=outcomes,
        interval=span.interval,
        begin_at=span.begin_at,
        end_at=span.end_at,
        limit=MOST_COUNTS + 1,
    )
    if len(counts) > MOST_COUNTS:
        message = (
            f"interval: by {span.interval!r} these are more than {MOST_COUNTS:,} numbers; ask for a longer interval,"
            " or let from and to be nearer to each other"
        )
        raise InvalidRequestError(message)
    return counts


def _show_interval(
    begin_at: datetime, records: Sequence[tuple[dict[str, Any], EventCount]]
) -> dict[str, Any]:
    return {
        "timestamp": show_time(begin_at),
        "total": sum(count.events for _, count in records),
        "records": [
            {**named, "count": count.events, "success": count.succeeded, "failed": count.failed}
            for named, count in records
        ],
    }


async def _tell(
    parts: Parts,
    caller: Caller,
    response: Response,
    paging: Paging,
    instance_id: InstanceId | None,
    search: EventSearch,
) -> list[dict[str, Any]]:
    events = await find_page(parts, caller, response, paging, instance_id, search)
    attempts: dict[int, list[LoggedAttempt]] = {}
    for attempt in await parts.event_log.list_attempts(events):
        attempts.setdefault(attempt.notification_id, []).append(attempt)
    return [
        {
            "eventId": str(event.id),
            "elementInstanceId": event.instance_id,
            "notificationData": [
                {"message": message}
                for message in _describe(event, attempts.get(event.notification_id or 0, ()))
            ],
        }
        for event in events
    ]


def _describe(event: LoggedEvent, attempts: Iterable[LoggedAttempt]) -> list[str]:
    """Say what became of an event: of each attempt, and of what no attempt tells of."""
    messages = []
    for attempt in attempts:
        again = f" (replay {attempt.replay_id})" if attempt.replay_id else ""
        if attempt.error is None:
            messages.append(f"Delivered event {event.id}{again}")
        else:
            messages.append(f"Error delivering event {event.id}{again}: {attempt.error}")
    state = State(event.state or State.UNSENT)
    if state is State.CANCELLED or (state in UNTRIED and not messages):
        messages.append(f"Event {event.id} {UNTRIED[state]}")
    if state is State.DEAD:
        messages.append(f"Event {event.id} is a dead letter, and not tried again by itself")
    return messages
