"""Excerpts of answers can be shown and stored anywhere."""

from __future__ import annotations

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
