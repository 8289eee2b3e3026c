"""The tick: hands out polls, lanes and replays that are due. Any number of workers may tick; a row is taken once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from signalpost.model.ids import InstanceId
from signalpost.store.deliveries import Deliveries
from signalpost.store.polls import Polls
from signalpost.store.queue import DELIVER, HANDFUL, POLL, REPLAY, Queue
from signalpost.store.replays import Replays

TICK_SECONDS = 1.0
POLL_GRACE_SECONDS = 15.0
LANE_GRACE_SECONDS = 5.0
AGAIN_SECONDS = 1.0
"""How long a job may be on its way before the row is handed out again (a job that still runs refuses a second), and
how soon one is looked at again that had a job already."""

GOOD_SECONDS = 12.0
"""How long a claim is surely good for: a margin is left for the way, and for clocks."""

RENEWAL_SECONDS = 4.0
"""The time between renewals of claims on what is being polled: one may fail before another process takes it."""

MOST_QUEUED = 1000
"""Where so many jobs of a kind wait for a worker, no more are added: what is due waits as rows, where that which is
just due need not stand behind all that is overdue."""

MOST_AT_ONCE = 500
"""Rows that one hand takes: a tick is short. Of polls and lanes it has two, for those just due and those overdue."""

JUST_DUE_SECONDS = 2.0
"""What came due longer ago is overdue: it does not stand before the rest."""

MISSED_SECONDS = 10.0
"""Polls that came due longer ago, or before the scheduler began, were missed: nobody was there, or none had time."""


class Scheduler:
    """Turns rows that are due into jobs."""

    def __init__(
        self,
        polls: Polls,
        deliveries: Deliveries,
        replays: Replays,
        queue: Queue,
        clock: Callable[[], datetime],
    ) -> None:
        self._polls = polls
        self._deliveries = deliveries
        self._replays = replays
        self._queue = queue
        self._clock = clock
        self._polls_taken_until: datetime | None = None

    async def tick(self) -> bool:
        """Hand out what is due now, as far as the queue has room; says whether more may be due.

        Four statements, and one for each kind of which something is due.

        What has a job already is looked at again soon, not after the whole grace: that job may be in its last
        moments, finished but not yet taken off the queue, and then nobody else would come.
        """
        now = self._clock()
        waiting = await self._queue.count_waiting((POLL, DELIVER, REPLAY), most=MOST_QUEUED)
        waiting[POLL] = min(waiting[POLL] * HANDFUL, MOST_QUEUED)
        rooms = {kind: min(MOST_QUEUED - number, MOST_AT_ONCE) for kind, number in waiting.items()}
        more_polls = await self._hand_out_polls(now, rooms[POLL])
        more_lanes = await self._hand_out_lanes(now, rooms[DELIVER])
        more_replays = await self._hand_out_replays(now, rooms[REPLAY])
        return more_polls or more_lanes or more_replays

    async def renew_claims(self, lasting: Sequence[InstanceId]) -> None:
        """Renew the claims of polls that last, so that no other process takes their instances meanwhile."""
        if lasting:
            now = self._clock()
            until = now + timedelta(seconds=POLL_GRACE_SECONDS)
            await self._polls.keep_claims(lasting, now=now, until=until)

    async def _hand_out_polls(self, now: datetime, room: int) -> bool:
        if not room:
            return True
        until = now + timedelta(seconds=POLL_GRACE_SECONDS)
        due, more = await self._polls.claim_due(
            now,
            since=now - timedelta(seconds=JUST_DUE_SECONDS),
            missed=self._find_missed(now),
            until=until,
            limit=room,
        )
        if not more:
            self._polls_taken_until = now
        await self._queue.hand_out_polls(due)
        return more

    def _find_missed(self, now: datetime) -> datetime:
        """Give the time up to which polls that are still due were missed."""
        taken_until = self._polls_taken_until
        if taken_until is None or now - taken_until > timedelta(seconds=MISSED_SECONDS):
            taken_until = self._polls_taken_until = now - timedelta(seconds=TICK_SECONDS)
        return taken_until

    async def _hand_out_lanes(self, now: datetime, room: int) -> bool:
        if not room:
            return True
        until = now + timedelta(seconds=LANE_GRACE_SECONDS)
        since = now - timedelta(seconds=JUST_DUE_SECONDS)
        lanes = await self._deliveries.claim_due(now, since=since, until=until, limit=room)
        busy = await self._queue.enqueue_deliveries(lanes)
        if busy:
            await self._deliveries.give_back(busy, until=until, at=now + timedelta(seconds=AGAIN_SECONDS))
        return len(lanes) >= room

    async def _hand_out_replays(self, now: datetime, room: int) -> bool:
        if not room:
            return True
        until = now + timedelta(seconds=LANE_GRACE_SECONDS)
        replays = await self._replays.claim_due(now, until=until, limit=room)
        busy = await self._queue.enqueue_replays(replays)
        if busy:
            await self._replays.give_back(busy, until=until, at=now + timedelta(seconds=AGAIN_SECONDS))
        return len(replays) >= room
