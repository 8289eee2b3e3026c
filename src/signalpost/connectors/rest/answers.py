"""What a declared provider's answers mean: statuses, lists, dotted places in them. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from signalpost.connectors.rest.declaration import Limits
from signalpost.model.backoff import A_DAY_SECONDS, read_retry_after
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

_CODE = re.compile(r"[a-z]{1,30}(?:_[a-z]{1,30}){0,5}|[A-Z]{1,30}(?:_[A-Z]{1,30}){0,5}", re.ASCII)
_RESET = re.compile(r"\d{1,14}(?:\.\d{1,9})?", re.ASCII)
LIMITS = ("X-RateLimit", "X-Rate-Limit", "RateLimit")
"""What the names of the headers begin with that tell how many calls are left, and when there are new ones."""
OLDEST_SECONDS, OLDEST_MILLISECONDS = 10**8, 10**11
"""What is less is a time to wait; what is more than the second, a time in milliseconds since 1970."""
ABSENT = object()
"""What ``find`` gives where there is nothing."""


def classify(name: str, limits: Limits, answer: Answer, now: datetime) -> Exception | None:  # noqa: PLR0911 - one return a kind
    """Say what an answer of the provider ``name`` means: None when good, else the error to raise."""
    status = answer.status
    if 200 <= status <= 299:  # noqa: PLR2004 - the range of success
        return None
    said = _show_location(answer) or answer.excerpt(200) or "without a word"
    after_seconds = _read_wait(answer, now)
    if status in limits.quota_spent:
        return QuotaSpentError(
            f"{name} says that the calls are used up ({status}): {said}", after_seconds=after_seconds
        )
    if status in limits.too_fast:
        return TooFastError(f"{name} asks us to slow down ({status}): {said}", after_seconds=after_seconds)
    match status:
        case 400 | 422:
            return RejectedError(f"{name} does not take the call ({status}): {said}")
        case 401:
            return NeedsAuthorisationError(f"{name} does not accept our credentials (401): {said}")
        case 403 if after_seconds is None:
            return AccessRefusedError(f"{name} refuses access (403): {said}")
        case 404 | 410:
            return MissingError(f"{name} does not know that ({status}): {said}")
        case 403 | 408 | 429:  # some write 403 where others write 429, with the time to wait
            return RetryLaterError(
                f"{name} asks us to come later ({status}): {said}", after_seconds=after_seconds
            )
        case _ if status >= 500:  # noqa: PLR2004 - server errors
            return RetryLaterError(f"{name} failed ({status}): {said}", after_seconds=after_seconds)
        case _:
            return ConnectorError(f"{name} answered {status}: {said}")


def _read_wait(answer: Answer, now: datetime) -> float | None:
    """Read how long to wait: ``Retry-After``, or with no call left when there are new ones."""
    after_seconds = read_retry_after(answer.headers, now)
    spent = (each for each in LIMITS if answer.headers.get(f"{each}-Remaining", "").strip() == "0")
    if after_seconds is not None or (name := next(spent, None)) is None:
        return after_seconds
    found = _RESET.fullmatch(answer.headers.get(f"{name}-Reset", "").strip())
    seconds = float(found[0]) if found else 0.0
    if seconds >= OLDEST_SECONDS:
        seconds = seconds / (1000 if seconds >= OLDEST_MILLISECONDS else 1) - now.timestamp()
    return min(max(seconds, 0.0), A_DAY_SECONDS)


def _show_location(answer: Answer) -> str:
    """Say where a redirect leads to, without its query: that may hold anything, a secret among it; "" if it is none."""
    location = answer.headers.get("Location", "")
    if not location or not 300 <= answer.status <= 399:  # noqa: PLR2004 - the range of redirects
        return ""
    try:
        parts = urlsplit(location)
        place = urlunsplit((parts.scheme, parts.netloc.rpartition("@")[2], parts.path, "", ""))[:200]
    except ValueError:
        place = "an address that cannot be read"
    return f"it leads on to {place!r}, and is not followed there; declare the address that answers"


def read_json(name: str, answer: Answer) -> Any:
    """Read the body as JSON, whatever its content type says.

    Raises:
        ConnectorError: it is none (HTML, cut off, ...).
    """
    try:
        return answer.read_json()
    except ValueError as error:
        encoding = answer.headers.get("Content-Encoding", "identity")[:20]
        said = f"compressed ({encoding}), which was not asked for" if encoding != "identity" else ""
        said = said or answer.excerpt(200) or "its body is empty"
        message = f"{name} answered {answer.status} with no valid JSON: {said}"
        raise ConnectorError(message) from error


def find(value: Any, place: str) -> Any:
    """Give what stands at a dotted place; a key that holds the dots itself goes before. ``ABSENT`` where nothing is."""
    if not place:
        return value
    if not isinstance(value, Mapping):
        return ABSENT
    if place in value:
        return value[place]
    parts = place.split(".")
    for count in range(len(parts) - 1, 0, -1):
        key = ".".join(parts[:count])
        if key in value:
            return find(value[key], ".".join(parts[count:]))
    return ABSENT


def find_list(
    name: str, value: Any, place: str, *, absent_is_empty: bool = False, key_field: str = ""
) -> list[Any]:
    """Give the records of a page; null counts as none, and with ``absent_is_empty`` an object without the place.

    With a ``key_field`` they may stand in an object, and each has its key there in that field.

    Raises:
        ConnectorError: there is no such place, or no list stands there, or there are no records but a refusal.
    """
    found = find(value, place)
    if found is ABSENT and absent_is_empty and isinstance(value, Mapping):
        found = None
    where = f"at {place}" if place else "as its answer"
    is_whole = bool(key_field) and found is value
    if (not found or found is ABSENT or is_whole) and (refusal := find_refusal(value)):
        message = f"{name} gave no records {where} but {refusal}; nothing was concluded from it"
        raise ConnectorError(message)
    if found is None and place:
        return []
    if isinstance(found, list):
        return found
    if key_field and isinstance(found, Mapping):
        return [_name_record(each, key_field, key) for key, each in found.items()]
    if found is ABSENT:
        there = ", ".join(sorted(str(key) for key in value))[:200] if isinstance(value, Mapping) else ""
        message = f"{name} gave no list {where}; there is {there or _name_kind(value)}"
        if isinstance(value, Mapping):
            message += "; if it leaves empty lists out, declare absent_is_empty = true"
    else:
        message = f"{name} gave no list {where} but {_name_kind(found)}"
        if found and isinstance(found, Mapping):
            message += "; if its records stand there by their keys, declare a key_field"
    raise ConnectorError(message)


def _name_record(record: Any, field: str, key: str) -> dict[str, Any]:
    """Give a record that stands by its key with it, where it has no such field; one that is no object as its value."""
    return {field: key, **(record if isinstance(record, Mapping) else {"value": record})}


def find_refusal(value: Any) -> str:
    """Say by which field an answer with a good status is a refusal all the same; "" if it is none.

    Of what the field says only a plain code is repeated: other words may hold anything, a secret among it.
    """
    if not isinstance(value, Mapping):
        return ""
    for key in ("error", "errors"):
        if told := value.get(key):
            code = _find_code(told)
            return f"{key}: {code}" if code else key
    return next((f"{key}: false" for key in ("ok", "success") if value.get(key) is False), "")


def _find_code(told: Any) -> str:
    """Find the plain code of a refusal, as GraphQL has it in the first of its errors; "" if it has none."""
    first = told[0] if isinstance(told, list) else told
    codes = [find(first, place) for place in ("extensions.code", "code", "type")]
    return next((each for each in (first, *codes) if isinstance(each, str) and _CODE.fullmatch(each)), "")


def _name_kind(value: Any) -> str:
    """Name a kind of JSON's values for people."""
    match value:
        case Mapping():
            return "an object" if value else "an empty object"
        case list():
            return "a list"
        case None:
            return "null"
        case bool():
            return str(value).lower()
    return "a text" if isinstance(value, str) else "a number"
