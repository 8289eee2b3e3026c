"""Keeps count in the demonstration: what should have arrived, and what did."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from typing import Any


class Tally:
    """Compares the notifications received with the changes made. Ids are the provider's own, in its order."""

    def __init__(self) -> None:
        self._expected: list[int] = []
        self._delivered: list[int] = []
        self._unequal_raw = 0
        self._invalid = 0
        self._changed = asyncio.Event()
        self.seconds = 0.0

    def expect(self, ids: Sequence[int]) -> None:
        """Say which changes were made, in their order."""
        self._expected = list(ids)
        self._changed.set()

    def take(self, received: dict[str, Any]) -> None:
        """Take one notification as the receiver wrote it down (interfaces.md, ``listen``)."""
        if received["valid"] is not True:
            self._invalid += 1
        message = received["body"]["message"]
        records = message["raw"][message["raw"]["objectType"]]
        for event, record in zip(message["events"], records, strict=True):
            self._unequal_raw += event["objectId"] != record["event_object_id"]
            self._delivered.append(record["id"])
        self._changed.set()

    async def wait(self, seconds: float) -> None:
        """Wait until all that is expected has arrived, and a moment more for what should not; or ``seconds``."""
        try:
            async with asyncio.timeout(seconds):
                while not set(self._expected) <= set(self._delivered):
                    self._changed.clear()
                    await self._changed.wait()
                await asyncio.sleep(1.5)  # a repetition would come with the next poll
        except TimeoutError:
            return

    def summarise(self, changes: int) -> dict[str, Any]:
        """Give the summary that ``demo --json`` prints."""
        firsts = list(dict.fromkeys(self._delivered))
        return {
            "changesMade": changes,
            "eventsDelivered": len(firsts),
            "duplicates": sum(count - 1 for count in Counter(self._delivered).values()),
            "outOfOrder": sum(later < earlier for earlier, later in pairwise(firsts)),
            "invalidSignatures": self._invalid,
            "seconds": round(self.seconds, 2),
        }

    def is_perfect(self, changes: int) -> bool:
        """Say whether every change arrived exactly once, in order, signed, with its own record."""
        return (
            self._delivered == self._expected
            and len(self._expected) == changes
            and not self._invalid
            and not self._unequal_raw
        )
