"""Limits of time: what they end, what they leave alone, and that one timer does for all."""

from __future__ import annotations

import asyncio

import pytest

from signalpost.outbound.deadlines import Deadlines

NEVER_SECONDS = 3600


async def wait_for_ever(deadlines: Deadlines) -> None:
    with deadlines.start():
        await asyncio.sleep(NEVER_SECONDS)


async def test_what_takes_too_long_is_ended_and_what_does_not_goes_on() -> None:
    deadlines = Deadlines(0.05)
    with deadlines.start():
        pass
    results = await asyncio.gather(*(wait_for_ever(deadlines) for _ in range(2)), return_exceptions=True)
    assert [type(result) for result in results] == [TimeoutError, TimeoutError]
    assert not deadlines.running


async def test_each_call_has_its_own_time_although_there_is_one_timer() -> None:
    deadlines = Deadlines(NEVER_SECONDS)
    tasks = [asyncio.create_task(wait_for_ever(deadlines)) for _ in range(3)]
    await asyncio.sleep(0)
    first, second, _ = deadlines.running
    first.ends_at = second.ends_at = deadlines.loop.time()  # as if they had begun long before the third
    deadlines._look()
    results = await asyncio.gather(*tasks[:2], return_exceptions=True)
    assert [type(result) for result in results] == [TimeoutError, TimeoutError]
    assert not tasks[2].done()
    assert len(deadlines.running) == 1
    tasks[2].cancel()
    await asyncio.wait(tasks)
    deadlines.close()


async def test_a_call_begun_after_all_others_ended_is_limited_too() -> None:
    deadlines = Deadlines(0.02)
    for _ in range(3):
        with deadlines.start():
            pass
        with pytest.raises(TimeoutError):
            await wait_for_ever(deadlines)


async def test_whoever_is_cancelled_by_somebody_else_stays_cancelled() -> None:
    deadlines = Deadlines(NEVER_SECONDS)
    task = asyncio.create_task(wait_for_ever(deadlines))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not deadlines.running


async def test_cancelled_in_the_moment_the_time_is_over_it_stays_cancelled() -> None:
    deadlines = Deadlines(NEVER_SECONDS)
    task = asyncio.create_task(wait_for_ever(deadlines))
    await asyncio.sleep(0)
    task.cancel()
    (deadline,) = deadlines.running
    deadlines.running.clear()
    deadline.pass_by()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_an_error_of_the_call_is_its_own() -> None:
    deadlines = Deadlines(NEVER_SECONDS)
    with pytest.raises(KeyError), deadlines.start():
        raise KeyError
    assert not deadlines.running


async def test_the_task_goes_on_after_it_was_ended() -> None:
    deadlines = Deadlines(0.01)
    with pytest.raises(TimeoutError):
        await wait_for_ever(deadlines)
    current = asyncio.current_task()
    assert current is not None
    assert current.cancelling() == 0
    await asyncio.sleep(0)
