"""Structured logs: one line each, a fixed action name and facts."""

from __future__ import annotations

import asyncio
import atexit
import contextlib
import json
import logging
import sys
import threading
from collections import deque
from collections.abc import Callable, MutableMapping
from datetime import UTC, datetime
from typing import Any, TextIO

import orjson
import structlog

Facts = MutableMapping[str, Any]

NEVER_ODD = frozenset({int, float, bool, type(None)})
"""Kinds of values that hold nothing to quote."""


def get_logger(part: str) -> Any:
    """Give the logger of a part of the product. Messages are action names, ``noun.verb_past``; facts are keywords.

    Where a line is written for each notification keep ``get_logger(part).bind()``: that saves a third of its cost.
    """
    return structlog.get_logger(part=part)


def configure_logging(*, level: str, json_lines: bool, stream: TextIO = sys.stderr) -> None:
    """Send logs to ``stream``: JSON lines for machines, else one readable line each. Other libraries' too."""
    renderer: Callable[[Any, str, Facts], str] = write_plain
    if json_lines:
        renderer = write_json
    elif stream.isatty():
        renderer = Coloured()
    shared: list[Any] = [stamp, structlog.processors.format_exc_info]
    lines = Lines(stream)
    atexit.register(lines.flush)
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=_make_logger_class(level),
        logger_factory=lambda *_: lines,
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    logging.basicConfig(
        handlers=[handler], level=max(logging.WARNING, logging.getLevelName(level.upper())), force=True
    )


class _QuickInfo:
    """Writes what structlog's own loggers write, without copying the facts at every step: for a line each attempt."""

    _context: Facts
    _logger: Any
    _processors: list[Callable[[Any, str, Any], Any]]

    def info(self, event: str, **facts: Any) -> None:
        line: Any = {**self._context, **facts, "event": event}
        try:
            for process in self._processors:
                line = process(self._logger, "info", line)
        except structlog.DropEvent:
            return
        self._logger.info(line)


def _make_logger_class(level: str) -> Any:
    quiet = structlog.make_filtering_bound_logger(level.lower())
    if logging.getLevelName(level.upper()) > logging.INFO:
        return quiet
    return type("Logger", (_QuickInfo, quiet), {})


class Lines:
    """Writes lines to ``stream``: those of one turn of the event loop together, what is wrong at once.

    To write each by itself costs as much as to make it. So a line waits until the loop is through with what is ready
    now, and has not waited for anything since: a process that is killed loses no more than it told in that moment.
    """

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._waiting: deque[str] = deque()  # threads may add to it without the lock
        self._asked: asyncio.AbstractEventLoop | None = None
        self._lock = threading.Lock()  # for the order of what is written

    def info(self, line: str) -> None:
        """Write a line with the others of this moment; at once where no loop runs."""
        self._waiting.append(line)
        if self._asked is not None and not self._asked.is_closed():
            return
        try:
            self._asked = asyncio.get_running_loop()
        except RuntimeError:
            self.flush()
        else:
            self._asked.call_soon(self.flush)

    def error(self, line: str) -> None:
        """Write a line at once, after those that wait."""
        self._waiting.append(line)
        self.flush()

    debug = info
    warning = critical = error

    def flush(self) -> None:
        """Write what waits; lines that cannot be written are lost."""
        with self._lock:
            self._asked = None
            lines = []
            while self._waiting:
                lines.append(self._waiting.popleft() + "\n")
            # A disk that is full, or a reader that is gone: the work goes on without its log.
            with contextlib.suppress(OSError, ValueError):
                if lines:
                    self._stream.write("".join(lines))
                    self._stream.flush()


class Coloured:
    """Writes lines for a terminal. What would steer it, in a text from elsewhere, stands escaped there."""

    def __init__(self) -> None:
        self._write = structlog.dev.ConsoleRenderer(
            colors=True, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )

    def __call__(self, logger: object, method: str, facts: Facts) -> str:
        """Write one (structlog)."""
        shown = {
            key: _escape(value, kept="\n" if key == "exception" else "") if isinstance(value, str) else value
            for key, value in facts.items()
        }
        return self._write(logger, method, shown)


def stamp(_logger: object, method: str, facts: Facts) -> Facts:
    """Add the time and the level, which is the method's name: structlog's own two ways of that cost twice as much."""
    facts["timestamp"] = datetime.now(UTC)
    facts["level"] = method
    return facts


def write_json(_logger: object, _method: str, facts: Facts) -> str:
    """Write a line of JSON. What the fast writer cannot take (half a character, a huge number) goes the slow way."""
    try:
        return orjson.dumps(facts, default=str, option=orjson.OPT_UTC_Z).decode()
    except TypeError:
        return json.dumps(facts, default=str)


def write_plain(_logger: object, _method: str, facts: Facts) -> str:
    """Write ``time [level] name key=value ...``; a value with anything odd in it is quoted, so that a line is one."""
    at, level, name = facts.pop("timestamp"), facts.pop("level"), str(facts.pop("event"))
    if not name.isprintable():  # the message of another library
        name = repr(name)
    traceback = facts.pop("exception", None)
    told = " ".join(
        [
            f"{key}={value if type(value) in NEVER_ODD else _write_value(value)}"
            for key, value in facts.items()
        ]
    )
    line = f"{at.isoformat(timespec='milliseconds')[:-6]}Z [{level}] {name} {told}"
    return line if traceback is None else f"{line}\n" + _escape(str(traceback), kept="\n")


def _write_value(value: object) -> str:
    text = value if isinstance(value, str) else str(value)
    return text if text.isprintable() and " " not in text and text else repr(text)


def _escape(text: str, *, kept: str) -> str:
    """Escape what does not print, but for the characters ``kept``."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() or each in kept else repr(each)[1:-1] for each in text)
