"""Connectors of other packages: whatever one does when it is loaded, it is left out and told, and the rest runs."""

from __future__ import annotations

import importlib
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from signalpost.connectors.registry import load_registry
from signalpost.model.errors import NotFoundError
from tests.support import PATIENCE_SECONDS

GOOD = """
    from signalpost.connectors.egnyte import EgnyteConnector

    class Made(EgnyteConnector):
        key, id, name = "acme", 7, "Acme"

    def make(url):
        return Made(url)
"""


def change(line: str) -> str:
    """Give a package whose connector is good but for this line of its class."""
    return GOOD.replace("\n    def make", f"\n        {line}\n\n    def make")


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Install packages as pip does, as far as entry points see it: a module, and a folder that announces it."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    installed = []

    def lay(name: str, text: str) -> None:
        (tmp_path / f"{name}_connector.py").write_text(textwrap.dedent(text))
        info = tmp_path / f"{name}-1.0.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        (info / "entry_points.txt").write_text(f"[signalpost.connectors]\n{name} = {name}_connector:make\n")
        installed.append(f"{name}_connector")
        importlib.invalidate_caches()

    yield lay
    for each in installed:
        sys.modules.pop(each, None)


def test_a_connector_of_another_package_is_found_by_key_and_by_number(install):
    install("acme", GOOD)
    registry = load_registry(egnyte_url=None, probe_seconds=PATIENCE_SECONDS)
    assert registry.find("ACME") is registry.find("7")
    assert [each.key for each in registry] == ["egnyte", "acme"]
    assert registry.left_out == {}


UNLOADABLE = {
    "raising": ("raise RuntimeError('token=hunter2')", "it raised RuntimeError"),
    "ending": ("import sys; sys.exit(3)", "it raised SystemExit"),
    "dying": ("import os; os._exit(3)", "it ended the process that loaded it (exit code 3)"),
    "crashing": (
        "def make(url): import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
        "it ended the process that loaded it (signal 11)",
    ),
    "empty": ("", "it raised AttributeError"),
    "failing": ("def make(url): return 1 / 0", "it raised ZeroDivisionError"),
    "nothing": ("def make(url): return None", "NoneType has no find_host"),
    "text": ("def make(url): return 'connector'", "str has no"),
    "asked": (change("calls_per_second = property(lambda self: 1 / 0)"), "it raised ZeroDivisionError"),
    "egnyte": (change("key = 'egnyte'"), "key: 'egnyte' is that of another connector, Egnyte"),
}


def test_those_that_are_wrong_are_left_out_and_told_once_and_the_rest_runs(install):
    for name, (text, _) in UNLOADABLE.items():
        install(name, text)
    install("zeta", GOOD)
    with capture_logs() as told:
        registry = load_registry(egnyte_url=None, probe_seconds=PATIENCE_SECONDS)
        registry.tell_left_out()
    assert [each.key for each in registry] == ["egnyte", "acme"]
    assert set(registry.left_out) == set(UNLOADABLE)
    assert [(each["event"], each["connector"]) for each in told] == [
        ("connector.left_out", name) for name in sorted(UNLOADABLE)
    ]
    for each in told:
        reason = UNLOADABLE[each["connector"]][1]
        assert reason in each["reason"]
        assert reason in registry.left_out[each["connector"]]
    assert "hunter2" not in str(told)
    assert "hunter2" not in str(registry.left_out)
    with pytest.raises(NotFoundError, match="known: acme, egnyte"):
        registry.find("raising")


def test_one_that_hangs_is_waited_for_only_so_long(install):
    install("hanging", "import threading; threading.Event().wait()")
    registry = load_registry(egnyte_url=None, probe_seconds=0.5)
    assert [each.key for each in registry] == ["egnyte"]
    assert registry.left_out == {"hanging": "hanging_connector:make: it was not loaded within 0.5 s"}


def test_one_that_is_left_out_is_told_apart_from_the_verdicts(install, tmp_path):
    install("failing", UNLOADABLE["failing"][0])
    file = tmp_path / "configuration.json"
    file.write_text('{"egnyte": {"users": {"url": "/hubs/documents/users", "idField": "id"}}}')
    done = subprocess.run(
        [Path(sys.executable).parent / "signalpost", "doctor", "--poller-configuration", file],
        check=True,
        capture_output=True,
        text=True,
    )
    assert [line.partition(":")[0] for line in done.stdout.splitlines()] == ["egnyte.users"]
    assert done.stderr.splitlines() == [
        "the connector failing is left out: failing_connector:make: it raised ZeroDivisionError"
    ]
