"""The tick: hands out the polls and lanes that are due. Any number of workers may tick; each row is taken once."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from signalpost.model.ids import InstanceId
from signalpost.store.deliveries import Deliveries
from signalpost.store.polls import Polls
from signalpost.store.queue import Queue

TICK_SECONDS = 1.0
MOST_PER_TICK = 1000
POLL_GRACE_SECONDS = 30.0
LANE_GRACE_SECONDS = 5.0
"""How long a job may be on its way before the row is handed out again. A job that runs longer loses nothing by it:
the queue refuses a second job for what one works on."""


def next_on_grid(instance_id: InstanceId, interval_seconds: float, now: datetime) -> datetime:
    """Give the instance's next time after ``now``: its own phase of the interval, so that not all come at once.

    Times that were missed are skipped, not made up for.
    """
    digest = hashlib.blake2b(str(instance_id).encode(), digest_size=8).digest()
    phase = int.from_bytes(digest) / 2**64 * interval_seconds
    turns = (now.timestamp() - phase) // interval_seconds + 1
    planned = datetime.fromtimestamp(phase + turns * interval_seconds, UTC)
    # Float division may land on the turn that is now: then the next one is meant.
    return planned if planned > now else planned + timedelta(seconds=interval_seconds)


class Scheduler:
    """Turns rows that are due into jobs."""

    def __init__(
        self, polls: Polls, deliveries: Deliveries, queue: Queue, clock: Callable[[], datetime]
    ) -> None:
        self._polls = polls
        self._deliveries = deliveries
        self._queue = queue
        self._clock = clock

    async def tick(self) -> int:
        """Hand out what is due now, at most a thousand of each kind; says how many. Four statements."""
        now = self._clock()
        due = await self._polls.claim_due(now, grace_seconds=POLL_GRACE_SECONDS, limit=MOST_PER_TICK)
        await self._queue.enqueue_polls(due)
        lanes = await self._deliveries.claim_due(now, grace_seconds=LANE_GRACE_SECONDS, limit=MOST_PER_TICK)
        await self._queue.enqueue_deliveries(lanes)
        return max(len(due), len(lanes))
