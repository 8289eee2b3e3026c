"""What to poll: ``event.poller.configuration`` read, checked, and matched with the connector's resources."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import orjson

from signalpost.connectors.base import Connector, Resource
from signalpost.model.configuration import (
    EVENTS_ENABLED,
    POLLER_CONFIGURATION,
    VENDOR_TYPE,
    read_boolean,
    read_interval_seconds,
)
from signalpost.model.errors import InvalidRequestError
from signalpost.polling.dates import compile_pattern, parse_zone

LONGEST_NAME = 100
LONGEST_URL = 4000
# In JSON; before it an even number of backslashes, or it is a backslash and plain text.
ESCAPED_NUL = re.compile(rb"(?<!\\)(?:\\\\)*\\u0000")


@dataclass(frozen=True, slots=True)
class PollSettings:
    """How an instance is polled: nothing at all when ``resources`` is empty."""

    interval_seconds: float
    resources: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class PolledResource:
    """A configured resource, matched with what the connector declares."""

    resource: Resource
    parameters: Mapping[str, str]
    id_field: str


def read_poll_settings(
    configuration: Mapping[str, str], connector: Connector, *, minimum_interval_seconds: float
) -> PollSettings:
    """Read and check all that concerns polling.

    Raises:
        InvalidRequestError: a value is wrong; the message names the field.
    """
    interval_seconds = read_interval_seconds(configuration, minimum_seconds=minimum_interval_seconds)
    enabled = read_boolean(configuration, EVENTS_ENABLED, default=False)
    kind = configuration.get(VENDOR_TYPE, "").strip().lower()
    if enabled and kind not in {"", "polling"}:
        message = (
            f"{VENDOR_TYPE}: {kind[:50]!r} is not supported by {connector.name}; its events come by polling"
        )
        raise InvalidRequestError(message)
    resources = read_resources(configuration.get(POLLER_CONFIGURATION, ""), connector)
    return PollSettings(interval_seconds, resources if enabled else {})


def read_resources(text: str, connector: Connector) -> Mapping[str, Mapping[str, Any]]:
    """Read ``event.poller.configuration``: JSON, resource name to configuration. Empty: the connector's default."""
    if not text.strip():
        return default_resources(connector)
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
    if not isinstance(value, dict) or not value:
        message = f'{POLLER_CONFIGURATION}: give an object of resources, as in {{"events": {{"url": ...}}}}'
        raise InvalidRequestError(message)
    for name, configuration in value.items():
        check_resource(name, configuration, connector)
    return value


def default_resources(connector: Connector) -> Mapping[str, Mapping[str, Any]]:
    """What is polled when nothing is configured: the connector's first resource (open-connectors.md 4)."""
    first = connector.resources[0]
    dates = {
        "updatedDateField": first.date_field,
        "updatedDateFormat": first.date_format,
        "updatedDateTimezone": "GMT",
        "createdDateField": first.date_field,
        "createdDateFormat": first.date_format,
        "createdDateTimezone": "GMT",
    }
    url = f"/hubs/{connector.hub}/{first.path}"
    return {first.name: {"url": url, "idField": first.id_field, "datesConfiguration": dates}}


def check_resource(name: str, configuration: Any, connector: Connector) -> None:
    """Check one resource's configuration (raises as ``read_poll_settings``)."""
    where = f"{POLLER_CONFIGURATION}.{name[:LONGEST_NAME]}"
    if not name or len(name) > LONGEST_NAME:
        message = f"{where}: a resource's name has 1 to {LONGEST_NAME} characters"
        raise InvalidRequestError(message)
    if not isinstance(configuration, dict):
        message = (
            f"{where}: give an object with url, idField and datesConfiguration, not {_show(configuration)}"
        )
        raise InvalidRequestError(message)
    match_resource(name, configuration, connector)
    dates = configuration.get("datesConfiguration") or {}
    if not isinstance(dates, dict):
        message = f"{where}.datesConfiguration: give an object, not {_show(dates)}"
        raise InvalidRequestError(message)
    for field, value in dates.items():
        _check_date_setting(f"{where}.datesConfiguration.{field}", field, value)


def _check_date_setting(where: str, field: str, value: Any) -> None:
    if value is None or value == "":
        return
    if not isinstance(value, str):
        message = f"{where}: give text, not {_show(value)}"
        raise InvalidRequestError(message)
    try:
        if field.endswith("Format"):
            compile_pattern(value)
        elif field.endswith(("Timezone", "TimeZone")):
            parse_zone(value)
    except InvalidRequestError as error:
        message = f"{where}: {error}"
        raise InvalidRequestError(message) from error


def match_resource(name: str, configuration: Mapping[str, Any], connector: Connector) -> PolledResource:
    """Find which of the connector's resources a configuration reads, by the path of its ``url``.

    Any hub is taken for the connector's own, as the original does (open-connectors.md 3.2).
    """
    where = f"{POLLER_CONFIGURATION}.{name}"
    url = configuration.get("url")
    if not isinstance(url, str) or not url.strip():
        message = f"{where}.url: it is missing; give the resource to read, as in /hubs/{connector.hub}/events"
        raise InvalidRequestError(message)
    if len(url) > LONGEST_URL:
        message = f"{where}.url: it has {len(url):,} characters; at most {LONGEST_URL:,} are taken"
        raise InvalidRequestError(message)
    address, _, query = url.strip().partition("?")
    segments = address.strip("/").split("/")
    path = "/".join(segments[2:] if segments[0] == "hubs" else segments)
    resource = next((known for known in connector.resources if known.path == path), None)
    if resource is None:
        known = ", ".join(f"/hubs/{connector.hub}/{each.path}" for each in connector.resources)
        message = f"{where}.url: {url[:200]!r} is no resource of {connector.name}; known: {known}"
        raise InvalidRequestError(message)
    return PolledResource(
        resource=resource,
        parameters=_read_parameters(where, query, resource),
        id_field=_read_id_field(where, configuration, resource),
    )


def _read_parameters(where: str, query: str, resource: Resource) -> dict[str, str]:
    parameters = dict(parse_qsl(query, keep_blank_values=True))
    unknown = sorted(set(parameters) - resource.parameters)
    if unknown:
        known = ", ".join(sorted(resource.parameters)) or "none"
        message = f"{where}.url: {resource.name} has no query parameter {unknown[0][:100]!r}; known: {known}"
        raise InvalidRequestError(message)
    return parameters


def _read_id_field(where: str, configuration: Mapping[str, Any], resource: Resource) -> str:
    value = configuration.get("idField")
    if value is None or value == "":
        return resource.id_field
    if not isinstance(value, str):
        message = f"{where}.idField: give the name of a field, not {_show(value)}"
        raise InvalidRequestError(message)
    return value


def _show(value: Any) -> str:
    return repr(value)[:100]
