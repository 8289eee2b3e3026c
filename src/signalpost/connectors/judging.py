"""Judges what a connector declares, before anything relies on it: others write connectors too."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from types import FunctionType
from typing import Any

from signalpost.connectors.authorising import Grant
from signalpost.connectors.base import EVENT_FIELDS, Connector, Field, FieldKind
from signalpost.connectors.fixed_headers import find_wrong_header, list_headers
from signalpost.connectors.resource import Resource, Strategy
from signalpost.model.configuration import MOST_MINUTES
from signalpost.model.delivery import RESERVED_NAMES

KEY = re.compile(r"[a-z][a-z0-9_-]{0,62}", re.ASCII)
TEXTS = ("name", "description", "hub")
OWN = ["grant", "write_headers"]
RESOURCE_TEXTS = (
    "path",
    "description",
    "id_field",
    "updated_field",
    "created_field",
    "date_format",
    "date_zone",
    "deleted_field",
)
RESOURCE_SETS = ("parameters", "required", "filters", "uncompared", "deleted_values")
DECLARED = {name: each for name, each in vars(Connector).items() if not name.startswith("_")}
"""All that the contract asks for."""
METHODS = tuple(name for name, each in DECLARED.items() if isinstance(each, FunctionType))


def judge(connector: Any, others: Iterable[Connector]) -> str:
    """Say what is wrong with a connector's declaration, "" if nothing is; ``others`` are there already.

    What it raises when it is asked comes through.
    """
    return next(_find_wrong(connector, others), "")


def _find_wrong(connector: Any, others: Iterable[Connector]) -> Iterator[str]:
    wanted = dict.fromkeys((*METHODS, *DECLARED))
    missing = [each for each in wanted if not hasattr(connector, each)]
    if missing:
        yield f"what its factory gives is no connector: {type(connector).__name__} has no {', '.join(missing)}"
        return
    if type(connector).__hash__ is None:
        yield f"{type(connector).__name__} cannot be hashed: it defines __eq__ without __hash__"
    yield from _judge_identity(connector, others)
    for each in TEXTS:
        value = getattr(connector, each)
        if not isinstance(value, str) or not value.strip():
            yield f"{each}: {_show(value)} is no text"
    if isinstance(connector.hub, str) and set(connector.hub) & set("/?#% "):
        yield f"hub: {_show(connector.hub)} is no part of a path, as 'documents' is in /hubs/documents/users"
    for each in METHODS:
        if not callable(getattr(connector, each)):
            yield f"{each} is no method"
    yield from _judge_authorisation(connector)
    yield from _judge_limits(connector)
    yield from _judge_fields(connector)
    yield from _judge_resources(connector)


def _judge_identity(connector: Any, others: Iterable[Connector]) -> Iterator[str]:
    if not isinstance(connector.key, str) or not KEY.fullmatch(connector.key):
        yield f"key: {_show(connector.key)} is no key; give lower-case letters, digits, - and _, as in 'egnyte'"
    if type(connector.id) is not int or not 0 < connector.id < 2**31:
        yield f"id: {_show(connector.id)} is no number from 1 to 2147483647"
    for other in others:
        if connector.key == other.key:
            yield f"key: {connector.key!r} is that of another connector, {other.name}"
        if connector.id == other.id:
            yield f"id: {connector.id} is that of another connector, {other.key}"


def _judge_authorisation(connector: Any) -> Iterator[str]:
    """Judge what makes it an ``OwnAuthorisation``: half of that would be taken for none, and a person be asked."""
    there = [name for name in OWN if hasattr(connector, name)]
    if there and there != OWN:
        yield f"{there[0]}: it is there without {' and '.join(each for each in OWN if each not in there)}"
    elif there and not (isinstance(connector.grant, Grant) and callable(connector.write_headers)):
        yield f"grant: {_show(connector.grant)} is no Grant, or write_headers is no method"
    if not callable(getattr(connector, "write_parameters", _judge_authorisation)):
        yield "write_parameters is no method"
    headers: Any = list_headers(connector)
    if not isinstance(headers, Mapping):
        yield f"headers: they are {type(headers).__name__}, and no mapping of names to values"
    elif wrong := find_wrong_header(headers):
        yield f"headers: {wrong}"


def _judge_limits(connector: Any) -> Iterator[str]:
    rate = connector.calls_per_second
    if type(rate) not in {int, float} or not 0 < rate < float("inf"):
        yield f"calls_per_second: {_show(rate)} is no number over 0"
    calls = connector.calls_a_day
    if calls is not None and (type(calls) is not int or calls < 1):
        yield f"calls_a_day: {_show(calls)} is neither None nor a whole number from 1"
    least = connector.least_interval_seconds
    if type(least) not in {int, float} or not 0 <= least <= MOST_MINUTES * 60:
        yield f"least_interval_seconds: {_show(least)} is no number from 0 to {MOST_MINUTES * 60}"


def _judge_fields(connector: Any) -> Iterator[str]:
    taken = {each.key for each in EVENT_FIELDS}
    for each in connector.fields:
        if not isinstance(each, Field):
            yield f"fields: {_show(each)} is no Field"
        elif each.key in taken:
            yield f"fields: the key {each.key!r} is there already"
        elif wrong := next(_find_wrong_field(each), ""):
            yield f"fields: {wrong}"
        else:
            taken.add(each.key)
    if not all(isinstance(each, str) for each in connector.setup_steps):
        yield "setup_steps: one of them is no text"


def _find_wrong_field(field: Any) -> Iterator[str]:
    if not all(isinstance(each, str) and each for each in (field.key, field.label)):
        yield f"{_show(field.key)}, {_show(field.label)} are no key and label"
    if not isinstance(field.kind, FieldKind) or not isinstance(field.default, (str, type(None))):
        yield f"{field.key}: its kind is no FieldKind, or its default neither None nor a text"


def _judge_resources(connector: Any) -> Iterator[str]:
    if not isinstance(connector.resources, (tuple, list)):
        yield f"resources: {_show(connector.resources)} is no tuple"
        return
    names: set[str] = set()
    paths: set[str] = set()
    for each in connector.resources:
        if not isinstance(each, Resource):
            yield f"resources: {_show(each)} is no Resource"
        elif not each.name or each.name in names:
            yield f"resources: the name {each.name!r} is empty or there already"
        elif not each.strategies or not all(isinstance(one, Strategy) for one in each.strategies):
            yield f"resources: {each.name} declares no strategy"
        elif Strategy.FEED in each.strategies and type(each.feed_tells_deletions) is not bool:
            yield f"resources: {each.name} has a feed, and feed_tells_deletions is neither True nor False"
        elif wrong := next(_find_wrong_part(each), ""):
            yield f"resources: {each.name}: {wrong}"
        elif each.path in paths:
            yield f"resources: {each.name}: the path {each.path!r} is that of another; by it resources are found"
        else:
            names.add(each.name)
            paths.add(each.path)
    if not connector.resources:
        yield "resources: there are none"


def _find_wrong_part(resource: Resource) -> Iterator[str]:
    if resource.name in RESERVED_NAMES:
        yield "that name has another meaning in notifications"
    for name in RESOURCE_TEXTS:
        if not isinstance(getattr(resource, name), str):
            yield f"{name}: {_show(getattr(resource, name))} is no text"
    for name in RESOURCE_SETS:
        value = getattr(resource, name)
        if not isinstance(value, (frozenset, set)) or not all(isinstance(each, str) for each in value):
            yield f"{name}: {_show(value)} is no set of texts, as frozenset({{'folder'}}) is"
    labels = resource.label_fields
    if not isinstance(labels, (tuple, list)) or not all(isinstance(each, str) for each in labels):
        yield f"label_fields: {_show(labels)} is no tuple of texts"
    if {"", ".", ".."} & set(resource.path.split("/")) or set(resource.path) & set("?#% "):
        yield f"path: {_show(resource.path)} is no path in a URL, as 'users' is in /hubs/documents/users"


def _show(value: object) -> str:
    return repr(value)[:100]
