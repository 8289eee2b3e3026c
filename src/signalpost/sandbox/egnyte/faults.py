"""Faults on order: each waits for the next calls it matches. Pure; the server makes them happen."""

from __future__ import annotations

from collections.abc import Callable, Container, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import orjson

from signalpost.model.errors import InvalidRequestError
from signalpost.sandbox.fields import (
    read_choice,
    read_number,
    read_object,
    read_text,
    read_whole,
    refuse_field,
)

DELAYS = ("latency",)
REFUSALS = ("status", "reset", "over_qps", "over_rate", "expired_token", "revoked_token", "lost_cursor")
CUTS = ("truncate",)
KINDS = (*DELAYS, *REFUSALS, *CUTS)
FIELDS = ("kind", "times", "path", "status", "headers", "body", "seconds")
EVENT_LISTS = ("/pubapi/v1/events", "/pubapi/v2/events")


@dataclass(frozen=True, slots=True)
class Fault:
    """What goes wrong with the next ``times`` calls whose path starts with ``path``."""

    kind: str
    times: int = 1
    path: str = "/pubapi"
    status: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    body: str = ""
    seconds: float = 0.0

    def matches(self, path: str) -> bool:
        """Say whether a call of ``path`` meets this fault."""
        if self.kind == "lost_cursor" and path not in EVENT_LISTS:
            return False
        return path.startswith(self.path)


def read_fault(given: Any) -> Fault:
    """Read the body of ``POST /_sandbox/faults``.

    Raises:
        InvalidRequestError: a field is unknown, missing or wrong; it is named.
    """
    fields = read_object("fault", given, FIELDS)
    kind = read_choice("kind", fields.get("kind"), KINDS)
    readers: dict[str, Callable[[str, Any], Any]] = {
        "times": lambda name, value: read_whole(name, value, least=1),
        "path": read_text,
    }
    if kind == "status":
        readers |= {"status": _read_status, "headers": _read_headers, "body": _read_body}
    if kind == "latency":
        readers["seconds"] = read_number
    needed = {"status": "status", "latency": "seconds"}.get(kind)
    if needed and needed not in fields:
        raise InvalidRequestError(f"{needed} is missing: a fault of kind {kind} needs it")
    for name in fields:
        if name != "kind" and name not in readers:
            raise InvalidRequestError(f"a fault of kind {kind} takes no {name}: only {', '.join(readers)}")
    return Fault(kind, **{name: read(name, fields[name]) for name, read in readers.items() if name in fields})


def _read_status(name: str, value: Any) -> int:
    return read_whole(name, value, least=200, most=599)


def _read_headers(name: str, value: Any) -> dict[str, str]:
    if not isinstance(value, dict) or not all(isinstance(text, str) for text in value.values()):
        raise refuse_field(name, value, "an object of texts")
    if any("\r" in text or "\n" in text for item in value.items() for text in item):
        raise refuse_field(name, value, "free of line breaks")
    return value


def _read_body(_name: str, value: Any) -> str:
    return value if isinstance(value, str) else orjson.dumps(value).decode()


class FaultQueue:
    """The faults that still wait, first come first served."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []

    def add(self, fault: Fault) -> None:
        """Put ``fault`` at the end."""
        self._faults.append(fault)

    def clear(self) -> None:
        """Forget all that wait."""
        self._faults.clear()

    def list_waiting(self) -> tuple[Fault, ...]:
        """Give what waits; ``times`` is what is left."""
        return tuple(self._faults)

    def take(self, path: str, kinds: Container[str]) -> Fault | None:
        """Use up one time of the first fault of one of ``kinds`` that a call of ``path`` meets."""
        for place, fault in enumerate(self._faults):
            if fault.kind in kinds and fault.matches(path):
                if fault.times == 1:
                    del self._faults[place]
                else:
                    self._faults[place] = replace(fault, times=fault.times - 1)
                return fault
        return None

    def __bool__(self) -> bool:
        return bool(self._faults)
