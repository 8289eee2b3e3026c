"""An instance whose connector is not installed any more waits, and is polled on once it is there again."""

from __future__ import annotations

from signalpost.connectors.registry import Registry


async def test_it_waits_for_its_next_turn_and_fails_nothing(open_machine):
    machine = await open_machine("timestamp")
    rows = "SELECT watermark, failures, last_error FROM resource_poll"
    before = await machine.pool.fetch(rows)
    connectors = machine._parts.registry
    object.__setattr__(machine._parts, "registry", Registry([]))
    for _ in range(3):
        machine.provider.now += machine.interval
        await machine.poll()
        next_at = await machine.pool.fetchval("SELECT next_poll_at FROM instance")
        assert machine.provider.now < next_at <= machine.provider.now + machine.interval
    assert await machine.pool.fetch(rows) == before
    object.__setattr__(machine._parts, "registry", connectors)
    machine.provider.write("a", 1)
    assert ("a", "CREATED") in await machine.tell()
