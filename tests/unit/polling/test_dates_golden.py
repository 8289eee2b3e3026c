"""Dates as the real SimpleDateFormat reads and writes them, and the few places where we differ on purpose."""

from __future__ import annotations

import gzip
import json
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from signalpost.model.errors import InvalidRequestError
from signalpost.polling.dates import compile_pattern, parse_zone

VECTORS = Path(__file__).parents[2] / "golden" / "simple-date-format.jsonl.gz"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NOW = datetime(2026, 1, 1, tzinfo=UTC)
GREGORIAN_SINCE = -12_219_292_800_000  # 15 October 1582: before it, Java counts by the Julian calendar
YEAR_10000 = 253_402_300_800_000


def load() -> list[dict]:
    with gzip.open(VECTORS, "rt") as file:
        return [json.loads(line) for line in file]


def ours(vector: dict) -> str | int | None:
    pattern, zone = compile_pattern(vector["pattern"]), parse_zone(vector["zone"])
    if "written" in vector:
        return pattern.write(EPOCH + timedelta(milliseconds=vector["instant"]), zone)
    try:
        return (pattern.read(vector["text"], zone, now=NOW) - EPOCH) // timedelta(milliseconds=1)
    except InvalidRequestError:
        return None


def differs_on_purpose(vector: dict) -> bool:
    """Say whether this is a place where we mean to differ; docs/reference/date-patterns.md says why."""
    instant = vector.get("instant", vector.get("read"))
    if instant is not None and not GREGORIAN_SINCE <= instant < YEAR_10000:
        return True
    run = re.search("S+", vector["pattern"])
    text = vector.get("text", vector.get("written", ""))
    digits = re.search(r"\.([0-9]+)", text)
    return run is not None and (len(run[0]) != 3 or (digits is not None and len(digits[1]) != 3))


def test_every_vector_is_read_and_written_as_java_does_or_differs_on_purpose():
    vectors = load()
    wrong = [
        (vector, found)
        for vector in vectors
        if (found := ours(vector)) != vector.get("written", vector.get("read"))
        and not differs_on_purpose(vector)
    ]
    assert len(vectors) > 7000
    assert sum(vector.get("read", 0) is None for vector in vectors) > 1000
    assert wrong == []


def test_differences_are_few():
    differing = [vector for vector in load() if ours(vector) != vector.get("written", vector.get("read"))]
    assert len(differing) < 200


@pytest.mark.parametrize(
    ("text", "milliseconds"), [("2026-05-28T11:40:01.5Z", 500), ("2026-05-28T11:40:01.123456Z", 123)]
)
def test_digits_after_the_point_are_a_fraction_where_java_takes_them_for_milliseconds(text, milliseconds):
    read = compile_pattern("yyyy-MM-dd'T'HH:mm:ss.SSSX").read(text, UTC, now=NOW)
    assert read.replace(microsecond=0) == datetime(2026, 5, 28, 11, 40, 1, tzinfo=UTC)
    assert read.microsecond // 1000 == milliseconds


def test_the_stray_apostrophe_of_the_documentation_is_forgiven_with_a_remark():
    pattern = compile_pattern("yyyy-MM-dd'T'HH:mm:ss.SSSX'")
    assert pattern.remark
    assert pattern.read("2026-05-28T11:40:01.000Z", UTC, now=NOW) == datetime(
        2026, 5, 28, 11, 40, 1, tzinfo=UTC
    )


@pytest.mark.parametrize("text", ["yyyy-MM-dd'T", "yyyy-QQ", "yyyy-MM-ddTHH", "b"])
def test_what_no_java_reader_takes_is_refused_with_words(text):
    with pytest.raises(InvalidRequestError):
        compile_pattern(text)
