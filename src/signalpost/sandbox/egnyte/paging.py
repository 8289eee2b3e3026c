"""What the lists have in common: offsets and counts, dates in queries, the order of rows, numbers as texts."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, TypeVar

from aiohttp import web

from signalpost.model.errors import ForbiddenError, InvalidRequestError
from signalpost.sandbox.egnyte.answers import answer_json
from signalpost.sandbox.egnyte.dates import read_moment
from signalpost.sandbox.egnyte.endpoint import Call
from signalpost.sandbox.egnyte.users import BY_ID, User
from signalpost.sandbox.fields import refuse_field

T = TypeVar("T")
NUMBER = re.compile(r"[0-9]{1,18}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Span:
    """The part of a list that is asked for."""

    offset: int
    count: int

    def cut(self, rows: Sequence[T]) -> Sequence[T]:
        """Give this part of ``rows``."""
        return rows[self.offset : self.offset + self.count]

    def leaves_more(self, rows: Sequence[Any]) -> bool:
        """Say whether rows follow this part."""
        return self.offset + self.count < len(rows)


def read_span(call: Call, *, usual: int, most: int, count_name: str = "count") -> Span:
    """Read ``offset`` (0) and ``count`` (``usual``, at most ``most``) of the query.

    Raises:
        InvalidRequestError: one is no whole number, or the count is too small, or too large and not to be clamped.
    """
    return Span(_read_number(call, "offset", 0, least=0), _read_count(call, count_name, usual, most))


def read_scim_span(call: Call, *, most: int) -> Span:
    """Read ``startIndex``, which begins at 1, and ``count`` of the query.

    Raises:
        InvalidRequestError: as ``read_span``.
    """
    return Span(_read_number(call, "startIndex", 1, least=1) - 1, _read_count(call, "count", most, most))


def _read_count(call: Call, name: str, usual: int, most: int) -> int:
    count = _read_number(call, name, usual, least=1)
    if count > most and call.state.settings.over_max_count == "400":
        raise refuse_field(name, count, f"at most {most}")
    return min(count, most)


def _read_number(call: Call, name: str, usual: int, *, least: int) -> int:
    text = call.request.query.get(name, str(usual))
    if not NUMBER.fullmatch(text) or int(text) < least:
        raise refuse_field(name, text, f"a whole number of at least {least}")
    return int(text)


def read_date(call: Call, name: str) -> float | None:
    """Read a date of the query; None where it has none.

    Raises:
        InvalidRequestError: it is no date. A ``+`` that was not sent as ``%2B`` arrives as a blank and makes it none.
    """
    text = call.request.query.get(name)
    return None if text is None else read_moment(name, text)


def read_filter(call: Call, operators: str, fields: Sequence[str]) -> tuple[str, str, str] | None:
    """Read the SCIM ``filter`` of the query: field, operator and value in lower case; None where there is none.

    Raises:
        InvalidRequestError: it is none that these ``fields`` and ``operators`` (``eq|co``) allow.
    """
    text = call.request.query.get("filter")
    if text is None:
        return None
    found = re.fullmatch(rf'({"|".join(fields)})\s+({operators})\s+"([^"]*)"', text.strip(), re.IGNORECASE)
    if found is None:
        raise refuse_field(
            "filter", text, f'{" or ".join(fields)}, one of {operators}, and a value in "quotes"'
        )
    field = next(name for name in fields if name.lower() == found[1].lower())
    return field, found[2].lower(), found[3].lower()


def arrange(call: Call, rows: Sequence[T]) -> list[T]:
    """Give ``rows`` in the order of this call: another for each where ``shuffle_pages`` is on."""
    arranged = list(rows)
    if call.state.settings.shuffle_pages:
        seed = f"{call.state.seed}:{call.state.calls.total()}"
        Random(seed).shuffle(arranged)  # noqa: S311 - must be reproducible
    return arranged


def find_caller(call: Call) -> User:
    """Give the user as whom the token calls."""
    return BY_ID[call.caller.grant.user_id]


def require_admin(call: Call, what: str) -> None:
    """Let administrators alone go on.

    Raises:
        ForbiddenError: the caller is none.
    """
    if find_caller(call).kind != "admin":
        raise ForbiddenError(f"Only an administrator may see {what}")


def read_path_number(text: str) -> int:
    """Read a number in a path.

    Raises:
        InvalidRequestError: it is none.
    """
    if not NUMBER.fullmatch(text):
        raise InvalidRequestError(f"id is {text!r}: it must be a whole number")
    return int(text)


def answer_content(call: Call, content: Any) -> web.Response:
    """Answer with ``content``, its numbers as texts where the settings say so."""
    return answer_json(_write_numbers(content) if call.state.settings.numbers_as_strings else content)


def _write_numbers(content: Any) -> Any:
    if isinstance(content, dict):
        return {name: _write_numbers(value) for name, value in content.items()}
    if isinstance(content, list):
        return [_write_numbers(value) for value in content]
    return str(content) if type(content) in (int, float) else content
