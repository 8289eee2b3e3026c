"""Another identity for the objects of a snapshot: what the old one found is forgotten, and never told as deleted."""

from __future__ import annotations

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
