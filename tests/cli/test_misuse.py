"""Options that are wrong: one line names the option, the value, and what would be right; exit code 2."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from signalpost.api.server import bind
from signalpost.cli import main
from signalpost.cli.listen import run_listener
from signalpost.model.errors import ConfigurationError
from signalpost.sandbox.egnyte import run_sandbox as run_egnyte
from signalpost.sandbox.rest import run_sandbox as run_rest
from tests.cli.commands import run as run_process
from tests.processes import environment

COMMANDS = ("serve", "api", "worker", "listen", "sandbox egnyte", "sandbox rest")


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize(
    ("port", "right"),
    [
        ("99999", "less than or equal to 65535"),
        ("-1", "greater than or equal to 0"),
        ("eighty", "a valid integer"),
    ],
)
def test_a_port_that_can_be_none_is_refused_with_the_option_and_its_variable(run, command, port, right):
    code, line = run(*command.split(), "--port", port)
    assert code == 2
    for words in (
        "'--port' (env var: 'SIGNALPOST_",
        right,
        f"(given: {port!r})",
        f"see signalpost {command} --help",
    ):
        assert words in line


def test_of_a_variable_and_an_option_the_option_is_judged(run):
    assert "(given: '70000')" in run("serve", PORT="70000")[1]
    assert "(given: '99999')" in run("serve", "--port", "99999", PORT="x")[1]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("serve --nope", "No such option: --nope"),
        ("serve extra", "unexpected extra argument(s) (extra)"),
        ("serve --port", "'--port' requires an argument"),
        ("doctor --online=5", "'--online' does not take a value"),
        ("nope", "No such command 'nope'"),
        ("--nope", "No such option: --nope"),
        ("sandbox nope", "No such command 'nope'"),
        ("listen --status 99", "'--status'"),
        ("listen --delay nan", "(given: 'nan')"),
        ("connector new Desk", "NAME: 'Desk' is no name of a connector"),
        ("import open-connectors", "give a FILE or --url"),
        ("worker --roles fly", "--roles: 'fly' is no list of poll and deliver, as in poll,deliver"),
    ],
)
def test_a_misuse_is_one_line(run, words, told):
    code, line = run(*words.split())
    assert code == 2
    assert told in line


@pytest.mark.parametrize("command", ["listen", "sandbox egnyte", "sandbox rest"])
def test_an_empty_address_is_refused_as_it_would_be_all_of_the_machine(run, command):
    code, line = run(*command.split(), "--host", "", "--port", "0")
    assert code == 2
    assert "'--host'" in line
    assert "it is empty" in line


@asynccontextmanager
async def bind_one(host):
    bind(host, 0).close()
    yield


@pytest.mark.parametrize("host", ["a" * 64, "a..b", ".a", "ü" * 64, "aa\udcff"])
@pytest.mark.parametrize("open_one", [run_listener, run_egnyte, run_rest, bind_one])
async def test_a_name_that_no_host_can_have_is_not_listened_on(open_one, host):
    with pytest.raises(ConfigurationError, match=f"cannot listen on {host[:2]}"):
        await AsyncExitStack().enter_async_context(open_one(host))


@pytest.mark.parametrize("command", COMMANDS)
async def test_a_name_that_no_host_can_have_is_told_in_one_line(command):
    database = "postgresql://me@127.0.0.1:1/x"
    host = "a" * 64
    told = await run_process(
        *command.split(), "--host", host, "--port", "0", env=environment(database_url=database)
    )
    assert (told.code, told.out) == (1, "")
    assert f"cannot listen on {host}:0" in told.err
    assert told.err.startswith("signalpost: ")
    assert told.err.count("\n") == 1


def test_an_empty_data_directory_is_not_the_folder_we_happen_to_be_in(run):
    assert "SIGNALPOST_DATA_DIR: It is set, but empty" in run("serve", "--data-dir", "")[1]


@pytest.mark.parametrize("command", ["reencrypt", "credentials password --email a@b"])
def test_a_folder_without_a_database_is_refused_where_nothing_could_be_done_in_a_new_one(run, command):
    """Else the old keys would be said to be spent by looking at a database that was made just now."""
    code, line = run(*command.split(), "--data-dir", "mistyped")
    assert code == 1
    assert "SIGNALPOST_DATA_DIR: there is no database in " in line
    assert "/mistyped; give the data directory of the service" in line


def test_a_group_without_a_command_shows_what_there_is(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["signalpost", "sandbox"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert ended.value.code == 2
    assert "egnyte" in capsys.readouterr().err
