"""Records that are no files: kept by id, changed by the control ``records``, told by their API. Pure."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, TypeAlias

from signalpost.model.errors import InvalidRequestError
from signalpost.sandbox.egnyte.tree import Tree
from signalpost.sandbox.fields import read_list, read_object

Record: TypeAlias = dict[str, Any]
"""A record as JSON, in the form that the provider gives it (egnyte-api.md section 5)."""
Reader: TypeAlias = Callable[[str, Any], Any]
"""Gives the value to keep of a field (its name, its value from outside), or raises InvalidRequestError."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a new record is made from. ``number`` is another for each, from 1."""

    domain: str
    tree: Tree
    random: Random
    now: float
    number: int


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of record: its fields with their readers, and what fills those not given.

    ``touched`` are the dates that an update sets to now unless it gives them.
    """

    readers: Mapping[str, Reader]
    fill: Callable[[Draft], Record]
    touched: Mapping[str, Callable[[float], Any]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be created, updated (by ``id``) and deleted (ids), in this order; values are read already."""

    create: Sequence[Record]
    update: Sequence[Record]
    delete: Sequence[Any]


def read_wish(kind: Kind, body: Any) -> Wish:
    """Read the body of ``POST /_sandbox/records/{kind}``.

    Raises:
        InvalidRequestError: a field is unknown, missing or wrong; it is named.
    """
    given = read_object("body", body, ("create", "update", "delete"))
    update = read_items(kind, "update", given.get("update", []))
    for place, item in enumerate(update):
        if "id" not in item:
            raise InvalidRequestError(f"update[{place}].id is missing: it says which record is meant")
    deleted = read_list("delete", given.get("delete", []))
    return Wish(
        create=read_items(kind, "create", given.get("create", [])),
        update=update,
        delete=[kind.readers["id"](f"delete[{place}]", value) for place, value in enumerate(deleted)],
    )


def read_items(kind: Kind, name: str, value: Any) -> list[Record]:
    """Read an array of records that may lack fields.

    Raises:
        InvalidRequestError: a field is unknown or wrong; it is named.
    """
    items = []
    for place, item in enumerate(read_list(name, value)):
        where = f"{name}[{place}]"
        given = read_object(where, item, kind.readers)
        items.append({key: kind.readers[key](f"{where}.{key}", found) for key, found in given.items()})
    return items


def grant_wish(
    kind: Kind, records: Mapping[Any, Record], wish: Wish, make_draft: Callable[[], Draft]
) -> tuple[dict[Any, Record], list[Record]]:
    """Give the records by id as they are after ``wish``, and those that it created and updated.

    Raises:
        InvalidRequestError: an id to create is in use, or one to update or delete is not.
    """
    fresh, changed = dict(records), list[Record]()
    for item in wish.create:
        draft = make_draft()
        record = _merge(kind.fill(draft), item)
        if record["id"] in fresh:
            raise InvalidRequestError(f"create: there is a record with the id {record['id']!r} already")
        fresh[record["id"]] = record
        changed.append(record)
    for item in wish.update:
        draft = make_draft()
        touched = {name: write(draft.now) for name, write in kind.touched.items()}
        fresh[item["id"]] = _merge(_find(fresh, item["id"], "update") | touched, item)
        changed.append(fresh[item["id"]])
    for record_id in wish.delete:
        _find(fresh, record_id, "delete")
        del fresh[record_id]
    return fresh, changed


def _find(records: Mapping[Any, Record], record_id: Any, name: str) -> Record:
    if record_id not in records:
        raise InvalidRequestError(f"{name}: there is no record with the id {record_id!r}")
    return records[record_id]


def _merge(record: Record, given: Record) -> Record:
    merged = record | given
    for name, value in given.items():
        if isinstance(value, dict) and isinstance(record.get(name), dict):
            merged[name] = record[name] | value
    return merged
