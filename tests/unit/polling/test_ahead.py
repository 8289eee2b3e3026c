"""Reading ahead: in order, each page once, never more than is allowed, and all room given back."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from signalpost.model.event import Page
from signalpost.polling.strategies.ahead import MOST_WAITING, Ahead, Room

LENGTH = 10
TURNS = 100
"""Of the event loop: more than anything here takes. A time would tell nothing: a busy machine does nothing in it."""


async def let_run():
    for _ in range(TURNS):
        await asyncio.sleep(0)


def make_page(number, last):
    return Page(("x" * LENGTH,), (), {"id": number}, more=number < last)


class Counted(Room):
    """Room that knows how much of it is taken."""

    def __init__(self, characters):
        super().__init__(characters)
        self.whole = characters

    @property
    def taken(self):
        return self.whole - self._left


class Book:
    """Pages by their numbers; reading one of them may fail."""

    def __init__(self, last, broken=None):
        self.last = last
        self.broken = broken
        self.asked = []

    async def read(self, watermark):
        number = watermark["id"] + 1
        self.asked.append(number)
        await asyncio.sleep(0)
        if number == self.broken:
            raise ValueError(number)
        return make_page(number, self.last)


@given(
    last=st.integers(1, 40),
    broken=st.none() | st.integers(1, 40),
    characters=st.integers(0, 120),
    turns=st.lists(st.integers(0, 60), max_size=50),
)
def test_whatever_the_pace_pages_come_in_order_each_once_and_no_more_wait_than_may(
    last, broken, characters, turns
):
    async def follow():
        book, room, seen = Book(last, broken), Counted(characters), []
        ahead = Ahead(book.read, make_page(0, last), room)
        try:
            while not seen or seen[-1] < last:
                for _ in range(turns.pop() if turns else 0):
                    await asyncio.sleep(0)
                assert len(book.asked) - len(seen) <= min(MOST_WAITING, characters // LENGTH)
                assert 0 <= room.taken <= characters
                taken = await ahead.take()
                assert room.taken >= LENGTH * (len(taken) - 1)  # until the next are taken
                seen += [page.watermark["id"] for page in taken]
        except ValueError:
            assert seen == list(range(1, broken))
        else:
            assert seen == list(range(1, last + 1))
        finally:
            await ahead.close()
        assert room.taken == 0
        assert book.asked == sorted(set(book.asked))

    asyncio.run(follow())


@pytest.mark.parametrize("turns", [0, 1, 5, 50])
async def test_who_leaves_early_gives_all_room_back(turns):
    book, room = Book(1000), Counted(50)
    ahead = Ahead(book.read, make_page(0, 1000), room)
    for _ in range(turns):
        await asyncio.sleep(0)
    await ahead.close()
    assert room.taken == 0
    asked = len(book.asked)
    await let_run()
    assert len(book.asked) == asked


async def test_readings_share_the_room():
    room = Counted(3 * LENGTH)
    books = [Book(1000) for _ in range(5)]
    readings = [Ahead(book.read, make_page(0, 1000), room) for book in books]
    await let_run()
    assert sum(len(book.asked) for book in books) == 3
    for reading in readings:
        await reading.close()
    assert room.taken == 0


async def test_without_room_pages_are_read_when_they_are_asked_for():
    books = [Book(3) for _ in range(5)]
    readings = [Ahead(book.read, make_page(0, 3), Counted(0)) for book in books]
    for number in (1, 2, 3):
        await let_run()
        assert all(len(book.asked) == number - 1 for book in books)
        for reading in readings:
            assert [page.watermark["id"] for page in await reading.take()] == [number]
    for reading in readings:
        await reading.close()
