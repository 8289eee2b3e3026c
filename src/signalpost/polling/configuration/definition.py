"""One resource of ``event.poller.configuration``, read and checked without any connector. Pure.

open-connectors.md 2.1 is where the fields come from; docs/reference/configuration.md is our contract.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl, unquote

from signalpost.connectors.resource import Strategy
from signalpost.model.configuration import POLLER_CONFIGURATION
from signalpost.model.errors import InvalidRequestError
from signalpost.polling.configuration.configured_fields import ConfiguredFields
from signalpost.polling.configuration.templates import check, expand, varies
from signalpost.polling.dates import DatePattern, compile_pattern, parse_zone
from signalpost.polling.dates.patterns import show
from signalpost.polling.where import read_where
from signalpost.polling.where.conditions import Alternative

LONGEST_URL = 4000
MOST_RECORDS_A_PAGE = 10_000
LONGEST_DELAY_SECONDS = 31 * 86_400.0
LONGEST_TOLERANCE_SECONDS = 366 * 86_400.0
USUAL_TOLERANCE_SECONDS = 10.0
"""``createdCheckTolerance`` where none is given: what the original's successor takes."""

UNUSED_PARAMETERS = ("page", "orderBy", "fields")
"""Parameters that a hub URL may have and that polling does not use: it reads all pages, in any order, whole records."""

recall_pattern = lru_cache(maxsize=500)(compile_pattern)
"""``compile_pattern``, remembered: definitions are read at every poll, and their patterns are few."""

_SAMPLE_AT = datetime(2026, 1, 1, tzinfo=UTC)
_LATER_AT = datetime(2026, 7, 7, 7, 7, 7, 77_777, tzinfo=UTC)
_FIRST_AT = datetime(1970, 1, 1, tzinfo=UTC)
_PLACEHOLDER = re.compile(r"(?<!\$)\{[^{}]*\}")
# In a where these are rather parameters of a provider than fields of its records.
_PAGING_WORDS = frozenset({"rows", "start", "page", "pagesize", "limit", "offset", "count", "q"})

_FIELDS = {
    "url": ("url",),
    "idField": ("idfield",),
    "strategy": ("strategy",),
    "datesConfiguration": ("datesconfiguration",),
    "filterByUpdatedDate": ("filterbyupdateddate", "filterbyupdatedate"),
    "filterByCurrentDate": ("filterbycurrentdate",),
    "createdCheckTolerance": ("createdchecktolerance",),
    "pageSize": ("pagesize",),
    "pollDelay": ("polldelay",),
}
_DATE_FIELDS = {
    f"{kind}Date{part}": (f"{kind}date{part}".lower(), f"{kind}at{part}".lower())
    for kind in ("updated", "created")
    for part in ("Field", "Format", "Timezone")
}


@dataclass(frozen=True, slots=True)
class DateSetting:
    """Where a date of a record stands and how it is written; ``zone`` holds where its text names none."""

    field: str
    pattern: DatePattern
    zone: tzinfo


@dataclass(frozen=True, slots=True)
class Location:
    """What is read: the path of a resource, without its hub, and the query's parameters, decoded."""

    path: str
    parameters: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Definition:
    """How a resource is polled. ``remarks`` say what was mended, guessed or is not used in what was written.

    ``strategy``, ``updated``, ``created`` and ``page_size`` are None, and so is ``id_field``, where nothing is said;
    an ``id_field`` of "" has objects told apart by their content.
    """

    name: str
    url: str
    strategy: Strategy | None
    id_field: str | None
    updated: DateSetting | None
    created: DateSetting | None
    created_tolerance_seconds: float
    page_size: int | None
    poll_delay_seconds: float
    filter_by_updated: bool
    filter_by_current: bool
    remarks: tuple[str, ...] = ()

    @property
    def varies(self) -> bool:
        """Whether the URL holds a time."""
        return varies(self.url)

    def locate(self, last_at: datetime, now: datetime) -> Location:
        """Say what to read after a poll at ``last_at`` (both aware): the URL with its times put in.

        A delay is taken off ``last_at``; what is older than 1970 counts as 1970, which asks for all there is.

        Raises:
            InvalidRequestError: a variable of the URL is unknown or badly written (not once the definition is read).
        """
        since = max(last_at, _FIRST_AT) - timedelta(seconds=self.poll_delay_seconds)
        address, _, query = expand(self.url, last_poll_at=since, now=now).partition("?")
        segments = unquote(address).strip("/").split("/")
        path = "/".join(segments[2:] if segments[0] == "hubs" else segments)
        return Location(path, dict(parse_qsl(query, keep_blank_values=True)))


