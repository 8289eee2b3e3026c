"""The ``where`` of a resource, read from its text. Pure.

The language is OCNQL (open-connectors.md 3.3); docs/reference/configuration.md is our contract.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NoReturn

from signalpost.connectors.resource import Condition
from signalpost.model.errors import InvalidRequestError
from signalpost.polling.dates.patterns import show
from signalpost.polling.fields import LONGEST_FIELD
from signalpost.polling.where.conditions import (
    KEYWORDS,
    Absent,
    Alternative,
    Conjunction,
    Listed,
    Negation,
    Part,
    Where,
)

__all__ = ["DEEPEST", "LONGEST", "MOST_VALUES", "Where", "read_where"]

DEEPEST = 50
"""How many parentheses and NOTs may stand around one comparison."""

LONGEST = 50_000
MOST_VALUES = 1_000
"""Each record is compared with every value, and while it is all else waits."""

_BARE_VALUE = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?|true|false", re.ASCII | re.IGNORECASE)
_TOKEN = re.compile(
    r"""\s*(?:
      '(?P<quoted>(?:[^']|'')*)'
    | "(?P<double>(?:[^"]|"")*)"
    | `(?P<name>(?:[^`]|``)+)`
    | (?P<sign><>|<=|>=|!=|[=<>(),])
    | (?P<word>[^\s'"`()=<>!,]+)
    )""",
    re.VERBOSE,
)


def read_where(text: str) -> Where:
    """Read a ``where``; blank text is the one that every record meets.

    Raises:
        InvalidRequestError: it is not in the language; the message names the position, counted from 1.
    """
    if len(text) > LONGEST:
        message = f"where: it has {len(text):,} characters; at most {LONGEST:,} are taken"
        raise InvalidRequestError(message)
    if not text.strip():
        return Where()
    return Where(_Reader(text).read())


@dataclass(frozen=True, slots=True)
class _Token:
    """A piece of the text: its kind (a group of the pattern, or "end"), its text, and where it begins, from 1."""

    kind: str
    text: str
    position: int


class _Reader:
    """Reads by recursive descent: OR binds less than AND, AND less than NOT."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _split(text)
        self._next = 0
        self._values = 0

    def read(self) -> Part:
        part = self._read_alternative(0)
        if self._token.kind != "end":
            self._refuse("AND, OR or the end")
        return part

    @property
    def _token(self) -> _Token:
        return self._tokens[self._next]

    def _take(self, *texts: str) -> str | None:
        """Take a word or sign if it is the next one; give it in capitals."""
        if self._token.kind not in {"word", "sign"} or self._token.text.upper() not in texts:
            return None
        self._next += 1
        return self._tokens[self._next - 1].text.upper()

    def _refuse(self, expected: str) -> NoReturn:
        token = self._token
        found = "it ends there" if token.kind == "end" else f"there is {show(token.text)}"
        message = (
            f"where: {show(self._text)}: expected {expected} at position {token.position}, but {found}; write"
            " comparisons as in status = 'open' AND size > 5, values in single quotes, odd names in back-ticks"
        )
        raise InvalidRequestError(message)

    def _read_alternative(self, depth: int) -> Part:
        parts = [self._read_conjunction(depth)]
        while self._take("OR"):
            parts.append(self._read_conjunction(depth))
        return parts[0] if len(parts) == 1 else Alternative(tuple(parts))

    def _read_conjunction(self, depth: int) -> Part:
        parts = [self._read_term(depth)]
        while self._take("AND"):
            parts.append(self._read_term(depth))
        return parts[0] if len(parts) == 1 else Conjunction(tuple(parts))

    def _read_term(self, depth: int) -> Part:
        if depth > DEEPEST:
            self._refuse(f"at most {DEEPEST} parentheses and NOTs around a comparison")
        if self._take("NOT"):
            return Negation(self._read_term(depth + 1))
        if self._take("("):
            part = self._read_alternative(depth + 1)
            if not self._take(")"):
                self._refuse("AND, OR or )")
            return part
        return self._read_comparison(self._read_name())

    def _read_name(self) -> str:
        token = self._token
        odd = token.text.upper() in KEYWORDS or _BARE_VALUE.fullmatch(token.text)
        if token.kind != "name" and (token.kind != "word" or odd):
            self._refuse("the name of a field")
        if len(token.text) > LONGEST_FIELD:
            self._refuse(f"a name of at most {LONGEST_FIELD:,} characters")
        self._next += 1
        return token.text

    def _read_comparison(self, field: str) -> Part:
        if self._take("IS"):
            negated = self._take("NOT")
            if not self._take("NULL"):
                self._refuse("NULL")
            return Negation(Absent(field)) if negated else Absent(field)
        negated = self._take("NOT")
        if self._take("IN"):
            part: Part = Listed(field, self._read_list())
        elif self._take("LIKE"):
            part = Condition(field, "like", self._read_value())
        elif not negated and (sign := self._take("=", "!=", "<>", "<", "<=", ">", ">=")):
            return self._read_right(field, "!=" if sign == "<>" else sign)
        else:
            self._refuse("LIKE or IN" if negated else "=, !=, <, <=, >, >=, LIKE, IN or IS")
        return Negation(part) if negated else part

    def _read_right(self, field: str, operator: str) -> Part:
        if operator in {"=", "!="} and self._take("NULL"):
            return Absent(field) if operator == "=" else Negation(Absent(field))
        return Condition(field, operator, self._read_value())

    def _read_list(self) -> tuple[str, ...]:
        if not self._take("("):
            self._refuse("(")
        values = [self._read_value()]
        while self._take(","):
            values.append(self._read_value())
        if not self._take(")"):
            self._refuse(", or )")
        return tuple(values)

    def _read_value(self) -> str:
        token = self._token
        if token.kind not in {"quoted", "double"} and not (
            token.kind == "word" and _BARE_VALUE.fullmatch(token.text)
        ):
            self._refuse("a value: text in single quotes, a number, true or false")
        self._values += 1
        if self._values > MOST_VALUES:
            self._refuse(f"no more than {MOST_VALUES:,} values in all")
        self._next += 1
        return token.text


def _split(text: str) -> Sequence[_Token]:
    tokens: list[_Token] = []
    position, end = 0, len(text.rstrip())
    while position < end:
        found = _TOKEN.match(text, position)
        if found is None:
            start = len(text) - len(text[position:].lstrip()) + 1
            message = (
                f"where: {show(text)}: what begins at position {start} with {text[start - 1]!r} is not understood;"
                " close every quote, and write a quote within quotes twice"
            )
            raise InvalidRequestError(message)
        kind = found.lastgroup
        assert kind is not None
        mark = {"quoted": "'", "double": '"', "name": "`"}.get(kind, "")
        written = found[kind].replace(mark * 2, mark) if mark else found[kind]
        tokens.append(_Token(kind, written, found.start(kind) + 1 - len(mark)))
        position = found.end()
    return [*tokens, _Token("end", "", len(text) + 1)]
