"""Questions in flight are answered together, each caller gets its own answer, a failure reaches all of its round."""

from __future__ import annotations

import asyncio

import pytest

from signalpost.store.gather import Gather


async def test_questions_of_one_moment_make_one_round():
    rounds = []

    async def answer_all(questions):
        rounds.append(list(questions))
        return [question * 2 for question in questions]

    gather = Gather(answer_all)
    assert await asyncio.gather(*(gather.ask(number) for number in range(100))) == [n * 2 for n in range(100)]
    assert rounds == [list(range(100))]


async def test_what_comes_during_a_round_makes_the_next_and_no_round_is_too_large():
    rounds = []
    entered, leave = asyncio.Event(), asyncio.Event()

    async def answer_all(questions):
        rounds.append(list(questions))
        entered.set()
        await leave.wait()
        return questions

    gather = Gather(answer_all, most=10)
    first = gather.ask(0)
    await entered.wait()
    others = [gather.ask(number) for number in range(1, 26)]
    leave.set()
    assert await asyncio.gather(first, *others) == list(range(26))
    assert [len(each) for each in rounds] == [1, 10, 10, 5]


async def test_a_failure_reaches_every_caller_and_the_next_round_works():
    fail = True

    async def answer_all(questions):
        if fail:
            raise ValueError("down")
        return questions

    gather = Gather(answer_all)
    for result in await asyncio.gather(gather.ask(1), gather.ask(2), return_exceptions=True):
        assert isinstance(result, ValueError)
    fail = False
    assert await gather.ask(3) == 3


async def test_a_caller_that_gave_up_disturbs_nobody():
    async def answer_all(questions):
        await asyncio.sleep(0)
        return questions

    gather = Gather(answer_all)
    given_up, kept = gather.ask(1), gather.ask(2)
    given_up.cancel()
    assert await kept == 2
    with pytest.raises(asyncio.CancelledError):
        await given_up
