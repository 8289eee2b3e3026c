"""The resources of a poller configuration as rows of a form: read from the JSON, and written into it again. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

import orjson

from signalpost.connectors.base import Connector
from signalpost.connectors.resource import Resource
from signalpost.polling.configuration import MOST_RESOURCES, default_resources, write_configuration
from signalpost.polling.labels import find_label
from signalpost.web.visits import Form

COLUMNS = (
    ("url", "URL"),
    ("idField", "ID Field"),
    ("strategy", "Strategy"),
    ("updatedDateField", "Updated Date Field"),
    ("updatedDateFormat", "Updated Date Format"),
    ("createdDateField", "Created Date Field"),
    ("createdDateFormat", "Created Date Format"),
)
"""The fields of a row and their labels. What else a configuration has stays as the JSON says."""

DATES = "datesConfiguration"


@dataclass(slots=True)
class Row:
    """One resource that can be polled. ``template`` is what its configuration begins with."""

    number: int
    name: str
    description: str
    strategies: tuple[str, ...]
    template: Mapping[str, Any]
    chosen: bool = False
    values: dict[str, str] = field(default_factory=dict)

    @property
    def strategy_options(self) -> list[tuple[str, str]]:
        """The strategies as options of a choice."""
        return [(each, each) for each in self.strategies]


def read_json(text: str, connector: Connector) -> dict[str, Any] | None:
    """Read a poller configuration for showing; empty: the connector's default; None: it is no JSON object."""
    if not text.strip():
        return dict(default_resources(connector))
    try:
        value = orjson.loads(text)
        if isinstance(value, str):
            value = orjson.loads(value)
    except orjson.JSONDecodeError:
        return None
    return value if isinstance(value, dict) else None


def make_rows(value: Mapping[str, Any], connector: Connector) -> list[Row]:
    """Make a row for each resource of the connector, and for those that ``value`` has under names of their own.

    Of more of these than an instance may have no row is made: they are refused, and stay in the JSON.
    """
    rows = []
    known = {resource.name: resource for resource in connector.resources}
    others = islice((name for name in value if name not in known), MOST_RESOURCES)
    for number, name in enumerate([*known, *others]):
        resource = known.get(name)
        template = write_configuration(resource, connector) if resource else deepcopy(value[name])
        row = Row(
            number=number,
            name=name,
            description=resource.description if resource else "A resource under a name of your own.",
            strategies=_list_strategies(resource, template, connector),
            template=template if isinstance(template, Mapping) else {},
            chosen=name in value,
        )
        configuration = value.get(name, template)
        row.values = {column: read_column(configuration, column) for column, _ in COLUMNS}
        row.values["strategy"] = row.values["strategy"] or row.strategies[0]
        rows.append(row)
    return rows


def read_rows(form: Form, rows: list[Row]) -> None:
    """Take over what was filled in."""
    for row in rows:
        row.chosen = f"resource.{row.number}" in form
        for column, _ in COLUMNS:
            given = form.get(f"resource.{row.number}.{column}")
            if given is not None:
                row.values[column] = given.strip()


def merge_rows(value: Mapping[str, Any], rows: list[Row]) -> dict[str, Any]:
    """Write rows into a configuration: fields that were not changed, and those no row has, stay as they are."""
    by_name = {row.name: row for row in rows}
    names = [name for name in value if name not in by_name or by_name[name].chosen]
    names += [row.name for row in rows if row.chosen and row.name not in value]
    merged: dict[str, Any] = {}
    for name in names:
        row = by_name.get(name)
        merged[name] = deepcopy(value.get(name, row.template if row else None))
        if row is not None and isinstance(merged[name], dict):
            for column, _ in COLUMNS:
                default = row.strategies[0] if column == "strategy" else ""
                if row.values[column] != (read_column(merged[name], column) or default):
                    _write_column(merged[name], column, row.values[column])
    return merged


def name_objects(samples: Sequence[dict[str, Any]], connector: Connector) -> None:
    """Add to the events of a preview what people call their object, where each event has a record of its own."""
    for sample in samples:
        path = sample["url"].partition("?")[0]
        resource = next(
            (each for each in connector.resources if path == f"/hubs/{connector.hub}/{each.path}"), None
        )
        own = resource is not None and len(sample["events"]) == len(sample["records"])
        for number, event in enumerate(sample["events"]):
            record = orjson.dumps(sample["records"][number]).decode() if own else "{}"
            event["label"] = find_label(record, resource.label_fields if resource else ())


def read_column(configuration: Any, column: str) -> str:
    """Read one field of a resource's configuration, in either spelling; "" where it says nothing."""
    if not isinstance(configuration, Mapping):
        return ""
    place = configuration
    if "Date" in column:
        dates = configuration.get(DATES)
        place = dates if isinstance(dates, Mapping) else {}
    found = place.get(_find_spelling(place, column))
    return found if isinstance(found, str) else ""


def _write_column(configuration: dict[str, Any], column: str, text: str) -> None:
    place = configuration
    if "Date" in column:
        if not isinstance(configuration.get(DATES), dict):
            configuration[DATES] = {}
        place = configuration[DATES]
    spelling = _find_spelling(place, column)
    if text or column in {"url", "idField"}:
        place[spelling] = text
    else:
        place.pop(spelling, None)


def _find_spelling(place: Mapping[str, Any], column: str) -> str:
    """Give a field's name as it is written there: ``updatedDateField`` or ``updatedAtField``, in any letter case."""
    known = {column.lower(), column.replace("Date", "At").lower()}
    return next((name for name in place if name.strip().lower() in known), column)


def _list_strategies(resource: Resource | None, configuration: Any, connector: Connector) -> tuple[str, ...]:
    if resource is None:
        path = read_column(configuration, "url").partition("?")[0].strip("/").split("/")
        resource = next((each for each in connector.resources if each.path == "/".join(path[2:])), None)
    strategies = resource.strategies if resource else ("feed", "timestamp", "snapshot")
    return tuple(str(each) for each in strategies)
