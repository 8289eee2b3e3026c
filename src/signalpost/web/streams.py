"""Server-sent events: streams that tell open pages what is new, bounded in number and in time."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, TypeAlias

import orjson

from signalpost.model.ids import OrganizationId
from signalpost.observe import get_logger
from signalpost.store.troubles import find_trouble

log = get_logger("web")

MOST_STREAMS = 200
"""Streams that are open in a process at a time."""

MOST_OF_ONE = 150
"""How many of them may be of one organization."""

LOOK_SECONDS = 2.0
MOST_LOOKS = 300
"""After so many looks (ten minutes) a stream ends; the browser opens it again by itself."""

Look: TypeAlias = Callable[[], Awaitable[dict[str, Any] | None]]
"""Looks once: gives what to tell, None where there is nothing new."""


class LookEndedError(Exception):
    """Raised by a look when nothing more may be told: the session has ended, say."""


class Streams:
    """The open streams of this process."""

    def __init__(self) -> None:
        self._open: Counter[OrganizationId] = Counter()
        self._closing = asyncio.Event()

    def has_room(self, organization_id: OrganizationId) -> bool:
        """Whether one more may be opened for an organization."""
        is_fair = self._open[organization_id] < MOST_OF_ONE and self.number < MOST_STREAMS
        return is_fair and not self._closing.is_set()

    @property
    def number(self) -> int:
        """How many are open."""
        return self._open.total()

    def close(self) -> None:
        """Have every stream end at once, for the server to stop."""
        self._closing.set()

    async def follow(self, organization_id: OrganizationId, look: Look) -> AsyncIterator[bytes]:
        """Give the messages of one stream, until its time is over, the look ends it or the server stops."""
        self._open[organization_id] += 1
        try:
            yield b"retry: 3000\n\n"
            for _ in range(MOST_LOOKS):
                told = await look()
                # A comment says nothing, but shows whether somebody still listens.
                yield b":\n\n" if told is None else b"data: " + orjson.dumps(told) + b"\n\n"
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._closing.wait(), LOOK_SECONDS)
                    return
        except LookEndedError:
            return
        except Exception as error:
            if find_trouble(error) is None:  # the database's is told once for all
                log.exception("stream.failed")
        finally:
            self._open[organization_id] -= 1
            self._open += Counter()  # forgets organizations that have none
