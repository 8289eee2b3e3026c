"""The wheel alone does the main job: in an environment of what it asks for and nothing else, away from the checkout."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import venv
from importlib.metadata import distribution
from pathlib import Path

import pytest

from tests.release.conftest import ROOT

PIN = re.compile(r"^([a-z0-9][a-z0-9._-]*)==", re.MULTILINE)
CHANGES = 20


@pytest.fixture
def environment(built, tmp_path):
    """Give the folder of programs of a fresh environment: the wheel, and the locked packages as they are installed here."""
    folder = tmp_path / "environment"
    venv.create(folder, with_pip=False, symlinks=True)
    [packages] = folder.glob("lib/python3*/site-packages")
    for name in PIN.findall((ROOT / "requirements-service.lock").read_text()):
        if name != "colorama":  # of other systems than this
            copy_package(name, packages)
    pip(folder, "install", "--no-index", "--no-deps", "--no-compile", str(built[0]))
    return folder / "bin"


def copy_package(name: str, to: Path) -> None:
    """Copy an installed package, without the programs that it has brought."""
    files = distribution(name).files
    assert files
    for file in files:
        if ".." not in file.parts:
            target = to / file
            target.parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(file.locate(), target)
            except OSError:  # on another disk
                shutil.copy2(file.locate(), target)


def pip(folder: Path, *words: str) -> None:
    """Run this environment's pip for another one."""
    command = [
        sys.executable,
        "-m",
        "pip",
        "--disable-pip-version-check",
        "--python",
        folder / "bin" / "python",
        *words,
    ]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_demo_works_from_the_wheel_alone(environment, tmp_path):
    pip(environment.parent, "check")  # what the wheel says that it needs is there
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    done = subprocess.run(
        [environment / "signalpost", "demo", "--changes", str(CHANGES), "--json"],
        check=False,
        cwd=elsewhere,
        env={"PATH": "/usr/bin:/bin", "HOME": str(elsewhere)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout.splitlines()[-1])
    assert told["changesMade"] == told["eventsDelivered"] == CHANGES
    assert (told["duplicates"], told["outOfOrder"], told["invalidSignatures"]) == (0, 0, 0)
    assert list(elsewhere.iterdir()) == []
