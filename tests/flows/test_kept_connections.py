"""A connection that is kept from one notification to the next: each gets its own answer, whatever came in between."""

from __future__ import annotations

import asyncio

import pytest

from tests.flows.hostile import receive

OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
UNASKED = {
    "a second answer": OK,
    "a word of parting": b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n",
    "a body beyond its length": b", and this is more",
    "the beginning of an answer": OK[:20],
    "a hint": b"HTTP/1.1 103 Early Hints\r\n\r\n",
}


@pytest.mark.parametrize("unasked", UNASKED.values(), ids=list(UNASKED))
async def test_what_comes_unasked_is_no_answer_to_the_next(unasked):
    asked, said = [], asyncio.Event()

    async def act(receiver, reader, writer):
        while True:
            await reader.readuntil(b"\r\n\r\n")
            asked.append(await reader.readexactly(4))
            status = b"200" if len(asked) == 1 else b"503"
            writer.write(b"HTTP/1.1 %b X\r\nContent-Length: 2\r\n\r\nxx" % status)
            await writer.drain()
            if len(asked) == 1:
                await taken.wait()
                writer.write(unasked)
                await writer.drain()
                said.set()

    taken = asyncio.Event()
    async with receive(act, times=9) as (post, receiver):
        assert (await post()).status == 200
        taken.set()
        await said.wait()
        for _ in range(9):  # for what was said to be read
            await asyncio.sleep(0)
        assert (await post()).status == 503
        assert (len(asked), receiver.connections) == (2, 2)
        assert (await post()).status == 503
        assert receiver.connections == 2


async def test_a_connection_that_was_left_alone_is_used_again():
    async def act(receiver, reader, writer):
        while True:
            await reader.readuntil(b"\r\n\r\n")
            await reader.readexactly(4)
            writer.write(OK)
            await writer.drain()

    async with receive(act) as (post, receiver):
        assert [(await post()).status for _ in range(3)] == [200] * 3
        assert receiver.connections == 1
