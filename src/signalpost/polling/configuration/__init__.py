"""What to poll: ``event.poller.configuration`` read, checked, and matched with the connector's resources."""

from __future__ import annotations

import re
from collections.abc import Hashable, Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import lru_cache
from typing import Any, NoReturn, cast

import orjson

from signalpost.connectors.base import Connector
from signalpost.connectors.resource import Resource, Strategy
from signalpost.model.configuration import (
    EVENTS_ENABLED,
    POLLER_CONFIGURATION,
    VENDOR_TYPE,
    read_boolean,
    read_interval_seconds,
    read_start,
)
from signalpost.model.delivery import RESERVED_NAMES
from signalpost.model.errors import InvalidRequestError
from signalpost.polling.configuration.definition import (
    USUAL_TOLERANCE_SECONDS,
    DateSetting,
    Definition,
    Location,
    read_definition,
    recall_pattern,
)
from signalpost.polling.dates import parse_zone
from signalpost.polling.dates.patterns import show
from signalpost.polling.where import read_where

LONGEST_NAME = 100
MOST_RESOURCES = 1000
"""Of an instance: each is a row that every poll reads, and a change writes."""
COMMON_PARAMETERS = frozenset({"where", "pageSize", "page", "orderBy", "fields"})
"""Query parameters that every resource takes, whatever the provider has (open-connectors.md 3.3)."""

_SAMPLE_AT = datetime(2026, 1, 1, tzinfo=UTC)
# In JSON; before it an even number of backslashes, or it is a backslash and plain text.
ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


@dataclass(frozen=True, slots=True)
class PollSettings:
    """How an instance is polled: nothing at all when ``resources`` is empty.

    ``sources`` names what each is read from (``PolledResource.source``); ``start_at`` is from when on the first poll of
    a resource tells changes (``model.configuration.read_start``).
    """

    interval_seconds: float
    resources: Mapping[str, Mapping[str, Any]]
    sources: Mapping[str, str]
    start_at: datetime | None


@dataclass(frozen=True, slots=True, eq=False)
class PolledResource:
    """A configured resource, matched with what the connector declares: that holds where nothing is configured.

    One equals itself alone, so that it is a quick key of what is known of it.
    """

    resource: Resource
    definition: Definition
    strategy: Strategy
    id_field: str
    updated: DateSetting | None
    created: DateSetting | None

    @property
    def source(self) -> str:
        """What it is read from: a watermark, and a memory, of one source say nothing of another."""
        kind = "feed" if self.strategy is Strategy.FEED else "list"
        return f"{kind} {self.resource.path}"


def read_poll_settings(
    configuration: Mapping[str, str], connector: Connector, *, minimum_interval_seconds: float
) -> PollSettings:
    """Read and check all that concerns polling.

    Raises:
        InvalidRequestError: a value is wrong; the message names the field.
    """
    minimum_seconds = max(minimum_interval_seconds, connector.least_interval_seconds)
    interval_seconds = read_interval_seconds(configuration, minimum_seconds=minimum_seconds)
    enabled = read_boolean(configuration, EVENTS_ENABLED, default=False)
    kind = configuration.get(VENDOR_TYPE, "").strip().lower()
    if enabled and kind not in {"", "polling"}:
        message = (
            f"{VENDOR_TYPE}: {kind[:50]!r} is not supported by {connector.name}; its events come by polling"
        )
        raise InvalidRequestError(message)
    start_at = read_start(configuration)
    text = configuration.get(POLLER_CONFIGURATION, "")
    resources = read_resources(text, connector, may_be_none=not enabled)
    polled = resources if enabled else {}
    sources = {name: recall_resource(name, each, connector).source for name, each in polled.items()}
    return PollSettings(interval_seconds, polled, sources, start_at)


