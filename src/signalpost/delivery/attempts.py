"""One attempt: a notification is written, signed and POSTed, and its answer judged. Lanes and replays make them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from signalpost.delivery.configuration import DeliverySettings
from signalpost.delivery.egress import Answered, Egress, Message
from signalpost.delivery.formats import CONTENT_TYPES, write_body
from signalpost.model.backoff import RETRY_SCHEDULE_SECONDS, Chance, read_retry_after
from signalpost.model.delivery import (
    REFUSALS,
    Attempt,
    Notification,
    Outcome,
    Policy,
    is_delivered,
    judge_attempt,
)
from signalpost.observe import Metrics, get_logger
from signalpost.tracing import NO_TRACES, Tracer


class Tried(NamedTuple):
    """An attempt that is over, and what it means. ``next_at``: when to try again (see ``Verdict``).

    ``seconds`` and ``size`` (bytes of the body) are for ``Sender.tell``.
    """

    attempt: Attempt
    outcome: Outcome
    refused: bool
    next_at: datetime | None
    seconds: float = 0.0
    size: int = 0


class Sender:
    """Makes attempts. Nothing is stored here: a repeat carries the same ids and the same bytes."""

    def __init__(
        self,
        egress: Egress,
        metrics: Metrics,
        *,
        clock: Callable[[], datetime],
        monotonic: Callable[[], float],
        chance: Chance,
        schedule_seconds: Sequence[float] = RETRY_SCHEDULE_SECONDS,
        public_url: str | None = None,
        tracer: Tracer = NO_TRACES,
    ) -> None:
        self._egress = egress
        self._metrics = metrics
        self._counters = {outcome: metrics.attempts.labels(outcome.value) for outcome in Outcome}
        self._clock = clock
        self._monotonic = monotonic
        self._chance = chance
        self._schedule_seconds = schedule_seconds
        self._public_url = public_url
        self._tracer = tracer
        self._log = get_logger("delivery").bind()

    async def send(
        self,
        notification: Notification,
        url: str,
        settings: DeliverySettings,
        *,
        policy: Policy | None = None,
        replay_id: int | None = None,
    ) -> Tried:
        """Make the next attempt (number ``notification.attempts + 1``). Never raises for what the receiver did.

        ``policy`` goes before that of the settings; ``replay_id`` marks what is sent again. Whoever knows what came of
        it in the end has it told (``tell``).
        """
        started_at, began = self._clock(), self._monotonic()
        body = write_body(notification, settings.form, public_url=self._public_url)
        with self._tracer.open_request(
            "delivery.attempt",
            "POST",
            url,
            parent=notification.context.traceparent,
            instance=notification.instance_id,
            notification=notification.id,
            attempt=notification.attempts + 1,
        ) as span:
            answered = await self._egress.post(
                url,
                settings,
                Message(
                    id=str(notification.id),
                    sent_at=started_at,
                    content_type=CONTENT_TYPES[settings.form],
                    body=body,
                    replay_id=replay_id,
                    traceparent=span.traceparent,
                ),
            )
            span.note_status(answered.status)
        seconds = self._monotonic() - began
        return self._judge(
            notification, answered, policy or settings.policy, started_at, seconds, size=len(body)
        )

    def _judge(
        self,
        notification: Notification,
        answered: Answered,
        policy: Policy,
        started_at: datetime,
        seconds: float,
        *,
        size: int,
    ) -> Tried:
        is_taken = is_delivered(answered.status)
        attempt = Attempt(
            notification_id=notification.id,
            number=notification.attempts + 1,
            started_at=started_at,
            duration_milliseconds=round(seconds * 1000),
            status=answered.status,
            error=answered.error,
            excerpt=answered.excerpt,
        )
        if is_taken:
            return Tried(attempt, Outcome.DELIVERED, refused=False, next_at=None, seconds=seconds, size=size)
        ended_at = self._clock()
        verdict = judge_attempt(
            answered.status,
            failures=notification.failures,
            refusals=notification.refusals,
            policy=policy,
            after_seconds=read_retry_after(
                answered.headers, ended_at, most_seconds=max(self._schedule_seconds, default=0.0)
            ),
            chance=self._chance,
            schedule_seconds=self._schedule_seconds,
        )
        wait = verdict.retry_after_seconds
        return Tried(
            attempt=attempt,
            outcome=verdict.outcome,
            refused=answered.status in REFUSALS,
            next_at=None if wait is None else ended_at + timedelta(seconds=wait),
            seconds=seconds,
            size=size,
        )

    def tell(self, notification: Notification, tried: Tried, *, replay_id: int | None = None) -> None:
        """Count the attempt, and log it in one line. What is sent again is late by nature: of that no lag is told."""
        seconds = tried.seconds
        lag_seconds = None
        if replay_id is None:
            waited = tried.attempt.started_at - notification.created_at
            lag_seconds = max(waited.total_seconds() + seconds, 0.0)
        self._counters[tried.outcome].inc()
        self._metrics.delivery_seconds.observe(seconds)
        if lag_seconds is not None and tried.outcome is Outcome.DELIVERED:
            self._metrics.delivery_lag_seconds.observe(lag_seconds)
        self._log.info(
            "delivery.attempted",
            instance=notification.instance_id,
            notification=notification.id,
            attempt=tried.attempt.number,
            outcome=tried.outcome.value,
            status=tried.attempt.status,
            duration_ms=round(seconds * 1000, 1),
            lag_ms=None if lag_seconds is None else round(lag_seconds * 1000, 1),
            bytes=tried.size,
            events=len(notification.events),
            replay=replay_id,
        )
