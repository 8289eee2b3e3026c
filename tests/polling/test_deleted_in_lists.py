"""Records that stay in a list and say themselves that their object is deleted."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from signalpost.connectors.registry import Registry
from signalpost.connectors.resource import Resource, Strategy
from signalpost.polling.strategies.objects import is_deleted
from tests.polling.machine import Machine
from tests.polling.provider import CHANGES, MEMBERS, THINGS, Provider, ProviderConnector

LISTS = ["timestamp", "snapshot"]
SAYING = Resource("r", "r", "", (Strategy.TIMESTAMP,), "id", "at", deleted_field="told.by")


class Telling(ProviderConnector):
    resources = (CHANGES, replace(THINGS, deleted_field="value", deleted_values=frozenset({"-1"})), MEMBERS)


@pytest.fixture
def begin(pool):
    """Give a function that polls a list once in which three objects are, one of them deleted."""

    async def open_telling(strategy):
        provider = Provider()
        for name, value in (("a", 1), ("b", 1), ("gone", -1)):
            provider.write(name, value)
        machine = Machine(provider, pool, strategy)
        machine._parts = replace(machine._parts, registry=Registry([Telling(provider)]))
        await machine.connect()
        assert await machine.tell() == []
        return machine, provider

    return open_telling


@pytest.mark.parametrize("strategy", LISTS)
async def test_what_says_that_it_is_deleted_is_told_so_once(begin, strategy):
    machine, provider = await begin(strategy)
    provider.write("a", -1)
    assert await machine.tell() == [("a", "DELETED")]
    assert await machine.tell() == [("a", "DELETED")]
    provider.delete("a")  # at last
    provider.delete("gone")
    assert await machine.tell() == [("a", "DELETED")]
    provider.write("b", 2)
    assert await machine.tell() == [("a", "DELETED"), ("b", "UPDATED")]


@pytest.mark.parametrize(("strategy", "again"), [("timestamp", "UPDATED"), ("snapshot", "CREATED")])
async def test_what_comes_back_is_told(begin, strategy, again):
    machine, provider = await begin(strategy)
    provider.write("a", -1)
    await machine.tell()
    provider.write("a", 3)
    assert await machine.tell() == [("a", "DELETED"), ("a", again)]


async def test_what_came_and_went_between_two_polls_is_told_as_deleted_by_its_date(begin):
    machine, provider = await begin("timestamp")
    provider.write("new", -1)
    assert await machine.tell() == [("new", "DELETED")]


async def test_what_is_deleted_before_the_first_reading_is_told(pool):
    provider = Provider()
    machine = Machine(provider, pool, "timestamp")
    machine._parts = replace(machine._parts, registry=Registry([Telling(provider)]))
    provider.write("a", -1, dated=provider.now - timedelta(hours=1))
    await machine.connect()
    await pool.execute("UPDATE resource_poll SET starts_at = $1", provider.now)
    provider.now += timedelta(hours=1)
    provider.write("b", -1)
    assert await machine.tell() == [("b", "DELETED")]


NO = [
    None,
    False,
    0,
    0.0,
    "",
    " ",
    "0",
    "false",
    "No",
    "null",
    {},
    [],
    [None],
    [False, 0],
    "0000-00-00 00:00:00",
]
NO += ["0000-00-00T00:00:00.000Z", "0001-01-01T00:00:00Z"]
YES = [
    True,
    1,
    -1,
    "1",
    "true",
    "yes",
    "T",
    "Z",
    "2026-05-28",
    "2000-00-00",
    {"reason": "deleted"},
    [0, 1],
    2**70,
    "deleted",
]


@pytest.mark.parametrize(
    ("value", "says_so"), [*((each, False) for each in NO), *((each, True) for each in YES)]
)
def test_what_a_field_says(value, says_so):
    assert is_deleted({"told": {"by": value}}, SAYING) is says_so
    assert not is_deleted({"told": {"by": value}}, replace(SAYING, deleted_field=""))


@pytest.mark.parametrize("record", [{}, {"told": 1}, {"told": None}, "text", 7, None, [1]])
def test_where_nothing_is_said_nothing_is_deleted(record):
    assert not is_deleted(record, SAYING)


@pytest.mark.parametrize(
    ("value", "says_so"),
    [
        (False, True),
        ("false", True),
        (True, False),
        (0, False),
        ("Trashed", True),
        ("trashed", False),
        (7, True),
        ("7", True),
    ],
)
def test_the_values_that_say_so(value, says_so):
    values = frozenset({"false", "Trashed", "7"})
    assert is_deleted({"told.by": value}, replace(SAYING, deleted_values=values)) is says_so
