"""How long to wait before the next try: schedules are values, chance is an argument."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

RETRY_SCHEDULE_SECONDS: tuple[float, ...] = (8, 64, 512, 4096, 32768)
"""Open Connectors' schedule for callbacks (open-connectors.md 1.4): five retries, 2^(3x) seconds."""

JITTER = 0.1
"""Waits are spread by this share to either side, so that what failed together does not come back together."""

A_DAY_SECONDS = 86_400.0
_SECONDS = re.compile(r"[0-9]+(?:\.[0-9]+)?", re.ASCII)

Chance = Callable[[], float]
"""A source of numbers in [0, 1), as ``random.random``."""


def spread(seconds: float, chance: Chance) -> float:
    """Give ``seconds`` moved by up to ``JITTER`` of itself to either side."""
    return seconds * (1 - JITTER + 2 * JITTER * chance())


def wait_before_retry(
    failures: int,
    *,
    schedule_seconds: Sequence[float] = RETRY_SCHEDULE_SECONDS,
    after_seconds: float | None,
    chance: Chance,
) -> float | None:
    """Give the seconds to wait after the ``failures``-th failed attempt (from 1), or None when retries are spent.

    A ``Retry-After`` of the receiver lengthens the wait, never shortens it, and is capped at the longest wait of
    the schedule: a hostile answer cannot park a lane for ever.
    """
    if failures > len(schedule_seconds):
        return None
    planned = spread(schedule_seconds[failures - 1], chance)
    if after_seconds is None:
        return planned
    return max(planned, min(after_seconds, max(schedule_seconds)))


def wait_before_poll(failures: int, *, interval_seconds: float, chance: Chance) -> float:
    """Give the seconds until the next poll after ``failures`` failed polls in a row (from 1).

    The interval doubles with each failure up to 16 times itself, but waits at most an hour
    (or one interval, where that is longer).
    """
    doubled = interval_seconds * 2.0 ** min(failures, 4)
    return spread(min(doubled, max(3600.0, interval_seconds)), chance)


def read_retry_after(
    headers: Mapping[str, str], now: datetime, *, most_seconds: float = A_DAY_SECONDS
) -> float | None:
    """Read ``Retry-After``, seconds or an HTTP date, as seconds from ``now``, ``most_seconds`` at most.

    Seconds may have decimals, as some write them against RFC 9110 (10.2.3). A date without a zone is in UTC.
    None: it is not there, or says nothing that can be read.
    """
    text = headers.get("Retry-After", "").strip()
    if _SECONDS.fullmatch(text):
        return min(float(text), most_seconds)
    try:
        until = parsedate_to_datetime(text)
        seconds = ((until if until.tzinfo else until.replace(tzinfo=UTC)) - now).total_seconds()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return min(max(seconds, 0.0), most_seconds)
