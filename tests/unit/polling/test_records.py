"""Records: who they are, which version, when; whatever they hold, told and never an exception."""

from __future__ import annotations

import json
import re
from datetime import UTC, datetime, timedelta

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.polling.configuration.definition import DateSetting
from signalpost.polling.dates import compile_pattern, parse_zone
from signalpost.polling.records import EARLIEST, LONGEST_ID, RecordReader
from signalpost.polling.strategies.reading import read_records
from tests.unit.polling.turns import take_turns

NOW = datetime(2026, 6, 1, tzinfo=UTC)
AT = datetime(2026, 5, 28, 11, 41, 12, tzinfo=UTC)
BY_CONTENT = re.compile(r"content-[0-9a-f]{32}")


def reader(id_field="id", pattern=None, zone="UTC"):
    updated = None if pattern is None else DateSetting("d", compile_pattern(pattern), parse_zone(zone))
    return RecordReader(id_field, updated, None, NOW)


@pytest.mark.parametrize(
    ("field", "record", "object_id"),
    [
        ("id", {"id": "a"}, "a"),
        ("id", {"id": 5}, "5"),
        ("id", {"id": 5.0}, "5"),
        ("id", {"id": 5.5}, "5.5"),
        ("id", {"id": 0}, "0"),
        ("id", {"id": float(2**53)}, "9007199254740992"),
        ("id", {"id": 2**64 - 1}, "18446744073709551615"),
        ("id", {"id": False}, "false"),
        ("id", {"id": " a "}, " a "),
        ("a.b", {"a": {"b": 1}}, "1"),
        ("a.b", {"a.b": 2, "a": {"b": 1}}, "2"),
        ("a.b.c", {"a.b": {"c": 3}, "a": {"b": {"c": 1}}}, "3"),
        ("a.b.c", {"a": {"b.c": 4}}, "4"),
        ("$.id", {"id": 5}, "5"),
        ("@.@id", {"@id": 6}, "6"),
        ("@.@id", {"@": {"@id": 7}, "@id": 6}, "7"),
        ("lines.n", {"lines": [{"n": 2}, {"n": 0}]}, "2|0"),
        ("ids", {"ids": [2, [0, "x"]]}, "2|0|x"),
        ("id", {"id": "a\0b\ud800"}, "a\ufffdb\ufffd"),
    ],
)
def test_ids(field, record, object_id):
    read = reader(field).read(record)
    assert (read.object_id, read.by_content) == (object_id, False)


@pytest.mark.parametrize(
    ("record", "words"),
    [
        ({}, "'id' is not there"),
        ({"id": None}, "'id' is None"),
        ({"id": ""}, "'id' is empty"),
        ({"id": "  "}, "'id' is empty"),
        ({"id": {"x": 1}}, "'id' is an object"),
        ({"id": [1, None]}, "'id' is None"),
        ({"id": []}, "'id' is not there"),
        ({"id": float("inf")}, "'id' is inf"),
        ({"id": orjson.loads("100000000000000000001")}, "'id' is 1e+20"),
    ],
)
def test_without_an_id_a_record_is_known_by_its_content_and_that_is_told(record, words):
    read = reader().read(record)
    assert read.by_content
    assert read.object_id == f"content-{read.content}"
    [problem] = read.problems
    assert words in problem


def test_an_empty_id_field_means_by_content_and_is_no_problem():
    one, other = (reader("").read(record) for record in ({"a": 1, "b": 2}, {"b": 2, "a": 1}))
    assert one.object_id == other.object_id
    assert BY_CONTENT.fullmatch(one.object_id)
    assert one.problems == ()
    assert one.text != other.text
    assert reader("").read({"a": 1, "b": 3}).object_id != one.object_id


def test_long_ids_are_kept_short_and_apart():
    one, other = (reader().read({"id": "x" * 1_500 + end}).object_id for end in "ab")
    assert one != other
    assert one[:900] == other[:900] == "x" * 900
    assert len(one) <= LONGEST_ID
    assert reader().read({"id": "x" * LONGEST_ID}).object_id == "x" * LONGEST_ID


