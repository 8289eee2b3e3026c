"""Pages of a feed that come while others are committed are committed together, as if each were alone."""

from __future__ import annotations


async def test_of_pages_read_together_those_before_one_that_cannot_be_kept_are_kept(open_machine):
    machine = await open_machine("feed")
    for number in range(20):
        machine.provider.write("bad\x00" if number == 13 else f"o{number}", number)
    await machine.poll()
    assert [event["object_id"] for event in await machine.read_events()] == [f"o{each}" for each in range(12)]
    assert "cannot be stored" in await machine.read_error()
    assert await machine.read_watermark() == {"id": 12}


async def test_pages_that_come_while_others_are_committed_are_committed_together(open_machine):
    machine = await open_machine("feed")
    for round_ in range(3):
        for number in range(20):
            machine.provider.write(f"o{number}", round_)
        machine.provider.delete("o7")
    await machine.poll()
    events = await machine.read_events()
    row = await machine.read_row()
    assert [event["sequence"] for event in events] == list(range(1, 64))
    assert await machine.pool.fetchval("SELECT count(*) FROM page") == 21
    assert row["version"] < 12  # of 21 pages
    assert row["remembered"] == 19
    told = [event["event_type"] for event in events]
    # The one that was deleted comes back as created.
    assert (
        told
        == ["CREATED"] * 20
        + ["DELETED"]
        + (["UPDATED"] * 7 + ["CREATED"] + ["UPDATED"] * 12 + ["DELETED"]) * 2
    )
