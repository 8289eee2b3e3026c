"""Asks for what a file declares: by GET with all in the query, or by POST with what a call asks for in the body."""

from __future__ import annotations

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, Protocol

from signalpost.connectors.resource import Session
from signalpost.outbound import Answer


class Source(Protocol):
    """What is declared of the way in which something is asked for."""

    @property
    def method(self) -> str:
        """``GET`` or ``POST``."""
        ...

    @property
    def body(self) -> Mapping[str, Any] | None:
        """What every call sends."""
        ...


async def ask(
    session: Session, source: Source, path: str, query: Mapping[str, str], asked: Mapping[str, Any]
) -> Answer:
    """Ask at ``path`` with ``query``; what this call asks for goes beside that, or by POST to its place in the body."""
    if source.method == "GET":
        return await session.get(path, {**query, **{name: str(value) for name, value in asked.items()}})
    body = deepcopy(source.body)
    if asked:
        body = dict(body or {})
        for place, value in asked.items():
            put(body, place, value)
    return await session.post(path, query, body)


def put(body: dict[str, Any], place: str, value: Any) -> None:
    """Put a value at a dotted place; a key that holds the dots itself goes before, as in ``answers.find``."""
    first, _, rest = place.partition(".")
    if rest and place not in body:
        inner = body.get(first)
        body[first] = inner = inner if isinstance(inner, dict) else {}
        put(inner, rest, value)
    else:
        body[place] = value
