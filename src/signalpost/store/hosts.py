"""Which of several servers: a URL may name a primary and its standbys, and any of them may be away or say nothing."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import asyncpg

PARTS = re.compile(r"(?P<before>\w+://(?:[^@/?#]*@)?)(?P<hosts>[^/?#]*)(?P<behind>.*)", re.DOTALL)

SILENT_SECONDS = 1.0
"""How long a server may say nothing until the next one is asked as well. It may still be the one that answers."""

OTHERS_MAY_DO = (
    OSError,  # TimeoutError is one
    asyncpg.CannotConnectNowError,
    asyncpg.TargetServerAttributeNotMatched,
)


def split_hosts(url: str) -> list[str]:
    """Give a URL for each server that ``url`` names, in its order."""
    parts = PARTS.fullmatch(url)
    if parts is None:
        return [url]
    return [f"{parts['before']}{host}{parts['behind']}" for host in parts["hosts"].split(",")]


async def connect_to_any(dsn: str = "", **arguments: Any) -> asyncpg.Connection:
    """Connect as ``asyncpg.connect`` does, but let no server that says nothing keep us from the ones behind it.

    The driver asks one after the other, and has one time for all.
    """
    urls = split_hosts(dsn)
    if len(urls) == 1:
        return await asyncpg.connect(dsn or None, **arguments)
    asked: set[asyncio.Task[asyncpg.Connection]] = set()
    failures: list[BaseException] = []
    try:
        for url in urls:
            task = asyncio.create_task(asyncpg.connect(url, **arguments))
            asked.add(task)
            connection = await _wait(asked, failures, None if url is urls[-1] else SILENT_SECONDS)
            if connection is not None:
                return connection
    finally:
        for task in asked:
            task.add_done_callback(_drop)
            task.cancel()
    away = [each for each in failures if not isinstance(each, asyncpg.TargetServerAttributeNotMatched)]
    raise (away or failures)[-1]


async def _wait(
    asked: set[asyncio.Task[asyncpg.Connection]], failures: list[BaseException], seconds: float | None
) -> asyncpg.Connection | None:
    """Wait for one that lets us in; None: the next is to be asked, as one failed, or all were silent for ``seconds``.

    Without ``seconds`` there is no next one: all are waited for.
    """
    while asked:
        done, _ = await asyncio.wait(asked, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            asked.discard(task)
            try:
                return task.result()
            except OTHERS_MAY_DO as error:
                failures.append(error)
        if seconds is not None:
            return None
    return None


def _drop(task: asyncio.Task[asyncpg.Connection]) -> None:
    """Close a connection that came when another was there already."""
    if not task.cancelled() and task.exception() is None:
        task.result().terminate()
