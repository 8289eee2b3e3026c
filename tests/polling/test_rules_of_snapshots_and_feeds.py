"""Rules of snapshots, of feeds and of whole polls, each broken by one change of a line."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.polling.filtering import open_filtered
from tests.polling.machine import CONFIGURATIONS, DATES
from tests.polling.provider import Provider


async def test_a_list_of_one_page_that_shrinks_is_believed_at_once_and_one_of_several_after_another_look(
    open_machine,
):
    machine = await open_machine("snapshot", configuration={**CONFIGURATIONS["snapshot"], "pageSize": 10})
    provider = machine.provider
    for number in range(4):
        provider.write(f"o{number}", number)
    await machine.tell()
    provider.calls = 0
    provider.delete("o1")
    assert (await machine.tell())[4:] == [("o1", "DELETED")]
    assert provider.calls == 1
    provider.calls = 0
    for number in range(4):
        provider.delete(f"o{number}")
    assert len(await machine.tell()) == 8
    assert provider.calls == 2


async def test_a_list_that_is_empty_in_passing_deletes_nothing(open_machine):
    machine = await open_machine("snapshot", configuration={**CONFIGURATIONS["snapshot"], "pageSize": 10})
    provider = machine.provider
    provider.listed = [{"id": "a"}, {"id": "b"}]
    told = await machine.tell()
    full, provider.listed = provider.listed, []
    provider.meanwhile.append((1, lambda: setattr(provider, "listed", full)))  # back at the second look
    assert await machine.tell() == told


async def test_a_row_that_slips_over_the_edge_of_a_page_is_not_deleted(open_machine):
    """A deletion on a page already read moves the rows after it: one of them is in neither page."""
    machine = await open_machine("snapshot")
    provider = machine.provider
    for number in range(8):
        provider.write(f"o{number}", number)
    told = await machine.tell()
    provider.meanwhile.append((1, lambda: provider.delete("o0")))
    after = await machine.tell()
    assert after[len(told) :] in ([("o0", "DELETED")], [])
    assert [each for each in await machine.tell() if each[1] == "DELETED"] == [("o0", "DELETED")]


async def test_a_second_look_with_a_row_on_two_pages_concludes_nothing(open_machine):
    machine = await open_machine("snapshot")
    provider = machine.provider
    for number in range(6):
        provider.write(f"o{number}", number)
    await machine.tell()
    provider.delete("o0")  # first look: o1..o5, on two pages
    # in the second look, after its first page, a row comes in front: o3 stands on both pages
    order = provider.records

    def insert():
        rows = dict(order)
        order.clear()
        order["new"] = {"id": "new", "value": 1}
        order.update(rows)

    provider.meanwhile.append((3, insert))
    told = await machine.tell()
    assert ("o0", "DELETED") not in told
    assert ("o0", "DELETED") in await machine.tell()


async def test_an_object_that_is_deleted_and_comes_back_again_and_again_is_told_each_time(open_machine):
    machine = await open_machine("snapshot")
    provider = machine.provider
    for turn in range(3):
        provider.listed = [{"id": "o"}]
        await machine.tell()
        provider.listed = []
        assert await machine.tell() == [("o", "CREATED"), ("o", "DELETED")] * (turn + 1)


async def test_what_a_where_leaves_out_of_a_snapshot_is_deleted_though_the_second_look_lists_it(open_machine):
    url = "/hubs/tests/things?where=state='open'"
    machine = await open_machine(
        "snapshot", configuration={**CONFIGURATIONS["snapshot"], "url": url, "pageSize": 1}
    )
    provider = machine.provider
    provider.listed = [{"id": "a", "state": "open"}, {"id": "b", "state": "open"}]
    assert len(await machine.tell()) == 2
    provider.listed = [{"id": "a", "state": "closed"}, {"id": "b", "state": "open"}]
    assert (await machine.tell())[2:] == [("a", "DELETED")]


async def test_another_total_in_mid_list_leaves_doubt(open_machine, monkeypatch):
    from dataclasses import replace

    from tests.polling import provider as simulated

    machine = await open_machine("snapshot")
    provider = machine.provider
    for number in range(5):
        provider.write(f"o{number}", number)
    await machine.tell()
    real = simulated.ProviderListing.read

    async def read(self, session, position, size):
        page = await real(self, session, position, size)
        return replace(page, total=9 if position is None else 8)

    monkeypatch.setattr(simulated.ProviderListing, "read", read)
    provider.delete("o1")
    assert ("o1", "DELETED") not in await machine.tell()
    assert "no deletions" in (await machine.read_row())["remark"]
    monkeypatch.setattr(simulated.ProviderListing, "read", real)
    assert ("o1", "DELETED") in await machine.tell()


async def test_a_feed_whose_gap_does_not_help_says_so(open_machine):
    """Lost again right after the gap: one gap a poll, and a failure in words, no endless loop."""
    from signalpost.model.errors import WatermarkLostError

    machine = await open_machine("feed")
    machine.provider.feed_failure = WatermarkLostError("lost for ever")
    await machine.poll()
    assert machine.provider.calls < 10
    assert "lost for ever" in await machine.read_error()
    assert await machine.pool.fetchval("SELECT count(*) FROM gap") == 1


async def test_a_feed_that_says_more_and_stays_is_told(open_machine, monkeypatch):
    from dataclasses import replace

    from tests.polling import provider as simulated

    machine = await open_machine("feed")
    real = simulated.ProviderFeed.read

    async def read(self, session, watermark, *, verify):
        assert self._provider.calls < 50
        return replace(await real(self, session, watermark, verify=verify), more=True)

    monkeypatch.setattr(simulated.ProviderFeed, "read", read)
    await machine.poll()
    assert "the same place" in await machine.read_error()


async def test_a_feed_starts_where_the_provider_stood_though_its_first_page_fails(open_machine):
    """The start is committed by itself: what happens before the next try is not skipped."""
    from signalpost.model.errors import RetryLaterError

    provider = Provider()
    provider.write("before", 1)
    provider.failures.append((1, RetryLaterError("busy")))
    machine = await open_machine("feed", provider=provider)
    provider.write("between", 1)
    provider.now += timedelta(hours=2)
    assert await machine.tell() == [("between", "CREATED")]


async def test_created_and_deleted_in_one_page_of_a_feed_is_new_when_it_comes_again(open_machine):
    machine = await open_machine("feed")
    provider = machine.provider
    provider.page_size = 10
    provider.write("o", 1)
    provider.delete("o")
    provider.write("o", 2)
    provider.write("o", 3)
    assert [kind for _, kind in await machine.tell()] == ["CREATED", "DELETED", "CREATED", "UPDATED"]
    provider.delete("o")
    await machine.tell()
    provider.write("o", 4)
    assert [kind for _, kind in await machine.tell()][4:] == ["DELETED", "CREATED"]


async def test_a_snapshot_dated_from_an_instant_tells_later_objects_only_on_its_first_poll(open_machine):
    configuration = {**CONFIGURATIONS["snapshot"], "datesConfiguration": DATES}
    provider = Provider()
    start = provider.read_clock()
    provider.write("old", 1, dated=start - timedelta(hours=1))
    provider.write("new", 2)
    machine = await open_machine(
        "snapshot",
        provider=provider,
        configuration=configuration,
        **{"event.poller.start": start.isoformat()},
    )
    assert await machine.tell() == [("new", "CREATED")]
    # Another identity: nothing of the list is told, whatever its dates
    await machine.edit({**configuration, "idField": "value"})
    assert await machine.tell() == [("new", "CREATED")]


@pytest.mark.parametrize("minutes", [1, 9])
async def test_a_record_that_appears_late_is_asked_for_though_the_provider_filters(pool, minutes):
    """By the overlap: it is dated before the watermark."""
    provider = Provider()
    machine = await open_filtered(pool, provider)
    provider.write("a", 1)
    await machine.tell()
    await machine.tell()
    newest = provider.records["a"]["updated"]
    from datetime import datetime

    provider.write("late", 1, dated=datetime.fromisoformat(newest) - timedelta(minutes=minutes))
    assert await machine.tell() == [("a", "CREATED"), ("late", "CREATED")]


async def test_a_known_object_changed_twice_in_one_tick_is_told_twice(open_machine):
    """When it was seen counts from its newest version, not from its first."""
    machine = await open_machine("timestamp")
    provider = machine.provider
    provider.write("o", 1)
    await machine.tell()
    provider.now += timedelta(hours=2)
    same = provider.read_clock()
    provider.write("o", 2, dated=same)
    await machine.poll()
    provider.write("o", 3, dated=same)
    assert await machine.tell() == [("o", "CREATED"), ("o", "UPDATED"), ("o", "UPDATED")]


async def test_several_versions_of_an_object_in_one_page_are_told_in_the_order_of_their_dates(open_machine):
    machine = await open_machine("timestamp")
    provider = machine.provider
    now = provider.read_clock()
    provider.listed = [
        {"id": "o", "value": value, "updated": (now + timedelta(seconds=value)).isoformat()}
        for value in (2, 1)
    ]
    assert await machine.tell() == [("o", "CREATED"), ("o", "UPDATED")]
    assert [event["record"]["value"] for event in await machine.read_events()] == [1, 2]


async def test_a_watermark_moves_at_the_end_of_a_list_alone(open_machine):
    """Not with the events of its pages: a list that breaks off is asked for from where it was."""
    from signalpost.model.errors import ConnectorError

    machine = await open_machine("timestamp")
    before = await machine.read_watermark()
    for number in range(8):
        machine.provider.write(f"o{number}", number)
    machine.provider.failures.append((2, ConnectorError("cut off")))
    await machine.poll()
    assert len(await machine.read_events()) == 6
    assert await machine.read_watermark() == before


@pytest.mark.parametrize("strategy", ["timestamp", "snapshot"])
async def test_a_reading_by_a_configuration_that_was_replaced_commits_nothing_more(open_machine, strategy):
    machine = await open_machine(strategy)
    for number in range(8):
        machine.provider.write(f"o{number}", number)
    looks = []

    async def edit_before_the_second_page():
        looks.append(1)
        if len(looks) == 2:
            await machine.edit({**CONFIGURATIONS[strategy], "pageSize": 2})

    machine.before_reading = edit_before_the_second_page
    await machine.poll()
    machine.before_reading = None
    assert len(await machine.read_events()) == 3
    assert len(await machine.tell()) == 8


async def test_the_first_poll_of_an_hour_looks_whether_numbers_count_anew_and_others_do_not(open_machine):
    machine = await open_machine("feed")
    provider = machine.provider
    for number in range(4):
        provider.write(f"o{number}", number)
    await machine.tell()
    provider.count_anew()
    await machine.poll()  # 12:30: the hour's first was at 12:00
    assert await machine.pool.fetchval("SELECT count(*) FROM gap") == 0
    provider.now += timedelta(minutes=45)
    await machine.poll()
    assert await machine.pool.fetchval("SELECT count(*) FROM gap") == 1
