"""How polls share what a process has: the length of a turn, and places in hand where a provider hangs."""

from __future__ import annotations

from collections import Counter
from typing import Protocol

from signalpost.connectors.resource import Strategy
from signalpost.model.ids import InstanceId
from signalpost.observe import get_logger

log = get_logger("polling")

MOST_PAGES = 1000
"""Pages read of one resource in one poll: then others get their turn, and the next poll goes on at once."""

TURN_SECONDS = 30.0
"""How long one poll reads on in a feed. At two calls a second that is sixty pages: the one or two that were asked for
ahead, and are asked for again in the next turn, are few beside them."""

MANY_HANGING = 50
"""So many polls that wait for one provider, and have for a while, are no chance: it hangs."""

MOST_OF_HANGING = 125
"""Polls of such a provider in hand: half of ``hands.MOST_IN_HAND``, so that those of the others find places."""

PUT_OFF_SECONDS = 60.0
"""When one comes again that found no place for its provider."""


def has_had_its_turn(strategy: Strategy, *, pages: int, seconds: float) -> bool:
    """Say whether a poll that has read so many ``pages`` of a resource, ``seconds`` after it began, leaves the rest.

    Time does not cut a list: it would be begun again, and might never be read to its end.
    """
    return pages >= MOST_PAGES or (strategy is Strategy.FEED and seconds >= TURN_SECONDS)


class Calling(Protocol):
    """What tells whether a poll waits for its provider."""

    @property
    def calls(self) -> int:
        """How many calls were made."""
        ...

    @property
    def is_calling(self) -> bool:
        """Whether a call is under way, with the waits before it."""
        ...


class Crowds:
    """The polls in hand by their connectors. One whose provider hangs gets half of the places at most.

    Without that a provider that answers nothing would, with some ten thousand instances, soon have all places, each
    until its call is given up; the polls of all others would stand behind them.
    """

    def __init__(self) -> None:
        self._polls: dict[InstanceId, tuple[str, Calling]] = {}
        self._numbers: Counter[str] = Counter()
        self._seen: dict[InstanceId, tuple[Calling, int]] = {}
        self._hanging: dict[str, int] = {}

    def has_room(self, connector: str) -> bool:
        """Say whether one more poll of the connector may begin; counts those that may not."""
        if connector not in self._hanging or self._numbers[connector] < MOST_OF_HANGING:
            return True
        self._hanging[connector] += 1
        return False

    def enter(self, instance_id: InstanceId, connector: str, session: Calling) -> None:
        """Take in a poll that begins."""
        self._polls[instance_id] = connector, session
        self._numbers[connector] += 1

    def leave(self, instance_id: InstanceId) -> None:
        """Let go of a poll that has ended; of one that was not taken in nothing happens."""
        if entry := self._polls.pop(instance_id, None):
            self._numbers[entry[0]] -= 1

    def look(self) -> None:
        """Find whose providers hang, and tell it: to be called every few seconds.

        A poll hangs that waits for the very call it waited for at the last look.
        """
        seen = {
            each: (session, session.calls) for each, (_, session) in self._polls.items() if session.is_calling
        }
        stuck = Counter(self._polls[each][0] for each, entry in seen.items() if self._seen.get(each) == entry)
        self._seen = seen
        hanging = {connector: number for connector, number in stuck.items() if number >= MANY_HANGING}
        for connector, number in hanging.items():
            if connector not in self._hanging:
                log.warning("poll.provider_hangs", connector=connector, polls=number)
        for connector, put_off in self._hanging.items():
            if connector not in hanging:
                log.info("poll.provider_answers", connector=connector, put_off=put_off)
        self._hanging = {connector: self._hanging.get(connector, 0) for connector in hanging}
