"""Who answers nothing gets a share of what is in hand; the others are not counted, nor is who answers."""

from __future__ import annotations

from dataclasses import dataclass

from signalpost.model.crowds import Crowds, Looked

NOTHING = Looked({}, {})


@dataclass(eq=False)
class Work:
    """Stands for a poll or a turn of a lane."""

    calls: int = 1
    is_calling: bool = True
    was_answered: bool = False


def open_crowds():
    return Crowds(many=2, most=3)


def enter(crowds, name, *ids):
    work = {each: Work() for each in ids}
    for each, begun in work.items():
        crowds.enter(each, name, begun)
    return work


def look_twice(crowds):
    assert crowds.look() == NOTHING
    return crowds.look()


def test_any_number_has_room_while_it_is_answered():
    crowds = open_crowds()
    work = enter(crowds, "a", *range(100))
    assert crowds.look() == NOTHING
    for each in work.values():
        each.calls += 1
    assert crowds.look() == NOTHING
    assert crowds.has_room("a")


def test_where_many_wait_for_the_same_call_as_before_no_more_than_the_share_begin_and_others_do():
    crowds = open_crowds()
    enter(crowds, "a", 1, 2)
    enter(crowds, "b", 10, 11, 12)[10].is_calling = False
    crowds.leave(11)
    assert look_twice(crowds) == Looked({"a": 2}, {})
    assert crowds.has_room("a")
    enter(crowds, "a", 3)
    assert not crowds.has_room("a")
    enter(crowds, "b", 13, 14)
    assert crowds.has_room("b")
    crowds.leave(3)
    assert crowds.has_room("a")


def test_few_that_wait_and_those_that_wait_for_the_database_are_no_crowd():
    crowds = open_crowds()
    enter(crowds, "a", 1)
    for each in enter(crowds, "b", *range(10, 20)).values():
        each.is_calling = False
    assert look_twice(crowds) == NOTHING
    enter(crowds, "a", 2, 3, 4)
    assert crowds.has_room("a")
    assert crowds.has_room("b")


def test_other_work_for_the_same_instance_does_not_hang_since_that_before():
    crowds = open_crowds()
    enter(crowds, "a", 1, 2)
    crowds.look()
    for each in (1, 2):
        crowds.leave(each)
    enter(crowds, "a", 1, 2)
    assert crowds.look() == NOTHING


def test_it_is_told_once_and_with_how_many_were_put_off_when_it_answers_again():
    crowds = open_crowds()
    work = enter(crowds, "a", 1, 2, 3)
    assert look_twice(crowds) == Looked({"a": 3}, {})
    assert [crowds.has_room("a") for _ in range(4)] == [False] * 4
    assert crowds.look() == NOTHING
    for each in (1, 2):
        work[each].was_answered = True
        crowds.leave(each)
    assert crowds.look() == Looked({}, {"a": 4})
    assert crowds.look() == NOTHING
    enter(crowds, "a", 4, 5, 6)
    assert crowds.has_room("a")


def test_that_all_were_given_up_at_once_is_no_answer():
    crowds = open_crowds()
    enter(crowds, "a", 1, 2, 3)
    look_twice(crowds)
    for each in (1, 2, 3):
        crowds.leave(each)
    assert crowds.look() == NOTHING
    enter(crowds, "a", 1, 2, 3)
    assert not crowds.has_room("a")


def test_an_answer_while_many_wait_still_does_not_end_it():
    crowds = open_crowds()
    work = enter(crowds, "a", 1, 2, 3)
    look_twice(crowds)
    work[1].was_answered = True
    crowds.leave(1)
    assert crowds.look() == NOTHING
    enter(crowds, "a", 4)
    assert not crowds.has_room("a")


def test_one_that_never_entered_may_leave():
    crowds = open_crowds()
    crowds.leave(1)
    assert crowds.has_room("a")
