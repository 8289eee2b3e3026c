"""Changes are judged together as each would be by itself: what is wrong in one is found among any others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.connectors.soundness import _find_wrong_change, find_wrong
from signalpost.model.event import Change, EventType, Page

RECORDS = ('{"id": 1}', '{"id": 2}')
AT = datetime(2026, 5, 28, 12, tzinfo=UTC)
RIGHT = Change(
    "1@x", "/Shared/é.txt", "file", EventType.CREATED, AT, 1, creates_or_updates=True, known_by="7"
)
ODD = [
    None,
    "",
    "\0",
    "\ud800",
    b"x",
    "CREATED",
    -1,
    2,
    0.0,
    True,
    AT.replace(tzinfo=None),
    datetime.min.replace(tzinfo=timezone(timedelta(hours=14))),
    datetime.max.replace(tzinfo=timezone(timedelta(hours=-12))),
    datetime.max.replace(tzinfo=UTC),
]


def make_page(changes) -> Page:
    return Page(records=RECORDS, changes=tuple(changes), watermark={"id": 1}, more=False)


def judge(*changes) -> set[str]:
    return set(find_wrong(make_page(changes), Page))


ALL = [RIGHT._replace(**{field: value}) for field, value in product(Change._fields, ODD)]


@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_is_wrong_in_one_is_found_among_others(place):
    for each in ALL:
        changes = [RIGHT] * 3
        changes[place] = each
        assert judge(*changes) == set(_find_wrong_change(each, len(RECORDS))), each


@given(st.lists(st.sampled_from([*ALL, *[RIGHT] * len(ALL)])))
def test_so_it_is_of_several(changes):
    assert judge(*changes) == set().union(*(_find_wrong_change(each, len(RECORDS)) for each in changes))


def test_halves_of_a_character_in_two_changes_are_none_together():
    halves = [RIGHT._replace(object_id=half) for half in ("\ud83d", "\ude00")]
    assert judge(*halves) == judge(halves[0]) != set()


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_what_is_no_change_is_named_among_changes(odd):
    assert judge(RIGHT, odd) == {f"a Page with {type(odd).__name__} among its changes"}


def test_changes_that_are_right_are():
    assert judge() == judge(RIGHT) == judge(*[RIGHT] * 100) == set()
