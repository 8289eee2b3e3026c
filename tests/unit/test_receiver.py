"""The receiver's library: what decides, what is refused, and that nothing a stranger sends makes it raise."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import CIMultiDict
from starlette.datastructures import Headers as StarletteHeaders
from werkzeug.datastructures import Headers as WerkzeugHeaders

from signalpost.delivery.sign import signature_headers
from signalpost.receiver import LONGEST_KEY, find_key_fault, sign_open_connectors, sign_standard, verify

NOW = 1_700_000_000
BODY = b'{"id":"1"}'
ELEMENTS = "Elements-Webhook-Signature"


def sign(*keys: str, timestamp: int = NOW, body: bytes = BODY) -> dict[str, str]:
    return signature_headers(keys or ["k"], notification_id="n-1", timestamp=timestamp, body=body)


def only_standard(**changes: str) -> dict[str, str]:
    headers = {name: value for name, value in sign().items() if name != ELEMENTS}
    return headers | {name.replace("_", "-"): value for name, value in changes.items()}


@pytest.mark.parametrize(
    ("changes", "now", "valid"),
    [
        ({}, NOW, True),
        ({}, NOW + 300, True),
        ({}, NOW - 300, True),
        ({}, NOW + 301, False),
        ({}, NOW - 301, False),
        ({"webhook_id": "n-2"}, NOW, False),
        ({"webhook_id": ""}, NOW, False),
        ({"webhook_id": "n-\udc81"}, NOW, False),
        ({"webhook_timestamp": str(NOW + 1)}, NOW, False),
        ({"webhook_timestamp": "soon"}, NOW, False),
        ({"webhook_timestamp": f"-{NOW}"}, NOW, False),
        ({"webhook_timestamp": f" {NOW}"}, NOW, False),
        ({"webhook_timestamp": "\u0661"}, NOW, False),
        ({"webhook_timestamp": "9" * 5000}, NOW, False),
        ({"webhook_signature": ""}, NOW, False),
        ({"webhook_signature": "v1,\u00fc\udc80"}, NOW, False),
        ({"webhook_signature": "v1a," + "x" * 44}, NOW, False),
    ],
)
def test_the_standard_scheme_on_its_own(changes: dict[str, str], now: int, valid: bool) -> None:
    assert verify(only_standard(**changes), BODY, ["k"], now=now) is valid


def test_open_connectors_scheme_on_its_own() -> None:
    headers = {"elements-webhook-signature": sign_open_connectors("k", BODY)}
    assert verify(headers, BODY, ["k"], now=NOW)
    assert not verify(headers, BODY, ["k"], now=NOW, require_timestamp=True)
    assert not verify({"elements-webhook-signature": "sha1=x"}, BODY, ["k"], now=NOW)
    assert not verify({}, BODY, ["k"], now=NOW)


@pytest.mark.parametrize("spoiled", ["", "v1,xyz", None])
def test_the_other_header_does_not_make_up_for_a_standard_one_that_is_wrong(spoiled: str | None) -> None:
    # None: nothing is spoiled, but it is old; that is how a recorded notification would be sent again.
    headers = sign() if spoiled is None else {**sign(), "webhook-signature": spoiled}
    assert not verify(headers, BODY, "k", now=NOW + (301 if spoiled is None else 0))


def test_an_id_that_only_looks_the_same_when_it_is_written_is_another() -> None:
    signature = sign_standard("k", notification_id="a?b", timestamp=NOW, body=BODY)
    headers = {"webhook-timestamp": str(NOW), "webhook-signature": signature}
    assert verify({**headers, "webhook-id": "a?b"}, BODY, "k", now=NOW)
    for other in ("a\udc80b", "a\ud800b", "a\u00e9b"):
        assert not verify({**headers, "webhook-id": other}, BODY, "k", now=NOW)


def test_what_was_signed_cannot_be_cut_elsewhere() -> None:
    # Who may name a file can write a later time and what looks like a body into what we sign.
    body = f'{{"name":".{NOW + 9000}.[]"}}'
    signed = sign(body=body.encode())
    moved = {"webhook-id": f'n-1.{NOW}.{{"name":"', "webhook-timestamp": str(NOW + 9000)}
    assert verify(signed, body, "k", now=NOW)
    assert not verify(
        {"webhook-signature": signed["webhook-signature"], **moved}, '[]"}', "k", now=NOW + 9000
    )


def test_one_valid_signature_among_others_is_enough() -> None:
    signature = sign_standard("k", notification_id="n-1", timestamp=NOW, body=BODY)
    assert verify(only_standard(webhook_signature=f"v1a,xyz v1,xyz {signature}"), BODY, ["k"], now=NOW)


def test_one_key_or_several_and_a_body_of_bytes_or_text() -> None:
    assert verify(sign("old"), BODY, ["new", "old"], now=NOW)
    assert verify(sign("old"), BODY, (key for key in ("new", "old")), now=NOW)
    assert verify(sign(body="\u00e9".encode()), "\u00e9", "k", now=NOW)
    assert verify(sign(), bytearray(BODY), "k", now=NOW)
    assert verify(sign(timestamp=int(time.time())), BODY, "k")
    assert not verify(sign(), BODY, "k")  # of years ago


@pytest.mark.parametrize("keys", ["", [""], [None], [], " \n", "whsec_", "whsec_not base64!"])
def test_a_key_that_is_none_fits_nothing(keys: Any) -> None:
    # Whoever forgot to set the key must not take what is signed with nothing.
    headers = {
        "webhook-id": "n-1",
        "webhook-timestamp": str(NOW),
        "webhook-signature": sign_standard("\0", notification_id="n-1", timestamp=NOW, body=BODY),
    }
    assert not verify(headers, BODY, keys, now=NOW)
    for key in ("", *(each or "" for each in ([keys] if isinstance(keys, str) else keys))):
        assert not verify({ELEMENTS: sign_open_connectors(key, BODY)}, BODY, keys, now=NOW)


@pytest.mark.parametrize(
    "kind",
    [
        dict,
        lambda headers: list(headers.items()),
        lambda headers: [(name.encode(), value.encode()) for name, value in headers.items()],
        lambda headers: {name.upper(): value.encode() for name, value in headers.items()},
        lambda headers: {**headers, "Content-Length": 10, b"x": None, "webhook-other": ["a"], 5: "y"},
        StarletteHeaders,
        WerkzeugHeaders,
        CIMultiDict,
    ],
)
def test_headers_as_frameworks_give_them(kind: Any) -> None:
    assert verify(kind(sign()), BODY, "k", now=NOW)
    assert not verify(kind(sign()), BODY + b" ", "k", now=NOW)


@pytest.mark.parametrize("name", ["webhook-id", "webhook-timestamp", "webhook-signature", ELEMENTS])
def test_a_header_that_stands_there_twice_is_refused(name: str) -> None:
    assert not verify([*sign().items(), (name.upper(), sign()[name])], BODY, "k", now=NOW)


values = st.one_of(
    st.none(),
    st.text(st.characters(codec=None), max_size=60),
    st.binary(max_size=60),
    st.integers(),
    st.lists(st.text(), max_size=2),
    st.sampled_from(list(sign().values())),
)
names = st.one_of(st.sampled_from([name.upper() for name in sign()]), st.text(max_size=10), st.binary())


@given(
    headers=st.dictionaries(names, values), body=st.one_of(st.binary(), st.text(st.characters(codec=None)))
)
def test_nothing_raises_and_nothing_unsigned_is_taken(headers: Mapping[Any, Any], body: bytes | str) -> None:
    valid = verify(headers, body, ["k", "whsec_!"], now=NOW)
    assert not valid or body in {BODY, BODY.decode()}


def test_huge_headers_are_refused() -> None:
    assert not verify(only_standard(webhook_signature="v1,x " * 200_000), BODY, "k", now=NOW)
    assert not verify(only_standard(webhook_id="x" * 1_000_000), BODY, "k", now=NOW)


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ("", "is empty"),
        (" \t", "is empty"),
        ("x" * (LONGEST_KEY + 1), "1,001 characters"),
        ("x" * 100_000, "at most 1,000"),
        ("one\r\ntwo", "line breaks"),
        ("a\0b", "do not show"),
        ("a\ud800b", "do not show"),
        ("whsec_", "not base64"),
        ("whsec_a b", "not base64"),
    ],
)
def test_says_why_a_key_cannot_be_one(key: str, words: str) -> None:
    assert words in (find_key_fault(key) or "")


@pytest.mark.parametrize("key", ["k", "a key, \u00e9", "x" * LONGEST_KEY, "whsec_YWI=", "whsec_YWI"])
def test_a_good_key_has_no_fault(key: str) -> None:
    assert find_key_fault(key) is None


def test_it_stands_alone_on_the_standard_library() -> None:
    code = "import sys, signalpost.receiver; print(*sorted(sys.modules), sep='\\n')"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    modules = set(loaded.stdout.split())
    assert {name for name in modules if name.startswith("signalpost")} == {
        "signalpost",
        "signalpost.receiver",
    }
    assert not modules & {"aiohttp", "asyncio", "fastapi", "orjson", "pydantic", "cryptography"}
