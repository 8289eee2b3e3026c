"""One clock for all workers: the database's, carried on between two looks at it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta


def read_now() -> datetime:
    """Give the time now, in UTC, by the machine's own clock: what a ``SharedClock`` is made with."""
    return datetime.now(UTC)


class SharedClock:
    """Gives the time by the database's clock. Until that was asked for the first time: by ``own_clock``.

    What is due stands in rows that several machines write and read: if each went by its own clock, one whose clock is
    behind would leave work lying, and one whose clock jumped would put it off. Between two looks time goes on by
    ``monotonic``, which no change of the machine's clock moves.
    """

    def __init__(self, own_clock: Callable[[], datetime], monotonic: Callable[[], float]) -> None:
        self._own_clock = own_clock
        self._monotonic = monotonic
        self._looked: tuple[datetime, float] | None = None

    def __call__(self) -> datetime:
        """Give the time now, in UTC."""
        if self._looked is None:
            return self._own_clock()
        at, since = self._looked
        return at + timedelta(seconds=self._monotonic() - since)

    @property
    def is_set(self) -> bool:
        """Whether the database's clock was asked yet."""
        return self._looked is not None

    def set(self, now: datetime) -> None:
        """Take over what the database's clock just showed."""
        self._looked = (now, self._monotonic())
