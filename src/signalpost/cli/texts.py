"""What the texts given to any command must be, looked at in one place before the command runs."""

from __future__ import annotations

from functools import partial
from typing import Any

import typer

FILES = frozenset({"data_dir"})
"""Options that are texts and name files: names of files may have any bytes. Those that are paths are no texts."""

SECRETS = frozenset({"key"})
"""Options whose values are not shown."""

MOST_SHOWN = 100


def guard(command: Any) -> None:
    """Have a command, or each of a group, refuse texts that are none, by which option or argument they were given."""
    for parameter in command.params:
        parameter.callback = partial(_judge, parameter.callback)
    for each in getattr(command, "commands", {}).values():
        guard(each)


def _judge(further: Any, ctx: Any, parameter: Any, value: Any) -> Any:
    for text in value if isinstance(value, list | tuple) else (value,):
        if isinstance(text, str) and parameter.name not in FILES:
            _refuse_no_text(text, parameter)
    return value if further is None else further(ctx, parameter, value)


def _refuse_no_text(text: str, parameter: Any) -> None:
    """Refuse bytes that are no UTF-8, and an argument that is empty: it would be left out of the path it is a part of.

    Raises:
        typer.BadParameter: it is one of these.
    """
    try:
        text.encode()
    except UnicodeEncodeError:
        given = "" if parameter.name in SECRETS else f" (given: {_show(text)})"
        raise typer.BadParameter(f"it has bytes that are no UTF-8; give it as text{given}") from None
    if parameter.param_type_name == "argument" and not text.strip():
        raise typer.BadParameter(f"it is empty; give it a value (given: {_show(text)})")


def _show(text: str) -> str:
    # Seldom needed: not imported at each start.
    from signalpost.model.addresses import mask_url  # noqa: PLC0415

    return repr((mask_url(text) if "://" in text else text)[:MOST_SHOWN])
