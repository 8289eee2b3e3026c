"""The language of where: what it reads, what it means for a record, and that nothing else can happen on any text."""

from __future__ import annotations

import contextlib
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.connectors.resource import Condition
from signalpost.model.errors import InvalidRequestError
from signalpost.polling.where import DEEPEST, LONGEST, MOST_VALUES, read_where
from signalpost.polling.where.conditions import Absent, Alternative, Conjunction, Listed, Negation, Where

RECORD = {
    "name": "O'Hara",
    "size": 10,
    "text_size": "9",
    "ratio": 0.5,
    "active": True,
    "nothing": None,
    "modified": "2026-05-28T11:41:12.000+0200",
    "mailed": "Thu, 28 May 2026 09:41:12 GMT",
    "epoch": 1_779_961_272_000,
    "a": {"b": {"c": 1}},
    "x.y": "dotted",
    "tags": ["red", "green"],
    "lines": [{"n": 1}, {"n": 5}, {}],
    "odd name": "o",
    "in": 3,
}


@pytest.mark.parametrize(
    ("text", "meets"),
    [
        ("", True),
        ("  ", True),
        ("name = 'O''Hara'", True),
        ('name = "O\'Hara"', True),
        ("name='o''hara'", False),
        ("name LIKE 'O%'", True),
        ("name like '%a%r%'", True),
        ("name like '%a%r'", False),
        ("name like 'O''Hara'", True),
        ("name NOT LIKE '%x%'", True),
        ("name like 'O''Ha%ara'", False),
        ("size > 9", True),
        ("size > '9'", True),
        ("text_size < 10", True),
        ("size = 10.0", True),
        ("size >= 1e1 AND size <= 10", True),
        ("ratio = .5", None),
        ("ratio = '0.50'", True),
        ("active = true", True),
        ("active = 'TRUE'", True),
        ("active != false", True),
        ("nothing IS NULL", True),
        ("missing IS NULL", True),
        ("missing = null", True),
        ("name is not null", True),
        ("name != NULL", True),
        ("missing = ''", False),
        ("missing < 5", False),
        ("missing != 5", True),
        ("missing <> 5", True),
        ("NOT missing = 5", True),
        ("modified > '2026-05-28T09:41:11Z'", True),
        ("modified = '2026-05-28T09:41:12Z'", True),
        ("modified > '2026-05-28T10:00:00Z'", False),
        ("modified > 0", True),
        ("modified >= '0'", True),
        ("modified < 0", False),
        ("modified > -1", True),
        ("modified > 12345", True),
        ("modified = 0", False),
        ("modified != 0", True),
        ("modified > 1780000000000", False),
        ("modified > 'Thu, 28 May 2026 09:41:11 GMT'", True),
        ("mailed >= '2026-05-28T09:41:12Z'", True),
        ("mailed < '2026-05-28'", False),
        ("epoch = '2026-05-28T09:41:12Z'", True),
        ("modified > 1779961271", True),
        ("modified > 'yesterday'", False),
        ("name > '2026-05-28'", False),
        ("name != '2026-05-28'", True),
        ("a.b.c = 1", True),
        ("`a.b.c` = 1", True),
        ("x.y = 'dotted'", True),
        ("a = 1", False),
        ("a is not null", True),
        ("tags = 'green'", True),
        ("tags != 'green'", False),
        ("lines.n > 4", True),
        ("lines.n IN (5, 6)", True),
        ("lines.n NOT IN (2, '3')", True),
        ("`odd name` = 'o' AND `in` = 3", True),
        ("size = 1 OR size = 10 AND name = 'x'", False),
        ("(size = 1 OR size = 10) AND NOT (name = 'x')", True),
        ("not not size = 10", True),
    ],
)
def test_what_records_meet(text, meets):
    if meets is None:
        with pytest.raises(InvalidRequestError):
            read_where(text)
        return
    where = read_where(text)
    assert where.matches(RECORD) is meets
    assert read_where(str(where)) == where


@pytest.mark.parametrize("record", [None, 5, "text", [], [{}]])
def test_what_is_no_object_has_no_fields(record):
    assert read_where("a IS NULL").matches(record)
    assert not read_where("a = 5").matches(record)


