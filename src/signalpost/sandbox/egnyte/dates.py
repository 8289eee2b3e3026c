"""Dates as each of Egnyte's APIs writes them (egnyte-api.md section 7), and as its queries may be written. Pure."""

from __future__ import annotations

from datetime import UTC, datetime
from email.utils import formatdate
from typing import Any

from signalpost.sandbox.fields import refuse_field

FIRST_AT = datetime(1, 1, 2, tzinfo=UTC).timestamp()
LAST_AT = datetime(9999, 12, 31, tzinfo=UTC).timestamp()
RIGHT = "a date as ISO 8601, or as milliseconds since the epoch"


def write_milliseconds(at: float) -> int:
    """Write as folders, uploads, tasks and the audit stream do."""
    return round(at * 1000)


def write_rfc1123(at: float) -> str:
    """Write as a file's ``last_modified``: ``Thu, 28 May 2026 11:40:01 GMT``."""
    return formatdate(int(at), usegmt=True)


def write_day(at: float) -> str:
    """Write as links v1 do: ``2026-05-28``."""
    return _tell(at).strftime("%Y-%m-%d")


def write_zulu(at: float) -> str:
    """Write as notes and the trash do: ``2026-05-28T11:30:00Z``."""
    return _tell(at).strftime("%Y-%m-%dT%H:%M:%SZ")


def write_zulu_milliseconds(at: float) -> str:
    """Write as users do: ``2026-05-28T11:30:00.000Z``."""
    return _tell(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def write_offset(at: float) -> str:
    """Write as links v2 do: ``2026-05-28T06:01:17+0000``."""
    return _tell(at).strftime("%Y-%m-%dT%H:%M:%S+0000")


def write_offset_milliseconds(at: float) -> str:
    """Write as project folders do: ``2026-05-28T19:02:31.000+0000``."""
    return _tell(at).isoformat(timespec="milliseconds").replace("+00:00", "+0000")


def read_moment(name: str, value: Any) -> float:
    """Read a date that came from outside: ISO 8601 (UTC where it names no zone) or milliseconds; give seconds.

    Raises:
        InvalidRequestError: it is neither; ``name`` is named.
    """
    try:
        if isinstance(value, str) and not (value.isascii() and value.isdigit()):
            found = datetime.fromisoformat(value)
            at = (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        elif isinstance(value, bool):
            raise refuse_field(name, value, RIGHT)
        else:
            at = float(value) / 1000
    except (TypeError, ValueError, OverflowError) as error:
        raise refuse_field(name, value, RIGHT) from error
    if not FIRST_AT <= at <= LAST_AT:
        raise refuse_field(name, value, RIGHT)
    return at


def _tell(at: float) -> datetime:
    return datetime.fromtimestamp(at, UTC)
