"""Secrets that an answer repeats are masked in every spelling, in its body and its headers."""

from __future__ import annotations

import html
import json
from urllib.parse import quote, quote_plus

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict

from signalpost.outbound import Answer
from signalpost.outbound.masking import mask_secrets


def escape_as_gson(text):
    return "".join(f"\\u{ord(each):04x}" if each in "<>&='" else each for each in text)


SPELLINGS = {
    "as it is": str,
    "JSON": lambda text: json.dumps(text)[1:-1],
    "JSON without escapes": lambda text: json.dumps(text, ensure_ascii=False)[1:-1],
    "JSON of PHP": lambda text: json.dumps(text)[1:-1].replace("/", "\\/"),
    "JSON of Java": escape_as_gson,
    "JSON of .NET": lambda text: text.replace("+", "\\u002B").replace("&", "\\u0026"),
    "HTML": html.escape,
    "HTML by numbers": lambda text: "".join(each if each.isalnum() else f"&#{ord(each)};" for each in text),
    "an address": quote,
    "a whole address": lambda text: quote(text, safe=""),
    "a form": quote_plus,
    "an address in small letters": lambda text: "".join(
        each if each.isalnum() else quote(each, safe="").lower() for each in text
    ),
    "an address in JSON of PHP": lambda text: quote(text).replace("/", "\\/"),
}


def mask(body, secret, headers=()):
    return mask_secrets(Answer(200, CIMultiDict(headers), body, False, 0.1), [None, "short", secret])


@pytest.mark.parametrize("spell", SPELLINGS.values(), ids=list(SPELLINGS))
@pytest.mark.parametrize("secret", ["plain-key_1.2~3", "ab+/cd/efg==", "a b&c'd<e>\"f\\", "ké-ŷ-😀-12345"])
def test_every_spelling_is_masked(spell, secret):
    assert mask(f"a {spell(secret)} b".encode(), secret).body == b"a ******** b"


@given(st.text(min_size=8), st.sampled_from(list(SPELLINGS.values())))
def test_nothing_is_left_of_any_secret(secret, spell):
    assert mask(f"[{spell(secret)}]".encode(), secret).body == b"[********]"


def test_other_words_stay():
    body = b'{"short": "a+key+of+mine", "key": "A KEY OF MINE"}'
    assert mask(body, "a-key-of-mine").body == body


def test_headers_are_masked_in_each_line():
    lines = [("Link", "<https://a/?k=a%2Fkey%2Fof>; rel=next"), ("link", "<https://a/?k=a/key/of>; rel=last")]
    given = [*lines, ("Location", "a/key/of"), ("X", "b\udcff")]
    headers = mask(b"", "a/key/of", given).headers
    assert list(headers.items()) == [
        ("Link", "<https://a/?k=********>; rel=next"),
        ("link", "<https://a/?k=********>; rel=last"),
        ("Location", "********"),
        ("X", "b\udcff"),
    ]
    assert headers["LOCATION"] == "********"


def test_what_is_written_in_one_way_around_another_is_masked_as_well():
    secret = 'a/b c+d&é\\"x'
    for inner in (quote_plus, lambda text: quote(text, safe=""), html.escape):
        assert mask(json.dumps({"at": inner(secret)}).encode(), secret).body == b'{"at": "********"}'


def test_of_several_secrets_that_overlap_the_first_is_masked():
    answer = Answer(400, CIMultiDict(), b"at k=a%2Fkey%2Fof%2Fmine&x=1, a/key/of/mine and more", False, 0.1)
    masked = mask_secrets(answer, ["k=a/key/of/mine", "a/key/of/mine", "key/of/mine&x"])
    assert masked.body == b"at ********&x=1, ******** and more"


@given(st.binary(max_size=60), st.text(min_size=8, max_size=12))
def test_no_body_is_one_that_cannot_be_masked(body, secret):
    spelled = [spell(secret).encode() for spell in SPELLINGS.values()]
    assert secret.encode() not in mask(b"[%b]" % body.join(spelled), secret).body


HOSTILE = {
    "one of two ways at each place": ("\\" * 60 + "x", b"\\" * 90),
    "two characters as one or as two": ("\\/" * 60 + "x", b"\\\\/" * 60),
    "nearly the same from everywhere on": ("-" * 7_999 + "x", b"-" * 64_000 + b"x-"),
    "nearly the same, written out": ("-" * 4_999 + "x", b"%2d" * 21_000 + b"x"),
    "in many ways within each other": ("\\-" * 400 + "x", b"\\u005c%2d&#45;" * 4_500 + b"x"),
}


@pytest.mark.parametrize(("secret", "body"), HOSTILE.values(), ids=list(HOSTILE))
def test_who_sets_the_secret_and_answers_keeps_nobody_busy(secret, body):
    """By a pattern of the secret the first took years, the third half a minute."""
    answer = Answer(500, CIMultiDict([("X", body.decode()[:16_000])]), body, False, 0.1)
    mask_secrets(answer, [secret] * 20 + [f"{secret}{number}" for number in range(20)])
