"""The first command of a new user, ``make setup``, on a machine whose Python is too old."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from tests.docs.blocks import ROOT

# Says that it is another version; all that make asks of it before that is -c.
OLD = """#!/bin/sh
exec python3 -c 'import sys; sys.version_info = ({version}); exec(sys.argv[1])' "$2"
"""


@pytest.fixture
def set_up(tmp_path):
    """Give a function that runs ``make setup`` with a Python of a version, in a folder without a network's use."""
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    program = tmp_path / "python"

    def run(version):
        program.write_text(OLD.format(version=version))
        program.chmod(0o755)
        words = ["make", "setup", f"PYTHON={program}"]
        return subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False)

    return run


@pytest.mark.parametrize("version", ["3, 9, 6", "3, 10, 14", "2, 7, 18"])
def test_an_older_python_is_told_in_words_and_nothing_is_made(set_up, tmp_path, version):
    done = set_up(version)
    assert done.returncode != 0
    shown = ".".join(version.split(", ")[:2])
    assert f"Python 3.11 or newer is needed, and this is {shown}; name another one: " in done.stderr
    assert not (tmp_path / ".venv").exists()


def test_a_newer_one_goes_on_to_the_environment(set_up):
    done = set_up("3, 14, 0")
    assert "is needed" not in done.stderr
    assert "-m venv" in done.stdout


def test_the_list_that_is_installed_has_all_that_is_needed():
    """Nothing is looked for besides."""
    command = [sys.executable, "-m", "pip", "check", "--disable-pip-version-check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
