"""Completion and help of the whole command line need none of the commands; a real bash completes."""

from __future__ import annotations

import asyncio
import inspect
import sys
from importlib import import_module
from pathlib import Path

import pytest
import typer

from signalpost.cli import COMMANDS, GROUPS, build_app, build_lazy_app
from signalpost.cli.endings import Ending
from tests.cli.commands import write_profiles
from tests.processes import environment

SCRIPT = """
set -u
eval "$(signalpost --show-completion bash)"
complete_words() {
    COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); COMPREPLY=()
    $(complete -p signalpost | sed 's/.*-F \\([^ ]*\\) .*/\\1/') signalpost
    echo "${COMPREPLY[@]}"
}
complete_words signalpost d
complete_words signalpost events ''
complete_words signalpost deliveries send-failed --s
complete_words signalpost events tail --profile pro
"""


@pytest.mark.parametrize("name", COMMANDS)
def test_a_command_is_summarised_by_the_words_that_it_begins_with(name):
    module, summary = COMMANDS[name]
    help_text = inspect.getdoc(getattr(import_module(f"signalpost.cli.{module}"), name))
    assert help_text is not None
    assert help_text.startswith(summary.rstrip("."))


def test_the_lazy_command_line_has_the_same_commands():
    whole, lazy = (typer.main.get_command(each()) for each in (build_app, build_lazy_app))
    assert [*whole.commands] == [*lazy.commands] == [*COMMANDS, *GROUPS]
    context = lazy.make_context("signalpost", [], resilient_parsing=True)
    for name, command in whole.commands.items():
        _, found, rest = lazy.resolve_command(context, [name, "more"])
        assert rest == ["more"]
        assert [each.name for each in found.params] == [each.name for each in command.params]
        assert {*getattr(found, "commands", ())} == {*getattr(command, "commands", ())}


async def list_imported(*arguments, **variables):
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-X", "importtime", "-m", "signalpost", *arguments),
        env={**environment(), **variables},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    return out.decode(), {line.rpartition("|")[2].strip() for line in err.decode().splitlines()}


async def test_help_and_completion_import_no_command_that_is_not_wanted():
    out, imported = await list_imported("--help")
    assert "Send" not in out
    assert all(name in out for name in (*COMMANDS, *GROUPS))
    ours = {name for name in imported if name.startswith("signalpost.")}
    assert ours == {"signalpost.cli", "signalpost.cli.endings", "signalpost.model", "signalpost.model.errors"}
    told = {"_SIGNALPOST_COMPLETE": "complete_bash", "COMP_WORDS": "signalpost events l", "COMP_CWORD": "2"}
    out, imported = await list_imported(**told, _PYTHON_PROG="signalpost")
    assert not {"aiohttp", "asyncpg", "fastapi", "signalpost.settings"} & imported


async def test_a_real_bash_completes_commands_options_and_profiles(tmp_path):
    write_profiles(tmp_path, "[profiles.production]\n[profiles.test]\n")
    process = await asyncio.create_subprocess_exec(
        *("bash", "--norc", "-c", SCRIPT),
        env={
            **environment(),
            "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
            "XDG_CONFIG_HOME": str(tmp_path),
        },
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await process.communicate()
    assert err == b"", err.decode()
    assert out.decode().splitlines() == [
        "demo doctor deliveries",
        "list show tail export",
        "--since",
        "production",
    ]


def test_exit_codes_are_those_that_shells_know():
    assert [each.value for each in Ending] == [0, 1, 2, 3, 4, 5, 130]
    assert all(each.meaning for each in Ending)
