"""Gathers the same question of many callers in flight into one statement."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Answered = TypeVar("Answered")


class Gather(Generic[Asked, Answered]):
    """Collects what is asked within ``window_seconds`` and has ``answer_all`` answer it in one go.

    ``answer_all`` gets the questions in the order asked and gives one answer a question, in that order. If it
    raises, every caller of that round gets the error. One round is answered at a time: what comes meanwhile makes
    the next round, so that the batches grow with the load.
    """

    def __init__(
        self,
        answer_all: Callable[[Sequence[Asked]], Awaitable[Sequence[Answered]]],
        *,
        window_seconds: float = 0.002,
        most: int = 500,
    ) -> None:
        self._answer_all = answer_all
        self._window_seconds = window_seconds
        self._most = most
        self._waiting: list[tuple[Asked, asyncio.Future[Answered]]] = []
        self._round: asyncio.Task[None] | None = None

    def ask(self, question: Asked) -> asyncio.Future[Answered]:
        """Ask; the future gives the answer once its round is done."""
        if self._round is None:
            self._round = asyncio.create_task(self._work())
        future: asyncio.Future[Answered] = self._round.get_loop().create_future()
        self._waiting.append((question, future))
        return future

    async def _work(self) -> None:
        try:
            while self._waiting:
                await asyncio.sleep(self._window_seconds)
                taken, self._waiting = self._waiting[: self._most], self._waiting[self._most :]
                await self._answer(taken)
        finally:
            self._round = None

    async def _answer(self, taken: list[tuple[Asked, asyncio.Future[Answered]]]) -> None:
        try:
            answers = await self._answer_all([question for question, _ in taken])
        except Exception as error:  # noqa: BLE001 - handed on to each caller
            for _, future in taken:
                if not future.done():
                    future.set_exception(error)
                    future.exception()  # a caller that gave up must not make the loop complain
            return
        for (_, future), answer in zip(taken, answers, strict=True):
            if not future.done():
                future.set_result(answer)


def in_order(keys: Sequence[Asked], found: Mapping[Asked, Answered]) -> list[Answered | None]:
    """Give what was found for each key, in the order of the keys, None where nothing was."""
    return [found.get(key) for key in keys]
