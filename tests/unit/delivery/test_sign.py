"""Signatures: the documented vector, the Standard Webhooks library, and what holds for all bodies."""

from __future__ import annotations

import base64
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st
from standardwebhooks import Webhook

from signalpost.delivery.sign import sign_open_connectors, sign_standard, signature_headers, verify

NOW = 1_700_000_000
BODY = b'{"id":"1"}'

keys = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40),
    st.binary(min_size=1, max_size=40).map(lambda key: "whsec_" + base64.b64encode(key).decode()),
)
ids = st.text(st.characters(min_codepoint=33, max_codepoint=126), min_size=1, max_size=30)


def write_for_library(key: str) -> str:
    """Give the form of a plain-text key that the library takes."""
    return "whsec_" + base64.b64encode(key.encode()).decode()


def test_the_documented_vector() -> None:
    signature = sign_open_connectors(
        "MySecretEventSignatureKey", b"<INSERT_EVENT_NOTIFICATION_RESPONSE_BODY>"
    )
    assert signature == "sha256=jHdbRx5EZAsOfTwAPJOGkNUzQMVVdu5VJlxcsk+G6jQ="


@pytest.mark.parametrize(
    ("key", "library_key"),
    [
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("whsec_YWI=", "whsec_YWI="),
        ("whsec_YWI", "whsec_YWI="),
        ("plain text", write_for_library("plain text")),
        ("sch\u00f6n", write_for_library("sch\u00f6n")),
        ("whsec_not base64!", write_for_library("whsec_not base64!")),
        ("whsec_", write_for_library("whsec_")),
    ],
)
def test_the_standard_library_verifies_our_headers(key: str, library_key: str) -> None:
    timestamp = int(time.time())
    headers = signature_headers([key], notification_id="n-1", timestamp=timestamp, body=BODY)
    assert Webhook(library_key).verify(BODY, headers) == {"id": "1"}


def test_each_of_two_keys_verifies_during_a_rotation() -> None:
    timestamp = int(time.time())
    headers = signature_headers(["new", "old"], notification_id="n-1", timestamp=timestamp, body=BODY)
    for key in ("new", "old"):
        assert Webhook(write_for_library(key)).verify(BODY, headers) == {"id": "1"}
        assert verify(headers, BODY, [key], now=timestamp)
    assert headers["Elements-Webhook-Signature"] == sign_open_connectors("new", BODY)


def test_without_keys_nothing_is_signed() -> None:
    assert signature_headers([], notification_id="n-1", timestamp=NOW, body=BODY) == {}


@given(key=keys, other=keys, notification_id=ids, body=st.binary(max_size=200))
def test_what_is_signed_verifies_and_with_another_key_does_not(
    key: str, other: str, notification_id: str, body: bytes
) -> None:
    headers = signature_headers([key], notification_id=notification_id, timestamp=NOW, body=body)
    assert verify(headers, body, [key], now=NOW)
    assert verify({name.upper(): value for name, value in headers.items()}, body, [other, key], now=NOW)
    assert verify(headers, body, [other], now=NOW) == _are_equal(key, other)
    assert not verify(headers, body, [], now=NOW)


def _are_equal(key: str, other: str) -> bool:
    """Tell whether two keys sign alike: HMAC fills short keys up with zeros."""
    return any(
        sign(key) == sign(other)
        for sign in (
            lambda key: sign_open_connectors(key, b""),
            lambda key: sign_standard(key, notification_id="", timestamp=0, body=b""),
        )
    )


@given(key=keys, body=st.binary(min_size=1, max_size=200), bit=st.integers(min_value=0))
def test_a_single_changed_bit_of_the_body_fails(key: str, body: bytes, bit: int) -> None:
    headers = signature_headers([key], notification_id="n-1", timestamp=NOW, body=body)
    changed = bytearray(body)
    position = bit % (len(body) * 8)
    changed[position // 8] ^= 1 << position % 8
    assert not verify(headers, bytes(changed), [key], now=NOW)


@pytest.mark.parametrize(
    ("changes", "now", "valid"),
    [
        ({}, NOW, True),
        ({}, NOW + 300, True),
        ({}, NOW - 300, True),
        ({}, NOW + 301, False),
        ({}, NOW - 301, False),
        ({"webhook-id": "n-2"}, NOW, False),
        ({"webhook-id": ""}, NOW, False),
        ({"webhook-timestamp": str(NOW + 1)}, NOW, False),
        ({"webhook-timestamp": "soon"}, NOW, False),
        ({"webhook-timestamp": "\u0661"}, NOW, False),
        ({"webhook-timestamp": "9" * 5000}, NOW, False),
        ({"webhook-signature": ""}, NOW, False),
        ({"webhook-signature": "v1,\u00fc\udc80"}, NOW, False),
        ({"webhook-signature": "v1a," + "x" * 44}, NOW, False),
    ],
)
def test_the_standard_scheme_on_its_own(changes: dict[str, str], now: int, valid: bool) -> None:
    headers = signature_headers(["k"], notification_id="n-1", timestamp=NOW, body=BODY) | changes
    del headers["Elements-Webhook-Signature"]
    assert verify(headers, BODY, ["k"], now=now) is valid


def test_open_connectors_scheme_on_its_own() -> None:
    headers = {"elements-webhook-signature": sign_open_connectors("k", BODY)}
    assert verify(headers, BODY, ["k"], now=NOW)
    assert not verify({"elements-webhook-signature": "sha1=x"}, BODY, ["k"], now=NOW)
    assert not verify({}, BODY, ["k"], now=NOW)


def test_one_valid_signature_among_others_is_enough() -> None:
    signature = sign_standard("k", notification_id="n-1", timestamp=NOW, body=BODY)
    headers = {
        "webhook-id": "n-1",
        "webhook-timestamp": str(NOW),
        "webhook-signature": f"v1a,xyz v1,xyz {signature}",
    }
    assert verify(headers, BODY, ["k"], now=NOW)
