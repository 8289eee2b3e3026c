"""Patterns, zones and templates: nothing but a clear error on any input, and what is written is read again."""

from __future__ import annotations

import contextlib
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.model.errors import InvalidRequestError
from signalpost.polling.dates import compile_pattern, parse_zone
from signalpost.polling.templates import expand

NOW = datetime(2026, 1, 1, tzinfo=UTC)
COMPLETE = [
    "yyyy-MM-dd'T'HH:mm:ss.SSSXXX",
    "yyyy-MM-dd'T'HH:mm:ssXXX",
    "EEE, dd MMM yyyy HH:mm:ss Z",
    "yyyyMMddHHmmssZ",
]


@given(
    st.sampled_from(COMPLETE),
    st.sampled_from(["UTC", "America/Denver", "-8:00", "Asia/Kolkata", "Europe/Berlin"]),
    st.datetimes(datetime(1972, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)),  # noqa: DTZ001
)
def test_what_is_written_is_read_again(pattern, zone, moment):
    form, where = compile_pattern(pattern), parse_zone(zone)
    precision = 1000 if "SSS" in pattern else 1_000_000
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
        ("/a", "/a"),
    ],
)
def test_the_variables_seen_in_the_wild(url, expanded):
    later = NOW + timedelta(days=1)
    assert unquote(expand(url, last_poll_at=NOW, now=later)) == expanded


@pytest.mark.parametrize(
    "url", ["${nothing}", "${gmtDate:QQ}", "${dateTimeZone:Nowhere/Land:yyyy}", "${gmtDate"]
)
def test_an_unknown_variable_is_named(url):
    with pytest.raises(InvalidRequestError):
        expand(url, last_poll_at=NOW, now=NOW)
