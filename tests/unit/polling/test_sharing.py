"""A feed that is long gets its turn and no more; a list is read whole."""

from __future__ import annotations

import pytest

from signalpost.connectors.resource import Strategy
from signalpost.polling.sharing import MOST_PAGES, TURN_SECONDS, has_had_its_turn


@pytest.mark.parametrize(
    ("strategy", "pages", "seconds", "over"),
    [
        (Strategy.FEED, 1, TURN_SECONDS - 0.1, False),
        (Strategy.FEED, 1, TURN_SECONDS, True),
        (Strategy.FEED, MOST_PAGES, 0.0, True),
        (Strategy.SNAPSHOT, 1, TURN_SECONDS * 100, False),
        (Strategy.TIMESTAMP, 1, TURN_SECONDS * 100, False),
        (Strategy.TIMESTAMP, MOST_PAGES, 0.0, True),
    ],
)
def test_a_turn_ends_by_pages_and_of_feeds_by_time(strategy, pages, seconds, over):
    assert has_had_its_turn(strategy, pages=pages, seconds=seconds) is over