def read_resources(
    text: str, connector: Connector, *, may_be_none: bool = False
) -> Mapping[str, Mapping[str, Any]]:
    """Read ``event.poller.configuration``: JSON, resource name to configuration. Empty: the connector's default.

    That names the resource alone: its ids and dates are the connector's whenever it is polled, as with a configuration
    that leaves them out, and not those that were declared when the instance was written.

    With ``may_be_none`` an object without resources is taken, as the original shows it where events are off.
    """
    if not text.strip():
        first = connector.resources[0]
        return {first.name: {"url": _write_url(first, connector)}}
    try:
        value = orjson.loads(text)
        if isinstance(value, str):  # JSON that was made text twice, as hand-made requests often have it
            value = orjson.loads(value)
        written = orjson.dumps(value)
    except TypeError as error:
        message = (
            f"{POLLER_CONFIGURATION}: it nests arrays and objects too deeply; at most 250 levels are kept"
        )
        raise InvalidRequestError(message) from error
    except orjson.JSONDecodeError as error:
        message = f"{POLLER_CONFIGURATION}: this is not JSON ({error.msg}, character {error.pos + 1}): {text[:100]!r}"
        raise InvalidRequestError(message) from error
    if ESCAPED_NUL.search(written):
        message = f"{POLLER_CONFIGURATION}: it holds a NUL character, which cannot be kept"
        raise InvalidRequestError(message)
    if not isinstance(value, dict) or not (value or may_be_none):
        message = f'{POLLER_CONFIGURATION}: give an object of resources, as in {{"events": {{"url": ...}}}}'
        raise InvalidRequestError(message)
    if len(value) > MOST_RESOURCES:
        message = f"{POLLER_CONFIGURATION}: it has {len(value):,} resources; an instance has at most {MOST_RESOURCES:,}"
        raise InvalidRequestError(message)
    for name, configuration in value.items():
        check_name(name)
        recall_resource(name, configuration, connector)
    return value


def default_resources(connector: Connector) -> Mapping[str, Mapping[str, Any]]:
    """What is polled when nothing is configured, in full: the connector's first resource (open-connectors.md 4)."""
    first = connector.resources[0]
    return {first.name: write_configuration(first, connector)}


def write_configuration(resource: Resource, connector: Connector) -> dict[str, Any]:
    """Write the configuration that polls a resource as it is declared; parameters that it needs stand there empty."""
    dates: dict[str, str] = {}
    for kind, field in (("updated", resource.updated_field), ("created", resource.created_field)):
        if field:
            dates |= {
                f"{kind}DateField": field,
                f"{kind}DateFormat": resource.date_format,
                f"{kind}DateTimezone": resource.date_zone or "GMT",
            }
    return {
        "url": _write_url(resource, connector),
        "idField": resource.id_field,
        "datesConfiguration": dates,
    }


def _write_url(resource: Resource, connector: Connector) -> str:
    url = f"/hubs/{connector.hub}/{resource.path}"
    if resource.required:
        url += "?" + "&".join(f"{name}=" for name in sorted(resource.required))
    return url


def check_name(name: str) -> None:
    """Check the name that a resource is given (raises as ``read_poll_settings``)."""
    if not name or len(name) > LONGEST_NAME:
        _refuse(name[:LONGEST_NAME], "", f"a resource's name has 1 to {LONGEST_NAME} characters")
    if name in RESERVED_NAMES:
        _refuse(name, "", "that name has another meaning in notifications; give the resource another one")


def match_resource(name: str, configuration: Any, connector: Connector) -> PolledResource:
    """Find which of the connector's resources a configuration reads, by the path of its ``url``, and how.

    Any hub is taken for the connector's own, as the original does (open-connectors.md 3.2).

    Raises:
        InvalidRequestError: a value is wrong, by itself or for this connector; the message names the field.
    """
    definition = read_definition(name, configuration)
    location = definition.locate(_SAMPLE_AT, _SAMPLE_AT)
    resource = next((known for known in connector.resources if known.path == location.path), None)
    if resource is None:
        known = ", ".join(f"/hubs/{connector.hub}/{each.path}" for each in connector.resources)
        words = f"{show(definition.url)} is no resource of {connector.name}; known: {known}"
        _refuse(name, ".url", words)
    _check_parameters(name, location, resource)
    polled = PolledResource(
        resource=resource,
        definition=definition,
        strategy=definition.strategy or resource.strategies[0],
        id_field=resource.id_field if definition.id_field is None else definition.id_field,
        updated=definition.updated or _declare_date(resource.updated_field, resource),
        created=definition.created or _declare_date(resource.created_field, resource),
    )
    _check_strategy(polled)
    unused = tuple(_list_unused(polled, location))
    if unused:
        polled = replace(polled, definition=replace(definition, remarks=(*definition.remarks, *unused)))
    return polled


