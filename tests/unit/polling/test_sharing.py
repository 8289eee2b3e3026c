"""A provider that hangs gets half of the places; a feed that is long gets its turn and no more, a list is read whole."""

from __future__ import annotations

from dataclasses import dataclass

import pytest
from structlog.testing import capture_logs

from signalpost.connectors.resource import Strategy
from signalpost.polling import sharing
from signalpost.polling.sharing import MOST_PAGES, TURN_SECONDS, Crowds, has_had_its_turn


@dataclass(eq=False)
class Session:
    """Stands for a session with a provider."""

    calls: int = 1
    is_calling: bool = True


@pytest.fixture(autouse=True)
def few(monkeypatch):
    monkeypatch.setattr(sharing, "MANY_HANGING", 2)
    monkeypatch.setattr(sharing, "MOST_OF_HANGING", 3)


def enter(crowds, connector, *ids):
    sessions = {each: Session() for each in ids}
    for each, session in sessions.items():
        crowds.enter(each, connector, session)
    return sessions


def look_twice(crowds):
    crowds.look()
    crowds.look()


def test_any_number_of_polls_has_room_while_they_are_answered():
    crowds = Crowds()
    sessions = enter(crowds, "a", *range(100))
    crowds.look()
    for each in sessions.values():
        each.calls += 1
    crowds.look()
    assert crowds.has_room("a")


def test_where_many_wait_for_the_same_call_as_before_no_more_than_the_share_begin_and_others_do():
    crowds = Crowds()
    enter(crowds, "a", 1, 2)
    enter(crowds, "b", 10, 11, 12)[10].is_calling = False
    crowds.leave(11)
    look_twice(crowds)
    assert crowds.has_room("a")
    enter(crowds, "a", 3)
    assert not crowds.has_room("a")
    enter(crowds, "b", 13, 14)
    assert crowds.has_room("b")
    crowds.leave(3)
    assert crowds.has_room("a")


def test_few_that_wait_and_those_that_wait_for_the_database_are_no_crowd():
    crowds = Crowds()
    enter(crowds, "a", 1)
    for each in enter(crowds, "b", *range(10, 20)).values():
        each.is_calling = False
    look_twice(crowds)
    enter(crowds, "a", 2, 3, 4)
    assert crowds.has_room("a")
    assert crowds.has_room("b")


def test_another_poll_of_the_same_instance_does_not_hang_since_the_one_before():
    crowds = Crowds()
    enter(crowds, "a", 1, 2)
    crowds.look()
    for each in (1, 2):
        crowds.leave(each)
    enter(crowds, "a", 1, 2)
    crowds.look()
    enter(crowds, "a", 3)
    assert crowds.has_room("a")


def test_that_a_provider_hangs_is_told_once_and_how_many_were_put_off_when_it_answers():
    crowds = Crowds()
    enter(crowds, "a", 1, 2, 3)
    with capture_logs() as lines:
        look_twice(crowds)
        assert [crowds.has_room("a") for _ in range(4)] == [False] * 4
        crowds.look()
        for each in (1, 2):
            crowds.leave(each)
        crowds.look()
        crowds.look()
    told = [{key: value for key, value in line.items() if key != "part"} for line in lines]
    assert told == [
        {"event": "poll.provider_hangs", "log_level": "warning", "connector": "a", "polls": 3},
        {"event": "poll.provider_answers", "log_level": "info", "connector": "a", "put_off": 4},
    ]
    assert crowds.has_room("a")


def test_one_that_never_entered_may_leave():
    crowds = Crowds()
    crowds.leave(1)
    assert crowds.has_room("a")


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
