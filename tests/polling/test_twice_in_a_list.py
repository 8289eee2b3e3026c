"""Records that come twice in one reading of a list, under one id and one date."""

from __future__ import annotations

from datetime import timedelta

import pytest


def row(machine, value, *, minutes=0):
    at = machine.provider.read_clock() + timedelta(minutes=minutes)
    return {"id": "o", "value": value, "updated": at.isoformat()}


@pytest.mark.parametrize("between", [0, 3])  # on one page, on two
async def test_equal_dates_under_one_id_are_not_told_over_and_over(open_machine, between):
    machine = await open_machine("timestamp")
    others = [{"id": f"p{n}", "updated": "2026-05-28T09:01:02+00:00"} for n in range(between)]
    machine.provider.listed = [row(machine, 1), *others, row(machine, 2)]
    machine.provider.now += timedelta(seconds=3)
    told = await machine.tell()
    machine.provider.now -= machine.interval - timedelta(seconds=30)
    assert "not unique" in (await machine.read_row())["remark"]
    for _ in range(2):  # while the date is fresh
        assert await machine.tell() == told
        machine.provider.now -= machine.interval - timedelta(seconds=30)


async def test_a_change_between_two_pages_under_one_date_is_told(open_machine):
    machine = await open_machine("timestamp")
    provider = machine.provider
    rest = [{"id": f"p{n}", "value": n, "updated": "2026-05-28T09:01:02+00:00"} for n in range(3)]
    provider.listed = [row(machine, 1), *rest]
    at = provider.listed[0]["updated"]
    await machine.poll()
    provider.listed = [{"id": "o", "value": 2, "updated": at}, *rest]

    def change():
        provider.listed = [*rest, {"id": "o", "value": 3, "updated": at}]

    provider.meanwhile.append((1, change))
    await machine.poll()
    await machine.tell()
    told = [each["record"]["value"] for each in await machine.read_events() if each["object_id"] == "o"]
    assert told == [1, 2, 3]
