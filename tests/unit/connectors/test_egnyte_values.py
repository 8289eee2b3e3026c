"""Dates, numbers and paths in every form that Egnyte gives them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.connectors.egnyte.values import (
    fold_path,
    format_timestamp,
    read_instant,
    read_path,
    read_whole,
)
from signalpost.model.errors import InvalidRequestError

MOMENT = datetime(2026, 5, 28, 8, 2, 48, tzinfo=UTC)


@pytest.mark.parametrize(
    "value",
    [
        "2026-05-28T08:02:48.000Z",
        "2026-05-28T08:02:48+0000",
        "2026-05-28T10:02:48.000+0200",
        "2026-05-28T08:02:48",
        "Thu, 28 May 2026 08:02:48 GMT",
        "Thu, 28 May 2026 08:02:48GMT",
        "Thursday, May 28, 2026 08:02:48 AM GMT",
        1779955368000,
        1779955368000.0,
        "1779955368000",
        1779955368,
        " 1779955368 ",
    ],
)
def test_every_form_of_a_date(value):
    assert read_instant(value) == MOMENT


@pytest.mark.parametrize(
    "value", [None, "", "yesterday", True, [], {}, 10**17, float("nan"), "0001-01-01T00:00:00+05:00"]
)
def test_what_is_no_date_is_none(value):
    assert read_instant(value) is None


@given(st.none() | st.booleans() | st.integers() | st.floats() | st.text())
def test_no_value_crashes_the_readers(value):
    read_instant(value)
    read_whole(value)


@pytest.mark.parametrize(
    ("value", "number"),
    [(3, 3), ("3", 3), (" -3 ", -3), (3.0, 3), ("3.0", 3), (3.5, None), ("x", None), (True, None)],
)
def test_numbers(value, number):
    assert read_whole(value) == number


@given(st.datetimes(timezones=st.just(UTC)).map(lambda moment: moment.replace(microsecond=0)))
def test_times_survive(moment):
    assert read_instant(format_timestamp(moment)) == moment


@pytest.mark.parametrize(
    ("text", "path"), [("/", ""), ("/Shared/", "/Shared"), ("/a b/#%&+", "/a b/#%&+"), ("/a/...", "/a/...")]
)
def test_paths(text, path):
    assert read_path("path", text) == path


@pytest.mark.parametrize("text", ["", "Shared", "/a/../b", "/./a", "/..", "/a//b", "../a"])
def test_paths_that_are_not_absolute_are_refused(text):
    with pytest.raises(InvalidRequestError, match=r"^path: .*'/Shared/Legal'"):
        read_path("path", text)


def test_paths_are_compared_whatever_the_letter_case():
    assert fold_path("/Shared/STRASSE/") == fold_path("/shared/stra\u00dfe")
