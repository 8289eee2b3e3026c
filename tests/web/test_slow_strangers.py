"""Strangers who send forms slowly take each other's places, and not those of who is signed in."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, asynccontextmanager
from urllib.parse import urlsplit

from signalpost.api.waiting import MOST_WAITING
from tests.support import until

HEAD = (
    "POST {path} HTTP/1.1\r\nHost: signalpost\r\nAccept: text/html\r\nOrigin: http://signalpost\r\nContent-Length: 50\r\n"
    "Content-Type: application/x-www-form-urlencoded\r\n\r\ncsrf="
)


@asynccontextmanager
async def send_slowly(url, path):
    """Begin a form and leave it unfinished."""
    place = urlsplit(url)
    reader, writer = await asyncio.open_connection(place.hostname, place.port)
    try:
        writer.write(HEAD.format(path=path).encode())
        await writer.drain()
        yield reader
    finally:
        writer.close()


async def test_who_is_signed_in_goes_on_with_forms(world, browser, arrive):
    place = f"/instances/{(await world.connect())['id']}"
    stranger = arrive()
    await stranger.read("/sign-in")
    async with AsyncExitStack() as stack:
        # A form that needs somebody to be signed in is read as well, to be held for who signs in.
        for number in range(MOST_WAITING):
            path = "/sign-in" if number % 2 else f"{place}/poll"
            await stack.enter_async_context(send_slowly(world.url, path))

        async def is_full():
            answer = await stranger.client.post("/sign-in", data={"csrf": "x"})
            return answer.status_code == 503

        await until(is_full)
        assert (await browser.send(place, f"{place}/pause")).status_code == 303
        assert (await world.client.patch(place, json={"name": "New"})).status_code == 200
        assert await is_full()
    await until(lambda: _is_free(stranger))


async def _is_free(stranger):
    return (await stranger.client.post("/sign-in", data={"csrf": "x"})).status_code != 503
