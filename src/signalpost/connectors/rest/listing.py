"""A declared resource as a list: how each kind of pagination asks for a page, and what the next one is."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from signalpost.connectors.resource import Condition, ListPage, Session
from signalpost.connectors.rest.addresses import LONGEST_POSITION, check_position, follow
from signalpost.connectors.rest.answers import ABSENT, find, find_list, read_json
from signalpost.connectors.rest.asking import ask
from signalpost.connectors.rest.pagination import (
    AfterPages,
    CursorPages,
    LinkPages,
    NextPages,
    NoPages,
    NumberedPages,
    OffsetPages,
    Sized,
)
from signalpost.connectors.rest.resources import DeclaredResource
from signalpost.model.errors import ConnectorError, RejectedError
from signalpost.outbound import Answer

# No character that begins a target can stand in one: else each of many would be read on from to the end.
_LINK = re.compile(r"<([^<>]*)>([^<]*)")
STRICTER = {">": {">"}, ">=": {">", ">="}, "<": {"<"}, "<=": {"<", "<="}, "=": {"="}, "like": {"like"}}
"""For each operator of the provider, those of a ``where`` of which it leaves nothing out."""


class RestListing:
    """One list, read page by page. ``fixed`` are parameters that every call has besides those of ``declared``."""

    def __init__(self, name: str, declared: DeclaredResource, fixed: Mapping[str, str]) -> None:
        self._name = name
        self._declared = declared
        self._fixed = fixed
        self._before: bytes | None = None
        self._passed = 0
        self._whole: list[Any] = []

    async def read(self, session: Session, position: str | None, size: int | None) -> ListPage:
        """Read a page (see ``resource.Listing``)."""
        declared, pages = self._declared, self._declared.pagination
        if isinstance(pages, NoPages):
            return await self._read_whole(session, position, size)
        count = max(1, min(size or pages.size, pages.size))
        start, passed = self._begin(position, count)
        answer = await self._ask(session, pages, position, start, count)
        if answer.status == HTTPStatus.NO_CONTENT:
            return ListPage([], None)
        value = read_json(self._name, answer)
        rows = self._find_rows(value)
        more = _find_more(pages, value)
        self._check_repeated(answer, position, may_repeat=not (rows or more))
        self._passed = passed = passed + len(rows)
        path = declared.path if position is None else position
        following = self._find_next(session, answer, value, path, start, passed)
        total = _read_count(find(value, pages.total)) if pages.total else None
        if isinstance(pages, (NumberedPages, OffsetPages, AfterPages)):
            is_short = not rows or _is_short(pages, len(rows), count)
            goes_on = _has_more(more, total if rows else None, passed, short=is_short)
        else:
            goes_on = following is not None if more is None else more
        if goes_on and following is None:
            message = (
                f"{self._name} says that there is more, and names no next page where the pagination declares it;"
                " nothing was concluded from it"
            )
            raise ConnectorError(message)
        following = following if goes_on else None
        complete = following is not None or total is None or passed >= total
        return ListPage(rows, following, total, complete=complete)

    def _begin(self, position: str | None, count: int) -> tuple[int, int]:
        """Give the number by which a page is asked for, and how many records are before it.

        The position of a numbered page has both where a total says which is the last: pages may be smaller than
        ``count``. By cursors and links what this very reading passed is all that is known.
        """
        pages = self._declared.pagination
        if not isinstance(pages, (NumberedPages, OffsetPages)):
            return 0, 0 if position is None else self._passed
        if position is None:
            return pages.first, 0
        if isinstance(pages, OffsetPages):
            start = _read_number(position)
            return start, start - pages.first
        number, _, passed = position.partition("/")
        start = _read_number(number)
        return start, _read_number(passed) if passed else (start - pages.first) * count

    async def _ask(
        self, session: Session, pages: Sized, position: str | None, start: int, count: int
    ) -> Answer:
        """Ask for a page."""
        declared = self._declared
        asked: dict[str, Any] = dict(self._fixed)
        if pages.size_parameter:
            asked[pages.size_parameter] = count
        if isinstance(pages, (NumberedPages, OffsetPages)):
            asked[pages.parameter] = start
        elif isinstance(pages, (CursorPages, AfterPages)):
            asked |= {} if position is None else {pages.parameter: self._read_cursor(position)}
        elif position is not None:
            # The address of a next page has all that was asked for; a body is sent again with it.
            if not self._may_ask_at(check_position(position)):
                raise _refuse(position)
            return await ask(session, declared, position, {}, {} if declared.method == "GET" else asked)
        return await ask(session, declared, declared.path, declared.query, asked)

    async def _read_whole(self, session: Session, position: str | None, size: int | None) -> ListPage:
        """Read the one answer there is, once for all its parts, and give the part of it that is asked for."""
        start = 0 if position is None else _read_number(position)
        if position is None or not self._whole:
            declared = self._declared
            answer = await ask(session, declared, declared.path, declared.query, self._fixed)
            if answer.status == HTTPStatus.NO_CONTENT:
                return ListPage([], None)
            self._whole = self._find_rows(read_json(self._name, answer))
        rows = self._whole
        part = rows[start : start + (size or len(rows))]
        following = start + len(part)
        return ListPage(part, str(following) if part and following < len(rows) else None, len(rows))

    def _find_rows(self, value: Any) -> list[Any]:
        declared = self._declared
        return find_list(
            self._name,
            value,
            declared.records,
            absent_is_empty=declared.absent_is_empty,
            key_field=declared.key_field,
        )

    def _check_repeated(self, answer: Answer, position: str | None, *, may_repeat: bool) -> None:
        """Refuse a page that is the one before: the provider does not heed what we ask the next one by."""
        if position is not None and not may_repeat and answer.body == self._before:
            message = (
                f"{self._name} gave the same page twice in a row: it does not take the parameter of the pagination as"
                " declared; nothing was concluded from it"
            )
            raise ConnectorError(message)
        self._before = answer.body

    def _find_next(
        self, session: Session, answer: Answer, value: Any, path: str, start: int, passed: int
    ) -> str | None:
        match self._declared.pagination:
            case NumberedPages(total=total):
                return f"{start + 1}/{passed}" if total else str(start + 1)
            case OffsetPages(first=first):
                return str(first + passed)
            case CursorPages(next=place):
                return self._write_cursor(self._read_next(value, place))
            case AfterPages(field=place):
                rows = self._find_rows(value)
                found = find(rows[-1], place) if rows else None
                # A record may have the id 0, where a cursor 0 is none.
                is_zero = type(found) is int and not found
                return self._write_cursor(0 if is_zero else self._read_next({place: found}, place))
            case NextPages(next=place):
                target = self._read_next(value, place)
            case LinkPages():
                # It may come in several lines, of which any may name the next page.
                lines = [text for name, text in answer.headers.items() if name.lower() == "link"]
                target = find_link(", ".join(lines))
            case NoPages():
                target = None
        if target is None:
            return None
        following = follow(session.base_url, path.partition("?")[0], str(target))
        if not self._may_ask_at(following):
            message = (
                f"{self._name} names the next page at {following[:200]!r}, and what is asked by POST is asked at"
                f" {self._declared.path} alone; nothing was sent there"
            )
            raise ConnectorError(message)
        return following

    def _may_ask_at(self, position: str) -> bool:
        """Say whether a next page may be asked for there: by POST elsewhere something could be changed."""
        return self._declared.method == "GET" or position.partition("?")[0] == self._declared.path

    def _write_cursor(self, found: str | int | None) -> str | None:
        """Give a cursor as a position: in a body a number is another than its digits as a text."""
        if found is None:
            return None
        return str(found) if self._declared.method == "GET" else json.dumps(found)

    def _read_cursor(self, position: str) -> Any:
        if self._declared.method == "GET":
            return position
        try:
            found = json.loads(position)
        except ValueError:
            raise _refuse(position) from None
        if type(found) not in {str, int}:
            raise _refuse(position)
        return found

    def _read_next(self, value: Any, place: str) -> str | int | None:
        found = find(value, place)
        if found in (ABSENT, None, "", False):
            return None
        is_text = isinstance(found, (str, int)) and not isinstance(found, bool)
        if not is_text or len(str(found)) > LONGEST_POSITION:
            wrong = f"longer than {LONGEST_POSITION:,} characters" if is_text else "no text"
            message = (
                f"{self._name} gave as the next page, at {place}, {str(found)[:100]!r}, which is {wrong}"
            )
            raise ConnectorError(message)
        return found if isinstance(found, int) else str(found)


def find_link(header: str) -> str | None:
    """Find the target of ``rel="next"`` in a header ``Link`` (RFC 8288); None: there is none.

    Its parameters are taken apart rather than searched by a pattern: a kilobyte could keep that busy for minutes.
    """
    return next((target for target, rest in _LINK.findall(header[:10_000]) if _leads_on(rest)), None)


def _leads_on(parameters: str) -> bool:
    for each in parameters.split(";")[1:]:
        name, _, value = each.partition("=")
        relations = value.partition(",")[0].strip().strip('"')
        if name.strip().lower() == "rel" and "next" in relations.lower().split():
            return True
    return False


def narrow(declared: DeclaredResource, conditions: Sequence[Condition]) -> dict[str, str]:
    """Give the parameters by which the provider may give less, and nothing that meets ``conditions`` is left out."""
    query: dict[str, str] = {}
    for condition in conditions:
        for each in declared.filters:
            fits = condition.operator in STRICTER[each.operator] or not each.compared
            if each.field == condition.field and fits and each.parameter not in query:
                query[each.parameter] = condition.value
                break
    return query


def _is_short(pages: Sized, given: int, asked: int) -> bool:
    """Say whether a page is the last for having fewer records than asked for.

    Only where the file says how many the provider gives at most: by a guess of ours all that is behind such a page
    would be left out.
    """
    return bool(pages.size_parameter) and "size" in pages.model_fields_set and given < asked


def _has_more(more: bool | None, total: int | None, passed: int, *, short: bool) -> bool:
    """Say whether another page follows: as the provider says, else where this one was not cut short.

    A total below what was passed already counts something else, as pages: it ends nothing.
    """
    if more is not None:
        return more
    if total is not None and passed <= total:
        return passed < total
    return not short


def _find_more(pages: Sized, value: Any) -> bool | None:
    """Say whether an answer says that there is more; None: it does not say, by any name that is declared."""
    found = find(value, pages.more) if pages.more else ABSENT
    if found is not ABSENT:
        return _says_more(found)
    last = find(value, pages.last) if pages.last else None
    return None if last in (ABSENT, None) else not _says_more(last)


def _says_more(found: Any) -> bool:
    """Say whether a value says that there is more: any does but those that say no, so that no spelling ends a list."""
    if isinstance(found, str):
        return found.strip().lower() not in {"", "false", "no", "n", "0", "null", "none"}
    return bool(found)


def _read_count(found: Any) -> int | None:
    if isinstance(found, str) and found.isascii() and found.isdigit():
        found = int(found[:18])
    return found if isinstance(found, int) and not isinstance(found, bool) and found >= 0 else None


def _read_number(position: str) -> int:
    number = _read_count(position)
    if number is None:
        raise _refuse(position)
    return number


def _refuse(position: str) -> RejectedError:
    return RejectedError(f"{position[:100]!r} is no position of this list; begin anew without one")
