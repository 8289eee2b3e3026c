"""Another identity for the objects of a snapshot: what the old one found is forgotten, and never told as deleted."""

from __future__ import annotations

from datetime import timedelta

import pytest

from signalpost.model.errors import ConnectorError
from tests.polling.machine import CONFIGURATIONS


async def test_another_identity_in_doubt_deletes_nothing(open_machine):
    machine = await open_machine("snapshot")
    provider = machine.provider
    provider.listed = [{"id": f"o{n}", "name": f"n{n}", "value": n} for n in range(5)]
    told = await machine.tell()
    await machine.edit({**CONFIGURATIONS["snapshot"], "idField": "name"})
    listed = provider.listed
    provider.listed = [*listed, listed[0]]  # a row came twice: it leaves doubt
    assert await machine.tell() == told
    provider.listed = listed
    assert await machine.tell() == told
    provider.listed = listed[1:]
    assert await machine.tell() == [*told, ("n0", "DELETED")]


@pytest.mark.parametrize(
    ("strategy", "other"),
    [
        ("snapshot", {"idField": "name"}),
        ("timestamp", {"datesConfiguration": {"updatedDateField": "seen"}}),
        ("timestamp", {"filterByUpdatedDate": False}),
    ],
)
async def test_a_change_that_is_taken_back_before_all_was_taken_in_tells_nothing(
    open_machine, strategy, other
):
    machine = await open_machine(strategy)
    provider = machine.provider
    at = provider.read_clock() - timedelta(hours=1)
    dates = {"updated": at.isoformat(), "seen": (at + timedelta(minutes=1)).isoformat()}
    newest = {"id": "z", "name": "z", "updated": (at + timedelta(minutes=5)).isoformat()}
    provider.listed = [*({"id": f"o{n}", "name": f"n{n}", **dates} for n in range(5)), newest]

    async def tell():
        """Of the newest, dated as the watermark is, nobody knows whether it was there."""
        return [each for each in await machine.tell() if each[0] != "z"]

    told = await tell()
    await machine.edit({**CONFIGURATIONS[strategy], **other})
    provider.failures.append((1, ConnectorError("cut off")))  # after the first page
    await machine.poll()
    assert await machine.read_error() == "cut off"
    await machine.edit(CONFIGURATIONS[strategy])
    assert await tell() == told
    assert await machine.read_error() is None
    provider.listed[0] = {**provider.listed[0], "name": "n5", "updated": provider.read_clock().isoformat()}
    assert await tell() == [*told, ("o0", "UPDATED")]
