"""Patterns, zones and templates: nothing but a clear error on any input, and what is written is read again."""

from __future__ import annotations

import contextlib
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote
from zoneinfo import available_timezones

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.model.errors import InvalidRequestError
from signalpost.polling.configuration.templates import check, expand
from signalpost.polling.dates import compile_pattern, parse_zone

NOW = datetime(2026, 1, 1, tzinfo=UTC)
COMPLETE = [
    "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "yyyy-MM-dd'T'HH:mm:ssXXX",
    "EEE, dd MMM yyyy HH:mm:ss Z",
    "yyyyMMddHHmmssZ",
    "EEEE, MMMM d, yyyy h:mm:ss a XX",
    "YYYY-'W'ww-u kk:mm:ss Z",
    "yyyy DDD K:mm:ss.SSSSSS a XXX",
    "milliseconds",
    "epoch:us",
    "",
]
MICROSECONDS = {"SSSSSS": 1, "epoch:us": 1, "SSS": 1000, "milliseconds": 1000}
ZONES = [*sorted(available_timezones()), "-8:00", "GMT+05:45", "PST", "EST"]


@given(
    st.sampled_from(COMPLETE),
    st.sampled_from(ZONES),
    st.datetimes(datetime(1973, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_what_is_written_is_read_again(pattern, zone, moment):
    form, where = compile_pattern(pattern), parse_zone(zone)
    known = pattern or "SSS"  # no pattern: ISO 8601 with milliseconds
    precision = next((found for word, found in MICROSECONDS.items() if word in known), 1_000_000)
    moment = moment.replace(microsecond=moment.microsecond // precision * precision % 1_000_000)
    assert form.read(form.write(moment, where), where, now=NOW) == moment


@given(st.text(max_size=40))
def test_any_text_is_a_pattern_or_a_clear_error(text):
    with contextlib.suppress(InvalidRequestError):
        compile_pattern(text)


@given(st.text(max_size=40))
def test_any_text_is_a_zone_or_a_clear_error(text):
    with contextlib.suppress(InvalidRequestError):
        parse_zone(text)


@given(st.text(max_size=60) | st.text(alphabet="${}:gmtDateZonepochs '-yMdH", max_size=60))
def test_any_template_is_expanded_or_a_clear_error(text):
    with contextlib.suppress(InvalidRequestError):
        expand(text, last_poll_at=NOW, now=NOW)


@pytest.mark.parametrize(
    ("url", "expanded"),
    [
        ("/a?d='${gmtDate:yyyy-MM-dd'T'HH:mm:ss'Z'}'", "/a?d='2026-01-01T00:00:00Z'"),
        ("/a?d=${GMTDATE:yyyy}", "/a?d=2026"),
        ("/a?d=${epoch}", "/a?d=1767225600000"),
        ("/a?d=${epoch:s}", "/a?d=1767225600"),
        ("/a?d=${epoch:us}", "/a?d=1767225600000000"),
        ("/a?d=${dateTimeZone:-8:00:yyyy-MM-dd HH}", "/a?d=2025-12-31 16"),
        ("/a?d=${nowTimeZone:America/Denver:yyyy-MM-dd}", "/a?d=2026-01-01"),
        ("/a?d=${date}", "/a?d=2026-01-01T00:00:00Z"),
        ("/a?d=${epoch:0}", "/a?d=0"),
        ("/a?d=${dateTimeZone:Asia/Kolkata:HH:mmXXX}", "/a?d=05:30+05:30"),
        ("/a?d=${yyyy-MM-dd'T'HH:mm:ss'Z'}", "/a?d=2026-01-01T00:00:00Z"),
        ("/a?d=${518862600}", "/a?d=1767225600"),
        ("/{name}?d=${date:MM/dd/yyy}&e=${date:HH}", "/{name}?d=01/01/2026&e=00"),
        ("/a", "/a"),
    ],
)
def test_the_variables_seen_in_the_wild(url, expanded):
    later = NOW + timedelta(days=1)
    assert unquote(expand(url, last_poll_at=NOW, now=later)) == expanded


def test_a_plus_of_a_value_stays_one_in_a_query():
    url = expand("/a?d=${dateTimeZone:Asia/Kolkata:XXX}", last_poll_at=NOW, now=NOW)
    assert url == "/a?d=%2B05:30"


def test_what_was_guessed_in_a_template_is_remarked():
    assert check("/a?d=${gmtDate:yyyy}&e=${epoch}") == ()
    assert check("/a?d=${yyyy-MM-dd}") == (
        "${yyyy-MM-dd}: the variable has no name; it was taken for gmtDate",
    )


@pytest.mark.parametrize(
    ("url", "named"),
    [
        ("${nothing}", "${nothing}"),
        ("${epoch:days}", "${epoch:days}"),
        ("${gmtDate:QQ}", "'Q' at position 1"),
        ("${dateTimeZone:Nowhere/Land:yyyy}", "Nowhere/Land"),
        ("${gmtDate", "${gmtDate"),
    ],
)
def test_an_unknown_variable_is_named(url, named):
    with pytest.raises(InvalidRequestError, match=re.escape(named)):
        expand(url, last_poll_at=NOW, now=NOW)
    with pytest.raises(InvalidRequestError, match=re.escape(named)):
        check(url)


@pytest.mark.parametrize(
    ("pattern", "value", "read"),
    [
        ("milliseconds", 1_767_225_600_000, NOW),
        ("milliseconds", " 1767225600000 ", NOW),
        ("milliseconds", 1_767_225_600_000.0, NOW),
        ("seconds", "1767225600.5", NOW + timedelta(seconds=0.5)),
        ("518862600'", 1_767_225_600, NOW),
        ("yyyyMMdd", 20_260_101, NOW),
        ("", 1_767_225_600_000, NOW),
        (None, "2026-01-01T01:00:00.000+0100", NOW),
        ("", "2026-01-01", NOW),
    ],
)
def test_numbers_and_formats_that_are_no_pattern(pattern, value, read):
    assert compile_pattern(pattern).read(value, UTC, now=NOW) == read


@pytest.mark.parametrize("value", [None, True, [], "", "soon", "9" * 5000, float("nan"), 10**30])
@pytest.mark.parametrize("pattern", ["milliseconds", "", "yyyy-MM-dd"])
def test_what_is_no_date_is_a_clear_error(pattern, value):
    with pytest.raises(InvalidRequestError, match="cannot be read"):
        compile_pattern(pattern).read(value, UTC, now=NOW)


@pytest.mark.parametrize(("pattern", "year"), [("yy", 1946), ("y", 1946), ("yyyy", 46)])
def test_two_digit_years_lie_from_80_years_back_on(pattern, year):
    read = compile_pattern(f"{pattern}-MM-dd").read
    assert read("46-01-01", UTC, now=NOW).year == year
    if pattern != "yyyy":
        assert read("45-12-31", UTC, now=NOW).year == 2045


@given(st.sampled_from(COMPLETE), st.text(max_size=40) | st.integers() | st.floats())
def test_any_value_is_a_date_or_a_clear_error(pattern, value):
    with contextlib.suppress(InvalidRequestError):
        assert compile_pattern(pattern).read(value, UTC, now=NOW).tzinfo is UTC