@pytest.mark.parametrize("record", [5, "text", None, [1], [{"id": 1}], True])
def test_what_is_no_object_is_kept_as_a_value(record):
    read = reader("value").read(record)
    assert json.loads(read.text) == {"value": record}
    assert read.by_content
    assert "no object" in read.problems[0]


@pytest.mark.parametrize(
    ("pattern", "zone", "value", "instant", "problem"),
    [
        ("yyyy-MM-dd'T'HH:mm:ss'Z'", "UTC", "2026-05-28T11:41:12Z", AT, None),
        ("yyyy-MM-dd HH:mm:ss", "America/Denver", "2026-05-28 05:41:12", AT, None),
        ("milliseconds", "UTC", AT.timestamp() * 1000, AT, None),
        ("milliseconds", "UTC", str(int(AT.timestamp()) * 1000), AT, None),
        ("", "UTC", "2026-05-28T11:41:12Z", AT, None),
        ("", "+2", "2026-05-28T13:41:12", AT, None),
        ("", "UTC", int(AT.timestamp()), AT, None),
        ("", "UTC", int(AT.timestamp()) * 1_000, AT, None),
        ("", "UTC", str(int(AT.timestamp()) * 1_000_000), AT, None),
        ("", "UTC", "Thu, 28 May 2026 11:41:12 GMT", AT, None),
        ("yyyy-MM-dd'T'HH:mm:ss'Z'", "UTC", "2026-05-28T13:41:12+02:00", AT, "read as ISO 8601"),
        ("yyyy-MM-dd'T'HH:mm:ss'Z'", "+2", "2026-05-28 13:41:12", AT, "read as ISO 8601"),
        ("yyyy-MM-dd'T'HH:mm:ss'Z'", "UTC", "Thu, 28 May 2026 11:41:12GMT", AT, "read as RFC 1123"),
        ("yyyy-MM-dd'T'HH:mm:ss'Z'", "UTC", int(AT.timestamp()), AT, "read as Unix time"),
        ("yyyy-MM-dd'T'HH:mm:ss'Z'", "UTC", str(int(AT.timestamp()) * 1_000), AT, "read as Unix time"),
        ("milliseconds", "UTC", "2026-05-28T11:41:12Z", AT, "read as ISO 8601"),
        *(
            ("", "+2", f"/Date({int(AT.timestamp()) * 1000}{zone})/", AT, None)
            for zone in ("", "+0000", "-0800", "+1300")
        ),
        ("", "UTC", "/Date(-62135596800000)/", EARLIEST, None),
        ("yyyy-MM-dd", "UTC", "/Date(1779968472000)/", AT, "read as a date of .NET"),
        ("", "UTC", "/Date(999999999999999)/", None, "'d' cannot be read"),
        ("", "UTC", "/Date(soon)/", None, "'d' cannot be read"),
        ("yyyy-MM-dd", "UTC", None, None, "'d' is not there or empty"),
        ("yyyy-MM-dd", "UTC", "", None, "'d' is not there or empty"),
        ("yyyy-MM-dd", "UTC", "soon", None, "'d' cannot be read: date 'soon'"),
        ("yyyy-MM-dd", "UTC", True, None, "is no date: it is True"),
        ("yyyy-MM-dd", "UTC", ["2026-05-28"], None, "is no date: it is a list of 1"),
        ("yyyy-MM-dd", "UTC", {}, None, "is no date: it is an object"),
        ("yyyy-MM-dd", "UTC", float("nan"), None, "'d' cannot be read"),
        ("yyyy-MM-dd", "UTC", "12345-05-28", None, "outside of the years"),
        ("milliseconds", "UTC", 10**17, None, "outside of the years"),
        ("", "UTC", 5, None, "5 is no Unix time"),
        ("", "UTC", -62_135_596_801, None, "-62135596801 is no Unix time"),
        ("", "UTC", "9999-12-31T23:59:59-05:00", None, "'d' cannot be read"),
    ],
)
def test_dates(pattern, zone, value, instant, problem):
    read = reader(pattern=pattern, zone=zone).read({"id": 1, "d": value})
    assert (read.updated_at, read.created_at) == (instant, None)
    if problem is None:
        assert read.problems == ()
    else:
        [told] = read.problems
        assert told.startswith("updated: the field 'd' ")
        assert problem in told


