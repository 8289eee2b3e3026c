"""The words of dates, in English as Java writes them: months, weekdays, eras, halves of the day, zones. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

MONTHS = (
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
)
WEEKDAYS = ("Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday")
SHORT_LENGTH = 3


def _number_names(names: Iterable[str]) -> dict[str, int]:
    numbers = {}
    for number, name in enumerate(names, start=1):
        numbers[name.lower()] = number
        numbers[name[:SHORT_LENGTH].lower()] = number
    return numbers


# Pattern letter -> lower-case word -> the field's number (date_calendar).
WORDS: Mapping[str, Mapping[str, int]] = {
    "G": {"bc": 0, "before christ": 0, "ad": 1, "anno domini": 1},
    "M": _number_names(MONTHS),
    "E": _number_names(WEEKDAYS),
    "a": {"am": 0, "pm": 1},
}

# (short name, long name, minutes east of Greenwich); a short name alone means the first one listed.
# Those that Java knows and that stand for one offset only; its rarer ones (ORAT, WAKT, ...) are left out.
ZONE_NAMES: tuple[tuple[str, str, int], ...] = (
    ("GMT", "Greenwich Mean Time", 0),
    ("UTC", "Coordinated Universal Time", 0),
    ("PST", "Pacific Standard Time", -480),
    ("PDT", "Pacific Daylight Time", -420),
    ("MST", "Mountain Standard Time", -420),
    ("MDT", "Mountain Daylight Time", -360),
    ("CST", "Central Standard Time", -360),
    ("CDT", "Central Daylight Time", -300),
    ("EST", "Eastern Standard Time", -300),
    ("EDT", "Eastern Daylight Time", -240),
    ("AKST", "Alaska Standard Time", -540),
    ("AKDT", "Alaska Daylight Time", -480),
    ("HST", "Hawaii-Aleutian Standard Time", -600),
    ("AST", "Atlantic Standard Time", -240),
    ("ADT", "Atlantic Daylight Time", -180),
    ("NST", "Newfoundland Standard Time", -210),
    ("NDT", "Newfoundland Daylight Time", -150),
    ("WET", "Western European Standard Time", 0),
    ("WEST", "Western European Summer Time", 60),
    ("BST", "British Summer Time", 60),
    ("CET", "Central European Standard Time", 60),
    ("CEST", "Central European Summer Time", 120),
    ("EET", "Eastern European Standard Time", 120),
    ("EEST", "Eastern European Summer Time", 180),
    ("MSK", "Moscow Standard Time", 180),
    ("MSD", "Moscow Summer Time", 240),
    ("IST", "Israel Standard Time", 120),
    ("IDT", "Israel Daylight Time", 180),
    ("IST", "India Standard Time", 330),
    ("IST", "Irish Standard Time", 60),
    ("SAST", "South Africa Standard Time", 120),
    ("CAT", "Central Africa Time", 120),
    ("EAT", "East Africa Time", 180),
    ("PKT", "Pakistan Standard Time", 300),
    ("WIB", "Western Indonesia Time", 420),
    ("CST", "China Standard Time", 480),
    ("HKT", "Hong Kong Standard Time", 480),
    ("SGT", "Singapore Standard Time", 480),
    ("AWST", "Australian Western Standard Time", 480),
    ("JST", "Japan Standard Time", 540),
    ("KST", "Korean Standard Time", 540),
    ("ACST", "Australian Central Standard Time", 570),
    ("ACDT", "Australian Central Daylight Time", 630),
    ("AEST", "Australian Eastern Standard Time", 600),
    ("AEDT", "Australian Eastern Daylight Time", 660),
    ("NZST", "New Zealand Standard Time", 720),
    ("NZDT", "New Zealand Daylight Time", 780),
    ("BRT", "Brasilia Standard Time", -180),
    ("BRST", "Brasilia Summer Time", -120),
    ("ART", "Argentina Standard Time", -180),
)
