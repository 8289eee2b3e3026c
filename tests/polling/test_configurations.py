"""Configurations that change under way, and where the first poll starts: watermarks stay, nothing is told twice."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from signalpost.store.polling_status import PollingStatus
from tests.polling.machine import CONFIGURATIONS, DATES
from tests.polling.provider import Provider
from tests.polling.test_watermarks import ALL, LISTS, fill


@pytest.mark.parametrize("strategy", ALL)
async def test_a_configuration_edited_in_mid_flight_keeps_the_watermark_and_fences_the_old_reading(
    open_machine, strategy
):
    machine = await open_machine(strategy)
    fill(machine.provider, 8)
    edited = asyncio.get_running_loop().create_future()

    def edit():
        edited.set_result(asyncio.ensure_future(machine.edit({**CONFIGURATIONS[strategy], "pageSize": 2})))

    machine.provider.meanwhile.append((1, edit))
    await machine.poll()
    await (await edited)
    for _ in range(3):
        told = await machine.tell()
    assert sorted(told) == sorted((f"o{number}", "CREATED") for number in range(8))


async def test_another_identity_takes_in_silently_what_was_there(open_machine):
    """With another id field all objects would seem new: nothing is told but what changes from then on."""
    machine = await open_machine("snapshot")
    fill(machine.provider, 3)
    assert len(await machine.tell()) == 3
    await machine.edit({**CONFIGURATIONS["snapshot"], "idField": "value"})
    assert len(await machine.tell()) == 3
    machine.provider.write("new", 77)
    assert (await machine.tell())[3:] == [("77", "CREATED")]
    machine.provider.delete("o1")
    assert (await machine.tell())[4:] == [("1", "DELETED")]


@pytest.mark.parametrize(
    ("start", "told"), [("now", []), ("oldest", ["a", "b", "c"]), ("2026-05-28T12:00:05Z", ["b", "c"])]
)
@pytest.mark.parametrize("strategy", LISTS)
async def test_where_the_first_poll_starts(open_machine, strategy, start, told):
    provider = Provider()
    configuration = {**CONFIGURATIONS[strategy], "datesConfiguration": DATES}
    for number, object_id in enumerate("abc"):
        provider.write(object_id, number, dated=provider.now + timedelta(seconds=5 * number))
    provider.now += timedelta(minutes=1)
    machine = await open_machine(
        strategy, provider=provider, configuration=configuration, **{"event.poller.start": start}
    )
    assert [object_id for object_id, _ in await machine.tell()] == told
    provider.write("d", 1)
    assert [object_id for object_id, _ in await machine.tell()] == [*told, "d"]


@pytest.mark.parametrize("before", ALL)
@pytest.mark.parametrize("after", ALL)
async def test_a_name_that_moves_to_another_resource_begins_anew_and_never_fails(open_machine, before, after):
    """Between a feed and a list nothing of the old watermark means anything; between lists what was told stays told."""
    machine = await open_machine(before)
    fill(machine.provider, 3)
    told = await machine.tell()
    await machine.edit(CONFIGURATIONS[after])
    assert await machine.tell() == told
    machine.provider.write("new", 1)
    machine.provider.write("o1", 100)
    now = await machine.tell()
    assert ("new", "CREATED") in now[3:]
    assert [object_id for object_id, _ in now[3:]] == ["new", "o1"]
    assert await machine.read_error() is None


async def test_editing_resuming_polling_and_deleting_at_once_never_lock_each_other_out(open_machine):
    """All take the instance's row before the rows of its polls."""
    machine = await open_machine("timestamp")
    status = PollingStatus(machine.pool, machine._vault)
    for turn in range(15):
        machine.provider.write(f"o{turn}", turn)
        await machine.pool.execute("UPDATE resource_poll SET disabled_at = now()")
        results = await asyncio.gather(
            machine.edit({**CONFIGURATIONS["timestamp"], "pageSize": turn + 1}),
            status.resume(machine.instance, machine.provider.now),
            machine.edit({**CONFIGURATIONS["timestamp"], "pageSize": turn + 2}),
            status.ask_poll(machine.instance),
            machine.poll(),
            machine.instances.set_disabled(machine.instance, False),
            return_exceptions=True,
        )
        assert [result for result in results if isinstance(result, BaseException)] == []
    results = await asyncio.gather(
        machine.edit(CONFIGURATIONS["timestamp"]),
        machine.poll(),
        status.ask_poll(machine.instance),
        machine.instances.delete(machine.instance),
        return_exceptions=True,
    )
    assert [result for result in results if isinstance(result, BaseException)] == []
    assert await machine.pool.fetchval("SELECT count(*) FROM instance") == 0
