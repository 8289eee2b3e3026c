"""The limits beside the figures: the same requests by the HTTP client alone."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import aiohttp

from signalpost.outbound import Outbound

READ_BYTES = 64 * 1024

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Request:
    """A request, ready to be sent."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None = None


def send_bare(session: aiohttp.ClientSession) -> Callable[[Request], Awaitable[None]]:
    """Send with the client and nothing else."""

    async def send(request: Request) -> None:
        async with session.request(
            request.method, request.url, headers=request.headers, data=request.body, allow_redirects=False
        ) as answer:
            await answer.read()

    return send


def send_outbound(outbound: Outbound) -> Callable[[Request], Awaitable[None]]:
    """Send through the product's door to the outside: the client, its address checks and limits."""

    async def send(request: Request) -> None:
        await outbound.request(
            request.method, request.url, headers=request.headers, body=request.body, max_bytes=READ_BYTES
        )

    return send


async def time_lanes(send: Callable[[Item], Awaitable[None]], lanes: Sequence[Sequence[Item]]) -> float:
    """Send everything, what is in one lane one after the other, all lanes at once; give how many a second."""

    async def work(lane: Sequence[Item]) -> None:
        for item in lane:
            await send(item)

    began = time.monotonic()
    await asyncio.gather(*(work(lane) for lane in lanes))
    return sum(map(len, lanes)) / (time.monotonic() - began)
