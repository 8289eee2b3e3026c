"""Polls that have ended: each is counted, and told in one line of the log."""

from __future__ import annotations

from datetime import datetime

from signalpost.model.instance import PollState
from signalpost.observe import Metrics, get_logger
from signalpost.observe.metrics import POLL_OUTCOMES
from signalpost.polling.plan import Outcome, Plan

log = get_logger("polling")


class Ends:
    """Counts and tells how polls ended."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._counters = {outcome: metrics.polls.labels(outcome) for outcome in POLL_OUTCOMES}
        self._log = log.bind()

    def tell(
        self,
        state: PollState,
        outcome: Outcome,
        plan: Plan,
        *,
        calls: int,
        due_at: datetime | None,
        ended_at: datetime,
    ) -> None:
        """Count the poll, and log it in one line: of one that found nothing only who debugs wants to know.

        ``due_at`` says since when it was due, where that is known; ``calls`` are those of the provider.
        """
        seconds = (ended_at - outcome.started_at).total_seconds()
        lag_seconds = None if due_at is None else max((outcome.started_at - due_at).total_seconds(), 0.0)
        self._counters["failed" if outcome.failed else "ok"].inc()
        self._metrics.poll_seconds.observe(seconds)
        if lag_seconds is not None:
            self._metrics.poll_lag_seconds.observe(lag_seconds)
        is_idle = outcome.name == "ok" and not outcome.events and not outcome.gaps
        write = self._log.debug if is_idle else self._log.info
        write(
            "poll.finished",
            instance=state.instance_id,
            organization=state.organization_id,
            connector=state.connector,
            outcome=outcome.name,
            error=outcome.error,
            resources=outcome.read,
            pages=outcome.pages,
            events=outcome.events,
            gaps=outcome.gaps,
            calls=calls,
            lag_ms=None if lag_seconds is None else round(lag_seconds * 1000, 1),
            duration_ms=round(seconds * 1000, 1),
            next_poll_at=plan.next_poll_at,
        )
