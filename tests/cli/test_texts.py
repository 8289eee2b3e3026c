"""Texts that no command can use: of each option and argument of every command one line tells which it is."""

from __future__ import annotations

from pathlib import Path

import pytest
import typer

from signalpost.cli import build_app
from tests.cli.commands import run as run_process
from tests.processes import environment

NO_TEXT = "op\udcff"
"""A byte that is no UTF-8, as Python gives it in arguments and variables."""


def list_commands(command, *path):
    """Give each command with the words that run it."""
    groups = getattr(command, "commands", {})
    if not groups:
        yield path, command
    for name, each in groups.items():
        yield from list_commands(each, *path, name)


def takes_text(parameter):
    """Say whether it is no flag, no file, and no switch of typer's own."""
    descriptor = parameter.type_descriptor
    return not descriptor.is_path and descriptor.annotation is not bool and parameter.name != "data_dir"


ALL = [
    (path, parameter)
    for path, command in list_commands(typer.main.get_command(build_app()))
    for parameter in command.params
]
OPTIONS = [(path, each) for path, each in ALL if each.param_type_name == "option" and takes_text(each)]
ARGUMENTS = [(path, each) for path, each in ALL if each.param_type_name == "argument" and takes_text(each)]


def name_each(value):
    return "-".join(value) if isinstance(value, tuple) else value.name


def list_arguments(path):
    """Give a value for each argument of a command."""
    return ["1" for others, each in ALL if others == path and each.param_type_name == "argument"]


def test_there_are_options_and_arguments_to_be_tried():
    assert len(OPTIONS) > 60
    assert {name_each(each) for _, each in ARGUMENTS} >= {
        "instance",
        "delivery",
        "event_id",
        "name",
        "number",
    }


@pytest.mark.parametrize(("path", "option"), OPTIONS, ids=name_each)
def test_bytes_that_are_no_text_are_refused_by_the_option_that_they_are_given_to(run, path, option):
    code, line = run(*path, option.opts[0], NO_TEXT)
    assert code == 2
    assert f"'{option.opts[0]}'" in line
    assert ("op\\udcff" in line) is (option.name != "key")  # a secret is shown to nobody
    assert line.endswith(f"; see signalpost {' '.join(path)} --help")


@pytest.mark.parametrize(("path", "option"), OPTIONS, ids=name_each)
def test_bytes_of_a_variable_are_told_by_its_option(run, path, option):
    name = option.envvar or f"SIGNALPOST_{'_'.join(path).upper().replace('-', '_')}_{option.name.upper()}"
    code, line = run(*path, *list_arguments(path), **{name.removeprefix("SIGNALPOST_"): NO_TEXT})
    assert code == 2
    assert f"'{option.opts[0]}'" in line


@pytest.mark.parametrize("given", [NO_TEXT, "", " "])
@pytest.mark.parametrize(("path", "argument"), ARGUMENTS, ids=name_each)
def test_an_argument_that_is_no_text_or_empty_is_refused_before_it_becomes_part_of_a_path(
    run, path, argument, given
):
    others = list_arguments(path)
    place = [each.name for other, each in ARGUMENTS if other == path].index(argument.name)
    code, line = run(*path, *others[:place], given, *others[place + 1 :])
    assert code == 2
    assert f"'{argument.metavar}'" in line
    assert repr(given) in line


def test_of_a_url_that_is_no_text_the_password_is_not_told(run):
    for command in ("deliveries replay 1", "import open-connectors", "login"):
        code, line = run(*command.split(), "--url", "http://me:hunter2@x/\udcff")
        assert code == 2
        assert "'http://***@x/\\udcff'" in line
        assert "hunter2" not in line


async def test_the_name_of_a_file_may_have_any_bytes(tmp_path: Path):
    shown = await run_process("settings", "--data-dir", "da\udcff", env=environment())
    assert (shown.code, shown.err) == (0, "")
    assert "SIGNALPOST_DATA_DIR=da\\udcff\n" in shown.out
    kept = tmp_path / "pollers\udcff.json"
    kept.write_text("{")
    judged = await run_process("doctor", "--poller-configuration", kept, env=environment())
    assert judged.code == 2
    assert "this is not JSON" in judged.out + judged.err
