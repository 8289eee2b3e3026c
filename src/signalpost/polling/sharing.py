"""How polls share what a process has: the length of a turn, and places in hand where a provider hangs."""

from __future__ import annotations

from signalpost.connectors.resource import Strategy

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
