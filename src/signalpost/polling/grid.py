"""When polls are: each instance's own phase of its interval, so that not all are polled at once. Pure."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from signalpost.model.ids import InstanceId


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


def is_first_of_hour(last_at: datetime | None, now: datetime) -> bool:
    """Say whether a poll at ``now`` is the first of its hour, by when the last one was (None: never)."""
    hour_seconds = 3600
    return last_at is None or last_at.timestamp() // hour_seconds != now.timestamp() // hour_seconds
