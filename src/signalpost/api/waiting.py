"""The requests in hand: a bounded number waits for its answer, a bounded number for its body, and for that not long."""

from __future__ import annotations

import asyncio
from collections import Counter
from typing import Literal

from starlette.types import Message, Receive

from signalpost.model.errors import NotNowError, TooLargeError, TooSlowError
from signalpost.model.ids import OrganizationId

MOST_BODY_BYTES = 1_000_000
BODY_SECONDS = 30.0
"""How long a body may take to come, all of it, once it is waited for."""

ALWAYS_ANSWERED = frozenset({"/healthz", "/readyz", "/metrics"})
MOST_WAITING = 100
"""Requests that may wait for their answer at a time: of a slow database more would only wait longer.

As many may wait for their body. They are counted apart: who sends slowly is in the way of nobody who only asks. So are
those of strangers: anybody can send slowly, and is in the way of nobody who is known.
"""
MOST_OF_ONE = 75
"""How many of them may be of one organization: callbacks that it tries, say, answer as late as it likes."""

Awaited = Literal["answers", "bodies", "strangers"]
Counted = tuple[Awaited, OrganizationId | None]
"""What is waited for by requests of an organization; None: by all."""


class Waiting:
    """The requests that wait, by what they wait for."""

    def __init__(self) -> None:
        self._numbers: Counter[Counted] = Counter()

    def enter(self, path: str) -> Place:
        """Give a request its place; it waits for nothing yet."""
        return Place(self._numbers, counted=path not in ALWAYS_ANSWERED)


class Place:
    """What one request waits for; nothing any more once its answer has begun, or it is over."""

    def __init__(self, numbers: Counter[Counted], *, counted: bool) -> None:
        self._numbers = numbers
        self._counted = counted
        self._awaited: Awaited | None = None
        self._owner: OrganizationId | None = None

    def wait_for(self, what: Awaited) -> None:
        """Wait for this, and for nothing else.

        Raises:
            NotNowError: too many wait for it already, in all or of the same organization.
        """
        self._leave()
        if not self._counted:
            return
        awaited = "answers" if what == "answers" else "bodies"
        if self._numbers[what, None] >= MOST_WAITING:
            message = f"{MOST_WAITING} requests wait for their {awaited} already; try again in a few seconds"
            raise NotNowError(message)
        if self._owner is not None and self._numbers[what, self._owner] >= MOST_OF_ONE:
            message = (
                f"{MOST_OF_ONE} requests of this organization wait for their {awaited} already; try again in a few"
                " seconds"
            )
            raise NotNowError(message)
        self._awaited = what
        self._count(what, 1)

    def belong_to(self, organization_id: OrganizationId) -> None:
        """Wait as one of an organization's, as it is known now who asks; raises as ``wait_for``."""
        awaited = self._awaited
        self._leave()
        self._owner = organization_id
        if awaited is not None:
            self.wait_for(awaited)

    def end(self) -> None:
        """Wait for nothing any more."""
        self._leave()
        self._counted = False

    def _leave(self) -> None:
        if self._awaited is not None:
            self._count(self._awaited, -1)
            self._awaited = None

    def _count(self, what: Awaited, change: int) -> None:
        for each in {(what, None), (what, self._owner)}:
            self._numbers[each] += change
            if not self._numbers[each]:
                del self._numbers[each]

    def bound_body(self, receive: Receive) -> Receive:
        """Give what receives the request's body, which is a stranger's unless it is known by then who sends it.

        It raises TooLargeError once that is larger than we take, TooSlowError when it is not whole in time, and
        NotNowError where too many others wait.
        """
        taken, is_whole = 0, False
        ends_at: float | None = None

        async def receive_bounded() -> Message:
            nonlocal taken, is_whole, ends_at
            if is_whole:
                # What comes now is the end of the connection, and may be waited for as long as one likes.
                return await receive()
            if ends_at is None:
                # From now on: to find out who asks may have taken long, which is not the client's fault.
                ends_at = asyncio.get_running_loop().time() + BODY_SECONDS
            self.wait_for("strangers" if self._owner is None else "bodies")
            try:
                async with asyncio.timeout_at(ends_at):
                    message = await receive()
            except TimeoutError:
                raise TooSlowError(f"the body is not whole after {BODY_SECONDS:g} s") from None
            taken += len(message.get("body", b""))
            if taken > MOST_BODY_BYTES:
                text = f"the body is larger than {MOST_BODY_BYTES:,} bytes"
                raise TooLargeError(text)
            is_whole = not message.get("more_body", False)
            self.wait_for("answers")
            return message

        return receive_bounded
