"""What holds for all inputs of the API's pure parts: subdomain, interval, names, tags, secrets, paging."""

from __future__ import annotations

import base64
import json
import re
import unicodedata
from urllib.parse import urlsplit

import pytest
from fastapi import Response
from hypothesis import example, given
from hypothesis import strategies as st

from signalpost.api.authentication import Secrets, read_authorization
from signalpost.api.paging import FURTHEST, MOST_PAGE_SIZE, Paging, read_paging, write_paging
from signalpost.connectors.egnyte import EgnyteConnector
from signalpost.instances.wishes import (
    LONGEST_NAME,
    MOST_CHARACTERS,
    MOST_VALUES,
    clean_tags,
    clean_text,
    merge_configuration,
)
from signalpost.model.configuration import MASK, MOST_MINUTES, POLL_INTERVAL, read_interval_seconds, stringify
from signalpost.model.errors import RequestError

EGNYTE = EgnyteConnector()
TEXT = st.text(max_size=80)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats() | TEXT, st.lists, max_leaves=5
)


def attempt(act):
    """Give what ``act`` gives and no words, or nothing and the words of its refusal."""
    try:
        return act(), ""
    except RequestError as error:
        return None, str(error)


@given(TEXT | st.from_regex(r"[a-z0-9.@#/:\\-]{0,70}"))
@example("acme@evil.com/")
@example("\u212aelvin")
@example("acme\n")
def test_a_subdomain_is_refused_or_stays_within_the_providers_own_domain(text):
    host, refusal = attempt(lambda: EGNYTE.find_host({"subdomain": text}))
    if host is None:
        assert refusal.startswith("subdomain: ")
        return
    parts = urlsplit(host)
    assert host == f"https://{parts.netloc}"
    assert re.fullmatch(r"[a-z0-9][a-z0-9_-]*\.egnyte\.com", parts.netloc)


@given(st.from_regex(r"[A-Za-z0-9]([A-Za-z0-9_-]{0,61}[A-Za-z0-9])?", fullmatch=True))
def test_every_label_is_a_subdomain(label):
    assert EGNYTE.find_host({"subdomain": f" {label} "}) == f"https://{label.lower()}.egnyte.com"


@given(JSON, st.floats(0.1, 3_600))
@example("\u0661\u0665", 60)
@example("1_0", 60)
@example("NaN", 60)
def test_an_interval_is_refused_or_within_the_bounds(value, least_seconds):
    configuration = {POLL_INTERVAL: stringify(value)}
    seconds, refusal = attempt(lambda: read_interval_seconds(configuration, minimum_seconds=least_seconds))
    if seconds is None:
        assert refusal.startswith(f"{POLL_INTERVAL}: ")
        return
    assert least_seconds - 1e-6 <= seconds <= MOST_MINUTES * 60


@given(st.floats(1, MOST_MINUTES) | st.integers(1, MOST_MINUTES))
def test_every_interval_within_the_bounds_is_taken_as_number_and_as_text(minutes):
    for value in (minutes, str(minutes), f" {minutes} "):
        configuration = {POLL_INTERVAL: stringify(value)}
        assert read_interval_seconds(configuration, minimum_seconds=60) == pytest.approx(minutes * 60)


@given(TEXT | st.text("<>/ab ", max_size=40))
def test_a_name_is_refused_or_free_of_markup_and_cleaning_it_again_changes_nothing(text):
    cleaned, refusal = attempt(lambda: clean_text("name", text))
    if cleaned is None:
        assert refusal.startswith("name: ")
        return
    assert 1 <= len(cleaned) <= LONGEST_NAME
    assert not any(unicodedata.category(each) in {"Cc", "Cs", "Zl", "Zp"} for each in cleaned)
    assert not set(cleaned) & set("\u200b\u200e\u200f\u202a\u202e\u2066\u2069\ufeff")
    assert not re.search("<[^>]*>", cleaned)
    assert clean_text("name", cleaned) == cleaned


@pytest.mark.parametrize("text", ["<" * 900_000, "<a" * 450_000 + ">", "<a>" * 300_000])
def test_a_name_as_long_as_a_body_holds_nobody_up(text):
    """To look for the end of each mark that has none would take the whole process half an hour."""
    with pytest.raises(RequestError, match="name: "):
        clean_text("name", text)


@given(
    st.lists(
        st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=20) | st.just(" "), max_size=50
    )
)
def test_tags_are_kept_in_order_but_for_empty_ones(tags):
    assert clean_tags(tags) == tuple(tag for tag in tags if tag.strip())


VALUES = st.text("xyz* ", min_size=1, max_size=9).filter(str.strip)


@given(
    st.dictionaries(st.text("abc.", min_size=1, max_size=9), st.tuples(VALUES, st.booleans())), st.booleans()
)
def test_a_configuration_sent_back_as_it_was_shown_stays_as_it_was(values, whole):
    before = {key: value for key, (value, _) in values.items()}
    shown = {key: MASK if is_masked else value for key, (value, is_masked) in values.items()}
    assert merge_configuration(shown, before, EGNYTE, whole=whole) == before


