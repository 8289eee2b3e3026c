"""The limits beside the figures: the same requests by the HTTP client alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence

import aiohttp

from signalpost.outbound import Outbound

READ_BYTES = 64 * 1024

Send = Callable[[str, str, Mapping[str, str], bytes | None], Awaitable[None]]


def send_bare(session: aiohttp.ClientSession) -> Send:
    """Send with the client and nothing else."""

    async def send(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> None:
        async with session.request(method, url, headers=headers, data=body, allow_redirects=False) as answer:
            await answer.read()

    return send


def send_outbound(outbound: Outbound) -> Send:
    """Send through the product's door to the outside: the client, its address checks and limits."""

    async def send(method: str, url: str, headers: Mapping[str, str], body: bytes | None) -> None:
        await outbound.request(method, url, headers=headers, body=body, max_bytes=READ_BYTES)

    return send


async def time_requests(
    send: Send, method: str, lanes: Sequence[Sequence[tuple[str, Mapping[str, str], bytes | None]]]
) -> float:
    """Send all requests, those of a lane one after the other, all lanes at once; give requests a second."""

    async def work(lane: Sequence[tuple[str, Mapping[str, str], bytes | None]]) -> None:
        for url, headers, body in lane:
            await send(method, url, headers, body)

    began = time.monotonic()
    await asyncio.gather(*(work(lane) for lane in lanes))
    return sum(map(len, lanes)) / (time.monotonic() - began)