def recall_resource(name: str, configuration: Any, connector: Connector) -> PolledResource:
    """Give what ``match_resource`` gives, from memory if it was asked before: every poll of every resource asks."""
    return _match_written(name, orjson.dumps(configuration), cast("Hashable", connector))


@lru_cache(maxsize=4096)
def _match_written(name: str, written: bytes, connector: Connector) -> PolledResource:
    return match_resource(name, orjson.loads(written), connector)


def _declare_date(field: str, resource: Resource) -> DateSetting | None:
    zone = parse_zone(resource.date_zone) if resource.date_zone else UTC
    return DateSetting(field, recall_pattern(resource.date_format), zone) if field else None


def _check_parameters(name: str, location: Location, resource: Resource) -> None:
    own = resource.parameters | resource.required
    unknown = sorted(set(location.parameters) - own - COMMON_PARAMETERS)
    if unknown:
        known = ", ".join([*sorted(own), *sorted(COMMON_PARAMETERS)])
        _refuse(name, ".url", f"{resource.name} has no query parameter {show(unknown[0])}; known: {known}")
    for each in sorted(resource.required):
        if not location.parameters.get(each, "").strip():
            words = f"{resource.name} needs the query parameter {each}, as in {resource.path}?{each}=..."
            _refuse(name, ".url", words)
    try:
        read_where(location.parameters.get("where", ""))
    except InvalidRequestError as error:
        _refuse(name, ".url", str(error))


def _list_unused(polled: PolledResource, location: Location) -> Iterator[str]:
    """Say what was written and is without effect, by the strategy or by the URL."""
    definition, strategy = polled.definition, polled.strategy
    if strategy is Strategy.FEED and location.parameters.get("where", "").strip():
        known = ", ".join(sorted(polled.resource.parameters)) or "none"
        yield f"url: where is not used in a feed, all of it is told; parameters that choose: {known}"
    if strategy is Strategy.FEED and definition.page_size is not None:
        yield "pageSize: not used in a feed"
    if strategy is not Strategy.TIMESTAMP and definition.created_tolerance_seconds != USUAL_TOLERANCE_SECONDS:
        yield f"createdCheckTolerance: not used by the strategy {strategy}"
    by_date = strategy is Strategy.TIMESTAMP and definition.filter_by_updated
    if definition.filter_by_current and not by_date:
        yield "filterByCurrentDate: not used where dates do not decide what is new"
    if definition.poll_delay_seconds and not definition.varies:
        yield "pollDelay: not used, as the URL holds no time of the last poll"


def _check_strategy(polled: PolledResource) -> None:
    definition, resource = polled.definition, polled.resource
    if polled.strategy not in resource.strategies:
        known = ", ".join(resource.strategies)
        words = f"{show(polled.strategy.value)} does not suit {resource.name}; its strategies are {known}"
        _refuse(definition.name, ".strategy", words)
    if polled.strategy is Strategy.SNAPSHOT and definition.varies:
        words = (
            f"{show(definition.url)} holds a time, but a snapshot needs the whole list: leave the variable out,"
            " or what is older would be taken for deleted"
        )
        _refuse(definition.name, ".url", words)
    dated = polled.updated or polled.created or not definition.filter_by_updated
    if polled.strategy is Strategy.TIMESTAMP and not dated:
        words = (
            f"{resource.name} has no date of its own; name one in updatedDateField or createdDateField, or set"
            " filterByUpdatedDate to false to have records told apart by their content"
        )
        _refuse(definition.name, ".datesConfiguration", words)


def _refuse(name: str, field: str, words: str) -> NoReturn:
    message = f"{POLLER_CONFIGURATION}.{name}{field}: {words}"
    raise InvalidRequestError(message)
