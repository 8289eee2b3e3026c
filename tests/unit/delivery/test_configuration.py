"""The delivery part of a configuration: what is read, what is refused, in words that name the field."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.delivery.configuration import DeliverySettings, read_delivery_settings
from signalpost.model.delivery import Format, Policy
from signalpost.model.errors import InvalidRequestError

UNTIL = datetime(2026, 5, 28, 11, 41, 12, tzinfo=UTC)


def read(**given: str) -> DeliverySettings:
    return read_delivery_settings({f"event.notification.{key}": value for key, value in given.items()})


def refuse(key: str, text: str, **others: str) -> str:
    with pytest.raises(InvalidRequestError) as caught:
        read(**{key: text, **others})
    message = str(caught.value)
    assert message.removeprefix("configuration.").startswith(f"event.notification.{key}"), message
    return message


@pytest.mark.parametrize("empty", [None, "", " "])
def test_defaults(empty: str | None) -> None:
    keys = [
        "callback.url",
        "callback.headers",
        "format",
        "raw",
        "failure.policy",
        "ordering",
        "concurrency",
        "rate",
    ]
    assert read(**({} if empty is None else dict.fromkeys(keys, empty))) == DeliverySettings(
        callback_url=None,
        signature_key=None,
        previous_key=None,
        previous_key_until=None,
        basic=None,
        headers=(),
        form=Format.OPEN_CONNECTORS,
        full_raw=False,
        policy=Policy.RETRY,
        relaxed=False,
        concurrency=1,
        rate_per_second=None,
    )


@pytest.mark.parametrize(
    ("key", "text", "name", "value"),
    [
        ("callback.url", " https://example.com/x ", "callback_url", "https://example.com/x"),
        ("callback.url", "false", "callback_url", None),
        ("callback.headers", "X-A: b", "headers", (("X-A", "b"),)),
        ("signature.key", "a key, \u00e9", "signature_key", "a key, \u00e9"),
        ("basic.username", "ada", "basic", ("ada", "")),
        ("format", "CloudEvents", "form", Format.CLOUDEVENTS),
        ("format", "standard-webhooks", "form", Format.STANDARD_WEBHOOKS),
        ("raw", "FULL", "full_raw", True),
        ("failure.policy", "retry", "policy", Policy.RETRY),
        ("failure.policy", "queue", "policy", Policy.QUEUE),
        ("failure.policy", " Skip ", "policy", Policy.SKIP),
        ("ordering", "relaxed", "relaxed", True),
        ("ordering", "Strict", "relaxed", False),
        ("concurrency", "1", "concurrency", 1),
        ("rate", "0.5", "rate_per_second", 0.5),
        ("rate", "10000", "rate_per_second", 10_000),
        ("rate", "1e3", "rate_per_second", 1000),
    ],
)
def test_what_is_read(key: str, text: str, name: str, value: Any) -> None:
    assert getattr(read(**{key: text}), name) == value


@pytest.mark.parametrize("concurrency", ["1", "7", "100"])
def test_several_at_once_where_the_order_is_relaxed(concurrency: str) -> None:
    settings = read(ordering="relaxed", concurrency=concurrency)
    assert (settings.relaxed, settings.concurrency) == (True, int(concurrency))


@pytest.mark.parametrize(
    ("key", "text", "words"),
    [
        ("callback.url", "ftp://example.com", "https://example.com/events"),
        ("callback.headers", "Host: x", "not yours to set"),
        ("format", "xml", "'xml' is none of open-connectors, cloudevents, standard-webhooks"),
        ("raw", "some", "'some' is none of notification, full"),
        ("failure.policy", "drop", "'drop' is none of retry, skip, queue"),
        ("ordering", "loose", "'loose' is none of strict, relaxed"),
        ("concurrency", "2", "set event.notification.ordering to relaxed"),
        ("concurrency", "0", "'0' is not a whole number from 1 to 100"),
        ("concurrency", "101", "from 1 to 100"),
        ("concurrency", "-1", "from 1 to 100"),
        ("concurrency", "2.0", "from 1 to 100"),
        ("concurrency", "\u0662", "from 1 to 100"),
        ("rate", "0", "'0' is not a number of notifications a second"),
        ("rate", "-1", "between 0.001 and 10,000"),
        ("rate", "1e-300", "between 0.001 and 10,000"),
        ("rate", "10001", "between 0.001 and 10,000"),
        ("rate", "nan", "between 0.001 and 10,000"),
        ("rate", "inf", "between 0.001 and 10,000"),
        ("rate", "1_0", "between 0.001 and 10,000"),
        ("rate", "10/m", "'10/m' is not a number"),
        ("basic.username", "ada:s3cret", "'ada' is followed by a colon"),
        ("basic.username", "ada\r\nX: y", "line breaks"),
        ("basic.username", "x" * 100_000, "100,000 characters; at most 1,000"),
        ("basic.password", "s3cret\n", "line breaks"),
        ("basic.password", "s3cret" * 1000, "6,000 characters; at most 1,000"),
        ("signature.key", "s3cret\n", "line breaks"),
        ("signature.key", "s3cret" * 20_000, "120,000 characters; at most 1,000"),
        ("signature.key", "whsec_s3cret!", "what follows is not base64"),
        ("signature.previous.key", "whsec_s3cret!", "what follows is not base64"),
        ("signature.previous.until", "tomorrow", "'tomorrow' is not an instant"),
        ("signature.previous.until", "2026-05-28T11:41:12", "with its zone"),
    ],
)
def test_what_is_refused(key: str, text: str, words: str) -> None:
    message = refuse(key, text)
    assert words in message
    assert "s3cret" not in message
    assert len(message) < 300


def test_authorization_is_set_once() -> None:
    refuse("callback.headers", "Authorization: x", **{"basic.username": "ada"})
    settings = read(**{"callback.headers": "Authorization: x", "basic.password": "only"})
    assert (settings.basic, settings.headers) == (None, (("Authorization", "x"),))


def test_the_key_before_is_good_until_its_time() -> None:
    settings = read(
        **{
            "signature.key": "new",
            "signature.previous.key": "old",
            "signature.previous.until": "2026-05-28T11:41:12Z",
        }
    )
    assert settings.list_keys(UNTIL - timedelta(seconds=1)) == ("new", "old")
    assert settings.list_keys(UNTIL) == ("new",)


KEYS = [
    "callback.url",
    "callback.headers",
    "signature.key",
    "signature.previous.key",
    "signature.previous.until",
    "basic.username",
    "basic.password",
    "format",
    "raw",
    "failure.policy",
    "ordering",
    "concurrency",
    "rate",
]


@given(st.dictionaries(st.sampled_from(KEYS), st.text(st.characters(codec=None), max_size=60)))
def test_any_text_gives_settings_or_is_refused(given: dict[str, str]) -> None:
    try:
        settings = read(**given)
    except InvalidRequestError as error:
        assert "event.notification." in str(error)  # noqa: PT017
    else:
        assert settings.concurrency == 1 or settings.relaxed
