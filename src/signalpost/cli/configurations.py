"""Judging poller configurations from a file, without a server: what an instance would make of them."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from signalpost.cli.endings import Ending
from signalpost.cli.printing import print_line
from signalpost.connectors.base import Connector
from signalpost.connectors.registry import Registry, load_registry
from signalpost.model.errors import InvalidRequestError, NotFoundError
from signalpost.polling.configuration import check_name, match_resource
from signalpost.polling.configuration.definition import DateSetting, Definition, read_definition
from signalpost.polling.dates import compile_pattern
from signalpost.settings import load_settings

REFUSED, UNREADABLE = Ending.FAILED, Ending.MISUSED
"""Exit codes: a configuration is refused; the file holds none."""

FIELDS = frozenset({"url", "idfield", "datesconfiguration", "strategy"})
SAMPLES = (
    datetime(1999, 12, 31, 22, 58, 38, 120_003, tzinfo=UTC),
    datetime(2026, 1, 15, 5, 45, 7, 654_321, tzinfo=UTC),
    datetime(2026, 7, 4, 13, 5, 29, 123_456, tzinfo=UTC),
)
PRECISIONS = (
    timedelta(microseconds=1),
    timedelta(milliseconds=1),
    timedelta(seconds=1),
    timedelta(minutes=1),
    timedelta(hours=1),
    timedelta(days=1),
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """A configuration found in the file; ``connector`` is "" where the file names none."""

    connector: str
    resource: str
    configuration: Any


def judge_file(path: Path) -> int:
    """Print one line for each resource's configuration in a file, and give the exit code: 0 if all are accepted."""
    try:
        value = orjson.loads(path.read_bytes())
        orjson.dumps(value)  # refuses what nests too deeply to be kept
    except OSError as error:
        return _complain(f"{path}: it cannot be read: {error.strerror}")
    except orjson.JSONDecodeError as error:
        return _complain(f"{path}: this is not JSON: {error.msg} (line {error.lineno}, column {error.colno})")
    except TypeError:
        return _complain(f"{path}: it nests arrays and objects too deeply; at most 250 levels are read")
    if not isinstance(value, dict) or not value:
        return _complain(
            f'{path}: give an object: {{"egnyte": {{"events": {{"url": ...}}}}}}, {{"events": {{"url": ...}}}} or'
            ' {"url": ...}'
        )
    files = load_settings().list_connector_files()
    registry = load_registry(egnyte_url=None, files=files, check_format=compile_pattern)
    for name, reason in registry.left_out.items():
        print_line(f"the connector {name} is left out: {reason}", to_errors=True)
    code = 0
    for candidate in find_candidates(value):
        name, verdict = _judge(candidate, registry)
        if verdict.startswith("refused"):
            code = REFUSED
        print_line(f"{name}: {verdict}")
    return code


def find_candidates(value: Mapping[str, Any]) -> Iterator[Candidate]:
    """Find the configurations: by connector and resource, by resource, or the object itself."""
    if _is_configuration(value):
        yield Candidate("", "resource", value)
        return
    for name, each in value.items():
        if isinstance(each, dict) and each and not _is_configuration(each):
            for resource, configuration in each.items():
                yield Candidate(name, resource, configuration)
        else:
            yield Candidate("", name, each)


def _is_configuration(value: Mapping[str, Any]) -> bool:
    return any(
        key.strip().lower() in FIELDS
        and (not isinstance(each, dict) or key.strip().lower() == "datesconfiguration")
        for key, each in value.items()
    )


def _judge(candidate: Candidate, registry: Registry) -> tuple[str, str]:
    """Give the name to show and the verdict."""
    name = ".".join(filter(None, [candidate.connector, candidate.resource])) or "(no name)"
    try:
        check_name(candidate.resource)
        connector = _find_connector(candidate, registry)
        if connector is not None:
            name = f"{connector.key}.{candidate.resource}"
            definition = match_resource(candidate.resource, candidate.configuration, connector).definition
        else:
            definition = read_definition(candidate.resource, candidate.configuration)
        remarks = [*definition.remarks, *_try_out(definition)]
    except InvalidRequestError as error:
        return name, f"refused: {error}"
    if connector is None and not candidate.connector:
        remarks.append("no connector that is installed reads this url, so only its form was checked")
    return name, f"accepted with a remark: {'; '.join(remarks)}" if remarks else "accepted"


def _find_connector(candidate: Candidate, registry: Registry) -> Connector | None:
    """Find the installed connector that is named, or where none is named the one that has the path."""
    if candidate.connector:
        try:
            return registry.find(candidate.connector)
        except NotFoundError:
            return None
    path = read_definition(candidate.resource, candidate.configuration).locate(SAMPLES[0], SAMPLES[0]).path
    for connector in registry:
        if any(resource.path == path for resource in connector.resources):
            return connector
    return None


def _try_out(definition: Definition) -> Iterator[str]:
    """Expand the URL at several times, and write and read dates by the formats; give what came out wrong."""
    for last_at, now in itertools.pairwise(SAMPLES):
        definition.locate(last_at, now)
    for kind, setting in (("updated", definition.updated), ("created", definition.created)):
        if setting is not None and (wrong := _try_date(setting)):
            yield f"the {kind} date's format {setting.pattern.text!r} {wrong}"


def _try_date(setting: DateSetting) -> str | None:
    """Write instants and read them again; say what is wrong if more is lost than the smallest unit that is written."""
    pattern, zone = setting.pattern, setting.zone
    written = {instant: pattern.write(instant, zone) for instant in SAMPLES}
    for precision in PRECISIONS:
        if all(pattern.write(instant + precision, zone) != text for instant, text in written.items()):
            break
    else:
        return "does not tell one day from the next"
    for instant, text in written.items():
        try:
            read = pattern.read(text, zone, now=SAMPLES[-1])
        except InvalidRequestError as error:
            return f"writes what it cannot read: {error}"
        if not timedelta(0) <= instant - read < precision:
            return f"writes {instant.isoformat()} as {text!r}, but reads that as {read.isoformat()}"
    return None


def _complain(message: str) -> int:
    print_line(message, to_errors=True)
    return UNREADABLE
