"""Dates as the real SimpleDateFormat reads and writes them, and the few places where we differ on purpose."""

from __future__ import annotations

import gzip
import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from signalpost.model.errors import InvalidRequestError
from signalpost.polling.dates import compile_pattern, parse_zone

VECTORS = Path(__file__).parents[2] / "golden" / "simple-date-format.jsonl.gz"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
GREGORIAN_SINCE = -12_219_292_800_000  # 15 October 1582
STANDARD_TIME_SINCE = -2_208_988_800_000  # 1900
YEAR_10000 = 253_402_300_800_000

Vector = dict[str, Any]


class Deviation(NamedTuple):
    """Where we mean to differ; docs/reference/date-patterns.md says why."""

    name: str
    applies: Callable[[Vector], bool]


def outside_of_the_gregorian_years(vector: Vector) -> bool:
    instant = vector.get("read")
    return instant is not None and not GREGORIAN_SINCE <= instant < YEAR_10000


def has_decimals_other_than_three(vector: Vector) -> bool:
    three = re.search(r"[.,][0-9]{3}(?![0-9])", vector["text"] or vector.get("written", ""))
    return bool(re.search("s[.,]S", vector["pattern"])) and not three


def names_a_zone_by_a_rare_name(vector: Vector) -> bool:
    rare = (
        vector["zone"] in {"Australia/Lord_Howe", "America/Sao_Paulo"}
        or "Eastern Dayl ight" in vector["text"]
    )
    return "z" in vector["pattern"] and rare


DEVIATIONS = [
    Deviation("the calendar before 1582 and after 9999", outside_of_the_gregorian_years),
    Deviation("decimals of a second", has_decimals_other_than_three),
    Deviation("zone names beyond those of the time zone database", names_a_zone_by_a_rare_name),
    Deviation(
        "local mean time before 1900",
        lambda vector: vector["zone"] != "GMT" and (vector.get("read") or 0) < STANDARD_TIME_SINCE,
    ),
    Deviation("blanks before GMT+h:mm", lambda vector: "  GMT+" in vector["text"]),
    Deviation("numbers with an exponent", lambda vector: "1E1" in vector["text"]),
    Deviation(
        "a stray quote at the end",
        lambda vector: vector.get("accepted") is False and vector["pattern"][-1] == "'",
    ),
    Deviation("a pattern of blanks is none", lambda vector: vector["pattern"].isspace()),
]


@cache
def load() -> list[Vector]:
    with gzip.open(VECTORS, "rt") as file:
        return [{"text": "", "zone": "", **json.loads(line)} for line in file]


def theirs(vector: Vector) -> str | int | bool | None:
    return next(vector[key] for key in ("accepted", "written", "read") if key in vector)


def ours(vector: Vector) -> str | int | bool | None:
    try:
        pattern = compile_pattern(vector["pattern"])
    except InvalidRequestError:
        return False
    if "accepted" in vector:
        return True
    zone = parse_zone(vector["zone"])
    if "written" in vector:
        return pattern.write(EPOCH + timedelta(milliseconds=vector["instant"]), zone)
    try:
        return (pattern.read(vector["text"], zone, now=NOW) - EPOCH) // timedelta(milliseconds=1)
    except InvalidRequestError:
        return None


@cache
def differing() -> list[Vector]:
    return [vector for vector in load() if ours(vector) != theirs(vector)]


def test_the_vectors_are_many_and_of_every_kind():
    vectors = load()
    assert len(vectors) > 15_000
    assert sum("accepted" in vector for vector in vectors) > 300
    assert sum("written" in vector for vector in vectors) > 1_500
    assert sum(vector.get("read") is not None for vector in vectors) > 4_000
    assert set("GyYMLwWDdFEuaHkKhmsSzZX") <= set("".join(v["pattern"] for v in vectors if "written" in v))


