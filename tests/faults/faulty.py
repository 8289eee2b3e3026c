"""``signalpost`` in which one fault strikes when it is ordered to, run as a program by the fault harness.

Its first argument is a folder. A file ``order`` in it, ``{"step", "kind", "skip"}``, has the fault strike once, at the
call of that step after ``skip`` others, in whichever of the programs with this folder comes there first; a file
``struck`` then tells when. A file ``clock`` holds seconds that their clock is ahead. Unless there is a file ``patient``
all waits after a fault are shortened: with a kill every second or two, a service that is otherwise the same would lie
idle for most of the time, and nothing more would be learnt.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import asyncpg

from signalpost import runtime, wiring
from signalpost.cli import main
from signalpost.delivery import lane, notices, replays
from signalpost.polling import scheduler
from tests.faults.steps import STEPS, Kind, Step, When

UNTIL_SENT_SECONDS = 0.001
"""Until a statement is on its way; a short one is answered by then, and its answer not taken."""

GRACE_SECONDS = 1.0
LEASE_SECONDS = 2.0


class UnexpectedError(Exception):
    """What a fault of kind ``error`` raises: nothing in the product knows of it."""


def shorten_waits() -> None:
    """Have what a fault interrupted taken up again soon."""
    scheduler.POLL_GRACE_SECONDS = scheduler.LANE_GRACE_SECONDS = GRACE_SECONDS
    setattr(runtime, "TICK_SECONDS", 0.2)  # noqa: B010 - imported there from the scheduler
    runtime.QUEUE_HEARTBEAT = timedelta(seconds=LEASE_SECONDS)
    runtime.NOTICE_SECONDS = 0.3
    runtime.HOUSEKEEPING_SECONDS = 0.5
    lane.AFTER_A_FAULT = replays.AFTER_A_FAULT = timedelta(seconds=GRACE_SECONDS)
    notices.GRACE = timedelta(seconds=LEASE_SECONDS)


class Faults:
    """Strikes as ordered in a folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._order = folder / "order"
        self._read: bytes = b""
        self._seen = 0

    def meet(self, step: str) -> None:
        """Strike, if this is the call of the step that is ordered."""
        try:
            text = self._order.read_bytes()
        except FileNotFoundError:
            return
        order = json.loads(text)
        if order["step"] != step:
            return
        if text != self._read:
            self._read, self._seen = text, 0
        self._seen += 1
        if self._seen <= order["skip"]:
            return
        try:
            self._order.rename(self._folder / "striking")
        except FileNotFoundError:
            return  # another program was first
        told = self._folder / "telling"
        told.write_text(json.dumps({**order, "at": time.time()}))
        told.rename(self._folder / "struck")
        _strike(Kind(order["kind"]))

    def read_now(self) -> datetime:
        """Give the time by the clock of these programs."""
        try:
            ahead_seconds = float((self._folder / "clock").read_text())
        except FileNotFoundError:
            ahead_seconds = 0.0
        return datetime.now(UTC) + timedelta(seconds=ahead_seconds)


def _strike(kind: Kind) -> None:
    if kind is Kind.KILL:
        os.kill(os.getpid(), signal.SIGKILL)
    if kind is Kind.CUT:
        raise asyncpg.ConnectionDoesNotExistError("connection was closed in the middle of operation")
    if kind is Kind.FULL:
        raise asyncpg.DiskFullError("could not extend file: No space left on device")
    raise UnexpectedError("a fault that was ordered")


def place(step: Step, faults: Faults) -> None:
    """Have a step of the product meet its faults. Calls for nothing, or that found nothing, are not counted."""
    original = step.find_method()
    # What enqueues gives what had a job already: nothing is the rule.
    nothing_found: tuple[object, ...] = () if step.method.startswith("enqueue") else ([], 0)

    @functools.wraps(original)
    async def met(*arguments: Any, **named: Any) -> Any:
        of_nothing = any(isinstance(each, list) and not each for each in arguments)
        going = asyncio.ensure_future(original(*arguments, **named)) if step.when is When.AMID else None
        if going is not None:
            await asyncio.sleep(UNTIL_SENT_SECONDS)
        if step.when is not When.AFTER and not of_nothing:
            faults.meet(step.name)
        answer = await (going or original(*arguments, **named))
        if step.when is When.AFTER and not of_nothing and answer not in nothing_found:
            faults.meet(step.name)
        return answer

    setattr(step.find_holder(), step.method, met)


def run(folder: Path, start: Callable[[], None]) -> None:
    """Place all steps and run the command line."""
    faults = Faults(folder)
    for step in STEPS.values():
        place(step, faults)
    wiring.read_now = faults.read_now
    if not (folder / "patient").exists():
        shorten_waits()
    start()


if __name__ == "__main__":
    run(Path(sys.argv.pop(1)), main)
