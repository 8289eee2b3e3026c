"""Notifications, attempts and what an answer means. docs/states.md draws the states."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import NamedTuple

from signalpost.model.backoff import RETRY_SCHEDULE_SECONDS, Chance, wait_before_retry
from signalpost.model.ids import InstanceId, NotificationId

MAX_EVENTS_PER_NOTIFICATION = 10
"""Open Connectors' limit for polled events (open-connectors.md 1.1)."""

RESERVED_NAMES = frozenset({"pollDate", "objectType", "omitted"})
"""What stands in ``raw`` beside the records: no resource can have such a name."""

REFUSALS = frozenset({400, 409, 413, 415, 422})
"""Answers that speak of one notification, not of the endpoint."""

MOST_REFUSALS = 3
"""A notification refused so often is a dead letter, and its lane goes on."""

REFUSED_IN_A_ROW = 5
"""When so many notifications in a row are refused, it is the endpoint that fails: its lane is held instead."""


class State(StrEnum):
    """Where a notification stands.

    ``UNSENT``: the instance had no callback URL when it was made. ``CANCELLED``: given up as too many waited.
    ``DEAD``: refused, or its retries spent where the policy is to go on.
    """

    PENDING = "pending"
    DELIVERED = "delivered"
    DEAD = "dead"
    CANCELLED = "cancelled"
    UNSENT = "unsent"


class Format(StrEnum):
    """The form of a notification's body (``event.notification.format``)."""

    OPEN_CONNECTORS = "open-connectors"
    CLOUDEVENTS = "cloudevents"
    STANDARD_WEBHOOKS = "standard-webhooks"


class Policy(StrEnum):
    """What happens when retries are spent (architecture section 7).

    ``RETRY``: the endpoint is deactivated, and what follows waits. ``SKIP``: that notification is a dead letter, the
    lane goes on. ``QUEUE``: nothing is retried by itself; the first failure deactivates the endpoint.
    """

    RETRY = "retry"
    SKIP = "skip"
    QUEUE = "queue"


class Outcome(StrEnum):
    """What an attempt means for its notification and its endpoint.

    ``DEAD``: the notification is given up, the lane goes on. ``SPENT`` and ``GONE``: the endpoint is deactivated.
    """

    DELIVERED = "delivered"
    RETRY = "retry"
    DEAD = "dead"
    SPENT = "spent"
    GONE = "gone"


class DeliveredEvent(NamedTuple):
    """An event as it stands in a notification: as in the log, ready to be rendered. A tuple: it is made most often.

    ``occurred_at`` is text as ``write_time`` makes it: it is only ever written again.
    """

    id: str
    sequence: int
    object_id: str
    object_type: str
    event_type: str
    occurred_at: str
    record_index: int


def write_time(moment: datetime) -> str:
    """Write a time as events in notifications have it: RFC 3339, in UTC, with its microseconds if there are any."""
    return moment.astimezone(UTC).isoformat()


@dataclass(frozen=True, slots=True)
class PageContext:
    """What a notification says besides its events, kept as it was when the page was committed.

    Kept with the page so that every attempt sends the same bytes, however the instance is edited meanwhile.
    ``traceparent``: the span that committed the page, where it was traced; told by no body.
    """

    connector: str
    hub: str
    resource: str
    instance_name: str
    instance_tags: tuple[str, ...]
    organization_id: int
    user_id: int
    full_raw: bool
    traceparent: str | None = None


@dataclass(frozen=True, slots=True)
class Notification:
    """The message for one endpoint: at most ten events of one page, in the lane's order.

    ``failures`` counts failed attempts since the endpoint was last changed or released, ``refusals`` those of them
    that were refusals; ``attempts`` counts all.
    """

    id: NotificationId
    instance_id: InstanceId
    lane_order: int
    state: State
    attempts: int
    failures: int
    refusals: int
    next_attempt_at: datetime
    created_at: datetime
    polled_at: datetime
    context: PageContext
    events: Sequence[DeliveredEvent]
    records: Sequence[str]


class Attempt(NamedTuple):
    """One POST and what came of it. ``status`` is None when no answer came; then ``error`` says why."""

    notification_id: NotificationId
    number: int
    started_at: datetime
    duration_milliseconds: int
    status: int | None
    error: str | None
    excerpt: str | None


class Verdict(NamedTuple):
    """The outcome of an attempt.

    ``retry_after_seconds`` is set for ``Outcome.RETRY``, and for a refused notification that is ``Outcome.DEAD``: when
    it would be tried again if it is the endpoint that fails.
    """

    outcome: Outcome
    retry_after_seconds: float | None = None


def is_delivered(status: int | None) -> bool:
    """Tell whether this answer (None: there was none) means that the notification was taken."""
    return status is not None and 200 <= status <= 299  # noqa: PLR2004 - the range of success


def judge_attempt(
    status: int | None,
    *,
    failures: int,
    refusals: int = 0,
    policy: Policy = Policy.RETRY,
    after_seconds: float | None,
    chance: Chance,
    schedule_seconds: Sequence[float] = RETRY_SCHEDULE_SECONDS,
) -> Verdict:
    """Say what an attempt means after ``failures`` failed ones, ``refusals`` of them refusals.

    2xx delivers; 410 says that the endpoint is gone. A notification refused for the third time is a dead letter; one
    refused more often was taken back, as all its neighbours were refused too. All else, no answer (None) and redirects
    included, is retried until the schedule is spent, and then the policy decides (architecture section 7).
    """
    if is_delivered(status):
        return Verdict(Outcome.DELIVERED)
    if status == 410:  # noqa: PLR2004 - Gone
        return Verdict(Outcome.GONE)
    if policy is Policy.QUEUE:
        return Verdict(Outcome.SPENT)
    speaks_of_one = status in REFUSALS and refusals < MOST_REFUSALS
    wait = wait_before_retry(
        min(failures + 1, len(schedule_seconds)) if speaks_of_one else failures + 1,
        schedule_seconds=schedule_seconds,
        after_seconds=after_seconds,
        chance=chance,
    )
    if speaks_of_one and refusals + 1 == MOST_REFUSALS:
        return Verdict(Outcome.DEAD, wait)
    if wait is not None:
        return Verdict(Outcome.RETRY, wait)
    return Verdict(Outcome.DEAD if policy is Policy.SKIP else Outcome.SPENT)
