"""A receiver's own headers: both spellings, and nothing that could change what we send or how it is read."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.delivery.callback_headers import MOST_CHARACTERS, MOST_HEADERS, read_callback_headers
from signalpost.delivery.configuration import read_delivery_settings
from signalpost.delivery.egress import Message, write_headers
from signalpost.model.errors import InvalidRequestError

FIELD = "event.notification.callback.headers: "


def refuse(text: str, *, has_user: bool = False) -> str:
    with pytest.raises(InvalidRequestError) as caught:
        read_callback_headers(text, has_user=has_user)
    message = str(caught.value)
    assert message.startswith(FIELD)
    return message


@pytest.mark.parametrize(
    "text",
    [
        '{"X-Tenant": "acme", "Authorization": "Bearer a:b"}',
        ' \n{"X-Tenant": " acme ",\n "Authorization": "Bearer a:b"}\n',
        "X-Tenant: acme\nAuthorization: Bearer a:b",
        "\r\n X-Tenant :acme\t\r\n\r\nAuthorization:Bearer a:b\r\n",
    ],
)
def test_an_object_or_lines(text: str) -> None:
    expected = (("X-Tenant", "acme"), ("Authorization", "Bearer a:b"))
    assert read_callback_headers(text, has_user=False) == expected


@pytest.mark.parametrize("text", ["", "  \n", "{}", "Cookie: a=b"])
def test_none_or_a_cookie(text: str) -> None:
    assert len(read_callback_headers(text, has_user=True)) == ("Cookie" in text)


@pytest.mark.parametrize(
    "name",
    [
        "Connection",
        "KEEP-ALIVE",
        "Proxy-Authorization",
        "proxy-connection",
        "TE",
        "Trailer",
        "Transfer-Encoding",
        "Transfer_Encoding",
        "webhook_signature",
        "Upgrade",
        "Host",
        "Content-Length",
        "content-type",
        "Content-Encoding",
        "Accept-Encoding",
        "Expect",
        "webhook-id",
        "Webhook-Signature",
        "Elements-Webhook-Signature",
        "elements-x",
        "Signalpost-Replay",
    ],
)
def test_what_is_not_the_receivers_to_set(name: str) -> None:
    assert f"{name!r} is not yours to set" in refuse(json.dumps({name: "x"}))
    assert f"{name!r} is not yours to set" in refuse(f"X-A: b\n{name}: x")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("s3cret", "line 1 has no colon"),
        ("X-A: b\n\ns3cret", "line 3 has no colon"),
        ("Bearer s3cret: x", "the name of header 1"),
        (": s3cret", "the name of header 1"),
        ('{"X-A\\r\\nX-B": "s3cret"}', "the name of header 1"),
        ("X-\u00e9: s3cret", "the name of header 1"),
        ("X-A:", "the value of 'X-A'"),
        ('{"X-A": "s3cret\\r\\nX-B: c"}', "the value of 'X-A'"),
        ('{"X-A": "s3cret\\u0000"}', "the value of 'X-A'"),
        ('{"X-A": "s3cret\\u00e9"}', "the value of 'X-A'"),
        ('{"X-A": "s3cret\\ud800"}', "the value of 'X-A'"),
        ("X-A: s3\rcret", "the value of 'X-A'"),
        ('{"X-A": ["s3cret"]}', "the value of 'X-A'"),
        ('{"X-A": {"s3cret": "x"}}', "the value of 'X-A'"),
        ('{"X-A": null}', "the value of 'X-A'"),
        ('{"X-A": 5}', "the value of 'X-A'"),
        ('{"X-A": "s3cret"', "are no JSON object"),
        ('{"X-A": ' + "[" * 7000, "are no JSON object"),
        ('{"X-A": "s3cret", "X-A": "b"}', "'X-A' stands there twice"),
        ("X-A: s3cret\nx-a: b", "'x-a' stands there twice"),
        ("\n".join(f"X-{number}: a" for number in range(MOST_HEADERS + 1)), "there are 51"),
        ("X-A: " + "s3cret" * MOST_CHARACTERS, "at most 8,000"),
    ],
)
def test_what_is_wrong_is_told_without_its_value(text: str, words: str) -> None:
    message = refuse(text)
    assert words in message
    assert "s3cret" not in message


def test_authorization_only_without_a_user_name() -> None:
    assert read_callback_headers("authorization: x", has_user=False) == (("authorization", "x"),)
    assert "event.notification.basic.username" in refuse("authorization: x", has_user=True)


def test_they_go_with_a_notification_besides_ours() -> None:
    settings = read_delivery_settings(
        {
            "event.notification.callback.headers": "X-Tenant: acme\nUser-Agent: ours",
            "event.notification.basic.username": "ada",
            "event.notification.signature.key": "k",
        }
    )
    message = Message("n-1", datetime(2026, 5, 28, tzinfo=UTC), "application/json", b"{}")
    headers = write_headers(settings, message)
    assert headers.items() >= {"X-Tenant": "acme", "User-Agent": "ours", "webhook-id": "n-1"}.items()
    assert headers["Authorization"] == "Basic YWRhOg=="
    assert {name.lower() for name in headers} == {
        *("x-tenant", "user-agent", "authorization", "content-type", "elements-webhook-id"),
        *("webhook-id", "webhook-timestamp", "webhook-signature", "elements-webhook-signature"),
    }


@given(st.text(max_size=200), st.booleans())
def test_any_text_gives_headers_that_can_be_sent_or_is_refused(text: str, has_user: bool) -> None:
    try:
        headers = read_callback_headers(text, has_user=has_user)
    except InvalidRequestError as error:
        assert str(error).startswith(FIELD)  # noqa: PT017
    else:
        assert all((name + value).isascii() and (name + value).isprintable() for name, value in headers)
