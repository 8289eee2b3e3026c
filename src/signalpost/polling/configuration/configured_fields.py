"""The fields of a poller configuration, read leniently: any known spelling, numbers also as text. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any, NoReturn

from signalpost.model.errors import InvalidRequestError
from signalpost.polling.dates.patterns import show
from signalpost.polling.fields import read_number

LONGEST_TEXT = 1000


class ConfiguredFields:
    """The fields of one object, by their usual names; null and blank text count as not given.

    Raises (all methods): InvalidRequestError, naming the field as it was written, the value and what would be right.
    """

    def __init__(
        self, owner: str, path: str, value: Any, spellings: Mapping[str, Sequence[str]], expected: str
    ) -> None:
        """Take an object found at ``path`` ("", or ending in a dot) of ``owner``.

        ``spellings`` gives for each usual name those it is known by, in lower-case letters.
        """
        self._owner = owner
        self._path = path
        self.remarks: list[str] = []
        if not isinstance(value, Mapping):
            message = f"{f'{owner}.{path}'.rstrip('.')}: give an object with {expected}, not {show(value)}"
            raise InvalidRequestError(message)
        names = {spelling: name for name, known in spellings.items() for spelling in known}
        self._found: dict[str, tuple[str, Any]] = {}
        for key, each in value.items():
            name = names.get(key.strip().lower())
            if name is None:
                self._remark(key, "kept, but not used here")
            elif name not in self._found or _is_blank(self._found[name][1]):
                self._found[name] = (key, each)
            elif not _is_blank(each) and each != self._found[name][1]:
                self._remark(key, f"not used, as {self._found[name][0]} is given too")

    def remark(self, name: str, words: str) -> None:
        """Add a remark on a field, called as it was written."""
        self._remark(self._find_written(name), words)

    def refuse(self, name: str, words: str) -> NoReturn:
        """Refuse a field's value."""
        message = f"{self._owner}.{self._path}{self._find_written(name)}: {words}"
        raise InvalidRequestError(message)

    def _remark(self, written: str, words: str) -> None:
        self.remarks.append(f"{(self._path + written)[:LONGEST_TEXT]}: {words}")

    def _find_written(self, name: str) -> str:
        return self._found[name][0] if name in self._found else name

    def take(self, name: str) -> Any:
        """Give the value as it stands; None where none is given."""
        value = self._found.get(name, ("", None))[1]
        return None if _is_blank(value) else value

    def is_blank_text(self, name: str) -> bool:
        """Say whether the field is there and says nothing, as ``""`` does and null does not."""
        return isinstance(self._found.get(name, ("", None))[1], str) and self.take(name) is None

    def read_text(self, name: str) -> str | None:
        """Read a text, up to ``LONGEST_TEXT`` characters; blanks around it are dropped."""
        value = self.take(name)
        if value is None:
            return None
        if not isinstance(value, str):
            self.refuse(name, f"give text, not {show(value)}")
        if len(value) > LONGEST_TEXT:
            self.refuse(name, f"it has {len(value):,} characters; at most {LONGEST_TEXT:,} are taken")
        return value.strip()

    def read_word(self, name: str, words: Sequence[str]) -> str | None:
        """Read one of some words, in any letter case."""
        value = self.take(name)
        if value is None:
            return None
        word = value.strip().lower() if isinstance(value, str) else ""
        if word not in words:
            self.refuse(name, f"{show(value)} is none of {', '.join(words)}")
        return word

    def read_boolean(self, name: str, *, default: bool) -> bool:
        """Read ``true`` or ``false``, also as text."""
        value = self.take(name)
        if isinstance(value, bool):
            return value
        word = self.read_word(name, ["true", "false"])
        return default if word is None else word == "true"

    def read_number(self, name: str, least: float, most: float, *, whole: bool = False) -> float | None:
        """Read a number within bounds, also as text."""
        value = self.take(name)
        if value is None:
            return None
        number = read_number(value)
        if number is None or not Decimal(least) <= number <= Decimal(most) or (whole and number % 1):
            kind = "a whole number" if whole else "a number"
            self.refuse(name, f"{show(value)} is not {kind} from {least:,.0f} to {most:,.0f}")
        return float(number)


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())