def read_definition(name: str, configuration: Any) -> Definition:
    """Read one resource's configuration.

    Raises:
        InvalidRequestError: a value is wrong; the message names ``event.poller.configuration.<name>.<field>``, the
            value and what would be right.
    """
    owner = f"{POLLER_CONFIGURATION}.{name}"
    given = ConfiguredFields(owner, "", configuration, _FIELDS, "url, idField and datesConfiguration")
    dates = _open_dates(owner, given)
    url = _read_url(given)
    strategy = given.read_word("strategy", [each.value for each in Strategy])
    page_size = given.read_number("pageSize", 1, MOST_RECORDS_A_PAGE, whole=True)
    tolerance_seconds = given.read_number("createdCheckTolerance", 0, LONGEST_TOLERANCE_SECONDS)
    definition = Definition(
        name=name,
        url=url,
        strategy=Strategy(strategy) if strategy else None,
        id_field="" if given.is_blank_text("idField") else given.read_text("idField"),
        updated=_read_date(dates, "updated"),
        created=_read_date(dates, "created"),
        created_tolerance_seconds=USUAL_TOLERANCE_SECONDS if tolerance_seconds is None else tolerance_seconds,
        page_size=None if page_size is None else int(page_size),
        poll_delay_seconds=given.read_number("pollDelay", 0, LONGEST_DELAY_SECONDS) or 0.0,
        filter_by_updated=given.read_boolean("filterByUpdatedDate", default=True),
        filter_by_current=given.read_boolean("filterByCurrentDate", default=False),
    )
    _remark_location(definition, given)
    return replace(definition, remarks=(*given.remarks, *dates.remarks))


def _open_dates(owner: str, given: ConfiguredFields) -> ConfiguredFields:
    value = given.take("datesConfiguration")
    if value is None or value == []:  # an empty object, as some languages write it
        value = {}
    expected = "updatedDateField, updatedDateFormat and so on"
    return ConfiguredFields(owner, "datesConfiguration.", value, _DATE_FIELDS, expected)


def _read_url(given: ConfiguredFields) -> str:
    url = given.take("url")
    if not isinstance(url, str):
        found = "it is missing" if url is None else f"it is missing: {show(url)} is no text"
        given.refuse("url", f"{found}; give the resource to read, as in /hubs/documents/events")
    if len(url) > LONGEST_URL:
        given.refuse("url", f"it has {len(url):,} characters; at most {LONGEST_URL:,} are taken")
    stripped = url.strip()
    if stripped != url:
        given.remark("url", "the blanks around it were dropped")
    try:
        for remark in check(stripped):
            given.remark("url", remark)
    except InvalidRequestError as error:
        given.refuse("url", str(error))
    return stripped


def _read_date(dates: ConfiguredFields, kind: str) -> DateSetting | None:
    field_name, format_name, zone_name = (f"{kind}Date{part}" for part in ("Field", "Format", "Timezone"))
    field, written = dates.read_text(field_name), dates.read_text(format_name)
    zone_text = dates.read_text(zone_name)
    try:
        pattern = recall_pattern(dates.take(format_name))
    except InvalidRequestError as error:
        dates.refuse(format_name, str(error))
    try:
        zone = parse_zone(zone_text) if zone_text else UTC
    except InvalidRequestError as error:
        dates.refuse(zone_name, str(error))
    if pattern.remark:
        dates.remark(format_name, pattern.remark)
    if field and not written:
        dates.remark(field_name, "no format is given; ISO 8601 is read, and numbers as Unix time")
    if not field:
        for name in (format_name, zone_name):
            if dates.read_text(name):
                dates.remark(name, f"not used, as no {field_name} is given")
    return DateSetting(field, pattern, zone) if field else None


def _remark_location(definition: Definition, given: ConfiguredFields) -> None:
    """Check what the URL gives at some time, and remark what in it is odd."""
    location = definition.locate(_SAMPLE_AT, _SAMPLE_AT)
    if not location.path:
        given.refuse(
            "url", f"{show(definition.url)} names no resource; give one, as in /hubs/documents/events"
        )
    for found in _PLACEHOLDER.findall(location.path):
        given.remark("url", f"{found} stands for nothing here and is read as it is written")
    for name in UNUSED_PARAMETERS:
        if name in location.parameters:
            given.remark("url", f"the parameter {name} is not used in polling")
    if "pageSize" in location.parameters:
        given.remark("url", "the parameter pageSize is not used in polling; give pageSize beside url")
    names = [name for name, _ in parse_qsl(definition.url.partition("?")[2], keep_blank_values=True)]
    for name in sorted({name for name in names if names.count(name) > 1}):
        given.remark("url", f"the parameter {show(name)} is given more than once; the last one counts")
    where = location.parameters.get("where")
    if where is not None:
        later = definition.locate(_LATER_AT, _LATER_AT).parameters["where"]
        for remark in _remark_where(where, later):
            given.remark("url", remark)


def _remark_where(text: str, later_text: str) -> Iterator[str]:
    if not text.strip():
        yield "where is empty and leaves nothing out"
        return
    try:
        where, later = read_where(text), read_where(later_text)
    except InvalidRequestError as error:
        yield str(error)
        return
    if isinstance(where.part, Alternative):
        yield "where: with OR it is compared here alone; the provider is not asked to filter"
    odd = [field for field in where.list_fields() if field.lower() in _PAGING_WORDS]
    if odd:
        yield f"where: it compares fields of records; {', '.join(odd)} may rather be parameters of the provider"
    for condition, other in zip(where.conjuncts(), later.conjuncts(), strict=True):
        if condition.operator == "=" and condition.value != other.value:
            yield (
                f"where: {condition.field} is asked to equal the time of the last poll: that is for a provider that"
                " filters by it, and not compared here"
            )
