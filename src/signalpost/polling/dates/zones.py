"""Time zones of dates: from the texts that configurations and providers name them by, and from wall time to instant.

Pure but for ``zoneinfo``, which reads the time zone database.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from zoneinfo import ZoneInfo

from signalpost.model.errors import InvalidRequestError
from signalpost.polling.dates.patterns import show

MINUTES_A_HOUR = 60
HOURS_A_DAY = 24

_OFFSET = re.compile(r"(?:GMT|UTC|UT)?([+-])([0-9]{1,2})(?::?([0-9]{2}))?", re.IGNORECASE)

# The short names that java.util.TimeZone knows (java.time.ZoneId.SHORT_IDS), where the time zone database has none.
_SHORT_NAMES = {
    "ACT": "Australia/Darwin",
    "AET": "Australia/Sydney",
    "AGT": "America/Argentina/Buenos_Aires",
    "ART": "Africa/Cairo",
    "AST": "America/Anchorage",
    "BET": "America/Sao_Paulo",
    "BST": "Asia/Dhaka",
    "CAT": "Africa/Harare",
    "CNT": "America/St_Johns",
    "CST": "America/Chicago",
    "CTT": "Asia/Shanghai",
    "EAT": "Africa/Addis_Ababa",
    "ECT": "Europe/Paris",
    "IET": "America/Indiana/Indianapolis",
    "IST": "Asia/Kolkata",
    "JST": "Asia/Tokyo",
    "MIT": "Pacific/Apia",
    "NET": "Asia/Yerevan",
    "NST": "Pacific/Auckland",
    "PLT": "Asia/Karachi",
    "PNT": "America/Phoenix",
    "PRT": "America/Puerto_Rico",
    "PST": "America/Los_Angeles",
    "SST": "Pacific/Guadalcanal",
    "VST": "Asia/Ho_Chi_Minh",
}
# Fixed offsets in Java; newer releases of the time zone database make them cities with daylight time.
_FIXED_HOURS = {"EST": -5, "MST": -7, "HST": -10}


def parse_zone(text: str) -> tzinfo:
    """Read a zone: ``UTC``, ``GMT+2``, ``-8:00``, ``America/Denver``, or a short name as Java has it (``PST``).

    Raises:
        InvalidRequestError: there is no such zone.
    """
    name = text.strip()
    upper = name.upper()
    if upper in {"UTC", "UT", "Z", "ZULU"}:
        return UTC
    if upper in _FIXED_HOURS:
        return timezone(timedelta(hours=_FIXED_HOURS[upper]), upper)
    if match := _OFFSET.fullmatch(name):
        hours, minutes = int(match[2]), int(match[3] or 0)
        if hours < HOURS_A_DAY and minutes < MINUTES_A_HOUR:
            offset = timedelta(hours=hours, minutes=minutes)
            return timezone(-offset if match[1] == "-" else offset)
    known = upper if upper in {"GMT", "CET", "EET", "MET", "WET"} else _SHORT_NAMES.get(upper, name)
    try:
        return ZoneInfo(known)
    except (LookupError, ValueError, OSError) as error:
        message = (
            f"time zone {show(text)} is not known; give a name as America/Denver, an offset as -8:00 or GMT+2, "
            "or one of UTC, GMT, PST, MST, CST, EST"
        )
        raise InvalidRequestError(message) from error


def resolve_wall_time(wall: datetime, zone: tzinfo) -> datetime:
    """Give the instant (UTC) of a wall time, as java.util.GregorianCalendar does.

    A time that the clock shows twice is the later one (standard time); one that it skips counts from before the skip.
    """
    later = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    if later.astimezone(zone).replace(tzinfo=None) == wall:
        return later
    return wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
