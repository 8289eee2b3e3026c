"""Egnyte's limits on an access token (egnyte-api.md section 6). Pure; time is passed in."""

from __future__ import annotations

from email.utils import formatdate
from functools import lru_cache

from signalpost.sandbox.egnyte.settings import Settings
from signalpost.sandbox.egnyte.tokens import Token

DAY_SECONDS = 86_400
HOUR_SECONDS = 3_600

OVER_QPS = "over_qps"
OVER_RATE = "over_rate"


def count_call(token: Token, settings: Settings, now: float) -> str | None:
    """Count one call of ``token``. Gives the limit that refuses it, or None when it may go on.

    Seconds and days (UTC) are those of the clock. A call refused for its second does not count for the day.
    """
    second, day = int(now), int(now // DAY_SECONDS)
    if second != token.second:
        token.second, token.calls_in_second = second, 0
    if day != token.day:
        token.day, token.calls_in_day = day, 0
    token.calls_in_second += 1
    if token.calls_in_second > settings.qps:
        return OVER_QPS
    token.calls_in_day += 1
    return OVER_RATE if token.calls_in_day > settings.quota_per_day else None


def seconds_to_midnight(now: float) -> int:
    """Give the seconds until the day's quota starts anew, rounded up."""
    return int(DAY_SECONDS - now % DAY_SECONDS) or 1


@lru_cache(maxsize=8)
def _write_reset(day: int) -> str:
    return formatdate((day + 1) * DAY_SECONDS, usegmt=True)


def write_quota(token: Token, settings: Settings, now: float) -> dict[str, str]:
    """Give the headers that tell a caller where ``token`` stands."""
    headers = {
        "X-AccessToken-QPS-Allotted": str(settings.qps),
        "X-AccessToken-QPS-Current": str(token.calls_in_second),
        "X-AccessToken-Quota-Allotted": str(settings.quota_per_day),
        "X-AccessToken-Quota-Current": str(token.calls_in_day),
    }
    if settings.quota_reset_header:
        headers["X-Quota-Reset"] = _write_reset(int(now // DAY_SECONDS))
    return headers
