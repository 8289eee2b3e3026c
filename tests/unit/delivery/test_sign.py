"""Signatures: the documented vector, the Standard Webhooks libraries, and what holds for all bodies."""

from __future__ import annotations

import base64
import time

import pytest
import standardwebhooks
import svix
from hypothesis import given
from hypothesis import strategies as st

from signalpost.delivery.sign import sign_open_connectors, sign_standard, signature_headers, verify
from signalpost.receiver import find_key_fault

NOW = 1_700_000_000
BODY = b'{"id":"1"}'

keys = st.one_of(
    st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40).filter(
        lambda key: not key.startswith("whsec_") and find_key_fault(key) is None
    ),
    st.binary(min_size=1, max_size=40).map(lambda key: "whsec_" + base64.b64encode(key).decode()),
)
# Ours are numbers; those with a dot are refused, as the bytes signed could be cut at another place.
ids = st.text(
    st.characters(min_codepoint=33, max_codepoint=126, exclude_characters="."), min_size=1, max_size=30
)


def write_for_library(key: str) -> str:
    """Give the form of a plain-text key that the libraries take."""
    return "whsec_" + base64.b64encode(key.encode()).decode()


def test_the_documented_vector() -> None:
    signature = sign_open_connectors(
        "MySecretEventSignatureKey", b"<INSERT_EVENT_NOTIFICATION_RESPONSE_BODY>"
    )
    assert signature == "sha256=jHdbRx5EZAsOfTwAPJOGkNUzQMVVdu5VJlxcsk+G6jQ="


@pytest.mark.parametrize("library", [standardwebhooks.Webhook, svix.Webhook])
@pytest.mark.parametrize(
    ("key", "library_key"),
    [
        ("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"),
        ("whsec_YWI=", "whsec_YWI="),
        ("whsec_YWI", "whsec_YWI="),
        ("plain text", write_for_library("plain text")),
        ("sch\u00f6n", write_for_library("sch\u00f6n")),
    ],
)
def test_the_public_libraries_verify_our_headers(key: str, library_key: str, library: type) -> None:
    timestamp = int(time.time())
    headers = signature_headers([key], notification_id="n-1", timestamp=timestamp, body=BODY)
    library(library_key).verify(BODY, headers)
    with pytest.raises((standardwebhooks.WebhookVerificationError, svix.WebhookVerificationError)):
        library(library_key).verify(BODY + b" ", headers)


@pytest.mark.parametrize("key", ["whsec_", "whsec_====", "whsec_not base64!", "whsec_\u00e9"])
def test_a_key_that_cannot_be_decoded_signs_nothing(key: str) -> None:
    with pytest.raises(ValueError, match="what follows is not base64") as caught:
        sign_standard(key, notification_id="n-1", timestamp=NOW, body=BODY)
    assert key.removeprefix("whsec_") == "" or key not in str(caught.value)


def test_each_of_two_keys_verifies_during_a_rotation() -> None:
    timestamp = int(time.time())
    headers = signature_headers(["new", "old"], notification_id="n-1", timestamp=timestamp, body=BODY)
    for key in ("new", "old"):
        assert standardwebhooks.Webhook(write_for_library(key)).verify(BODY, headers) == {"id": "1"}
        assert verify(headers, BODY, [key], now=timestamp)
    new, _ = headers["webhook-signature"].split(" ")
    assert new == sign_standard("new", notification_id="n-1", timestamp=timestamp, body=BODY)
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
    one, two = (sign_standard(each, notification_id="", timestamp=0, body=b"") for each in (key, other))
    return one == two


@given(key=keys, body=st.binary(min_size=1, max_size=200), bit=st.integers(min_value=0))
def test_a_single_changed_bit_of_the_body_fails(key: str, body: bytes, bit: int) -> None:
    headers = signature_headers([key], notification_id="n-1", timestamp=NOW, body=body)
    changed = bytearray(body)
    position = bit % (len(body) * 8)
    changed[position // 8] ^= 1 << position % 8
    assert not verify(headers, bytes(changed), [key], now=NOW)
