"""``signalpost connector new``: a package that passes its own test, is installed by pip and found by the service."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from signalpost.cli.connector import LAID_DOWN, lay_down
from signalpost.connectors.registry import load_registry
from signalpost.model.errors import ConflictError, InvalidRequestError
from tests.support import PATIENCE_SECONDS

COMMAND = Path(sys.executable).parent / "signalpost"


def run(*arguments, cwd, **environment):
    return subprocess.run(
        [str(each) for each in arguments],
        check=False,
        cwd=cwd,
        capture_output=True,
        text=True,
        env={"PATH": "/usr/bin:/bin", "HOME": str(cwd), **environment},
    )


def test_it_passes_its_own_test_at_once_and_its_files_are_those_named(tmp_path):
    done = run(COMMAND, "connector", "new", "help-desk", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "help-desk/ holds a connector" in done.stdout
    assert done.stdout.splitlines()[1:] == ["  cd help-desk", "  pip install -e . pytest", "  pytest"]
    folder = tmp_path / "help-desk"
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert files == {
        "pyproject.toml",
        "src/signalpost_help_desk/__init__.py",
        "tests/test_help_desk.py",
        "docs/help-desk.md",
    }
    assert len(files) == len(LAID_DOWN)
    assert [path.name for path in tmp_path.iterdir()] == ["help-desk"]
    passed = run(sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=folder)
    assert passed.returncode == 0, passed.stdout + passed.stderr
    again = run(COMMAND, "connector", "new", "help-desk", cwd=tmp_path)
    assert again.returncode == 1
    assert "there is a" in again.stderr
    assert "Traceback" not in again.stderr


def test_it_is_installed_by_pip_and_the_service_finds_it(tmp_path, monkeypatch):
    folder = lay_down("acme", tmp_path)
    target = tmp_path / "installed"
    install = ["-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    done = run(sys.executable, *install, "--target", target, folder, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    monkeypatch.syspath_prepend(str(target))
    monkeypatch.setenv("PYTHONPATH", str(target))
    registry = load_registry(egnyte_url=None, probe_seconds=PATIENCE_SECONDS)
    assert registry.left_out == {}
    assert registry.find("acme").name == "Acme"
    sys.modules.pop("signalpost_acme")


@pytest.mark.parametrize(
    "name",
    [
        "",
        "Acme",
        "1acme",
        "-acme",
        "acme-",
        "acme_",
        "a--b",
        "a/b",
        "../acme",
        ".",
        "a b",
        "acmé",
        "acme\n",
        "$name",
        "a" * 41,
        "a\x00",
    ],
)
def test_a_bad_name_is_refused_and_nothing_is_written(tmp_path, name):
    with pytest.raises(InvalidRequestError, match="as in help-desk"):
        lay_down(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_the_name_of_another_connector_and_of_what_is_there_are_refused(tmp_path):
    with pytest.raises(InvalidRequestError, match="'egnyte' is the key of another connector, Egnyte"):
        lay_down("egnyte", tmp_path)
    (tmp_path / "taken").mkdir()
    (tmp_path / "file").write_text("mine")
    for name in ("taken", "file"):
        with pytest.raises(ConflictError, match="nothing was written"):
            lay_down(name, tmp_path)
    (tmp_path / "dangling").symlink_to(tmp_path / "nowhere")
    with pytest.raises(ConflictError, match="nothing was written"):
        lay_down("dangling", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["dangling", "file", "taken"]
    assert (tmp_path / "file").read_text() == "mine"


def test_what_fails_amid_it_leaves_nothing(tmp_path, monkeypatch):
    monkeypatch.setitem(LAID_DOWN, "docs.md.template", "docs/$nothing.md")
    with pytest.raises(KeyError):
        lay_down("acme", tmp_path)
    assert list(tmp_path.iterdir()) == []
