"""The reference pages that are made from the code: settings, commands, the connector contract. Run this module to write them anew."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer

from signalpost.cli import build_app
from signalpost.cli.doctor.examination import GROUPS
from signalpost.cli.doctor.findings import name_check
from signalpost.cli.doctor.network import NETWORK
from signalpost.cli.endings import Ending
from signalpost.cli.remote.settings import VARIABLES
from signalpost.settings import Settings
from tests.house.contract_page import write_contract

REFERENCE = Path(__file__).parents[2] / "docs" / "reference"

SETTINGS_HEAD = """# Settings

Each is read from the environment, `SIGNALPOST_` and its name; options of commands go before it. `signalpost settings` shows what is in
effect, secrets masked. A wrong value is named there and at the start, with what would be right.

| setting | default | meaning |
|---|---|---|
"""

COMMANDS_HEAD = """# Commands

`signalpost COMMAND --help` says the same. Every option can also be given by the environment variable named beside it.

| exit code | means |
|---|---|
"""

SERVERS_HEAD = """
`serve`, `api`, `worker`, `listen` and `sandbox` run until they are told to stop, and Ctrl-C tells them so: once they are ready they end
in order, with 0.

`instances`, `events`, `deliveries` and `login` ask a [server](../how-to/use-the-command-line.md) by its API: that of the profile named
by `--profile`; without one that of the environment, if it says anything of these; else that of the profile `default`.

| variable | meaning |
|---|---|
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
            given = option.param_type_name == "option"
            named = option.envvar or "_".join([*name.upper().replace("-", "_").split(), option.name.upper()])
            default = "" if option.default is None else f"`{option.default}`"
            shown, told = (
                (", ".join(option.opts), f"`{named}`") if given else (option.metavar or option.name, "")
            )
            page += (
                f"| `{shown.upper() if not given else shown}` | {told} | {default} | {option.help or ''} |\n"
            )
        pages.append(page)
    endings = "".join(f"| {each.value} | {each.meaning} |\n" for each in Ending)
    variables = "".join(f"| `{name}` | {meaning} |\n" for name, meaning in VARIABLES.items())
    return COMMANDS_HEAD + endings + SERVERS_HEAD + variables + "\n" + "\n".join(pages)


DOCTOR_HEAD = """# Doctor

`signalpost doctor` looks for what is most often misconfigured, and says what to do about each. Run it as the user that runs the service, with the
same settings; the service may run or not. It changes nothing and starts nothing: the database is read in transactions that cannot
write. Secrets are never shown. A check that takes longer than five seconds is given up;
connectors of other packages are given 15 s each to load, as the service gives them.

| verdict | means |
|---|---|
| `ok` | it is well |
| `warning` | it may be meant, but seldom is, or will be trouble |
| `failure` | it is wrong |
| `skipped` | there was nothing to look at, or it could not be looked at; the reason is told |

| exit code | means |
|---|---|
| 0 | nothing failed; there may be warnings |
| 1 | at least one failure |
| 2 | an option is wrong, or the file of `--poller-configuration` cannot be read |

With `--json` it prints one object: `verdict`, the worst of all, and `checks`, each with `name`, `verdict`, `message`, `remedy`. With
`--online` it also calls out, as the service would; it delivers nothing, and asks callbacks and providers by `HEAD`. The limit of open
files is the one of this command: compare it with that of the service's unit. Of more than 10,000 instances so many are looked at, those
in trouble first.
"""


def write_doctor() -> str:
    page = DOCTOR_HEAD
    for group, checks in GROUPS.items():
        online = ": with `--online`" if checks is NETWORK else ""
        page += f"\n## {group}{online}\n\n| check | finds |\n|---|---|\n"
        for check in checks:
            page += f"| `{name_check(check)}` | {' '.join((check.__doc__ or '').split())} |\n"
    return page


PAGES = {
    "settings.md": write_settings,
    "commands.md": write_commands,
    "connector-contract.md": write_contract,
    "doctor.md": write_doctor,
}

if __name__ == "__main__":
    for file, write in PAGES.items():
        (REFERENCE / file).write_text(write())
