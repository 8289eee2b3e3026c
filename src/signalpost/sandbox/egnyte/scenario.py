"""Scenarios: what happens to the domain by itself, step by step, as a file says (docs/reference/sandbox.md)."""

from __future__ import annotations

import asyncio
import math
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from signalpost.model.errors import ConfigurationError, InvalidRequestError, RequestError
from signalpost.sandbox.egnyte.control import make_changes, revoke_tokens
from signalpost.sandbox.egnyte.faults import read_fault
from signalpost.sandbox.egnyte.gate import Clock, Sleep
from signalpost.sandbox.egnyte.record_control import change_kind
from signalpost.sandbox.egnyte.settings import Settings, change_settings
from signalpost.sandbox.egnyte.state import State
from signalpost.sandbox.fields import read_list, read_number, read_object, read_whole, refuse_field

WHEN = ("at_seconds", "after_calls")


def _change(state: State, given: Any, now: float) -> None:
    make_changes(state, given, now)


def _order_fault(state: State, given: Any, _now: float) -> None:
    state.faults.add(read_fault(given))


def _change_settings(state: State, given: Any, now: float) -> None:
    state.change_settings(given, now)


def _change_records(state: State, given: Any, now: float) -> None:
    fields = read_object("records", given, ("kind", "create", "update", "delete"))
    wish = {name: value for name, value in fields.items() if name != "kind"}
    change_kind(state, fields.get("kind", ""), wish, now)


def _revoke(state: State, given: Any, _now: float) -> None:
    revoke_tokens(state, given)


ACTS: Mapping[str, Callable[[State, Any, float], None]] = {
    "settings": _change_settings,
    "records": _change_records,
    "changes": _change,
    "fault": _order_fault,
    "revoke": _revoke,
}
"""What a step may do, in the order in which one that does several does them."""


@dataclass(frozen=True, slots=True)
class Step:
    """One step: what it does, at so many seconds from the start, or after so many calls since the step before."""

    acts: Mapping[str, Any]
    at_seconds: float | None
    after_calls: int | None

    def do(self, state: State, now: float) -> None:
        """Do it.

        Raises:
            RequestError: it is not possible; the message names the field.
        """
        for name, act in ACTS.items():
            if name in self.acts:
                try:
                    act(state, self.acts[name], now)
                except RequestError as error:
                    raise type(error)(f"{name}: {error}") from error


@dataclass(frozen=True, slots=True)
class Scenario:
    """What a file says: settings of the start, and steps, one after the other."""

    settings: Mapping[str, Any]
    steps: tuple[Step, ...]


def load_scenario(path: Path) -> Scenario:
    """Read a scenario from a TOML file. It is played once on a domain that nobody sees, so that it works later.

    Raises:
        ConfigurationError: the file cannot be read, or what it says is not possible; what and where is named.
    """
    try:
        written = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"the scenario {path} cannot be read: {reason}") from error
    where = "the file"
    try:
        given = read_object("scenario", written, ("settings", "steps"))
        where = "settings"
        state = State(domain="trial", seed=1, settings=change_settings(Settings(), given.get("settings", {})))
        where = "steps"
        steps: list[Step] = []
        for place, item in enumerate(read_list("steps", given.get("steps", []))):
            where = f"steps[{place}]"
            step = _read_step(item, steps)
            step.do(state, 0)
            steps.append(step)
    except RequestError as error:
        raise ConfigurationError(f"the scenario {path}, {where}: {error}") from error
    return Scenario(given.get("settings", {}), tuple(steps))


def _read_step(item: Any, before: list[Step]) -> Step:
    given = read_object("step", item, (*WHEN, *ACTS))
    if len(given.keys() & set(WHEN)) != 1:
        raise InvalidRequestError("it must say when: at_seconds or after_calls, one of them")
    acts = {name: given[name] for name in ACTS if name in given}
    if not acts:
        raise InvalidRequestError(f"it does nothing: it takes {', '.join(ACTS)}")
    if "after_calls" in given:
        return Step(acts, None, read_whole("after_calls", given["after_calls"], least=1))
    at_seconds = read_number("at_seconds", given["at_seconds"])
    if not math.isfinite(at_seconds):
        raise refuse_field("at_seconds", at_seconds, "a number of seconds that comes to pass")
    latest = max((step.at_seconds for step in before if step.at_seconds is not None), default=0.0)
    if at_seconds < latest:
        raise InvalidRequestError(
            f"at_seconds is {at_seconds:g}, but a step before is at {latest:g}: steps stand in the order of time"
        )
    return Step(acts, at_seconds, None)


class Player:
    """Plays a scenario on a domain: ``note_call`` tells it of each call of the API."""

    def __init__(
        self, scenario: Scenario, state: State, *, clock: Clock, sleep: Sleep, on_step: Callable[[str], None]
    ) -> None:
        self._steps = scenario.steps
        self._state = state
        self._clock = clock
        self._sleep = sleep
        self._on_step = on_step
        self._calls = 0
        self._called = asyncio.Event()

    def note_call(self) -> None:
        """Count a call."""
        self._calls += 1
        self._called.set()

    async def play(self) -> None:
        """Do all steps, each when its time has come; ``on_step`` is told what was done, or why it could not be."""
        began = self._clock()
        reached = 0
        for place, step in enumerate(self._steps):
            if step.at_seconds is not None:
                await self._sleep(max(0.0, began + step.at_seconds - self._clock()))
                reached = self._calls
            else:
                reached += step.after_calls or 0
                await self._wait_for_calls(reached)
            try:
                step.do(self._state, self._clock())
            except RequestError as error:
                self._on_step(f"steps[{place}] could not be done: {error}")
            else:
                self._on_step(f"steps[{place}] is done: {', '.join(step.acts)}")

    async def _wait_for_calls(self, number: int) -> None:
        while self._calls < number:
            self._called.clear()
            await self._called.wait()
