"""The tick: hands out polls, lanes and replays that are due. Any number of workers may tick; a row is taken once."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta

from signalpost.store.deliveries import Deliveries
from signalpost.store.polls import Polls
from signalpost.store.queue import Queue
from signalpost.store.replays import Replays

TICK_SECONDS = 1.0
MOST_PER_TICK = 1000
POLL_GRACE_SECONDS = 30.0
LANE_GRACE_SECONDS = 5.0
AGAIN_SECONDS = 1.0
"""How long a job may be on its way before the row is handed out again (a job that still runs refuses a second), and
how soon one is looked at again that had a job already."""


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

    async def tick(self) -> int:
        """Hand out what is due now, at most a thousand of each kind; says how many.

        Three statements, and one for each kind of which something is due.

        What has a job already is looked at again soon, not after the whole grace: that job may be in its last
        moments, finished but not yet taken off the queue, and then nobody else would come.
        """
        now = self._clock()
        soon = now + timedelta(seconds=AGAIN_SECONDS)
        until = now + timedelta(seconds=POLL_GRACE_SECONDS)
        due = await self._polls.claim_due(now, until=until, limit=MOST_PER_TICK)
        busy = await self._queue.enqueue_polls(due)
        if busy:
            await self._polls.give_back(busy, until=until, at=soon)
        until = now + timedelta(seconds=LANE_GRACE_SECONDS)
        lanes = await self._deliveries.claim_due(now, until=until, limit=MOST_PER_TICK)
        busy = await self._queue.enqueue_deliveries(lanes)
        if busy:
            await self._deliveries.give_back(busy, until=until, at=soon)
        replays = await self._replays.claim_due(now, until=until, limit=MOST_PER_TICK)
        busy_replays = await self._queue.enqueue_replays(replays)
        if busy_replays:
            await self._replays.give_back(busy_replays, until=until, at=soon)
        return max(len(due), len(lanes), len(replays))