@pytest.mark.parametrize(
    ("text", "position", "words"),
    [
        ("a", 2, "=, !=, <"),
        ("a =", 4, "a value"),
        ("a = b", 5, "'b'"),
        ("a = 'b", 5, "close every quote"),
        ("a = 'b' c", 9, "'c'"),
        ("a == 1", 4, "a value"),
        ("a < null", 5, "a value"),
        ("a is 5", 6, "NULL"),
        ("a in 5", 6, "("),
        ("a in ()", 7, "a value"),
        ("a in (1 2)", 9, ", or )"),
        ("a in (null)", 7, "a value"),
        ("a not = 5", 7, "LIKE or IN"),
        ("(a = 1", 7, ")"),
        ("a = 1)", 6, "AND, OR or the end"),
        ("and = 1", 1, "the name of a field"),
        ("5 = 5", 1, "the name of a field"),
        ("'a' = 5", 1, "the name of a field"),
        ("a = 1 and", 10, "the name of a field"),
        ("receivedDate gte '2026'", 14, "'gte'"),
        ("(" * 5_000 + "a = 1" + ")" * 5_000, DEEPEST + 2, "at most 50"),
        ("NOT " * 5_000 + "a = 1", 4 * (DEEPEST + 1) + 1, "at most 50"),
        ("a in (1" + ",1" * MOST_VALUES + ")", 7 + 2 * MOST_VALUES, "1,000 values"),
        ("a=1" + " or a=1" * MOST_VALUES, 3 + 7 * MOST_VALUES, "1,000 values"),
        ("a.b" * 500 + " = 1", 1, "1,000 characters"),
    ],
)
def test_what_is_not_understood_is_told_with_its_position(text, position, words):
    with pytest.raises(InvalidRequestError) as caught:
        read_where(text)
    message = str(caught.value)
    assert message.startswith("where: ")
    assert re.search(rf"position {position}\b", message), message
    assert words in message
    assert len(message) < 500


def test_what_takes_long_with_every_record_is_refused():
    """Thirty thousand values of an address keep the process busy for a quarter of a minute with each page."""
    assert read_where("a in (1" + ",1" * (MOST_VALUES - 1) + ")").matches({"a": 1})
    with pytest.raises(InvalidRequestError, match="where: it has 50,001 characters; at most 50,000"):
        read_where("a = '" + "x" * (LONGEST - 5) + "'")


def test_conjuncts_are_what_must_hold_of_every_match():
    where = read_where(
        "a = 1 AND (b LIKE 'x%' AND c <> 2) AND (d = 1 OR e = 2) AND NOT f = 1 AND g IN (1) AND h IS NULL"
    )
    assert where.conjuncts() == [
        Condition("a", "=", "1"),
        Condition("b", "like", "x%"),
        Condition("c", "!=", "2"),
    ]
    assert read_where("a = 1 OR b = 2").conjuncts() == read_where("").conjuncts() == []
    assert where.list_fields() == list("abcdefgh")


def test_many_comparisons_and_many_wildcards_take_no_time():
    many = " AND ".join(["a LIKE '%x%x%x%x%x%x%x%x%y'"] * 500)
    assert not read_where(many).matches({"a": "x" * 10_000})
    assert read_where(" OR ".join(["a = 1"] * MOST_VALUES)).matches({"a": 1})


FIELDS = st.text(min_size=1, max_size=5) | st.sampled_from(["a", "a.b", "not", "True", "5"])
VALUES = st.text(max_size=5)
COMPARISONS = (
    st.builds(Condition, FIELDS, st.sampled_from(["=", "!=", "<", "<=", ">", ">=", "like"]), VALUES)
    | st.builds(Listed, FIELDS, st.lists(VALUES, min_size=1, max_size=3).map(tuple))
    | st.builds(Absent, FIELDS)
)


def join(parts):
    several = st.lists(parts, min_size=2, max_size=3).map(tuple)
    return st.builds(Negation, parts) | st.builds(Conjunction, several) | st.builds(Alternative, several)


@given(st.recursive(COMPARISONS, join, max_leaves=12))
def test_what_is_written_is_read_as_the_same(part):
    where = Where(part)
    assert read_where(str(where)) == where


RECORDS = st.dictionaries(
    st.sampled_from(["a", "b", "a.b"]),
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2),
        max_leaves=4,
    ),
)
WORDS = [
    "a",
    "b",
    "a.b",
    "=",
    "!=",
    "<",
    "(",
    ")",
    ",",
    "AND",
    "OR",
    "NOT",
    "IN",
    "IS",
    "NULL",
    "LIKE",
    "'x'",
    "5",
    "`b`",
]


@given(st.text(max_size=60) | st.lists(st.sampled_from(WORDS), max_size=14).map(" ".join), RECORDS)
def test_any_text_is_a_where_or_a_clear_error(text, record):
    with contextlib.suppress(InvalidRequestError):
        where = read_where(text)
        assert where.matches(record) in {True, False}
        assert read_where(str(where)) == where
        if where.matches(record):
            assert all(Where(each).matches(record) for each in where.conjuncts())
