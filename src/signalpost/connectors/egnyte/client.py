"""Egnyte's endpoints, one method each, and what its answers mean (egnyte-api.md 2 and 6)."""

from __future__ import annotations

from typing import Any

import orjson

from signalpost.connectors.base import Quota, Session
from signalpost.model.errors import (
    AccessRefusedError,
    ConnectorError,
    NeedsAuthorisationError,
    RetryLaterError,
    WatermarkLostError,
)
from signalpost.outbound import Answer

OVER_QPS = "ERR_403_DEVELOPER_OVER_QPS"
OVER_RATE = "ERR_403_DEVELOPER_OVER_RATE"
INACTIVE = "ERR_403_DEVELOPER_INACTIVE"
A_DAY_SECONDS = 86_400


class EgnyteClient:
    """Egnyte's public API, as one account."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def read_user(self) -> dict[str, Any]:
        """Read the account's own user: ``{"id", "username", ...}``."""
        user = read_object(await self._session.get("/pubapi/v1/userinfo", {}))
        if "id" not in user:
            message = "Egnyte's userinfo has no id"
            raise ConnectorError(message)
        return user

    async def read_cursor(self) -> dict[str, Any]:
        """Read ``{"timestamp", "latest_event_id", "oldest_event_id"}``."""
        return read_object(await self._session.get("/pubapi/v2/events/cursor", {}))

    async def list_events(self, *, after_id: int, count: int) -> dict[str, Any]:
        """List up to ``count`` events with ids above ``after_id``; no ``events`` when there are none (204)."""
        answer = await self._session.get("/pubapi/v2/events", {"id": str(after_id), "count": str(count)})
        if answer.status == 204 or not answer.body:  # noqa: PLR2004 - No Content
            return {"events": []}
        return read_object(answer)


def read_object(answer: Answer) -> dict[str, Any]:
    """Read a JSON object from an answer, whatever its content type says.

    Raises:
        ConnectorError: it is none (cut off, HTML, ...).
    """
    try:
        value = orjson.loads(answer.body)
    except orjson.JSONDecodeError as error:
        message = f"Egnyte answered {answer.status} with no valid JSON: {answer.excerpt(200)}"
        raise ConnectorError(message) from error
    if not isinstance(value, dict):
        message = f"Egnyte answered {answer.status} with JSON that is no object: {answer.excerpt(200)}"
        raise ConnectorError(message)
    return value


def read_message(answer: Answer) -> str:
    """Take the provider's own words from an error body: all the shapes that were seen (egnyte-api.md 6)."""
    try:
        value: Any = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return answer.excerpt(200)
    if isinstance(value, dict):
        for key in ("errorMessage", "message", "responseMsg", "error_description", "error"):
            if isinstance(value.get(key), str):
                return str(value[key])[:500]
        for key in ("Errors", "errors", "formErrors"):
            first = value[key][0] if isinstance(value.get(key), list) and value[key] else None
            if isinstance(first, dict):
                return str(first.get("description") or first.get("msg") or first)[:500]
    return answer.excerpt(200)


def read_seconds(answer: Answer) -> float | None:
    """Read ``Retry-After`` in seconds; Egnyte gives no dates there."""
    text = answer.headers.get("Retry-After", "").strip()
    return min(float(text), A_DAY_SECONDS) if text.isascii() and text.isdigit() else None


def classify(answer: Answer) -> Exception | None:  # noqa: PLR0911 - one return a kind of answer
    """Say what an answer of Egnyte means: None when good, else the error to raise."""
    status = answer.status
    if 200 <= status <= 299:  # noqa: PLR2004 - the range of success
        return None
    said = read_message(answer)
    match status:
        case 401:
            return NeedsAuthorisationError(f"Egnyte no longer accepts the token (401): {said}")
        case 403:
            return _classify_refusal(answer, said)
        case 404:
            return WatermarkLostError(f"Egnyte does not know that (404): {said}")
        case 429:
            return RetryLaterError(
                f"Egnyte asks us to slow down (429): {said}", after_seconds=read_seconds(answer)
            )
        case _ if status >= 500:  # noqa: PLR2004 - server errors
            return RetryLaterError(f"Egnyte failed ({status}): {said}", after_seconds=read_seconds(answer))
        case _:
            return ConnectorError(f"Egnyte answered {status}: {said}")


def _classify_refusal(answer: Answer, said: str) -> Exception:
    code = answer.headers.get("X-Mashery-Error-Code", "")
    detail = answer.headers.get("X-Error-Detail-Header", "")
    after_seconds = read_seconds(answer)
    if code == OVER_QPS or "Over Qps" in said:
        return RetryLaterError(
            f"Egnyte: over the calls per second allotted ({detail or said})",
            after_seconds=after_seconds or 1.0,
        )
    if code == OVER_RATE or "Over Rate" in said:
        return RetryLaterError(
            f"Egnyte: the day's quota of calls is used up ({detail or said})", after_seconds=after_seconds
        )
    if code == INACTIVE or "Developer Inactive" in said:
        return NeedsAuthorisationError(
            "Egnyte says that the API key or the token is not active (Developer Inactive): the key may not be approved"
            " yet, may be disabled, or belong to another environment"
        )
    return AccessRefusedError(f"Egnyte refuses access (403): {said}")


def read_quota(answer: Answer) -> Quota:
    """Read the calls per second that Egnyte allots to this token."""
    text = answer.headers.get("X-AccessToken-QPS-Allotted", "")
    allotted = int(text) if text.isascii() and text.isdigit() else 0
    return Quota(calls_per_second=float(allotted) if allotted > 0 else None)
