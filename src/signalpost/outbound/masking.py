"""Secrets that a provider or a callback repeats: masked before its words are kept, shown or logged. Pure.

No pattern is made of a secret: who sets it may write the answer as well, and could keep a pattern busy for years.
"""

from __future__ import annotations

import html
import json
import re
from bisect import bisect
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

from multidict import CIMultiDict

from signalpost.model.configuration import MASK
from signalpost.outbound.answer import Answer

LEAST_SECRET_CHARACTERS = 8
"""Shorter ones are words of a refusal as likely as secrets."""

_PLAIN = re.compile(rb"[0-9A-Za-z]+")

Found = tuple[int, int, int]
"""Which of the secrets, and where it begins and ends."""


def mask_secrets(answer: Answer, secrets: Iterable[str | None]) -> Answer:
    """Mask what we sent where the answer repeats it: as it is, or as JSON, addresses and HTML have it."""
    sought = _list_sought(secrets)
    headers = [(name, _mask_text(text, sought)) for name, text in answer.headers.items()]
    return replace(answer, body=_mask(answer.body, sought), headers=CIMultiDict(headers))


def mask_body(answer: Answer, secrets: Iterable[str | None]) -> Answer:
    """Mask the same in the body alone, where nobody looks at the headers."""
    return replace(answer, body=_mask(answer.body, _list_sought(secrets)))


def list_secrets(values: Iterable[str]) -> list[str]:
    """List what is secret of the values of headers: each, and in it what follows a scheme (``Bearer``)."""
    return [secret for value in values for secret in (value, value.rpartition(" ")[2])]


def _list_sought(secrets: Iterable[str | None]) -> list[bytes]:
    long_enough = dict.fromkeys(each for each in secrets if each and len(each) >= LEAST_SECRET_CHARACTERS)
    return [each.encode() for each in long_enough]


def _mask_text(text: str, secrets: list[bytes]) -> str:
    # The client keeps bytes of a header that are no UTF-8 in this way.
    body = _mask(text.encode(errors="surrogateescape"), secrets)
    return body.decode(errors="surrogateescape")


def _mask(body: bytes, secrets: list[bytes]) -> bytes:
    # Letters and digits are written as they are by all: what else there is need not be read for most answers.
    there = [each for each in secrets if max(_PLAIN.findall(each), key=len, default=b"") in body]
    found = sorted(_find(body, there, (_JSON, _ADDRESS, _HTML))) if there else []
    masked, written = [], 0
    for start, end in _choose(found):
        masked += [body[written:start], MASK.encode()]
        written = end
    return b"".join([*masked, body[written:]])


def _choose(found: list[Found]) -> list[tuple[int, int]]:
    """Give the places to mask, from left to right: where two overlap that of the secret which was named first."""
    chosen: list[tuple[int, int]] = []
    for _, start, end in found:
        place = bisect(chosen, (start, end))
        is_free = place == len(chosen) or chosen[place][0] >= end
        if is_free and (place == 0 or chosen[place - 1][1] <= start):
            chosen.insert(place, (start, end))
    return chosen


@dataclass(frozen=True, slots=True)
class _Spelling:
    """A way of writing characters by others: ``marks`` finds each that is written so, ``read`` reads it.

    ``then`` are the ways in which what is read may be written as well.
    """

    marks: re.Pattern[bytes]
    read: Callable[[bytes], bytes]
    then: tuple[_Spelling, ...] = ()


@lru_cache(4096)
def _read_json(mark: bytes) -> bytes:
    try:
        text: str = json.loads(b'"%s"' % mark)
        return text.encode()
    except UnicodeEncodeError:  # half of a character
        return mark


@lru_cache(4096)
def _read_html(mark: bytes) -> bytes:
    name = mark[1:-1].decode()
    try:
        if name[0] == "#":
            return chr(int(f"0{name[1:]}", 16 if name[1] in "xX" else 10)).encode()
    except (ValueError, OverflowError):  # there is no such character
        return mark
    return html.unescape(mark.decode()).encode()


def _read_address(mark: bytes) -> bytes:
    return bytes.fromhex(mark[1:].decode())


_ADDRESS = _Spelling(re.compile(rb"%[0-9a-fA-F]{2}"), _read_address)
_HTML = _Spelling(re.compile(rb"&(?:#[0-9]{1,7}|#[xX][0-9a-fA-F]{1,6}|amp|lt|gt|quot|apos);"), _read_html)
_JSON = _Spelling(
    re.compile(
        rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|[\"\\/bfnrt])"
    ),
    _read_json,
    (_ADDRESS, _HTML),
)


def _find(text: bytes, secrets: list[bytes], spellings: tuple[_Spelling, ...]) -> list[Found]:
    """Find where secrets stand in a text, as they are and in each of the spellings; in no order."""
    found = list(_find_plain(text, secrets))
    for spelling in spellings:
        read = spelling.marks.sub(lambda mark, read=spelling.read: read(mark[0]), text)  # type: ignore[misc]
        if read != text and (inner := _find(read, secrets, spelling.then)):
            found += _trace(text, spelling, inner)
    return found


def _find_plain(text: bytes, secrets: list[bytes]) -> Iterator[Found]:
    as_form = text.replace(b"+", b" ")  # a form has blanks so
    for number, secret in enumerate(secrets):
        has_blanks = b" " in secret
        place, sought = (as_form, secret.replace(b"+", b" ")) if has_blanks else (text, secret)
        start = place.find(sought)
        while start >= 0:
            end = start + len(sought)
            yield number, start, end
            start = place.find(sought, end)


def _trace(text: bytes, spelling: _Spelling, found: list[Found]) -> list[Found]:
    """Give where in ``text`` stands what was found in what was read from it."""
    wanted = sorted({place for each in found for place in each[1:]})
    places: dict[int, int] = {}
    number, shift = 0, 0
    for mark in spelling.marks.finditer(text):
        begin = mark.start() - shift
        while number < len(wanted) and wanted[number] <= begin:
            places[wanted[number]] = wanted[number] + shift
            number += 1
        length = len(spelling.read(mark[0]))
        while number < len(wanted) and wanted[number] < begin + length:  # amid a character of several bytes
            places[wanted[number]] = mark.start()
            number += 1
        shift += len(mark[0]) - length
    places |= {each: each + shift for each in wanted[number:]}
    return [(secret, places[start], places[end]) for secret, start, end in found]
