"""Providers that write 403 where others write 429: what names a limit is waited for."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from signalpost.connectors.rest.answers import classify
from signalpost.connectors.rest.declaration import Limits
from signalpost.model.errors import AccessRefusedError, RetryLaterError
from signalpost.outbound import Answer

NOW = datetime(2026, 3, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("headers", "kind", "after_seconds"),
    [
        ({}, AccessRefusedError, None),
        ({"X-RateLimit-Remaining": "41", "X-RateLimit-Reset": "1772323260"}, AccessRefusedError, None),
        ({"Retry-After": "60"}, RetryLaterError, 60.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1772323260"}, RetryLaterError, 60.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "99999999999"}, RetryLaterError, 86400.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1772323260000"}, RetryLaterError, 60.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1772323260.5"}, RetryLaterError, 60.5),
        ({"X-RateLimit-Remaining": " 0 ", "X-RateLimit-Reset": " 45 "}, RetryLaterError, 45.0),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "45"}, RetryLaterError, 45.0),
        ({"X-Rate-Limit-Remaining": "0", "X-Rate-Limit-Reset": "1772323260"}, RetryLaterError, 60.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1772323000"}, RetryLaterError, 0.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "9" * 400}, RetryLaterError, 0.0),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "45", "Retry-After": "7"}, RetryLaterError, 7.0),
        ({"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "soon"}, RetryLaterError, 0.0),
        ({"X-RateLimit-Remaining": "0"}, RetryLaterError, 0.0),
    ],
)
def test_a_refusal_that_names_a_limit_is_none(headers, kind, after_seconds):
    failure = classify("Desk", Limits(), Answer(403, headers, b"no", False, 0.1), NOW)
    assert type(failure) is kind
    assert getattr(failure, "after_seconds", None) == after_seconds
