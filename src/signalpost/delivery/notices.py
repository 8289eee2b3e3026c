"""Operational notices on their way: what stopped or was lost is told to an address of its own, besides the lanes."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import orjson

from signalpost.delivery.configuration import read_delivery_settings
from signalpost.delivery.egress import Egress, Message
from signalpost.model.addresses import parse_callback_url
from signalpost.model.backoff import RETRY_SCHEDULE_SECONDS, Chance, read_retry_after
from signalpost.model.configuration import OPERATIONS_URL
from signalpost.model.delivery import MOST_REFUSALS, Outcome, judge_attempt
from signalpost.model.errors import ConfigurationError, InvalidRequestError
from signalpost.model.ids import InstanceId
from signalpost.observe import get_logger
from signalpost.store.notices import MOST_OF_ONE, Notice, Notices

log = get_logger("delivery")

MOST_SENT = 200
"""Notices on their way at a time."""

PATIENCE_SECONDS = 0.5
"""How long their answers are waited for before others are sent beside them."""

GRACE = timedelta(seconds=90)
"""When a notice is sent again whose sender was killed: longer than an attempt can take."""


def read_operations_url(configuration: Mapping[str, str]) -> str | None:
    """Read ``event.notification.operations.url``; None when notices go nowhere.

    Raises:
        InvalidRequestError: it is no http(s) address.
    """
    url = configuration.get(OPERATIONS_URL, "").strip()
    return parse_callback_url(url, f"configuration.{OPERATIONS_URL}") if url else None


def write_notice(notice: Notice) -> bytes:
    """Write the JSON that is sent (docs/reference/api.md): the same bytes at every attempt."""
    return orjson.dumps(
        {
            **notice.body,
            "kind": notice.kind,
            "id": notice.id,
            "instanceId": notice.instance_id,
            "instanceName": notice.instance_name,
            "date": f"{notice.created_at.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}",
        }
    )


class Announcer:
    """Sends the notices that wait; each until it is taken, or the schedule is spent."""

    def __init__(
        self,
        notices: Notices,
        egress: Egress,
        *,
        clock: Callable[[], datetime],
        chance: Chance,
        schedule_seconds: Sequence[float] = RETRY_SCHEDULE_SECONDS,
    ) -> None:
        self._notices = notices
        self._egress = egress
        self._clock = clock
        self._chance = chance
        self._schedule_seconds = schedule_seconds
        self._sending: dict[asyncio.Task[None], InstanceId] = {}
        self._closing = False

    def close(self) -> None:
        """Begin no more."""
        self._closing = True

    async def send_due(self) -> None:
        """Send all that is due. When nothing is, that is one statement.

        Nobody waits for an address that is slow to answer: it is left to itself, and others go on beside it.

        A notice may come twice where we die between the POST and its record; it carries the same id.
        """
        while not self._closing:
            now = self._clock()
            on_their_way = Counter(self._sending.values())
            due = await self._notices.claim_due(
                now,
                until=now + GRACE,
                limit=MOST_SENT - len(self._sending),
                but_for=[each for each, number in on_their_way.items() if number >= MOST_OF_ONE],
            )
            for notice in due:
                self._sending[asyncio.create_task(self._send(notice))] = notice.instance_id
            if self._sending:
                await asyncio.wait(self._sending, timeout=PATIENCE_SECONDS)
            self._collect()
            if not due:
                return

    @property
    def started(self) -> Collection[asyncio.Task[None]]:
        """What is on its way."""
        return self._sending.keys()

    def _collect(self) -> None:
        """Let go of those that ended; raises what one of them raised."""
        ended = [task for task in self._sending if task.done()]
        for task in ended:
            del self._sending[task]
        for error in [task.exception() for task in ended]:
            if error is not None:
                raise error

    async def _send(self, notice: Notice) -> None:
        try:
            configuration = notice.read_configuration()
            url, settings = read_operations_url(configuration), read_delivery_settings(configuration)
        except (ConfigurationError, InvalidRequestError) as error:  # as with lanes
            await self._notices.postpone(
                notice, due_at=self._clock() + timedelta(seconds=self._schedule_seconds[-1]), error=str(error)
            )
            return
        if url is None:  # taken out since
            await self._notices.remove(notice)
            return
        answered = await self._egress.post(
            url,
            # Headers, user name and password are the callback's: they are no business of another address.
            replace(settings, basic=None, headers=()),
            Message(
                id=f"notice-{notice.id}",
                sent_at=self._clock(),
                content_type="application/json",
                body=write_notice(notice),
            ),
        )
        verdict = judge_attempt(
            answered.status,
            failures=notice.attempts,
            refusals=MOST_REFUSALS,  # a refused notice is one that failed: there is no lane that it could stop
            after_seconds=read_retry_after(
                answered.headers, self._clock(), most_seconds=max(self._schedule_seconds, default=0.0)
            ),
            chance=self._chance,
            schedule_seconds=self._schedule_seconds,
        )
        if verdict.retry_after_seconds is not None:
            due_at = self._clock() + timedelta(seconds=verdict.retry_after_seconds)
            await self._notices.postpone(notice, due_at=due_at, error=answered.error or "")
            return
        await self._notices.remove(notice)
        if verdict.outcome is not Outcome.DELIVERED:
            log.error("notice.given_up", instance=notice.instance_id, kind=notice.kind, reason=answered.error)
