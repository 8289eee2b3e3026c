"""What ``GET /instances`` of Open Connectors gave: fetched page by page into a file, and read from one bit by bit."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any
from urllib.parse import urlencode

import orjson

from signalpost.instances.originals import Original, read_original
from signalpost.model.errors import ConfigurationError, InvalidRequestError
from signalpost.outbound import Answer, Outbound

CHUNK = 1 << 20
ENCODING = "utf-8-sig"
LONGEST_ENTRY = 4 << 20
"""Characters of one instance: more is none."""
LARGEST_PAGE_BYTES = 64 << 20
PAGE_SIZE = 200
MOST_PAGES = 100_000
NEXT_PAGE = "elements-next-page-token"
OK, REFUSED, NONE_FOUND = 200, (401, 403), 404
WHITE = re.compile(r"\s*")
DECODER = json.JSONDecoder()


def read_originals(source: Path | IO[bytes], name: str) -> Iterator[Original]:
    """Read instances from an array of JSON one by one; from several arrays, one behind the other, all of them.

    Memory is needed for one of them at a time. A file that is open is read from its beginning, and stays open.
    ``name`` stands for it in messages.

    Raises:
        InvalidRequestError: it cannot be read, is cut short, or holds something else; the entry is named.
    """
    place = "at its beginning"
    try:
        with _open_text(source) as file:
            for number, entry in enumerate(_read_arrays(_Text(file)), start=1):
                place = f"entry {number:,}"
                yield read_original(entry)
                place = f"after entry {number:,}"
    except OSError as error:
        raise InvalidRequestError(f"{name}: it cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise InvalidRequestError(f"{name}: {place}: it is not UTF-8") from error
    except InvalidRequestError as error:
        raise InvalidRequestError(f"{name}: {place}: {error}") from error


@contextmanager
def _open_text(source: Path | IO[bytes]) -> Iterator[IO[str]]:
    if isinstance(source, Path):
        with source.open(encoding=ENCODING) as file:
            yield file
        return
    source.seek(0)
    text = TextIOWrapper(source, ENCODING)
    try:
        yield text
    finally:
        text.detach()


def _read_arrays(text: _Text) -> Iterator[Any]:
    if not text.peek():
        raise InvalidRequestError("it is empty")
    while sign := text.peek():
        if sign != "[":
            message = (
                f"{sign!r} stands where '[' should; give what GET /instances answers, a list of instances"
            )
            raise InvalidRequestError(message)
        yield from _read_array(text)


def _read_array(text: _Text) -> Iterator[Any]:
    text.skip()
    if text.peek() == "]":
        text.skip()
        return
    while True:
        yield text.take()
        sign = text.peek()
        if sign and sign in ",]":
            text.skip()
        if sign == "]":
            return
        if sign != ",":
            what = (
                f"{sign!r} stands where ',' or ']' should"
                if sign
                else "the file ends amid the list: it is cut short"
            )
            raise InvalidRequestError(what)


class _Text:
    """Text that is read from a file as it is needed."""

    def __init__(self, file: IO[str]) -> None:
        self._file = file
        self._text = ""
        self._at = 0

    def peek(self) -> str:
        """Give the next character that is no white space; "" at the end."""
        while True:
            match = WHITE.match(self._text, self._at)
            assert match is not None  # it matches nothing, too
            self._at = match.end()
            if self._at < len(self._text):
                return self._text[self._at]
            if not self._read_on():
                return ""

    def skip(self) -> None:
        """Go past the character that ``peek`` gave."""
        self._at += 1

    def take(self) -> Any:
        """Give the value of JSON that comes next.

        Raises:
            InvalidRequestError: it is cut short, too long, or no JSON.
        """
        self.peek()
        while True:
            try:
                _, end = DECODER.raw_decode(self._text, self._at)
                # That found where it ends; this refuses what JSON forbids (NaN, half characters).
                value = orjson.loads(self._text[self._at : end])
            except json.JSONDecodeError as error:
                if len(self._text) - self._at > LONGEST_ENTRY:
                    message = f"what follows is no JSON, or longer than {LONGEST_ENTRY:,} characters"
                    raise InvalidRequestError(message) from error
                if not self._read_on():
                    message = f"what follows is cut short, or no JSON: {error.msg}"
                    raise InvalidRequestError(message) from error
            except RecursionError as error:
                raise InvalidRequestError("what follows nests arrays and objects too deeply") from error
            except ValueError as error:
                raise InvalidRequestError("what follows has a number of thousands of digits") from error
            else:
                self._at = end
                return value

    def _read_on(self) -> bool:
        piece = self._file.read(CHUNK)
        self._text, self._at = self._text[self._at :] + piece, 0
        return bool(piece)


async def fetch_pages(
    outbound: Outbound, url: str, authorization: str, file: IO[bytes], tell: Callable[[int], None]
) -> None:
    """Fetch all pages of ``GET /instances`` and write them to ``file``; ``tell`` is told the pages so far.

    ``url`` is the address of the list, or what stands before ``/instances``.

    Raises:
        ConfigurationError: it cannot be fetched; the message says why.
        AddressRefusedError, OutboundError: no answer came.
    """
    place = url.rstrip("/")
    place = place if place.endswith("/instances") else f"{place}/instances"
    token, seen = "", set[str]()
    for number in range(1, MOST_PAGES + 1):
        query = urlencode({"pageSize": PAGE_SIZE, **({"nextPage": token} if token else {})})
        answer = await outbound.request(
            "GET",
            f"{place}?{query}",
            headers={"Authorization": authorization, "Accept": "application/json"},
            max_bytes=LARGEST_PAGE_BYTES,
        )
        if answer.status == NONE_FOUND and number > 1:
            return
        _check(answer, place)
        file.write(answer.body + b"\n")
        tell(number)
        token = next((value for key, value in answer.headers.items() if key.lower() == NEXT_PAGE), "")
        if not token:
            return
        if token in seen:
            raise ConfigurationError(f"{place}: it gave the same {NEXT_PAGE} twice; its list has no end")
        seen.add(token)


def _check(answer: Answer, place: str) -> None:
    if answer.status in REFUSED:
        message = f"{place}: it refuses the Authorization ({answer.status}); give a user's and an organization's secret"
        raise ConfigurationError(message)
    if answer.status != OK:
        message = f"{place}: it answered {answer.status}, not {OK}"
        raise ConfigurationError(message)
    if answer.truncated:
        message = f"{place}: its page is larger than {LARGEST_PAGE_BYTES:,} bytes"
        raise ConfigurationError(message)
