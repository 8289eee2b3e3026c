"""How an instance stands in words for people, with what to do. The states themselves are judged elsewhere. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from signalpost.connectors.authorising import asks_consent
from signalpost.connectors.base import Connector
from signalpost.model.addresses import mask_url
from signalpost.model.event import Watermark
from signalpost.model.instance import Instance
from signalpost.polling.status import PollingState, judge_polling
from signalpost.store.endpoints import MOST_COUNTED
from signalpost.store.polling_status import PollingRow, Schedule
from signalpost.store.views.instance_health import Health, LaneStatus
from signalpost.web.filters import count_word, write_json, write_relative

FROM_CALLBACK = "the callback "
"""How errors begin that tell what an endpoint answered."""


@dataclass(frozen=True, slots=True)
class Remedy:
    """What mends a state: ``action`` ends the path below the instance; one that ``posts`` is a button."""

    action: str
    word: str
    posts: bool = True


@dataclass(frozen=True, slots=True)
class Told:
    """A state: its kind and word as the macro ``state`` takes them, sentences, and what mends it."""

    kind: str
    word: str
    sentence: str
    remedy: Remedy | None = None


RESUME = Remedy("resume", "Resume")
EDIT = Remedy("edit", "Edit", posts=False)
GIVE_URL = Remedy("edit", "Give a callback URL", posts=False)
POLL = Remedy("poll", "Poll now")
AUTHORISE = Remedy("authorise", "Authorise again")
GIVE_ANEW = Remedy("edit", "Give new credentials", posts=False)
RELEASE = Remedy("release", "Try now")


def tell_polling(  # noqa: PLR0911 - one for each state
    instance: Instance, connector: Connector, schedule: Schedule, now: datetime
) -> Told:
    """Tell how polling stands."""
    by_consent = asks_consent(connector)
    state, _ = judge_polling(instance, connector, schedule, now)
    match state:
        case PollingState.DISABLED:
            return _tell_disabled(instance, schedule, now)
        case PollingState.NOT_INSTALLED:
            return Told(
                "dead",
                "Not installed",
                f"The connector {connector.key} is not installed. Nothing is polled; what waits is delivered. Once it"
                " is installed again and the service was started anew, polling goes on from the watermarks.",
            )
        case PollingState.NEEDS_AUTHORISATION:
            return _tell_unauthorised(instance, schedule, now, by_consent=by_consent)
        case PollingState.OFF:
            return Told(
                "paused",
                "Events off",
                "Nothing is polled. Switch events on and choose resources to begin.",
                EDIT,
            )
        case PollingState.THROTTLED:
            return Told(
                "held",
                "Throttled",
                f"Polls are further apart until {say_when(schedule.throttled_until, now)}, for the account's calls of"
                " this day to last. Nothing is lost. A longer interval, or a larger quota at the provider, avoids it.",
                EDIT,
            )
        case PollingState.STALE:
            return _tell_stale(schedule, now)
        case PollingState.FAILING:
            return _tell_failing(schedule, now)
        case PollingState.ACTIVE:
            if schedule.last_poll_at is None:
                return Told("ok", "Starting", "The first poll is about to be made.")
            return Told("ok", "Healthy", "Polling goes on.")


def tell_lane(instance: Instance, lane: LaneStatus, now: datetime) -> Told | None:
    """Tell how the endpoint stands; None where there is nothing to tell: it takes what it is sent."""
    waits = say_waiting(lane.waiting)
    if instance.disabled:
        return None
    if lane.url is None:
        told = f"{waits}, and there is no callback URL to send to."
        return Told("needs", "No callback URL", told, GIVE_URL) if lane.waiting else None
    if lane.state != "active":
        told = (
            f"{_tell_answer(lane)}, from {say_when(lane.failing_since, now)} on"
            f"{_count_failures(lane)}. The endpoint was deactivated at {say_when(lane.deactivated_at, now)}, and"
            f" nothing is sent any more. {waits}, none is lost. Mend the receiver, then try."
        )
        return Told("dead", "Deactivated", told, RELEASE)
    if lane.failing_since is not None:
        again = "" if lane.next_attempt_at is None else f" Next try {say_when(lane.next_attempt_at, now)}."
        told = (
            f"{_tell_answer(lane)} since {say_when(lane.failing_since, now)}{_count_failures(lane)}.{again}"
            f" {waits}, none is lost."
        )
        return Told("held", "Held", told, RELEASE)
    if lane.late:
        told = (
            f"{waits}, from {say_when(lane.oldest_waiting_at, now)} on, and nothing is sent. Nobody may be delivering:"
            " see under Operations whether a worker with the role deliver runs. None is lost."
        )
        return Told("needs", "Late", told)
    return None


def tell_states(instance: Instance, connector: Connector, health: Health, now: datetime) -> list[Told]:
    """Tell all that holds, the worst first; that polling goes on only where nothing else is to be told."""
    polling = tell_polling(instance, connector, health.schedule, now)
    lane = tell_lane(instance, health.lane, now)
    if lane is None:
        return [polling]
    return [lane] if polling.kind == "ok" else [polling, lane]


def tell_resource(row: PollingRow) -> Told:
    """Tell how one resource stands."""
    if row.disabled_at is not None:
        return Told("dead", "given up", row.last_error or "")
    if row.failures:
        return Told("held", f"failing ({row.failures:,})", row.last_error or "")
    return Told("ok", "ok", "")


def say_when(moment: datetime | None, now: datetime) -> str:
    """Write a time within a sentence: of today the hour, else the day as well; UTC."""
    if moment is None:
        return "an unknown time"
    moment, now = moment.astimezone(UTC), now.astimezone(UTC)
    return f"{moment:%H:%M} UTC" if moment.date() == now.date() else f"{moment:%Y-%m-%d %H:%M} UTC"


def say_waiting(number: int) -> str:
    """Write how many notifications wait, where no more than ``MOST_COUNTED`` were counted."""
    if not number:
        return "Nothing waits"
    if number >= MOST_COUNTED:
        return f"{number:,} notifications or more wait"
    return f"{count_word(number, 'notification')} {'waits' if number == 1 else 'wait'}"


def write_watermark(watermark: Watermark | None) -> str:
    """Write how far a resource was read: the number or the time that stands in its watermark."""
    if watermark is None:
        return "not yet known"
    for key in ("id", "at", "date", "since", "start"):
        value = watermark.get(key)
        if isinstance(value, int):
            return f"{value:,}"
        if isinstance(value, str) and value:
            return value
    return write_json(watermark)[:200]


def _tell_disabled(instance: Instance, schedule: Schedule, now: datetime) -> Told:
    if instance.disabled:
        return Told(
            "paused",
            "Paused",
            "Nothing is polled, nothing is delivered, nothing is lost: what waits goes out, and polling goes on from"
            " the watermark, once it is resumed. Until then its token opens nothing.",
            RESUME,
        )
    return Told(
        "dead", "Given up", _tell_stopped(schedule.resources, now), Remedy("resume", "Resume polling")
    )


def _tell_unauthorised(instance: Instance, schedule: Schedule, now: datetime, *, by_consent: bool) -> Told:
    if not instance.was_authorised:
        told = "It was imported, and was never authorised. Polling begins once" + (
            " somebody of the account has." if by_consent else " it is given credentials."
        )
        remedy = Remedy("authorise", "Authorise") if by_consent else GIVE_ANEW
        return Told("needs", "Needs authorisation", told, remedy)
    last = schedule.last_success_at
    read = (
        "no poll has succeeded yet"
        if last is None
        else f"the last poll that succeeded was {write_relative(last, now)}"
    )
    told = (
        f"The provider no longer accepts our credentials; {read}. Polling waits, and goes on from the watermark once"
        f" {'somebody of the account has authorised again' if by_consent else 'it is given others'}."
    )
    return Told("needs", "Needs authorisation", told, AUTHORISE if by_consent else GIVE_ANEW)


def _tell_stale(schedule: Schedule, now: datetime) -> Told:
    last = schedule.last_success_at
    since = "yet" if last is None else f"since {say_when(last, now)}"
    failing = _list_failing(schedule)
    reason = (
        _tell_unread(failing, now)
        if failing
        else "Nobody may be polling: see under Operations whether a worker with the role poll runs."
    )
    return Told("needs", "Stale", f"No poll has succeeded {since}. {reason}", POLL)


def _tell_failing(schedule: Schedule, now: datetime) -> Told:
    stopped = [row for row in schedule.resources if row.disabled_at is not None]
    failing = _list_failing(schedule)
    told = [_tell_unread(failing, now)] if failing else []
    if stopped:
        told.append(_tell_stopped(stopped, now))
        return Told("needs", "Partly given up", " ".join(told), Remedy("resume", "Resume polling"))
    return Told("held", "Failing", " ".join(told), POLL)


def _list_failing(schedule: Schedule) -> list[PollingRow]:
    return [row for row in schedule.resources if row.failures and row.disabled_at is None]


def _tell_stopped(rows: Sequence[PollingRow], now: datetime) -> str:
    names = ", ".join(row.resource for row in rows)
    since = min((row.disabled_at for row in rows if row.disabled_at is not None), default=None)
    return (
        f"{names} failed too often and {'is' if len(rows) == 1 else 'are'} not polled any more since"
        f" {say_when(since, now)}: {rows[0].last_error}. Mend the cause, then resume: reading goes on from"
        " the watermark."
    )


def _tell_unread(rows: Sequence[PollingRow], now: datetime) -> str:
    row = rows[0]
    others = f" (and {len(rows) - 1:,} more)" if len(rows) > 1 else ""
    again = "" if row.retry_at is None else f", next {write_relative(row.retry_at, now)}"
    return f"{row.resource}{others} cannot be read: {row.last_error}. It is tried again by itself{again}."


def _tell_answer(lane: LaneStatus) -> str:
    url, error = mask_url(lane.url or ""), lane.last_error or "failed"
    answer = error.removeprefix(FROM_CALLBACK)
    return f"{url} {answer}" if answer != error or error == "failed" else f"{url} failed ({error})"


def _count_failures(lane: LaneStatus) -> str:
    return f" ({count_word(lane.failures, 'attempt')})" if lane.failures else ""
