"""Commands whose standard streams are closed, full, or a person who interrupts a question."""

from __future__ import annotations

import os
import pty
import subprocess
import sys
import termios
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from signalpost.cli.admin import settings
from signalpost.testing.calls import wait_until
from tests.processes import START_SECONDS, environment
from tests.support import PATIENCE_SECONDS

POLLERS = '{"url": "/things", "idField": "id"}'
NOWHERE = "http://127.0.0.1:1"
NO_DATABASE = "postgresql://me@127.0.0.1:1/x"
# The terminal is that of a session of its own, so that its Ctrl-C is for this process.
AT_A_TERMINAL = """
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "signalpost", *sys.argv[1:]])
"""


def run(command, before="", **settings):
    """Run ``signalpost`` as a shell does, which closes streams and sends them to devices."""
    return subprocess.run(
        f"{before}{sys.executable} -m signalpost {command}",
        shell=True,
        env=environment(**settings),
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )


def test_a_stream_that_was_closed_before_is_no_fault_of_the_command(tmp_path):
    file = tmp_path / "pollers.json"
    file.write_text(POLLERS)
    judged = run(f"doctor --poller-configuration {file}")
    assert judged.returncode in (0, 1)
    silent = run(f"doctor --poller-configuration {file} >&-")
    assert (silent.returncode, silent.stdout, silent.stderr) == (judged.returncode, "", "")
    unasked = run("login <&-")
    assert unasked.returncode == 1
    assert unasked.stderr.startswith("signalpost: standard input is not ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="a device of Linux")
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "command",
    [
        "--version",
        "--help",
        "events list --help",
        "settings",
        "openapi",
        "doctor --poller-configuration {file}",
    ],
)
def test_output_that_cannot_be_written_is_one_line(tmp_path, monkeypatch, command, unbuffered):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    file = tmp_path / "pollers.json"
    file.write_text(POLLERS)
    full = run(f"{command.format(file=file)} > /dev/full")
    assert full.returncode == 1
    assert full.stderr == "signalpost: the output cannot be written: No space left on device\n"


@pytest.mark.parametrize("unbuffered", ["", "1"])
def test_output_that_nobody_reads_ends_the_command_without_a_word(monkeypatch, unbuffered):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    reader, writer = os.pipe()
    os.close(reader)
    for command in ("--version", "settings", "openapi"):
        unread = subprocess.run(
            [sys.executable, "-m", "signalpost", *command.split()],
            env=environment(),
            stdout=writer,
            stderr=subprocess.PIPE,
            text=True,
            timeout=START_SECONDS,
            check=False,
        )
        assert (unread.returncode, unread.stderr) == (1, ""), command
    os.close(writer)


def test_what_the_output_does_not_know_stands_escaped_in_it(monkeypatch):
    monkeypatch.setenv("PYTHONIOENCODING", "ascii")
    shown = run("settings", data_dir="/tmp/Übersicht")
    assert shown.returncode == 0
    assert "SIGNALPOST_DATA_DIR=/tmp/\\xdcbersicht\n" in shown.stdout


