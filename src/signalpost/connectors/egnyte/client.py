"""Egnyte's endpoints, and what its answers mean: refusals, limits, lists (egnyte-api.md 2, 3.2, 5 and 6)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from signalpost.connectors.base import Quota
from signalpost.connectors.egnyte.values import read_instant, read_whole
from signalpost.connectors.resource import Session
from signalpost.model.backoff import read_retry_after
from signalpost.model.errors import (
    AccessRefusedError,
    ConnectorError,
    MissingError,
    NeedsAuthorisationError,
    QuotaSpentError,
    RejectedError,
    RetryLaterError,
    TooFastError,
)
from signalpost.outbound import Answer

OVER_QPS = "ERR_403_DEVELOPER_OVER_QPS"
OVER_RATE = "ERR_403_DEVELOPER_OVER_RATE"
INACTIVE = "ERR_403_DEVELOPER_INACTIVE"


class EgnyteClient:
    """Egnyte's public API, as one account."""

    def __init__(self, session: Session) -> None:
        self._session = session

    async def read_user(self) -> dict[str, Any]:
        """Read the account's own user: ``{"id", "username", ...}``."""
        user = read_object(await self._session.get("/pubapi/v1/userinfo", {}))
        if user.get("id") in (None, ""):
            message = "Egnyte's userinfo has no id"
            raise ConnectorError(message)
        return user

    async def read_cursor(self) -> dict[str, Any]:
        """Read ``{"timestamp", "latest_event_id", "oldest_event_id"}``."""
        return read_object(await self._session.get("/pubapi/v2/events/cursor", {}))

    async def list_events(self, *, after_id: int, count: int, suppress: str | None = None) -> list[Any]:
        """List up to ``count`` events with ids above ``after_id``, as they came; none when there are none (204)."""
        parameters = {"id": str(after_id), "count": str(count)}
        if suppress:
            parameters["suppress"] = suppress
        answer = await self._session.get("/pubapi/v2/events", parameters)
        if answer.status == 204:  # noqa: PLR2004 - No Content
            return []
        return read_rows(read_object(answer), "events")

    async def read_audit(self, parameters: Mapping[str, str]) -> dict[str, Any]:
        """Read ``{"events", "moreEvents", "nextCursor"}`` by ``startDate`` or ``nextCursor``, never both (3.2)."""
        return read_object(await self._session.get("/pubapi/v2/audit/stream", parameters))

    async def read_list(self, path: str, parameters: Mapping[str, str]) -> Any:
        """Read a page of a list: a JSON object with the rows in a field of it, or a JSON list of them."""
        answer = await self._session.get(path, parameters)
        value = _read_json(answer)
        if not isinstance(value, (dict, list)):
            message = f"Egnyte answered {answer.status} with JSON that is no list: {answer.excerpt(200)}"
            raise ConnectorError(message)
        return value


def _read_json(answer: Answer) -> Any:
    try:
        return answer.read_json()
    except ValueError as error:
        message = f"Egnyte answered {answer.status} with no valid JSON: {answer.excerpt(200)}"
        raise ConnectorError(message) from error


def read_object(answer: Answer) -> dict[str, Any]:
    """Read a JSON object from an answer, whatever its content type says.

    Raises:
        ConnectorError: it is none (cut off, HTML, ...).
    """
    value = _read_json(answer)
    if not isinstance(value, dict):
        message = f"Egnyte answered {answer.status} with JSON that is no object: {answer.excerpt(200)}"
        raise ConnectorError(message)
    return value


def read_rows(value: Any, *names: str) -> list[Any]:
    """Take the rows from the body of a list: from the fields ``names``, in any letter case, one after the other.

    Fields may be left out where others are there, and all of them where the body counts no rows.

    Raises:
        ConnectorError: there is no such field, or it is no list.
    """
    if isinstance(value, list):
        return value
    fields = {name.lower(): field for name, field in value.items() if field is not None}
    found = [(name, fields[name.lower()]) for name in names if name.lower() in fields]
    for name, field in found:
        if not isinstance(field, list):
            message = f"Egnyte's {name} are no list but {type(field).__name__}"
            raise ConnectorError(message)
    if not found and all(read_whole(fields.get(name)) != 0 for name in ("count", "totalresults")):
        message = f"Egnyte's answer has no list {' or '.join(names)}; it has {_name_fields(value)}"
        raise ConnectorError(message)
    return [row for _, field in found for row in field]