def test_a_date_that_is_not_there_is_told_where_one_is_wanted():
    assert reader(pattern="").read({"id": 1}).problems == ("updated: the field 'd' is not there or empty",)
    several = RecordReader("id", DateSetting("x.d", compile_pattern(""), UTC), None, NOW)
    assert (
        "there 2 times"
        in several.read({"id": 1, "x": [{"d": "2026-05-28"}, {"d": "2026-05-29"}]}).problems[0]
    )


def test_a_diagnosis_says_for_people_what_was_read_and_why():
    both = RecordReader(
        "id",
        DateSetting("u", compile_pattern("yyyy-MM-dd'T'HH:mm:ss'Z'"), UTC),
        DateSetting("c", compile_pattern("milliseconds"), UTC),
        NOW,
    )
    told = both.diagnose({"u": "2026-05-28T11:41:12Z", "c": "long ago"})
    assert told["id"]["field"] == "id"
    assert told["id"]["byContent"] is True
    assert BY_CONTENT.fullmatch(told["id"]["objectId"])
    assert "not there" in told["id"]["problem"]
    assert told["updated"] == {
        "field": "u",
        "format": "yyyy-MM-dd'T'HH:mm:ss'Z'",
        "zone": "UTC",
        "value": "'2026-05-28T11:41:12Z'",
        "instant": "2026-05-28T11:41:12Z",
        "problem": None,
    }
    assert told["created"]["instant"] is None
    assert "'long ago'" in told["created"]["problem"]
    assert reader().diagnose({"id": 1})["updated"] is None


def nest(depth):
    value = []
    for _ in range(depth):
        value = [value]
    return value


@pytest.mark.parametrize(
    "record",
    [
        {"id": 1, "deep": nest(900)},
        {"id": 1, "big": 10**6_000},
        {"id": 1, "half": "\ud800"},
        nest(900),
        10**6_000,
    ],
    ids=["deep", "big", "half", "list", "number"],
)
def test_what_cannot_be_kept_as_it_is_is_shortened_and_told(record):
    odd = RecordReader("id", DateSetting("deep.a", compile_pattern(""), UTC), None, NOW)
    read = odd.read(record)
    assert isinstance(json.loads(read.text), dict)
    assert any("cannot be kept as it is" in problem for problem in read.problems)
    assert orjson.dumps(odd.diagnose(record))


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["id", "d", "a", "a.b"]), inner)
    ),
)


@given(
    ANYTHING,
    st.sampled_from(["id", "", "a.b", "a.b.id", "$.id"]),
    st.sampled_from(["", "yyyy-MM-dd", "milliseconds", "EEE, dd MMM yyyy HH:mm:ss Z"]),
    st.sampled_from(["UTC", "America/Denver", "+14"]),
)
def test_any_record_is_read(record, id_field, pattern, zone):
    setting = DateSetting("d", compile_pattern(pattern), parse_zone(zone))
    whole = RecordReader(id_field, setting, DateSetting("a.d", setting.pattern, setting.zone), NOW)
    read = whole.read(record)
    assert read == whole.read(record)
    assert isinstance(json.loads(read.text), dict)
    assert 0 < len(read.object_id) <= LONGEST_ID
    assert "\0" not in read.object_id
    assert read.by_content == bool(BY_CONTENT.fullmatch(read.object_id))
    for instant in (read.updated_at, read.created_at):
        assert instant is None or instant.utcoffset() == timedelta(0)
    told = whole.diagnose(record)
    assert orjson.dumps(told)
    assert told["id"]["objectId"] == read.object_id


async def test_others_get_their_turns_while_a_page_of_many_records_is_read():
    async with take_turns() as turns:
        read = await read_records(RecordReader("id", None, None, NOW), [{"id": each} for each in range(5000)])
    assert [each.object_id for each, _ in read] == [str(each["id"]) for _, each in read]
    assert len(read) == 5000
    assert len(turns) >= 9


def test_numbers_too_large_to_be_told_apart_are_no_ids():
    """JSON's reader makes both 1e+20: by that one object would stand for the other."""
    rows = orjson.loads('[{"id": 100000000000000000001, "n": 1}, {"id": 100000000000000000002, "n": 2}]')
    one, other = map(reader().read, rows)
    assert one.object_id != other.object_id