@pytest.mark.parametrize("name", ["egnyte_url", "public_url", "proxy_url", "database_url"])
def test_the_settings_show_no_password_of_a_url(name, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv(f"SIGNALPOST_{name.upper()}", "https://ada:pass-word@example.com:8443")
    settings(tmp_path)
    shown = capsys.readouterr()
    assert f"SIGNALPOST_{name.upper()}=" in shown.out
    assert "pass-word" not in shown.out + shown.err


@pytest.mark.parametrize(
    ("name", "value", "wrong"),
    [
        ("retry_schedule_seconds", "0,1", "is no list of seconds"),
        ("allowed_networks", "a b", "SIGNALPOST_ALLOWED_NETWORKS"),
        ("proxy_url", "proxy", "SIGNALPOST_PROXY_URL"),
        ("public_url", "https://example.com/?a", "SIGNALPOST_PUBLIC_URL"),
        ("egnyte_url", "egnyte", "SIGNALPOST_EGNYTE_URL"),
        ("trusted_proxies", "x", "SIGNALPOST_TRUSTED_PROXIES"),
        ("encryption_keys", "abc", "SIGNALPOST_ENCRYPTION_KEYS"),
        ("connector_files", "/nowhere.toml", "/nowhere.toml"),
        ("database_url", "mysql://me:hunter2@h/d", "SIGNALPOST_DATABASE_URL"),
        ("database_direct_url", "postgresql://h/d", "SIGNALPOST_DATABASE_DIRECT_URL"),
    ],
)
def test_the_settings_are_shown_and_what_a_start_would_refuse_is_told(
    name, value, wrong, tmp_path, monkeypatch, capsys
):
    monkeypatch.setenv(f"SIGNALPOST_{name.upper()}", value)
    settings(tmp_path)
    shown = capsys.readouterr()
    assert f"SIGNALPOST_{name.upper()}=" in shown.out
    assert wrong in shown.err
    assert shown.err.count("\n") == 1
    assert "hunter2" not in shown.out + shown.err
    assert list(tmp_path.iterdir()) == []


def test_a_command_that_is_interrupted_while_it_is_imported_says_nothing(tmp_path):
    (tmp_path / "typer.py").write_text("raise KeyboardInterrupt\n")
    ended = subprocess.run(
        [sys.executable, "-m", "signalpost", "--version"],
        env=environment() | {"PYTHONPATH": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=START_SECONDS,
        check=False,
    )
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")


@contextmanager
def run_at_a_terminal(command, **settings):
    terminal, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", AT_A_TERMINAL, *command.split()],
        env=environment(**settings),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    try:
        yield terminal, process
    finally:
        process.kill()
        process.wait()
        os.close(terminal)


def test_a_question_that_is_interrupted_ends_as_any_interruption():
    with run_at_a_terminal("login", url="http://127.0.0.1:1") as (terminal, process):
        shown = b""
        while b"User secret" not in shown:
            shown += os.read(terminal, 1000)
        os.write(terminal, b"\x03")
        assert process.wait(START_SECONDS) == 130


@pytest.mark.parametrize("command", ["login", "credentials password --email ada@example.com"])
def test_what_is_typed_and_is_no_text_is_one_line(command):
    with run_at_a_terminal(command, url=NOWHERE, database_url=NO_DATABASE) as (terminal, process):
        # What is typed before what it shows is switched off would be thrown away.
        wait_until(
            lambda: not termios.tcgetattr(terminal)[3] & termios.ECHO,
            "a question",
            seconds=START_SECONDS,
            tell=lambda: "",
        )
        os.write(terminal, b"four other words \xff\n")
        shown = b""
        with suppress(OSError):  # so it is told that nobody holds the other end any more
            while more := os.read(terminal, 1000):
                shown += more
        assert process.wait(START_SECONDS) == 1
        told = shown.decode().rpartition("signalpost: ")[2]
        assert told.strip().count("\n") == 0
        assert "has bytes that are no utf-8; " in told


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8:strict", "utf-8:surrogateescape", "ascii:strict"])
def test_a_password_that_is_no_text_is_refused_whatever_standard_input_takes(monkeypatch, encoding):
    monkeypatch.setenv("PYTHONIOENCODING", encoding)
    given = "printf 'four other words \\377\\n'"
    told = run("credentials password --email ada@example.com", before=f"{given} | ", database_url=NO_DATABASE)
    assert (told.returncode, told.stdout) == (1, "")
    name = encoding.partition(":")[0]
    assert told.stderr == (
        f"signalpost: standard input: the new password has bytes that are no {name}; give it as text\n"
    )


@contextmanager
def read_one_line(*command):
    """Run ``signalpost`` as in ``signalpost ... | head -1``; give the process and the URL in that line."""
    process = subprocess.Popen(
        [sys.executable, "-m", "signalpost", *command],
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            url = process.stdout.readline().split()[-1]
            process.stdout.close()
            yield process, url
        finally:
            process.kill()


def test_a_receiver_whose_output_nobody_reads_any_more_takes_what_comes_and_ends(tmp_path):
    kept = tmp_path / "received.jsonl"
    with read_one_line("listen", "--port", "0", "--jsonl", kept) as (process, url):
        assert httpx.post(url, json={"kind": "gone"}).status_code == 200
        assert process.wait(PATIENCE_SECONDS) == 1
        assert process.stderr.read() == ""
    assert len(kept.read_text().splitlines()) == 1


def test_a_scenario_that_nobody_reads_of_any_more_is_played_to_its_end(tmp_path):
    scenario = tmp_path / "scenario.toml"
    scenario.write_text(
        "".join(f"[[steps]]\nafter_calls = {calls}\nchanges = {{count = 1}}\n" for calls in (1, 1, 1))
    )
    with read_one_line("sandbox", "egnyte", "--port", "0", "--scenario", scenario) as (process, url):
        for _ in range(3):
            httpx.get(f"{url}/pubapi/v1/userinfo")
        asked = f"{url}/_sandbox/events?after=0"
        wait_until(
            lambda: len(httpx.get(asked).json()["events"]) == 3,
            "three steps",
            seconds=PATIENCE_SECONDS,
            tell=lambda: "",
        )
        process.terminate()
        assert process.wait(PATIENCE_SECONDS) == 0
        assert process.stderr.read() == ""