def test_every_vector_is_as_java_has_it_or_differs_on_purpose():
    unexplained = [v for v in differing() if not any(each.applies(v) for each in DEVIATIONS)]
    assert unexplained == []


@pytest.mark.parametrize("deviation", DEVIATIONS, ids=lambda deviation: deviation.name)
def test_every_deviation_is_met(deviation):
    assert any(deviation.applies(vector) for vector in differing())


def test_differences_are_few():
    assert len(differing()) < 340


@pytest.mark.parametrize(
    ("letters", "digits", "microsecond"),
    [
        ("SSS", "5", 500_000),
        ("SSS", "123", 123_000),
        ("SSS", "123456", 123_456),
        ("SSS", "123456789", 123_456),
        ("SSSSSS", "000123", 123),
        ("S", "5", 5_000),
        ("S", "1234", 123_400),
    ],
)
def test_digits_after_the_point_are_decimals_where_java_takes_them_for_milliseconds(
    letters, digits, microsecond
):
    pattern = compile_pattern(f"yyyy-MM-dd'T'HH:mm:ss.{letters}X")
    read = pattern.read(f"2026-05-28T11:40:01.{digits}Z", UTC, now=NOW)
    assert read == datetime(2026, 5, 28, 11, 40, 1, microsecond, tzinfo=UTC)


def test_digits_without_a_point_are_milliseconds():
    read = compile_pattern("yyyy-MM-dd ss SSS").read("2026-05-28 01 1500", UTC, now=NOW)
    assert read == datetime(2026, 5, 28, 0, 0, 2, 500_000, tzinfo=UTC)


def test_six_decimals_are_written_as_microseconds():
    moment = datetime(2026, 5, 28, 11, 40, 1, 123_456, tzinfo=UTC)
    assert compile_pattern("ss.SSSSSS").write(moment, UTC) == "01.123456"


def test_the_stray_apostrophe_of_the_documentation_is_forgiven_with_a_remark():
    pattern = compile_pattern("yyyy-MM-dd'T'HH:mm:ss.SSSX'")
    assert pattern.remark
    assert pattern.read("2026-05-28T11:40:01.000Z", UTC, now=NOW) == datetime(
        2026, 5, 28, 11, 40, 1, tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("yyyy-MM-dd'T", "quote at position 11 is not closed"),
        ("yyyy-QQ", "'Q' at position 6 is no pattern letter"),
        ("yyyy-MM-ddTHH", "'T' at position 11 is no pattern letter"),
        ("HHXXXX", "4 letters X at position 3"),
        ("'", "quote at position 1 is not closed"),
    ],
)
def test_what_no_java_reader_takes_is_refused_with_its_position(text, words):
    with pytest.raises(InvalidRequestError, match=re.escape(words)):
        compile_pattern(text)


def test_a_text_that_does_not_match_is_refused_with_pattern_and_text():
    with pytest.raises(InvalidRequestError, match=r"'yesterday'.*'yyyy-MM-dd'.*position 1"):
        compile_pattern("yyyy-MM-dd").read("yesterday", UTC, now=NOW)


@pytest.mark.parametrize(
    ("pattern", "remarks"),
    [
        ("YYYY-MM-dd", ["Y is the year that a week belongs to"]),
        ("YYYY-MM-DD hh:mm", ["Y is the year", "D is the day of the year", "h and K count to 12"]),
        ("yyyy-mm-dd", ["m are minutes"]),
        ("YYYY-MM-dd'", ["the quote at the end", "Y is the year"]),
        ("YYYY-'W'ww-u", []),
        ("yyyy-DDD HH:mm", []),
        ("MM/dd/yyyy hh:mm:ss a", []),
        ("yyyy-MM-dd'T'HH:mm:ss.SSSX", []),
    ],
)
def test_letters_that_are_hardly_meant_are_remarked(pattern, remarks):
    remark = compile_pattern(pattern).remark
    assert [each for each in remarks if each not in (remark or "")] == []
    assert bool(remark) == bool(remarks)
