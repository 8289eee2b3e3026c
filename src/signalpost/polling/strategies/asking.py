"""What a list or feed is asked for, and what of its records is compared here: for polls, previews and users alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from signalpost.connectors.resource import Condition, Resource
from signalpost.polling.configuration import PolledResource
from signalpost.polling.where import Where, read_where

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ELSEWHEN = datetime(1984, 11, 26, 17, 38, 49, 192_837, tzinfo=UTC)
"""A time that no poll has: what reads otherwise after a poll at it holds a time."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The resource's own ``parameters``, the ``conditions`` its provider can compare, and the ``where`` that we do."""

    parameters: Mapping[str, str]
    conditions: Sequence[Condition]
    where: Where


def ask(polled: PolledResource, last_at: datetime, now: datetime) -> Asked:
    """Say what a poll asks for after one at ``last_at``.

    What holds the time of the last poll is for the provider, by whatever name it goes, and not compared here: what is
    new is decided by the memory.
    """
    resource, definition = polled.resource, polled.definition
    asked = definition.locate(last_at, now).parameters
    where = read_where(asked.get("where", ""))
    if definition.varies:
        since, later = (
            read_where(definition.locate(_ELSEWHEN, each).parameters.get("where", ""))
            for each in (now, _ELSEWHEN)
        )
        dates = {each.field for each in (polled.updated, polled.created) if each is not None}
        where = where.without_times(since, later, dates)
    where = where.without(resource.uncompared)
    return Asked(
        parameters={name: asked[name] for name in resource.parameters | resource.required if name in asked},
        conditions=find_conditions(read_where(asked.get("where", "")), resource),
        where=where,
    )


def recall_asked(polled: PolledResource) -> Asked:
    """Give what a resource whose URL holds no time is asked for, at any time: from memory if it was asked before.

    What connectors get of it is theirs: whatever they do with it, the next poll asks for the same.
    """
    known = _ask_at_any_time(polled)
    return Asked({**known.parameters}, [*known.conditions], known.where)


@lru_cache(maxsize=4096)
def _ask_at_any_time(polled: PolledResource) -> Asked:
    return ask(polled, EPOCH, EPOCH)


def find_conditions(where: Where, resource: Resource) -> list[Condition]:
    """Give the comparisons of a ``where`` that the provider itself can make."""
    return [condition for condition in where.conjuncts() if condition.field in resource.filters]
