"""Structured logs: one line each, a fixed action name and facts."""

from __future__ import annotations

import json
import logging
import sys
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
        renderer = structlog.dev.ConsoleRenderer(
            colors=True, pad_event_to=0, exception_formatter=structlog.dev.plain_traceback
        )
    shared: list[Any] = [stamp, structlog.processors.format_exc_info]
    structlog.configure(
        processors=[*shared, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level.lower()),
        logger_factory=structlog.WriteLoggerFactory(stream),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    logging.basicConfig(
        handlers=[handler], level=max(logging.WARNING, logging.getLevelName(level.upper())), force=True
    )


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
    return line if traceback is None else f"{line}\n{traceback}"


def _write_value(value: object) -> str:
    text = value if isinstance(value, str) else str(value)
    return text if text.isprintable() and " " not in text and text else repr(text)
