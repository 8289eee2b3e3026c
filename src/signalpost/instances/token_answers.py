"""What a token endpoint answers: tokens, or why there are none (RFC 6749, 5.1 and 5.2)."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from datetime import datetime
from http import HTTPStatus
from typing import Any

from signalpost.connectors.base import Connector
from signalpost.connectors.containment import check, contain
from signalpost.model.backoff import read_retry_after
from signalpost.model.errors import (
    ConnectorError,
    NeedsAuthorisationError,
    QuotaSpentError,
    RetryLaterError,
    SignalpostError,
    TooFastError,
)
from signalpost.model.instance import Tokens
from signalpost.outbound import Answer

MAX_ANSWER_BYTES = 64 * 1024
# 429 everywhere; 409 is what Egnyte's token endpoint answers (egnyte-api.md 1.8).
THROTTLED = frozenset({409, 429})
REFUSED = frozenset({400, 401})

PASSING = frozenset(
    {
        "temporarily_unavailable",
        "server_error",
        "slow_down",
        "internal_failure",
        "internal_error",
        "rate_limit_exceeded",
        "unknown_error",
    }
)
"""Codes of refusals that say nothing of what was given: the same may be taken later, whatever the status."""

OF_WHAT_WAS_GIVEN = re.compile(
    r"(?:invalid|bad|incorrect|expired|revoked|unauthorized|unsupported)_.*|.*_(?:expired|revoked|mismatch|inactive)"
    r"|access_denied"
)
"""Codes by which a refusal with a good status speaks of the code, the token or the application."""


def read_answer(connector: Connector, answer: Answer, now: datetime) -> Tokens:
    """Read what the token endpoint answered; secrets that it repeats are masked where it is a refusal.

    Raises:
        NeedsAuthorisationError: what was given is refused; the provider's words are in it.
        RetryLaterError: the endpoint cannot answer now.
        ConnectorError: its answer is not understood.
    """
    if answer.status in THROTTLED:
        message = f"{connector.name}'s token endpoint asks us to slow down ({answer.status})"
        raise RetryLaterError(message, after_seconds=read_retry_after(answer.headers, now))
    if is_refusal(answer):
        raise _explain_refusal(connector, answer, now)
    with contain("classify"):
        failure = connector.classify(answer)
    if failure is not None:
        raise _name_endpoint(connector, check("classify", failure, SignalpostError))
    value = _read_json(answer)
    if value is None:
        size = f"more than {MAX_ANSWER_BYTES:,} bytes" if answer.truncated else "no valid JSON"
        message = f"{connector.name}'s token endpoint answered with {size}"
        raise ConnectorError(message)
    if not isinstance(value, dict):
        message = f"{connector.name}'s token endpoint answered with JSON that is no object"
        raise ConnectorError(message)
    with contain("read_tokens"):
        tokens = check("read_tokens", connector.read_tokens(value, now), Tokens)
    if has_controls(tokens.access_token):
        message = f"{connector.name}'s token endpoint gave an access token with a line break or the like"
        raise ConnectorError(message)
    return tokens


def has_controls(token: str) -> bool:
    """Say whether a token has control characters: no header can hold it."""
    return any(unicodedata.category(each) == "Cc" for each in token)


def is_refusal(answer: Answer) -> bool:
    """Say whether an answer refuses what was given: by its status, or with a good one by an ``error`` and no token."""
    if answer.status >= HTTPStatus.MULTIPLE_CHOICES:
        return answer.status in REFUSED
    value = _read_json(answer)
    return bool(_find_error(value)) and "access_token" not in value


def read_error(answer: Answer) -> str | None:
    """Give the error code of a refusal (RFC 6749, 5.2)."""
    return _find_error(_read_json(answer))


def _explain_refusal(connector: Connector, answer: Answer, now: datetime) -> SignalpostError:
    words, error = _read_words(answer), read_error(answer)
    if error in PASSING:
        message = f"{connector.name}'s token endpoint cannot answer now: {words}"
        return RetryLaterError(message, after_seconds=read_retry_after(answer.headers, now))
    if answer.status in REFUSED or OF_WHAT_WAS_GIVEN.fullmatch(error or ""):
        return NeedsAuthorisationError(words)
    return ConnectorError(f"{connector.name}'s token endpoint gives no token: {words}")


def _name_endpoint(connector: Connector, failure: SignalpostError) -> SignalpostError:
    """Give a failure as that of the endpoint.

    What a connector means by it, that a list is not there or a position not kept, was not asked for here.
    """
    if isinstance(failure, (NeedsAuthorisationError, TooFastError, QuotaSpentError)):
        return failure
    message = f"{connector.name}'s token endpoint gives no token: {failure}"
    if isinstance(failure, RetryLaterError):
        return RetryLaterError(message, after_seconds=failure.after_seconds)
    return ConnectorError(message)


def _read_words(answer: Answer) -> str:
    """Give the provider's words of a refusal (RFC 6749, 5.2), or the start of its body."""
    value = _read_json(answer)
    if error := _find_error(value):
        return ": ".join(str(each) for each in (error, value.get("error_description")) if each)[:500]
    return answer.excerpt(300) or f"status {answer.status} without a word"


def _read_json(answer: Answer) -> Any:
    try:
        return answer.read_json()
    except ValueError:
        return None


def _find_error(value: Any) -> str | None:
    error = value.get("error") if isinstance(value, Mapping) else None
    return error if isinstance(error, str) else None
