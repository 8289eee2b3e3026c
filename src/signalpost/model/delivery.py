"""Notifications, attempts and what an answer means. docs/states.md draws the states."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from uuid import UUID

from signalpost.model.backoff import RETRY_SCHEDULE_SECONDS, Chance, wait_before_retry
from signalpost.model.ids import InstanceId, NotificationId

MAX_EVENTS_PER_NOTIFICATION = 10
"""Open Connectors' limit for polled events (open-connectors.md 1.1)."""


class Outcome(StrEnum):
    """What an attempt means for its notification and its endpoint."""

    DELIVERED = "delivered"
    RETRY = "retry"
    SPENT = "spent"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class DeliveredEvent:
    """An event as it stands in a notification: row of the log, ready to be rendered."""

    id: UUID
    sequence: int
    object_id: str
    object_type: str
    event_type: str
    occurred_at: datetime
    record_index: int


@dataclass(frozen=True, slots=True)
class PageContext:
    """What a notification says besides its events, kept as it was when the page was committed.

    Kept with the page so that every attempt sends the same bytes, however the instance is edited meanwhile.
    """

    connector: str
    hub: str
    resource: str
    instance_name: str
    instance_tags: tuple[str, ...]
    organization_id: int
    user_id: int
    full_raw: bool


@dataclass(frozen=True, slots=True)
class Notification:
    """The message for one endpoint: at most ten events of one page, in the lane's order.

    ``failures`` counts failed attempts since the endpoint was last changed or enabled; ``attempts`` counts all.
    """

    id: NotificationId
    instance_id: InstanceId
    lane_order: int
    attempts: int
    failures: int
    next_attempt_at: datetime
    created_at: datetime
    polled_at: datetime
    context: PageContext
    events: Sequence[DeliveredEvent]
    records: Sequence[str]


@dataclass(frozen=True, slots=True)
class Attempt:
    """One POST and what came of it. ``status`` is None when no answer came; then ``error`` says why."""

    notification_id: NotificationId
    number: int
    started_at: datetime
    duration_milliseconds: int
    status: int | None
    error: str | None
    excerpt: str | None


@dataclass(frozen=True, slots=True)
class Verdict:
    """The outcome of an attempt; ``retry_after_seconds`` is set for ``Outcome.RETRY`` alone."""

    outcome: Outcome
    retry_after_seconds: float | None = None


def read_retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """Read ``Retry-After`` (seconds or an HTTP date) as seconds from ``now``; None when absent or unreadable."""
    text = headers.get("Retry-After", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, (parsedate_to_datetime(text) - now).total_seconds())
    except (TypeError, ValueError):
        return None


def judge_attempt(
    status: int | None,
    *,
    failures: int,
    after_seconds: float | None,
    chance: Chance,
    schedule_seconds: Sequence[float] = RETRY_SCHEDULE_SECONDS,
) -> Verdict:
    """Say what an attempt means after ``failures`` failed ones.

    2xx delivers; 410 says that the endpoint is gone; all else, no answer (None) and redirects included, is retried
    until the schedule is spent (architecture section 7).
    """
    if status is not None and 200 <= status <= 299:  # noqa: PLR2004 - the range of success
        return Verdict(Outcome.DELIVERED)
    if status == 410:  # noqa: PLR2004 - Gone
        return Verdict(Outcome.GONE)
    wait = wait_before_retry(
        failures + 1, schedule_seconds=schedule_seconds, after_seconds=after_seconds, chance=chance
    )
    if wait is None:
        return Verdict(Outcome.SPENT)
    return Verdict(Outcome.RETRY, wait)
