"""Pages of a feed that come while others are committed are committed together, as if each were alone."""

from __future__ import annotations

from random import Random

import pytest


async def test_of_pages_read_together_those_before_one_that_cannot_be_kept_are_kept(open_machine):
    machine = await open_machine("feed")
    for number in range(20):
        machine.provider.write("bad\x00" if number == 13 else f"o{number}", number)
    await machine.poll()
    assert [event["object_id"] for event in await machine.read_events()] == [f"o{each}" for each in range(12)]
    assert "no texts that can be kept" in await machine.read_error()
    assert await machine.read_watermark() == {"id": 12}


@pytest.mark.parametrize("repeats", [0, 1, 4])
@pytest.mark.parametrize("seed", range(4))
async def test_what_is_committed_together_and_behind_each_other_is_as_if_each_page_were_alone(
    open_machine, seed, repeats
):
    """Objects come, change, go and come back, within a page, within pages committed together, and from these to the next."""
    machine, random = await open_machine("feed"), Random(seed)
    provider = machine.provider
    expected: list[tuple[str, str]] = []
    alive: set[str] = set()
    for _ in range(2):
        for _ in range(70):
            name = f"o{random.randrange(5)}"
            if random.random() < 0.4 and name in alive:
                provider.delete(name)
                alive.discard(name)
                expected.append((name, "DELETED"))
            else:
                provider.write(name, random.randrange(1000))
                expected.append((name, "UPDATED" if name in alive else "CREATED"))
                alive.add(name)
        provider.repeats = repeats
        await machine.poll()
        provider.now += machine.interval
    events = await machine.read_events()
    row = await machine.read_row()
    assert [(event["object_id"], event["event_type"]) for event in events] == expected
    assert [event["sequence"] for event in events] == list(range(1, len(expected) + 1))
    assert row["remembered"] == len(alive)
    remembered = await machine.pool.fetch("SELECT object_id FROM object_memory WHERE poll_id = $1", row["id"])
    assert {each["object_id"] for each in remembered} == alive
    assert row["version"] < 30  # of some fifty pages
