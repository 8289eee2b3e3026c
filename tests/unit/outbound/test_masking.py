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
