"""Changes are judged together, field by field: what is wrong in one is found among any others."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.connectors.soundness import find_wrong
from signalpost.model.event import Change, EventType, Page

RECORDS = ('{"id": 1}', '{"id": 2}')
AT = datetime(2026, 5, 28, 12, tzinfo=UTC)
RIGHT = Change(
    "1@x", "/Shared/é.txt", "file", EventType.CREATED, AT, 1, creates_or_updates=True, known_by="7"
)
LAST = datetime.max.replace(tzinfo=UTC)
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
    LAST,
]


IDS = "a Change whose ids are no texts that can be kept"
# Of each field: what is told of it, and which of the odd values are right there.
FIELDS = {
    "change_id": (IDS, ["CREATED"]),
    "object_id": (IDS, ["CREATED", ""]),
    "object_type": ("a Change whose object_type is no text that can be kept", ["CREATED"]),
    "event_type": ("a Change whose event_type is no EventType", []),
    "occurred_at": ("a Change at a time without a zone, or that is none in UTC", [LAST]),
    "record_index": ("a Change of a record that is not in its Page", []),
    "creates_or_updates": ("a Change whose creates_or_updates is neither True nor False", [True]),
    "known_by": (IDS, ["CREATED", ""]),
}
# Changes, each with what is wrong in it.
ALL = [
    (RIGHT._replace(**{field: value}), set() if value in right else {told})
    for (field, (told, right)), value in product(FIELDS.items(), ODD)
]


def make_page(changes) -> Page:
    return Page(records=RECORDS, changes=tuple(changes), watermark={"id": 1}, more=False)


def judge(*changes) -> set[str]:
    return set(find_wrong(make_page(changes), Page))


@pytest.mark.parametrize("place", [0, 1, 2])
def test_what_is_wrong_in_one_is_found_among_others(place):
    for each, wrong in ALL:
        changes = [RIGHT] * 3
        changes[place] = each
        assert judge(*changes) == judge(each) == wrong, each


@given(st.lists(st.sampled_from([*ALL, *[(RIGHT, set())] * len(ALL)])))
def test_so_it_is_of_several(drawn):
    assert judge(*(each for each, _ in drawn)) == set().union(*(wrong for _, wrong in drawn))


def test_halves_of_a_character_in_two_changes_are_none_together():
    halves = [RIGHT._replace(object_id=half) for half in ("\ud83d", "\ude00")]
    assert judge(*halves) == judge(halves[0]) != set()


@pytest.mark.parametrize("odd", ODD, ids=repr)
def test_what_is_no_change_is_named_among_changes(odd):
    assert judge(RIGHT, odd) == {f"a Page with {type(odd).__name__} among its changes"}


def test_changes_that_are_right_are():
    assert judge() == judge(RIGHT) == judge(*[RIGHT] * 100) == set()
