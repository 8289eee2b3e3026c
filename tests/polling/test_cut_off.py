"""A poll that is cut off, by a stop or a kill, is made again at once, not after the scheduler's grace."""

from __future__ import annotations

import asyncio
from datetime import timedelta

from signalpost.polling.scheduler import POLL_GRACE_SECONDS


async def set_due(machine, moment):
    """As the scheduler's claim leaves it: handed out, and due again after the grace."""
    await machine.pool.execute("UPDATE instance SET next_poll_at = $1, throttled_until = NULL", moment)


async def read_due(machine):
    return await machine.pool.fetchval("SELECT next_poll_at FROM instance")


async def test_a_poll_cut_off_by_a_stop_is_due_at_once(open_machine):
    machine = await open_machine("timestamp")
    provider = machine.provider
    grace = provider.now + timedelta(seconds=POLL_GRACE_SECONDS)
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def hang():
        reached.set()
        await go_on.wait()

    machine.before_reading = hang
    await set_due(machine, grace)
    task = asyncio.create_task(machine.poll())
    await reached.wait()
    assert await read_due(machine) == grace
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert await read_due(machine) == provider.now


async def test_what_a_killed_process_had_in_hand_is_due_at_once_after_the_start(open_machine):
    machine = await open_machine("timestamp")
    now = machine.provider.now
    polls, until = machine._parts.polls, now + timedelta(seconds=POLL_GRACE_SECONDS)
    for due, after in [
        (until, now),
        (now + timedelta(seconds=1), now),
        (until + timedelta(seconds=1), until + timedelta(seconds=1)),
        (now - timedelta(seconds=1), now - timedelta(seconds=1)),
    ]:
        await set_due(machine, due)
        await polls.release_all(now, until=until)
        assert await read_due(machine) == after


async def test_what_waits_for_a_failing_provider_or_for_calls_goes_on_waiting(open_machine):
    machine = await open_machine("timestamp")
    now = machine.provider.now
    polls, until = machine._parts.polls, now + timedelta(seconds=POLL_GRACE_SECONDS)
    await set_due(machine, until)
    await machine.pool.execute("UPDATE resource_poll SET retry_at = $1", until)
    await polls.release_all(now, until=until)
    assert await read_due(machine) == until
    await machine.pool.execute("UPDATE resource_poll SET retry_at = NULL")
    await machine.pool.execute("UPDATE instance SET throttled_until = $1", until)
    await polls.release_all(now, until=until)
    assert await read_due(machine) == until