@pytest.mark.parametrize(
    ("values", "told"),
    [
        (dict.fromkeys(map(str, range(MOST_VALUES)), "x"), f"{MOST_VALUES + 1:,} values"),
        ({"long": "x" * (MOST_CHARACTERS - 4)}, "1,000,006 characters"),
    ],
)
def test_a_configuration_grows_up_to_its_bounds_change_by_change(values, told):
    full = merge_configuration(values, {}, EGNYTE, whole=False)
    assert full == values
    with pytest.raises(RequestError, match=f"configuration: it would have {told}"):
        merge_configuration({"more": "xx"}, full, EGNYTE, whole=False)
    beyond = {**full, "more": "xx"}  # an earlier release took it
    assert merge_configuration({"more": "yy"}, beyond, EGNYTE, whole=False) == {**full, "more": "yy"}


SECRET = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters=","), min_size=1, max_size=50
)
PARTS = ("User", "Organization", "Element")
SPACE = st.text(" \t", max_size=3)


@given(
    st.permutations(PARTS),
    st.tuples(SECRET, SECRET, SECRET),
    st.lists(SPACE, min_size=6, max_size=6),
    st.booleans(),
)
def test_secrets_are_read_in_any_order_case_and_spacing(order, values, spaces, upper):
    given_values = dict(zip(PARTS, values, strict=True))
    parts = [
        f"{spaces[place]}{part.upper() if upper else part.lower()} {spaces[place + 3]}{given_values[part]}"
        for place, part in enumerate(order)
    ]
    assert read_authorization(",".join(parts)) == Secrets(*values)


@given(TEXT | st.lists(st.sampled_from([*PARTS, " ", ",", "x", "y"]), max_size=14).map("".join))
def test_a_header_is_refused_or_says_who_asks(header):
    secrets, refusal = attempt(lambda: read_authorization(header))
    if secrets is None:
        assert "Authorization: User <user secret>" in refusal
        return
    assert secrets.user in header
    assert (secrets.organization or secrets.element) in header


@given(
    st.integers(1, MOST_PAGE_SIZE),
    st.lists(st.integers(0, FURTHEST - 1), min_size=1, max_size=2),
    st.none() | st.integers(1, MOST_PAGE_SIZE),
)
def test_the_token_of_a_full_page_leads_on_from_its_end(size, last, next_size):
    response = Response()
    write_paging(response, Paging("GET /a", size, (), 0), range(size), last)
    token = response.headers["Elements-Next-Page-Token"]
    read = read_paging("GET /a", next_size and str(next_size), token, "7")
    assert read == Paging("GET /a", next_size or size, tuple(last), 0)
    assert attempt(lambda: read_paging("GET /b", None, token, None))[0] is None


@given(st.integers(2, MOST_PAGE_SIZE), st.data())
def test_a_page_that_is_not_full_is_the_last(size, data):
    response = Response()
    count = data.draw(st.integers(0, size - 1))
    write_paging(response, Paging("GET /a", size, (), 0), range(count), [5] if count else None)
    assert "Elements-Next-Page-Token" not in response.headers
    assert response.headers["Elements-Returned-Count"] == str(count)


def write_token(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode()


NUMBER = st.integers() | st.floats() | TEXT | st.none() | st.booleans()
FORGED = (
    st.fixed_dictionaries(
        {"after": st.lists(NUMBER, max_size=4) | NUMBER, "pageSize": NUMBER},
        optional={"list": st.just("GET /a") | JSON},
    )
    | JSON
)


@given(TEXT | FORGED.map(write_token))
@example(write_token({"after": [2**62], "pageSize": 1}))
@example(write_token({"after": [True], "pageSize": 1}))
@example(write_token({"after": "12", "pageSize": 1}))
def test_a_forged_token_is_refused_or_leads_to_no_place_that_is_none(token):
    paging, refusal = attempt(lambda: read_paging("GET /a", None, token, None))
    if paging is None:
        assert refusal.startswith("nextPage: ")
        return
    assert 1 <= paging.size <= MOST_PAGE_SIZE
    assert len(paging.after) <= 2
    assert all(type(number) is int and 0 <= number < FURTHEST for number in paging.after)
    assert paging.offset == 0


@given(TEXT | st.integers().map(str), TEXT | st.integers().map(str))
def test_page_numbers_are_refused_or_within_the_bounds(size, page):
    paging, refusal = attempt(lambda: read_paging("GET /a", size, None, page))
    if paging is None:
        assert re.match("pageSize: |page: ", refusal)
        return
    assert 1 <= paging.size <= MOST_PAGE_SIZE
    assert paging.offset % paging.size == 0
    assert paging.offset // paging.size < 1_000_000
