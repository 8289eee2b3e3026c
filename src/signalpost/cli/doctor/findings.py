"""What a check finds, and what it has to look at."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from signalpost.connectors.registry import Registry
from signalpost.settings import Settings
from signalpost.store.checkup import Checkup, StoredInstance
from signalpost.store.vault import Vault
from signalpost.wiring.database import ReachedDatabase

RUN_AS = "run doctor as the user that runs the service, and give that user what is there"
"""What to do where a file is closed to the user that doctor runs as."""

SHOWN = 5
"""So many of a list are named."""


class Verdict(StrEnum):
    """How something stands; ``SKIPPED``: it could not be looked at, or there is nothing to look at."""

    OK = "ok"
    WARNING = "warning"
    FAILURE = "failure"
    SKIPPED = "skipped"


@dataclass(frozen=True, slots=True)
class Finding:
    """How something stands, and what to do where it is not well. Neither text holds a secret."""

    verdict: Verdict
    message: str
    remedy: str = ""


def approve(message: str) -> Finding:
    """Say that it is well."""
    return Finding(Verdict.OK, message)


def warn(message: str, remedy: str) -> Finding:
    """Say what may be meant, but seldom is, or will be trouble."""
    return Finding(Verdict.WARNING, message, remedy)


def fail(message: str, remedy: str) -> Finding:
    """Say what is wrong."""
    return Finding(Verdict.FAILURE, message, remedy)


def skip(reason: str) -> Finding:
    """Say why it was not looked at."""
    return Finding(Verdict.SKIPPED, reason)


def refuse(error: Exception, remedy: str) -> Finding:
    """Make one of an error of ours. Those of the database say what to do themselves, behind a semicolon."""
    if isinstance(error.__cause__, PermissionError):
        return fail(str(error), RUN_AS)
    what, _, advice = str(error).partition("; ")
    return fail(what, advice or remedy)


@dataclass(slots=True)
class Subject:
    """What is looked at. A part that could not be had is None, and what needs it is skipped."""

    settings: Settings
    now: Callable[[], datetime]
    registry: Registry | None = None
    vault: Vault | None = None
    database: ReachedDatabase | None = None
    checkup: Checkup | None = None
    instances: list[StoredInstance] | None = None


Check = Callable[[Subject], Finding | Awaitable[Finding]]
"""A function ``check_<name>``; its docstring says what it finds, for the reference. Those that are no coroutines may
wait for files, and are called in a thread."""


def name_check(check: Check) -> str:
    """Give the name that a check is shown by."""
    name: str = getattr(check, "__name__")  # noqa: B009 - the type does not know it
    return name.removeprefix("check_").replace("_", "-")


def list_some(things: Iterable[object]) -> str:
    """Write a list, a long one by its beginning and how many follow."""
    texts = [str(each) for each in things]
    shown = ", ".join(texts[:SHOWN])
    return f"{shown} and {len(texts) - SHOWN:,} more" if len(texts) > SHOWN else shown


def name_instances(ids: Iterable[int]) -> str:
    """Write ids of instances with the word before them."""
    found = list(ids)
    return f"instance{'s' if len(found) > 1 else ''} {list_some(found)}"
