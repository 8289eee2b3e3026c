"""The reference pages that are made from the code: settings, commands, the connector contract. Run this module to write them anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from signalpost.cli import build_app
from signalpost.settings import Settings
from tests.house.contract_page import write_contract

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"

SETTINGS_HEAD = """# Settings

Each is read from the environment, `SIGNALPOST_` and its name; options of commands go before it. `signalpost settings` shows what is in
effect, secrets masked. A wrong value is named at the start, with what would be right.

| setting | default | meaning |
|---|---|---|
"""

COMMANDS_HEAD = """# Commands

`signalpost COMMAND --help` says the same. Every option can also be given by the environment variable named beside it. Errors are one
line on standard error and exit code 1; wrong options are exit code 2.

"""


def write_settings() -> str:
    lines = []
    for name, field in Settings.model_fields.items():
        default = field.default
        shown = (
            "unset"
            if default is None
            else str(default).lower()
            if isinstance(default, bool)
            else str(default)
        )
        lines.append(f"| `SIGNALPOST_{name.upper()}` | `{shown}` | {field.description} |\n")
    return SETTINGS_HEAD + "".join(lines)


def walk(command: Any, name: str) -> Iterator[tuple[str, Any]]:
    if getattr(command, "commands", None):
        for part, child in command.commands.items():
            yield from walk(child, f"{name} {part}")
        return
    yield name, command


def write_commands() -> str:
    pages = []
    for name, command in walk(typer.main.get_command(build_app()), "signalpost"):
        page = f"## `{name}`\n\n{' '.join((command.help or '').split())}\n"
        if command.params:
            page += "\n| option | environment | default | meaning |\n|---|---|---|---|\n"
        for option in command.params:
            named = option.envvar or "_".join([*name.upper().split(), option.name.upper()])
            default = "" if option.default is None else f"`{option.default}`"
            page += f"| `{', '.join(option.opts)}` | `{named}` | {default} | {option.help or ''} |\n"
        pages.append(page)
    return COMMANDS_HEAD + "\n".join(pages)


PAGES = {
    "settings.md": write_settings,
    "commands.md": write_commands,
    "connector-contract.md": write_contract,
}

if __name__ == "__main__":
    for file, write in PAGES.items():
        (REFERENCE / file).write_text(write())
