"""Plain HTTP for tests, by the standard library alone, and waiting for what comes a moment later."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPSConnection
from typing import Any, TypeVar
from urllib.parse import urlsplit

from signalpost.model.errors import NotFoundError, SignalpostError

CALL_SECONDS = 60
EXCERPT = 2000
LOOK_SECONDS = 0.05

T = TypeVar("T")


def post_bytes(
    url: str, body: bytes | None, headers: Mapping[str, str], *, method: str = "POST"
) -> tuple[int, bytes]:
    """Send a request; give status and body of its answer.

    Raises:
        OSError, http.client.HTTPException: there was none.
    """
    parts = urlsplit(url)
    kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
    target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    with closing(kind(parts.netloc, timeout=CALL_SECONDS)) as connection:
        connection.request(method, target, body=body, headers=dict(headers))
        answer = connection.getresponse()
        return answer.status, answer.read()


def ask_json(method: str, url: str, value: Any = None, *, authorization: str | None = None) -> Any:
    """Send ``value`` as JSON and give the answer's, None where it has no body.

    Raises:
        SignalpostError: the answer was no success; what it says is in the message. A 404 is a ``NotFoundError``.
    """
    headers = {"Content-Type": "application/json"}
    if authorization is not None:
        headers["Authorization"] = authorization
    body = None if value is None else json.dumps(value).encode()
    status, answer = post_bytes(url, body, headers, method=method)
    if not 200 <= status < 300:  # noqa: PLR2004 - not a success
        text = answer.decode(errors="replace")[:EXCERPT]
        kind = NotFoundError if status == NotFoundError.status else SignalpostError
        raise kind(f"{method} {urlsplit(url).path} answered {status}: {text}")
    return json.loads(answer) if answer else None


def wait_until(look: Callable[[], T], what: str, *, seconds: float, tell: Callable[[], str]) -> T:
    """Look until ``look`` gives something true, and give that.

    Raises:
        AssertionError: it did not in time; the message says ``what`` was waited for, and what ``tell`` gives.
    """
    deadline = time.monotonic() + seconds
    while not (found := look()):
        if time.monotonic() > deadline:
            raise AssertionError(f"{what}: not within {seconds:g} s\n{tell()}")
        time.sleep(LOOK_SECONDS)
    return found