def _name_fields(value: Mapping[str, Any]) -> str:
    return ", ".join(sorted(value))[:200] or "nothing"


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


def classify(answer: Answer, now: datetime) -> Exception | None:  # noqa: PLR0911 - one return a kind of answer
    """Say what an answer of Egnyte means: None when good, else the error to raise."""
    status = answer.status
    if 200 <= status <= 299:  # noqa: PLR2004 - the range of success
        return None
    said = read_message(answer) or "without a word"
    after_seconds = read_retry_after(answer.headers, now)
    match status:
        case 400:
            return RejectedError(f"Egnyte does not take the call (400): {said}")
        case 401:
            return NeedsAuthorisationError(f"Egnyte no longer accepts the token (401): {said}")
        case 403:
            return _classify_refusal(answer, said, after_seconds)
        case 404:
            return MissingError(f"Egnyte does not know that (404): {said}")
        case 429:
            return _classify_haste(answer, said, after_seconds)
        case _ if status >= 500:  # noqa: PLR2004 - server errors
            return RetryLaterError(f"Egnyte failed ({status}): {said}", after_seconds=after_seconds)
        case _:
            return ConnectorError(f"Egnyte answered {status}: {said}")


def _classify_refusal(answer: Answer, said: str, after_seconds: float | None) -> Exception:
    code = answer.headers.get("X-Mashery-Error-Code", "")
    detail = answer.headers.get("X-Error-Detail-Header", "")[:200]
    if code == OVER_QPS or "Over Qps" in said:
        return TooFastError(
            f"Egnyte: over the calls per second allotted ({detail or said})",
            after_seconds=after_seconds or 1.0,
        )
    if code == OVER_RATE or "Over Rate" in said:
        return QuotaSpentError(
            f"Egnyte: the day's quota of calls is used up ({detail or said})", after_seconds=after_seconds
        )
    if code == INACTIVE or "Developer Inactive" in said:
        return NeedsAuthorisationError(
            "Egnyte says that the API key or the token is not active (Developer Inactive): the key may not be approved"
            " yet, may be disabled, or belong to another environment"
        )
    return AccessRefusedError(f"Egnyte refuses access (403): {said}")


def _classify_haste(answer: Answer, said: str, after_seconds: float | None) -> Exception:
    """Tell the limit of the second from that of the day, where a 429 stands for either."""
    told = read_quota(answer)
    if told.calls_a_day is not None and told.calls_used is not None and told.calls_used >= told.calls_a_day:
        return QuotaSpentError(
            f"Egnyte: the day's quota of calls is used up (429): {said}", after_seconds=after_seconds
        )
    return TooFastError(f"Egnyte asks us to slow down (429): {said}", after_seconds=after_seconds)


def read_quota(answer: Answer) -> Quota:
    """Read what Egnyte tells of this token's limits (egnyte-api.md 6); what cannot be read is not told."""
    calls_per_second = read_whole(answer.headers.get("X-AccessToken-QPS-Allotted")) or 0
    calls_a_day = read_whole(answer.headers.get("X-AccessToken-Quota-Allotted")) or 0
    calls_used = read_whole(answer.headers.get("X-AccessToken-Quota-Current"))
    return Quota(
        calls_per_second=float(calls_per_second) if calls_per_second > 0 else None,
        calls_a_day=calls_a_day if calls_a_day > 0 else None,
        calls_used=calls_used if calls_used is not None and calls_used >= 0 else None,
        resets_at=read_instant(answer.headers.get("X-Quota-Reset")),
    )
