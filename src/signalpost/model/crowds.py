"""Who shares what a process has in hand: one that answers nothing leaves places for the others. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol


class Caller(Protocol):
    """What tells whether a piece of work waits for the answer to a call."""

    @property
    def calls(self) -> int:
        """How many calls were made."""
        ...

    @property
    def is_calling(self) -> bool:
        """Whether a call is under way, with the waits before it."""
        ...

    @property
    def was_answered(self) -> bool:
        """Whether a call was answered, with whatever."""
        ...


@dataclass(frozen=True, slots=True)
class Looked:
    """What a look found: who ``hangs`` now and did not before, by how much work waits for them; and who ``answers``
    again, by how much was put off meanwhile.
    """

    hangs: Mapping[str, int]
    answers: Mapping[str, int]


class Crowds:
    """Work in hand, by whom it waits for.

    One for whom ``many`` wait without an answer hangs, and gets ``most`` places until it answers and fewer wait.
    Without that it would soon have all there are, each until its call is given up; the work for all others would stand
    behind it.
    """

    def __init__(self, *, many: int, most: int) -> None:
        self._many = many
        self._most = most
        self._work: dict[int, tuple[str, Caller]] = {}
        self._numbers: Counter[str] = Counter()
        self._seen: dict[int, tuple[Caller, int]] = {}
        self._answering: set[str] = set()
        self._hanging: dict[str, int] = {}

    def has_room(self, name: str) -> bool:
        """Say whether one more piece of work may begin that calls ``name``; counts those that may not."""
        if name not in self._hanging or self._numbers[name] < self._most:
            return True
        self._hanging[name] += 1
        return False

    def enter(self, number: int, name: str, caller: Caller) -> None:
        """Take in what begins: an instance's poll or lane, or a replay, each under its number."""
        self._work[number] = name, caller
        self._numbers[name] += 1

    def leave(self, number: int) -> None:
        """Let go of what has ended; where nothing was taken in nothing happens."""
        entry = self._work.pop(number, None)
        if entry is None:
            return
        name, caller = entry
        if caller.was_answered and name in self._hanging:
            self._answering.add(name)
        self._numbers[name] -= 1
        if not self._numbers[name]:
            del self._numbers[name]

    def look(self) -> Looked:
        """Find who hangs: to be called every few seconds.

        What waits for the very call that it waited for at the last look waits in vain.
        """
        seen = {each: (caller, caller.calls) for each, (_, caller) in self._work.items() if caller.is_calling}
        stuck = Counter(self._work[each][0] for each, entry in seen.items() if self._seen.get(each) == entry)
        before, answering = self._hanging, self._answering
        many = {name for name, number in stuck.items() if number >= self._many}
        # That fewer wait may be because all were given up at once.
        still = before.keys() - answering
        self._seen, self._answering = seen, set()
        self._hanging = {name: before.get(name, 0) for name in many | still}
        return Looked(
            {name: stuck[name] for name in self._hanging if name not in before},
            {name: put_off for name, put_off in before.items() if name not in self._hanging},
        )
