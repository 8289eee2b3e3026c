"""Asks the API of a server, by the standard library alone: nothing else is imported for one short call."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from http.client import HTTPConnection, HTTPException, HTTPResponse, HTTPSConnection
from ssl import SSLError
from typing import Any
from urllib.parse import urlencode, urlsplit
from uuid import uuid4

from signalpost import __version__
from signalpost.cli.endings import CommandError, Ending
from signalpost.cli.printing import make_harmless, print_line
from signalpost.cli.remote.settings import BASE_PATH, Server

SILENCE_SECONDS = 30
ANSWER_SECONDS = 120
MOST_BYTES = 64 * 1024 * 1024
PIECE_BYTES = 64 * 1024
MOST_WORDS = 500
WAITS_SECONDS = (1, 2, 4, 8, 15)
"""Before the same is asked again; the last for ever, where somebody waits patiently."""
MOST_FAILURES = 3
"""Without an answer, where nobody waits patiently."""

TOKEN = "Elements-Next-Page-Token"  # noqa: S105 - no secret
ENDINGS = {401: Ending.REFUSED, 403: Ending.REFUSED, 404: Ending.MISSING, 429: Ending.UNREACHABLE}
OUR_FAULT = 500


class UnknownOutcomeError(CommandError):
    """The request was sent, and what became of it is not known: the same may be sent again, with the same key."""

    def __init__(self, message: str) -> None:
        super().__init__(message, Ending.UNREACHABLE)


class Api:
    """Asks a server; ``wait`` is called with seconds.

    Redirects are never followed: they would take the secrets along.
    """

    def __init__(self, server: Server, *, wait: Callable[[float], None] = time.sleep) -> None:
        self.server = server
        self._wait = wait

    def get(self, path: str, query: Mapping[str, Any] | None = None, *, patient: bool = False) -> Any:
        """Get what is at ``path``; parameters that are None are left out.

        ``patient``: while there is no answer, ask again for as long as it takes, and tell so once.

        Raises:
            CommandError: there is no answer, or no good one; its ending says which.
        """
        return self._ask_again("GET", _write_target(path, query), None, {}, patient=patient)[0]

    def list_pages(self, path: str, query: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
        """Give the entries of a list, page after page; raises as ``get``."""
        token: str | None = None
        while True:
            asked = {**query, "nextPage": token}
            value, following = self._ask_again("GET", _write_target(path, asked), None, {})
            yield from check_list(value)
            if following is None or following == token:
                return
            token = following

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """Have something done, once: it carries a key of its own, and may be sent again. Raises as ``get``."""
        headers = {"Idempotency-Key": f'"{uuid4()}"', "Content-Type": "application/json"}
        return self._ask_again("POST", _write_target(path, None), json.dumps(body or {}).encode(), headers)[0]

    def delete(self, path: str) -> Any:
        """Delete or end what is at ``path``; raises as ``get``."""
        return self._ask("DELETE", _write_target(path, None), None, {})[0]

    def _ask_again(
        self,
        method: str,
        target: str,
        body: bytes | None,
        headers: Mapping[str, str],
        *,
        patient: bool = False,
    ) -> tuple[Any, str | None]:
        failures = 0
        while True:
            try:
                return self._ask(method, target, body, headers)
            except CommandError as error:
                unknown = isinstance(error, UnknownOutcomeError) and failures < MOST_FAILURES
                if not unknown and not (patient and error.ending is Ending.UNREACHABLE):
                    raise
                if failures == 0:
                    print_line(f"signalpost: {error}; trying again", to_errors=True)
                self._wait(WAITS_SECONDS[min(failures, len(WAITS_SECONDS) - 1)])
                failures += 1

    def _ask(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]
    ) -> tuple[Any, str | None]:
        parts = urlsplit(self.server.url)
        kind = HTTPSConnection if parts.scheme == "https" else HTTPConnection
        asked = {
            "Authorization": self.server.authorization,
            "User-Agent": f"signalpost/{__version__}",
            "Accept": "application/json",
            **headers,
        }
        with closing(kind(parts.netloc, timeout=SILENCE_SECONDS)) as connection:
            try:
                connection.connect()
            except SSLError as error:  # a certificate that is not trusted will not be so in a moment
                message = f"{self.server.url} cannot be trusted: {_explain(error)}"
                raise CommandError(message, Ending.FAILED) from None
            except (OSError, UnicodeError) as error:  # a name of a host may be none that can be looked up
                message = f"{self.server.url} cannot be reached: {_explain(error)}"
                raise CommandError(message, Ending.UNREACHABLE) from None
            try:
                connection.request(method, f"{parts.path}{BASE_PATH}{target}", body=body, headers=asked)
                answer = connection.getresponse()
                content = _read(answer)
            except (OSError, HTTPException) as error:
                raise UnknownOutcomeError(f"{self.server.url} does not answer: {_explain(error)}") from None
            return _judge(self.server.url, answer, content), answer.headers.get(TOKEN)


def check_list(value: Any) -> list[dict[str, Any]]:
    """Give an answer that is a list of objects.

    Raises:
        CommandError: it is none.
    """
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise CommandError("the server's answer is no list as Signalpost gives it", Ending.FAILED)
    return value


def check_object(value: Any) -> dict[str, Any]:
    """Give an answer that is an object.

    Raises:
        CommandError: it is none.
    """
    if not isinstance(value, dict):
        raise CommandError("the server's answer is no object as Signalpost gives it", Ending.FAILED)
    return value


def check_number(entry: Mapping[str, Any], key: str) -> int:
    """Give a number that an entry must have.

    Raises:
        CommandError: it has none.
    """
    number = entry.get(key)
    if type(number) is not int:
        raise CommandError(f"the server's answer has no {key} as Signalpost gives it", Ending.FAILED)
    return number


def _write_target(path: str, query: Mapping[str, Any] | None) -> str:
    given = {name: value for name, value in (query or {}).items() if value not in (None, [])}
    return f"{path}?{urlencode(given, doseq=True)}" if given else path


def _read(answer: HTTPResponse) -> bytes:
    deadline, pieces, size = time.monotonic() + ANSWER_SECONDS, [], 0
    while piece := answer.read1(PIECE_BYTES):
        pieces.append(piece)
        size += len(piece)
        if size > MOST_BYTES:
            raise HTTPException(f"its answer is longer than {MOST_BYTES:,} bytes")
        if time.monotonic() > deadline:
            raise HTTPException(f"its answer is not whole after {ANSWER_SECONDS} s")
    if answer.length:
        raise HTTPException("its answer is cut short")
    return b"".join(pieces)


def _judge(url: str, answer: HTTPResponse, body: bytes) -> Any:
    """Give the value of a good answer; else raise what it says."""
    try:
        value = json.loads(body) if body else None
        is_json = True
    except (ValueError, RecursionError):
        value, is_json = None, False
    if 200 <= answer.status < 300 and is_json:  # noqa: PLR2004 - a success
        return value
    told = value if isinstance(value, dict) else {}
    said = told.get("message")
    if not isinstance(said, str):
        place = answer.headers.get("Location", "").partition("?")[0]
        hint = f" ({place}): redirects are not followed, give the address itself" if place else ""
        message = f"{url} answers {answer.status}, but not as Signalpost does{hint}"
    elif answer.status >= OUR_FAULT:
        message = f"{said} (status {answer.status}, request {told.get('requestId')})"
    elif answer.status == 400:  # noqa: PLR2004 - of what was given something is wrong
        raise CommandError(make_harmless(said)[:MOST_WORDS], Ending.MISUSED)
    else:
        message = said
    message = make_harmless(message)[:MOST_WORDS]
    if answer.status == 409 and "Retry-After" in answer.headers:  # noqa: PLR2004 - the first of this key still runs
        raise UnknownOutcomeError(message)
    ending = ENDINGS.get(answer.status, Ending.UNREACHABLE if answer.status >= OUR_FAULT else Ending.FAILED)
    raise CommandError(message, ending)


def _explain(error: Exception) -> str:
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return make_harmless(str(reason))[:MOST_WORDS]
