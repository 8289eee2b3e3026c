"""Pages of a feed that are read while those before them are committed: few for a reading, bounded for the process."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import TypeAlias

from signalpost.model.event import Page, Watermark

MOST_WAITING = 8
"""Pages of one reading that wait to be committed."""

MOST_CHARACTERS = 4_000_000
"""Of the records that are read ahead in the process: those of some hundred usual pages."""

ReadPage: TypeAlias = Callable[[Watermark], Awaitable[Page]]
"""Reads the page that follows a watermark."""


class Room:
    """Room for pages in hand, shared by all readings of a process; counted in characters of their records."""

    def __init__(self, characters: int = MOST_CHARACTERS) -> None:
        self._left = characters

    def take(self, characters: int) -> bool:
        """Take room for a page, if there is some."""
        if characters > self._left:
            return False
        self._left -= characters
        return True

    def give_back(self, characters: int) -> None:
        """Give back what was taken."""
        self._left += characters


class Ahead:
    """Reads on from where a page leads, until one says that nothing follows or reading fails.

    Pages are read ahead, ``MOST_WAITING`` at most, as long as the process has ``room`` for as many characters as the
    page before had; they keep it until those behind them are taken. Without room a page is read once it is asked for.
    """

    def __init__(self, read: ReadPage, page: Page, room: Room) -> None:
        """Begin to read what follows ``page``."""
        self._read = read
        self._room = room
        self._waiting: deque[tuple[Page, int]] = deque()
        self._in_hand = 0
        self._is_wanted = False
        self._taken = asyncio.Event()
        self._task = asyncio.create_task(self._read_on(page))
        self._come = asyncio.Event()
        self._task.add_done_callback(lambda _: self._come.set())

    async def take(self) -> list[Page]:
        """Wait for the next page; give it with all that wait behind it.

        Raises:
            Whatever reading raised, once all pages before were taken.
        """
        self._is_wanted = True
        self._taken.set()
        await self._come.wait()
        self._is_wanted = False
        if not self._waiting:
            self._task.result()
        self._room.give_back(self._in_hand)
        pages, rooms = zip(*self._waiting, strict=True)
        self._in_hand = sum(rooms)
        self._waiting.clear()
        self._taken.set()
        if not self._task.done():
            self._come.clear()
        return list(pages)

    async def close(self) -> None:
        """Stop reading; what waits is dropped."""
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._room.give_back(self._in_hand + sum(room for _, room in self._waiting))
        self._waiting.clear()

    async def _read_on(self, page: Page) -> None:
        while page.more:
            assert page.watermark is not None
            taken = await self._find_room(sum(map(len, page.records)))
            try:
                page = await self._read(page.watermark)
            except BaseException:
                self._room.give_back(taken)
                raise
            self._waiting.append((page, taken))
            self._come.set()

    async def _find_room(self, characters: int) -> int:
        """Wait until one more page may be read; give what was taken for it."""
        while True:
            if len(self._waiting) < MOST_WAITING and self._room.take(characters):
                return characters
            if self._is_wanted and not self._waiting:
                return 0
            self._taken.clear()
            await self._taken.wait()
