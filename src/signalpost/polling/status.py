"""How the polling of an instance stands, in one word and in words that say what to do. Pure."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from signalpost.connectors.authorising import tell_how_to_authorise
from signalpost.connectors.base import Connector
from signalpost.connectors.missing import MissingConnector
from signalpost.model.instance import Instance
from signalpost.store.polling_status import STALE_INTERVALS, STALE_SECONDS, PollingRow, Schedule


class PollingState(StrEnum):
    """The state of an instance's polling, or of one resource (``disabled``, ``failing``, ``active``)."""

    OFF = "off"
    DISABLED = "disabled"
    NOT_INSTALLED = "notInstalled"
    NEEDS_AUTHORISATION = "needsAuthorisation"
    THROTTLED = "throttled"
    STALE = "stale"
    FAILING = "failing"
    ACTIVE = "active"


def judge_polling(  # noqa: PLR0911 - one for each state
    instance: Instance, connector: Connector, schedule: Schedule, now: datetime
) -> tuple[PollingState, str]:
    """Give the state of an instance's polling and a message for people; the worst that holds counts."""
    place = f"/instances/{instance.id}"
    rows = schedule.resources
    stopped = [row for row in rows if row.disabled_at is not None]
    failing = [row for row in rows if row.failures and row.disabled_at is None]
    if instance.disabled:
        return PollingState.DISABLED, f"the instance is disabled; enable it with PUT {place}/enabled"
    if isinstance(connector, MissingConnector):
        return PollingState.NOT_INSTALLED, (
            f"the connector {connector.key} is not installed: nothing is polled, what waits is delivered; install it"
            " and start again, polling goes on from the watermarks"
        )
    if not instance.valid:
        why = (
            "the provider no longer accepts our credentials, polling waits for a new authorisation"
            if instance.was_authorised
            else "the instance was imported and was never authorised, so polling waits for that"
        )
        how = tell_how_to_authorise(connector, instance.id)
        return PollingState.NEEDS_AUTHORISATION, f"{why}; {how}"
    if not rows:
        return PollingState.OFF, (
            "events are off: nothing is polled; switch them on with event.notification.enabled = true"
        )
    if len(stopped) == len(rows):
        return PollingState.DISABLED, f"{_tell_stopped(stopped)}; mend the cause, then PUT {place}/polling"
    if schedule.throttled_until is not None and schedule.throttled_until > now:
        return PollingState.THROTTLED, (
            f"polls are further apart until {schedule.throttled_until:%Y-%m-%d %H:%M:%S} UTC, for the account's calls"
            " of this day to last; a longer event.poller.refresh_interval or a larger quota at the provider avoids it"
        )
    if _is_stale(schedule, now):
        last = schedule.last_success_at
        since = "yet" if last is None else f"since {last:%Y-%m-%d %H:%M:%S} UTC"
        reason = f"; {_tell_failing(failing)}" if failing else "; is a worker with the role poll running?"
        return PollingState.STALE, f"no poll has succeeded {since}{reason}"
    if failing or stopped:
        told = [_tell_failing(failing)] if failing else []
        if stopped:
            told.append(f"{_tell_stopped(stopped)}; mend the cause, then PUT {place}/polling")
        return PollingState.FAILING, "; ".join(told)
    return PollingState.ACTIVE, "polling goes on"


def judge_resource(row: PollingRow) -> PollingState:
    """Give the state of one resource."""
    if row.disabled_at is not None:
        return PollingState.DISABLED
    return PollingState.FAILING if row.failures else PollingState.ACTIVE


def _is_stale(schedule: Schedule, now: datetime) -> bool:
    since = schedule.last_success_at or schedule.created_at
    if schedule.throttled_until is not None:
        since = max(since, schedule.throttled_until)
    allowed_seconds = max(STALE_INTERVALS * schedule.interval_seconds, STALE_SECONDS)
    return (now - since).total_seconds() > allowed_seconds


def _tell_stopped(rows: list[PollingRow]) -> str:
    names = ", ".join(row.resource for row in rows)
    return f"{names} failed too often and is not polled any more ({rows[0].last_error})"


def _tell_failing(rows: list[PollingRow]) -> str:
    row = rows[0]
    others = f" (and {len(rows) - 1} more)" if len(rows) > 1 else ""
    return f"{row.resource}{others} cannot be read, it is tried again by itself: {row.last_error}"
