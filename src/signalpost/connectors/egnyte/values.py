"""Egnyte's dates, numbers and paths, in all their forms, as values (egnyte-api.md 7). Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from functools import lru_cache

from signalpost.model.errors import InvalidRequestError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# The seconds of the year 5138, the milliseconds of March 1973: no change at Egnyte is as old.
LEAST_MILLISECONDS = 100_000_000_000

_WHOLE = re.compile(r"(-?[0-9]{1,18})(?:\.0*)?", re.ASCII)
_NO_BLANK_BEFORE_ZONE = re.compile(r"(?<=[0-9])(?=GMT|UTC)")


def read_whole(value: object) -> int | None:
    """Read a whole number, also one written as text; None: it is none."""
    if isinstance(value, bool):
        return None
    found = _WHOLE.fullmatch(str(value).strip()) if isinstance(value, (int, float, str)) else None
    return int(found[1]) if found else None


def read_instant(value: object) -> datetime | None:
    """Read a time in any form that Egnyte uses: Unix time in seconds or milliseconds (also as text), ISO 8601,
    RFC 1123 (also without the blank before GMT), ``Thursday, May 28, 2026 12:00:00 AM GMT``.

    UTC where it names no zone; None: it is none of these.
    """
    return _read_text(value) if isinstance(value, str) else _read_number(value)


def _read_number(value: object) -> datetime | None:
    number = read_whole(value)
    if number is None:
        return None
    unit = "milliseconds" if abs(number) >= LEAST_MILLISECONDS else "seconds"
    try:
        return EPOCH + timedelta(**{unit: number})
    except OverflowError:
        return None


@lru_cache(maxsize=1024)  # the reset of the quota stands in every answer, and a row's time is read twice
def _read_text(value: str) -> datetime | None:
    if read_whole(value) is not None:
        return _read_number(value)
    text = _NO_BLANK_BEFORE_ZONE.sub(" ", value.strip())
    readers: tuple[Callable[[str], datetime], ...] = (
        datetime.fromisoformat,
        lambda text: datetime.strptime(text, "%A, %B %d, %Y %I:%M:%S %p %Z"),  # noqa: DTZ007 - GMT or UTC only
        parsedate_to_datetime,
    )
    for read in readers:
        try:
            moment = read(text)
            return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
        except (ValueError, OverflowError):
            continue
    return None


def format_timestamp(moment: datetime) -> str:
    """Write a time as the seed's default pattern reads it: milliseconds and ``Z``."""
    at = moment if moment.tzinfo is UTC else moment.astimezone(UTC)
    # Written for every event; by ``isoformat``, or an f-string, it takes 1.6 times as long.
    return "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ" % (  # noqa: UP031
        at.year,
        at.month,
        at.day,
        at.hour,
        at.minute,
        at.second,
        at.microsecond // 1000,
    )


def read_path(name: str, text: str) -> str:
    """Read an absolute path, without the slash at its end; of the root, the empty text.

    Raises:
        InvalidRequestError: it is not absolute, or has segments that are empty, ``.`` or ``..``; it is ``name``d.
    """
    path = text.rstrip("/")
    if not text.startswith("/") or {"", ".", ".."} & set(path.split("/")[1:]):
        message = (
            f"{name}: {text[:200]!r} is no absolute path of Egnyte's; give one as '/Shared/Legal',"
            " with no '.', '..' or empty part"
        )
        raise InvalidRequestError(message)
    return path


def fold_path(path: str) -> str:
    """Give a path as it is compared: Egnyte finds names in any letter case, and Unicode spells some in two ways."""
    return unicodedata.normalize("NFC", path).casefold().rstrip("/")
