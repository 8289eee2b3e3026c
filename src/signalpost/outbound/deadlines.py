"""Ends what takes too long: many calls with the same limit of time, by one timer."""

from __future__ import annotations

import asyncio
from types import TracebackType


class Deadlines:
    """Gives calls ``seconds`` each. What began first ends first, so that one timer does for all that are running.

    ``asyncio.timeout`` would set a timer for each of them, of which hardly one ever fires, at several times the cost.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.running: dict[Deadline, None] = {}
        self.loop = asyncio.get_running_loop()
        self._timer: asyncio.TimerHandle | None = None

    def start(self) -> Deadline:
        """Give the limit of one call, for a ``with`` in a task: ``TimeoutError`` when it is over."""
        return Deadline(self)

    def close(self) -> None:
        """Let go of the timer. What is running is not ended any more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def note(self, deadline: Deadline) -> float:
        """Take a call in; give when it has to be over."""
        ends_at = self.loop.time() + self.seconds
        self.running[deadline] = None
        if self._timer is None:
            self._timer = self.loop.call_at(ends_at, self._look)
        return ends_at

    def _look(self) -> None:
        """End what is due; come back when the next one is, by which time it will mostly have ended by itself."""
        self._timer = None
        now = self.loop.time()
        for deadline in list(self.running):
            if deadline.ends_at > now:
                self._timer = self.loop.call_at(deadline.ends_at, self._look)
                return
            del self.running[deadline]
            deadline.pass_by()


class Deadline:
    """The limit of one call: its task is cancelled when the time is over, as ``asyncio.timeout`` does.

    ``has_passed`` says whether it was: else a ``TimeoutError`` is of another's making.
    """

    __slots__ = ("_all", "_cancelling", "_task", "ends_at", "has_passed")

    def __init__(self, deadlines: Deadlines) -> None:
        self._all = deadlines
        self.has_passed = False

    def __enter__(self) -> None:
        task = asyncio.current_task(self._all.loop)  # to be asked which loop that is costs as much again
        assert task is not None
        self._task = task
        self._cancelling = task.cancelling()
        self.ends_at = self._all.note(self)

    def pass_by(self) -> None:
        """End the call."""
        self.has_passed = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if not self.has_passed:
            del self._all.running[self]
        # Cancelled by somebody else as well, it stays cancelled.
        elif self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            raise TimeoutError from error
