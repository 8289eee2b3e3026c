"""Pages of lists: ``pageSize`` with ``nextPage`` or ``page`` (open-connectors.md 3.3)."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any

import orjson
from fastapi import Depends, Query, Request, Response

from signalpost.model.errors import InvalidRequestError

PageSize = Annotated[str | None, Query(alias="pageSize")]
NextPage = Annotated[str | None, Query(alias="nextPage")]
PageNumber = Annotated[str | None, Query(alias="page")]
"""The query parameters of every list."""

AfterSequence = Annotated[str | None, Query(alias="afterSequence")]
AfterId = Annotated[str | None, Query(alias="afterId")]
Newest = Annotated[str | None, Query(alias="newest")]
"""Those of a list that grows at its end alone: who remembers the last number seen goes on from there."""

DEFAULT_PAGE_SIZE = 200
MOST_PAGE_SIZE = 200
MOST_PAGE = 1_000_000
MOST_NUMBERS = 2
FURTHEST = 2**62


@dataclass(frozen=True, slots=True)
class Paging:
    """Which page of the list ``of`` (``name_list``) is asked for: what follows the position ``after``.

    ``after``: numbers; empty: from the start. ``backwards``: the last ``size`` of it; there is no next page.
    """

    of: str
    size: int
    after: tuple[int, ...]
    offset: int
    backwards: bool = False

    @property
    def after_id(self) -> int:
        """The position in a list that goes by id; 0: its start."""
        return self.after[0] if self.after else 0

    def read_pair(self, start: tuple[int, int] = (0, 0)) -> tuple[int, int]:
        """Give the position in a list that goes by two numbers; ``start`` where there is none of two."""
        return (self.after[0], self.after[1]) if len(self.after) == 2 else start  # noqa: PLR2004 - a pair


async def name_list(request: Request) -> str:
    """Name the list that a request asks for: tokens say of which they are, as their numbers mean nothing elsewhere."""
    return f"{request.method} {request.scope['path']}"


ListName = Annotated[str, Depends(name_list)]


def read_paging(of: str, page_size: str | None, next_page: str | None, page: str | None) -> Paging:
    """Read the paging parameters of the list ``of``.

    Raises:
        InvalidRequestError: a number is out of range, or the token is not one of this list's.
    """
    size = _read_number("pageSize", page_size, DEFAULT_PAGE_SIZE, MOST_PAGE_SIZE)
    if next_page:
        after, size_before = _read_token(of, next_page)
        return Paging(of, size if page_size else size_before, after, 0)
    return Paging(of, size, (), (_read_number("page", page, 1, MOST_PAGE) - 1) * size)


def read_unnumbered(of: str, page_size: str | None, next_page: str | None, page: str | None) -> Paging:
    """Read the paging parameters of a list whose pages have no numbers: which is the second, the first alone says.

    Raises:
        InvalidRequestError: as ``read_paging``, and another page than the first is asked for by its number.
    """
    paging = read_paging(of, page_size, next_page, page)
    if paging.offset:
        message = (
            f"page: {page!r} cannot be jumped to; follow nextPage (Elements-Next-Page-Token) from the first"
        )
        raise InvalidRequestError(message)
    return paging


async def find_paging(
    of: ListName, page_size: PageSize = None, next_page: NextPage = None, page: PageNumber = None
) -> Paging:
    """Read which page a request asks for; raises as ``read_paging``."""
    return read_paging(of, page_size, next_page, page)


Pages = Annotated[Paging, Depends(find_paging)]
"""What a list takes that reads its paging before all else of its own."""


def go_on(
    paging: Paging, field: str, after: str | None, newest: str | None, *, within: tuple[int, ...] = ()
) -> Paging:
    """Begin after the number ``after``, or give only the ``newest`` of what follows it.

    A token of a page goes before both. ``within``: the numbers before it in a position of the list.

    Raises:
        InvalidRequestError: one is no number in range; ``field`` names the first.
    """
    place = (*within, _read_place(field, after)) if after else ()
    count = _read_number("newest", newest, 0, MOST_PAGE_SIZE)
    if paging.after:
        return paging
    if count:
        return Paging(paging.of, count, place, 0, backwards=True)
    return replace(paging, after=place)


def write_paging(
    response: Response,
    paging: Paging,
    items: Sequence[Any],
    last: Sequence[int] | None,
    *,
    more: bool = False,
) -> None:
    """Set the headers of a page; ``last`` is the position of its last item when more may follow.

    A full page has a next one; one that is not full where there is ``more`` all the same.
    """
    response.headers["Elements-Returned-Count"] = str(len(items))
    if last is not None and not paging.backwards and (more or len(items) >= paging.size):
        token = orjson.dumps({"list": paging.of, "after": list(last), "pageSize": paging.size})
        response.headers["Elements-Next-Page-Token"] = base64.urlsafe_b64encode(token).decode()


def _read_number(field: str, text: str | None, default: int, most: int) -> int:
    if not text:
        return default
    number = int(text[:9]) if text.isascii() and text.isdigit() else 0
    if not 1 <= number <= most or str(number) != text.lstrip("0"):
        message = f"{field}: {text[:50]!r} is not a whole number from 1 to {most:,}"
        raise InvalidRequestError(message)
    return number


def _read_place(field: str, text: str) -> int:
    number = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else FURTHEST  # noqa: PLR2004 - 64 bits
    if number >= FURTHEST:
        message = f"{field}: {text[:50]!r} is not a whole number from 0 on"
        raise InvalidRequestError(message)
    return number


def _read_token(of: str, token: str) -> tuple[tuple[int, ...], int]:
    try:
        value = orjson.loads(base64.urlsafe_b64decode(token))
        # Tokens of before this was said of which list they are have none.
        given_by, after, size = value.get("list", of), tuple(value["after"]), value["pageSize"]
    except (ValueError, KeyError, TypeError, AttributeError):
        given_by, after, size = of, (), 0
    numbers = all(type(each) is int and 0 <= each < FURTHEST for each in (*after, size))
    if given_by != of or not numbers or not 1 <= size <= MOST_PAGE_SIZE or len(after) > MOST_NUMBERS:
        message = (
            f"nextPage: {token[:50]!r} is not a token that a page of {of} gave (Elements-Next-Page-Token)"
        )
        raise InvalidRequestError(message)
    return after, size
