"""Excerpts of answers can be shown and stored anywhere."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.outbound import Answer


def make_answer(body: bytes) -> Answer:
    return Answer(200, {}, body, truncated=False, seconds=0.0)


@pytest.mark.parametrize(
    ("body", "excerpt"),
    [
        (b"", ""),
        (b'{"ok": true}', '{"ok": true}'),
        ("sch\u00f6n \U0001f600".encode(), "sch\u00f6n \U0001f600"),
        (b"two\r\nlines\t\x00\x1b[31m", "two\\r\\nlines\\t\\x00\\x1b[31m"),
        (b"\xff\xfe1", "\\xff\\xfe1"),
        ("\u202e\u2028".encode(), "\\u202e\\u2028"),
    ],
)
def test_shows_text_and_escapes_the_rest(body: bytes, excerpt: str) -> None:
    assert make_answer(body).excerpt() == excerpt


@given(st.one_of(st.binary(), st.text().map(lambda text: text.encode(errors="replace"))), st.integers(0, 50))
def test_is_printable_and_short(body: bytes, limit: int) -> None:
    excerpt = make_answer(body).excerpt(limit)
    assert excerpt.isprintable()
    assert len(excerpt) <= limit


@given(st.text(st.characters(exclude_categories=["C", "Z"]), max_size=60), st.integers(0, 50))
def test_keeps_printable_text_up_to_the_limit(text: str, limit: int) -> None:
    assert make_answer(text.encode()).excerpt(limit) == text[:limit]


@given(st.lists(st.sampled_from(["a", "\\", '"', "\x00", "\u00e9", "\U0001f600", "\ud83d", "\ude00"])))
def test_halves_of_a_character_are_replaced_and_all_else_is_read_as_it_came(letters: list[str]) -> None:
    text = "".join(letters)
    written = json.dumps({text: [text]})
    # Two halves that meet are a character.
    whole = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    expected = "".join("\ufffd" if "\ud800" <= each <= "\udfff" else each for each in whole)
    assert make_answer(written.encode()).read_json() == {expected: [expected]}


def test_a_byte_order_mark_is_passed_over() -> None:
    assert make_answer(b'\xef\xbb\xbf{"a": [1, "\xc3\xa9"]}').read_json() == {"a": [1, "\u00e9"]}


@pytest.mark.parametrize(
    "body",
    [b"", b"\xef\xbb\xbf", b"<html>\\ud83d", b'["\\ud83d"', b'["\\ud83d", NaN]', b'"\\ud83d' + b"[" * 9],
)
def test_what_is_no_json_is_told(body: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        make_answer(body).read_json()


def test_json_nested_too_deeply_is_told() -> None:
    with pytest.raises(ValueError, match=r"deep|recursion"):
        make_answer(b"[" * 100_000 + b'"\\ud83d"' + b"]" * 100_000).read_json()
