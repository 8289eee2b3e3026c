"""A poll reads for as long as its turn is; what is left is read by the next, at once."""

from __future__ import annotations

from datetime import timedelta

import pytest


async def test_pages_beyond_the_most_of_one_poll_are_read_by_the_next_at_once(open_machine, monkeypatch):
    monkeypatch.setattr("signalpost.polling.sharing.MOST_PAGES", 2)
    monkeypatch.setattr("signalpost.polling.poller.MOST_PAGES", 2)
    machine = await open_machine("feed")
    for number in range(12):
        machine.provider.write(f"o{number}", number)
    await machine.poll()
    assert len(await machine.read_events()) == 6
    due = await machine.pool.fetchval("SELECT next_poll_at FROM instance")
    assert due == machine.provider.now
    await machine.poll()
    assert len(await machine.read_events()) == 12


@pytest.mark.parametrize("strategy", ["feed", "snapshot", "timestamp"])
async def test_a_feed_that_is_read_slowly_goes_on_in_the_next_poll_and_a_list_is_read_whole(
    open_machine, strategy
):
    machine = await open_machine(strategy)
    names = [f"o{number:02}" for number in range(60)]
    for number, name in enumerate(names):
        machine.provider.write(name, number)

    async def take_long():
        machine.provider.now += timedelta(seconds=20)

    machine.before_reading = take_long
    polls, due = 0, machine.provider.now
    while due <= machine.provider.now:
        await machine.poll()
        polls += 1
        due = await machine.pool.fetchval("SELECT next_poll_at FROM instance")
    assert (polls > 1) is (strategy == "feed")
    assert sorted(each["object_id"] for each in await machine.read_events()) == names
